"""What lies in a data set's folder, listed once; and what its arguments mean."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from sceneviz._text import ScenevizError, plain
from sceneviz.reading.text import read_text

Rate = Fraction | float | str
VIDEOS = (".mp4", ".mkv", ".webm", ".avi", ".mov", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv", ".flv", ".ogv")
NTSC = tuple(Fraction(whole * 1000, 1001) for whole in (24, 30, 60, 120))
# 23.976, 23.98 and 29.97 are how people write the NTSC rates.
ROUNDING = 0.005


class Listing:
    """The files and folders in a folder, and in those within it, by name in any case; nothing is opened.

    root: the folder. depth: how many levels down to look. skip: a pattern of folders that are listed, but not entered.
    """

    def __init__(self, root: Path, depth: int, skip: str = r"[.].*") -> None:
        if not root.is_dir():
            raise ScenevizError(f"no folder of a data set: {root}")
        self.root = root
        self._paths: dict[str, list[Path]] = {}
        level = [root]
        for _ in range(depth + 1):
            below = []
            for folder in level:
                for entry in _entries(folder):
                    self._paths.setdefault(entry.name.lower(), []).append(folder / entry.name)
                    if entry.is_dir() and not re.fullmatch(skip, entry.name):
                        below.append(folder / entry.name)
            level = below

    def all(self, name: str) -> list[Path]:
        """The paths of that name, those nearest to the root first."""
        return self._paths.get(name.lower(), [])

    def find(self, name: str, within: str = ".*") -> Path | None:
        """The first path of that name in a folder whose own name fits the pattern, or None."""
        return next((path for path in self.all(name) if re.fullmatch(within, path.parent.name, re.IGNORECASE)), None)

    def first(self, stem: str, suffixes: Sequence[str]) -> Path | None:
        """The file with that stem and the first suffix for which there is one, or None."""
        return next((path for suffix in suffixes if (path := self.find(stem + suffix))), None)

    def __iter__(self) -> Iterator[Path]:
        for paths in self._paths.values():
            yield from paths


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def plain_name(name: object, where: str) -> str:
    """A movie's name from a data file, if it is one: it must not lead out of the folder that it names a file in."""
    if not isinstance(name, str) or not re.fullmatch(r"(?![.]|[A-Za-z]:)[^/\\\x00-\x1f\x7f]+", name):
        raise ScenevizError(f"{where}: expected the name of a movie, such as 'tt0047396', got {plain(repr(name))}")
    return name


def read_json(path: Path, what: str) -> object:
    """The content of a JSON file, or an error that names it and the line."""
    try:
        return json.loads(read_text(path, what))
    except json.JSONDecodeError as error:
        raise ScenevizError(f"{path}, line {error.lineno}: the {what} are no valid JSON ({error.msg})") from None
    except (ValueError, RecursionError) as error:
        raise ScenevizError(f"{path}: the {what} are no valid JSON ({error})") from None


def read_splits(path: Path) -> dict[str, str]:
    """The split of each movie, in the file's order: `{"train": [name, ...], "val": [...], "test": [...]}`.

    Other keys, as MovieNet's "all", are passed over.
    """
    content = read_json(path, "splits")
    if not isinstance(content, dict):
        raise ScenevizError(f'{path}: expected {{"train": [...], "val": [...], "test": [...]}}, names of movies')
    splits: dict[str, str] = {}
    for split in ("train", "val", "test"):
        names = content.get(split, [])
        if not isinstance(names, list):
            raise ScenevizError(f"{path}, {split!r}: expected a list of movies, got {plain(repr(names))}")
        for place, name in enumerate(names):
            where = f"{path}, {split!r}, entry {place}"
            if plain_name(name, where) in splits:
                raise ScenevizError(f"{where}: {name} is in {splits[name]!r} already")
            splits[name] = split
    return splits


def chosen_split(splits: Mapping[str, str], split: str) -> dict[str, str]:
    """The movies of one split ("validation" is "val"), or of "all"."""
    wanted = {"validation": "val"}.get(split, split)
    return {name: each for name, each in splits.items() if wanted in ("all", each)}


# Fraction would also take 1e400000000, and go on for hours making a number of that many digits.
WRITTEN = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,20}|/[0-9]{1,9})?")


def as_rate(value: Rate, where: str = "frame_rate") -> Fraction:
    """Frames a second, exact: 25, "24000/1001", or 23.976, which is read as the NTSC rate that it stands for."""
    try:
        if isinstance(value, str) and not WRITTEN.fullmatch(value.strip()):
            raise ValueError
        rate = Fraction(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        raise ScenevizError(
            f"{where}: expected frames a second, such as 25 or '24000/1001', got {plain(repr(value))}"
        ) from None
    if not 1 <= rate <= 1000:
        raise ScenevizError(f"{where}: expected 1 to 1000 frames a second, got {plain(repr(value))}")
    if isinstance(value, Fraction) or rate.denominator in (1, 1001):
        return rate
    near = (ntsc for ntsc in NTSC if abs(ntsc - rate) < ROUNDING)
    return next(near, rate.limit_denominator(1001))


def rate_of(name: str, rates: Rate | Mapping[str, Rate] | None, default: Fraction | None) -> Fraction:
    """The frame rate of one movie, where there is one for all, or one each by name."""
    if isinstance(rates, Mapping):
        rates = as_rate(rates[name], f"frame_rate[{name!r}]") if name in rates else default
    if rates is None:
        rates = default
    if rates is None:
        raise ScenevizError(f"{name}: without a video nothing tells its frame rate; give frame_rate")
    return as_rate(rates)
