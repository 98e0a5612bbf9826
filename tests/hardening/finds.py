"""Files that once broke a parser: the parser, the file's name, its content."""

FINDS: list[tuple[str, str, bytes]] = []
