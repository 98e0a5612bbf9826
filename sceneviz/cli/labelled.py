"""Options of the commands that learn from labelled movies: which movies, and a flag for every field of a dataclass."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from dataclasses import Field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sceneviz as sv

if TYPE_CHECKING:
    from sceneviz.data import Movies


def add_labelled(command: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Options that say which movies are meant."""
    group = command.add_argument_group("movies")
    command.add_argument("data", metavar="DATA", help="movienet, bbc, ovsd, synthetic, or a folder of one's own")
    group.add_argument("--root", metavar="DIR", type=Path, help="where the data set lies")
    group.add_argument("--split", default="train", help="to learn from (default: train)")
    group.add_argument("--movies", metavar="N", type=int, help="only the first so many of each split")
    group.add_argument(
        "--frame-rate", metavar="RATE", help="frames a second, as 25 or 24000/1001, where there is no video to tell"
    )
    return group


def list_labelled(arguments: argparse.Namespace, split: str) -> Movies:
    """The movies of a split. None is read yet; in a loop, those that cannot be are told of, and left out."""
    movies = sv.read_movies(arguments.data, arguments.root, split=split, frame_rate=arguments.frame_rate)
    return movies[: arguments.movies]


def add_fields(group: argparse._ArgumentGroup, kind: type) -> None:
    """A flag for each field of a dataclass, read as the type of its default; help is the class's own text."""
    for field in fields(kind):
        flag = "--" + field.name.replace("_", "-")
        shown = "H,W" if isinstance(field.default, tuple) else type(field.default).__name__.upper()
        if isinstance(field.default, bool):
            group.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=_about(kind, field))
        else:
            group.add_argument(flag, type=_reader(field), metavar=shown, help=_about(kind, field))


def _about(kind: type, field: Field[Any]) -> str:
    """The first sentence of what the class's docstring says of the field; its lines go on further indented."""
    entries = re.sub(r"\n {8,}", " ", kind.__doc__ or "").splitlines()
    for names, _, text in (entry.strip().partition(": ") for entry in entries):
        if text and field.name in names.split(", "):
            return re.split(r"\.(?: (?=[A-Z])|$)", text)[0].replace("%", "%%")
    return ""


def _reader(field: Field[Any]) -> Callable[[str], Any]:
    if not isinstance(field.default, tuple):
        return type(field.default)

    def sides(text: str) -> tuple[int, ...]:
        try:
            return tuple(int(side) for side in text.replace("x", ",").split(","))
        except ValueError:
            raise argparse.ArgumentTypeError(f"expected height,width in pixels, got {text!r}") from None

    return sides


def given(arguments: argparse.Namespace, kind: type) -> dict[str, Any]:
    """The fields that were given on the line."""
    values = {field.name: getattr(arguments, field.name) for field in fields(kind)}
    return {name: value for name, value in values.items() if value is not None}
