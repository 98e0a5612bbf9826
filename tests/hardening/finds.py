"""Files that once broke a parser: the parser, the file's name, its content."""

FINDS: list[tuple[str, str, bytes]] = [
    ("shots", "a.csv", b"Scene Number,xStart Frame,Start Timecode,End Frame\n1,1,00:00:00.000,48\n"),
    ("journal", "plan.json", b'{"batch_size": "many"}'),
    ("journal", "plan.json", b"[]"),
    ("journal", "windows_000000.json", b'{"windows": 3}'),
    ("card", "sceneviz.json", b'{"threshold": -1}'),
    ("card", "sceneviz.json", b"[" * 5000),
]
