"""Who is in which shot: a JSON or CSV file, by shot or by time."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.reading.spans import shots_of_spans
from sceneviz.reading.text import read_text

ACCEPTED = (
    'expected JSON records {"shot": 0, "characters": ["Ann"]} or {"start_s": 0, "end_s": 2.5, "characters": ["Ann"]}, '
    'in a list or under "shots" or "times", or a CSV with the columns shot,characters or start_s,end_s,characters '
    "(names parted by ;)"
)


class Presence(NamedTuple):
    """Who is there, either in a shot or from `start_s` to `end_s` seconds. where: file and line, for errors."""

    where: str
    names: tuple[str, ...]
    shot: int | None = None
    start_s: float = 0.0
    end_s: float = 0.0


def characters_of_shots(path: Path, shots: np.ndarray) -> list[tuple[str, ...]]:
    """The names of each shot, in the order in which the file gives them, without repeats.

    shots: `(n_shots, 2)` float64, start and end in seconds.
    By time, a name is in every shot that its time overlaps by at least half of the shorter of the two, or else in the
    one that it overlaps most.
    """
    presences = _read(path)
    spans = np.array([(one.start_s, one.end_s) for one in presences], np.float64).reshape(-1, 2)
    found: list[dict[str, None]] = [{} for _ in range(len(shots))]
    for presence, run in zip(presences, shots_of_spans(spans, shots), strict=True):
        if presence.shot is not None:
            if not 0 <= presence.shot < len(shots):
                raise ScenevizError(
                    f"{presence.where}: there is no shot {presence.shot}; the movie has shots 0 to {len(shots) - 1}"
                )
            run = range(presence.shot, presence.shot + 1)
        for place in run:
            found[place].update(dict.fromkeys(presence.names))
    return [tuple(names) for names in found]


def _read(path: Path) -> list[Presence]:
    """The records of a file, whichever of the accepted layouts it has."""
    text = read_text(path, "characters")
    records = _json_records(text, path) if text.lstrip()[:1] in ("{", "[") else _csv_records(text, path)
    return [_presence(record, where) for where, record in records]


def _json_records(text: str, path: Path) -> Iterator[tuple[str, object]]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ScenevizError(f"{path} is no valid JSON ({error}); {ACCEPTED}") from None
    if isinstance(content, dict):
        content = content.get("shots", content.get("times"))
    if not isinstance(content, list):
        raise ScenevizError(f"{path}: {ACCEPTED}")
    for number, record in enumerate(content):
        yield f"{path}, record {number}", record


def _csv_records(text: str, path: Path) -> Iterator[tuple[str, object]]:
    rows = csv.reader(io.StringIO(text), skipinitialspace=True)
    try:
        columns = [name.strip().lower() for name in next(rows, [])]
        if not ({"shot"} <= set(columns) or {"start_s", "end_s"} <= set(columns)):
            raise ScenevizError(f"{path}: {ACCEPTED}")
        for row in rows:
            if any(row):
                yield f"{path}, line {rows.line_num}", dict(zip(columns, row, strict=False))
    except csv.Error as error:
        raise ScenevizError(f"{path}, line {rows.line_num}: {error}; {ACCEPTED}") from None


def _presence(record: object, where: str) -> Presence:
    """One checked record."""
    if not isinstance(record, dict):
        raise ScenevizError(f"{where}: {ACCEPTED}")
    names = record.get("characters", record.get("character"))
    if isinstance(names, str):
        names = names.split(";")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ScenevizError(f"{where}: {ACCEPTED}")
    cleaned = tuple(name for name in (" ".join(name.split()) for name in names) if name)
    try:
        if "shot" in record:
            return Presence(where, cleaned, shot=int(str(record["shot"])))
        start_s, end_s = float(record["start_s"]), float(record["end_s"])
    except (KeyError, TypeError, ValueError):
        raise ScenevizError(f"{where}: {ACCEPTED}") from None
    if not (math.isfinite(start_s) and math.isfinite(end_s) and start_s <= end_s):
        raise ScenevizError(f"{where}: expected start_s <= end_s in seconds, got {start_s} and {end_s}")
    return Presence(where, cleaned, start_s=start_s, end_s=end_s)
