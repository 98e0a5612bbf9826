"""The command line: a thin face on the functions of the package, a verb a module."""

from sceneviz.cli.entry import main

__all__ = ["main"]
