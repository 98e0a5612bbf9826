"""What every command has in common: its parser, and one line for whatever goes wrong."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn, TextIO

import sceneviz as sv
from sceneviz._text import ScenevizError, plain
from sceneviz.cli import demo, export, export_set, figures, render, segment, train

VERBS = (segment, demo, export, figures, render, train, export_set)  # in the order of the help
MISTAKE, UNEXPECTED, INTERRUPTED = 2, 1, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status. Anything that goes wrong is one line on stderr.

    2: a mistake in what came in, or the system refused (no such file, disk full). 130: interrupted. 1: an error of
    sceneviz itself. With SCENEVIZ_DEBUG=1 in the environment errors are raised instead.
    """
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the figure shows an empty box: that is enough
        try:
            arguments = _parser().parse_args(argv)
            arguments.run(arguments)
            sys.stdout.flush()
        except (Exception, KeyboardInterrupt) as error:
            if os.environ.get("SCENEVIZ_DEBUG") == "1":
                raise
            return _failed(error)
    return 0


def _failed(error: BaseException) -> int:
    """Say what went wrong, in one line; returns the exit status."""
    match error:
        case KeyboardInterrupt():
            status, text = INTERRUPTED, "interrupted"
        case BrokenPipeError():  # whoever read the output has seen enough
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115  Python flushes it once more at its end
            return MISTAKE
        case ScenevizError():
            status, text = MISTAKE, str(error)
        case OSError():
            place = f": {error.filename}" if error.filename else ""
            status, text = MISTAKE, f"{error.strerror or error}{place}"
        case _:
            status = UNEXPECTED
            text = f"unexpected {type(error).__name__}: {error}; SCENEVIZ_DEBUG=1 in the environment shows where"
    print(f"sceneviz: {plain(text, 1000)}", file=sys.stderr)
    return status


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning as one line, without the code that gave it."""
    print(f"sceneviz: warning: {plain(message, 1000)}", file=sys.stderr)


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, like all others."""

    def error(self, message: str) -> NoReturn:
        raise ScenevizError(f"{message}; `{self.prog} --help` tells more")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """All of them are to be known, and the one who knows what a verb takes is the verb's own parser."""
        found, left = super().parse_known_args(args, namespace)
        if left:
            self.error(f"unrecognized arguments: {' '.join(left)}")
        return found, left


def _parser() -> argparse.ArgumentParser:
    """Commands and their options."""
    parser = _Parser(prog="sceneviz", description="A movie in, its scenes out, and a look inside every decision.")
    parser.add_argument("--version", action="version", version=f"sceneviz {sv.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for verb in VERBS:
        verb.add(commands)
    return parser
