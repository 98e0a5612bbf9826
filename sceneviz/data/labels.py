"""Published label files to labels: 1 for the last shot of a scene, 0 for others, -1 uncertain, -2 unlabelled."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from sceneviz._text import ScenevizError, counted, plain
from sceneviz.reading.text import read_text

UNCERTAIN, UNLABELLED = -1, -2


def read_labels(path: Path, n_shots: int) -> tuple[np.ndarray, list[str], int]:
    """MovieNet's rows `shot label`: `(n_shots,)` int8, what is odd about the file, and its number of rows.

    The last shot has no row. In MovieNet, tt0120755 has a row for it, and in tt1099212 the one before has none either.
    """
    rows = list(_integer_rows(path, "labels", "shot label"))
    for place, (where, (shot, label)) in enumerate(rows):
        if shot != place:
            raise ScenevizError(f"{where}: expected the label of shot {place}, got that of shot {shot}")
        if label not in (0, 1, UNCERTAIN):
            raise ScenevizError(f"{where}: expected the label 1, 0 or -1, got {label}")
        if shot >= n_shots:
            raise ScenevizError(f"{where}: there is no shot {shot}; the movie has shots 0 to {n_shots - 1}")
    if len(rows) < n_shots - 2:
        raise ScenevizError(
            f"{path}: expected {n_shots - 1} labels, one less than shots, got {len(rows)}; is it of other shots?"
        )
    labels = np.full(n_shots, UNLABELLED, np.int8)
    labels[: len(rows)] = [label for _, (_, label) in rows]
    labels[-1] = UNLABELLED
    notices = []
    if len(rows) == n_shots:
        notices.append(f"its {n_shots} shots have a label each; that of the last ({rows[-1][1][1]}) is not used")
    elif len(rows) == n_shots - 2:
        notices.append(f"its {n_shots} shots have {len(rows)} labels, two fewer; shot {n_shots - 2} is unlabelled")
    return labels, notices, len(rows)


def read_starts(path: Path, n_shots: int) -> np.ndarray:
    """BBC's comma-separated list of shots that start scenes, the number of shots at its end: `(n_shots,)` int8."""
    labels = np.zeros(n_shots, np.int8)
    labels[-1] = UNLABELLED
    before = -1
    where = str(path)
    for number, line in enumerate(read_text(path, "scenes").splitlines(), 1):
        where = f"{path}, line {number}"
        for cell in filter(None, map(str.strip, line.split(","))):
            if not re.fullmatch("[0-9]{1,9}", cell):
                raise ScenevizError(f"{where}: expected the number of a shot that starts a scene, got {plain(cell)!r}")
            start = int(cell)
            if not before < start <= n_shots:
                raise ScenevizError(
                    f"{where}: expected ascending numbers of shots up to {n_shots}, the number of shots, "
                    f"got {start} after {before}"
                )
            if 0 < start < n_shots:
                labels[start - 1] = 1
            before = start
    if before != n_shots:
        raise ScenevizError(f"{where}: expected the number of shots, {n_shots}, as the last number, got {before}")
    return labels


def read_scenes(path: Path, pairs: Sequence[tuple[int, int]]) -> tuple[np.ndarray, list[str]]:
    """OVSD's rows `start end`, in frames from 0, end inclusive, gaps allowed: `(n_shots,)` int8, and what is odd.

    pairs: the shots, half-open, in frames. Scenes were marked without shots, so each ends with the shot whose end is
    nearest to its own (the first of equals).
    """
    last_frames = np.array([end - 1 for _, end in pairs])
    labels = np.zeros(len(pairs), np.int8)
    before, n_scenes, farthest = -1, 0, 0
    for where, (start, end) in _integer_rows(path, "scenes", "start end"):
        if not before < start <= end:
            raise ScenevizError(
                f"{where}: expected a scene's first and last frame, after frame {before}, got {start} and {end}"
            )
        distances = np.abs(last_frames - end)
        labels[int(np.argmin(distances))] = 1
        farthest = max(farthest, int(distances.min()))
        before, n_scenes = end, n_scenes + 1
    if not n_scenes:
        raise ScenevizError(f"{path}: expected rows `start end`, a scene each, got none")
    kept = int(labels.sum())
    labels[-1] = UNLABELLED
    notices = []
    if kept < n_scenes:
        notices.append(f"{counted(n_scenes - kept, 'scene')} of {n_scenes} end within the same shot as another")
    if farthest > np.median([end - start for start, end in pairs]):
        notices.append(f"a scene ends {farthest} frames from the nearest end of a shot; are they of the same film?")
    return labels, notices


def read_bassl(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """BaSSL's annotations: for each video, `(n_shots,)` int8, 1 where a scene ends, 0 not, -1 uncertain, -2 unlabelled.

    path: ndjson, a line a shot: `{"video_id": "tt0120338", "shot_id": "0042", "num_shot": 1560, "boundary_label": 0}`;
    other keys, as `invideo_scene_id`, are passed over. It holds no frames, so it makes labels, and no movies.
    """
    found: dict[str, np.ndarray] = {}
    expected = "expected video_id, shot_id, num_shot and boundary_label (1, 0 or -1)"
    for number, line in enumerate(read_text(Path(path), "annotations").splitlines(), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
            video, shot, n_shots, label = row["video_id"], int(row["shot_id"]), row["num_shot"], row["boundary_label"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ScenevizError(f"{where}: {expected}, got {plain(line)!r}") from None
        if not isinstance(video, str) or type(n_shots) is not int or label not in (1, 0, UNCERTAIN):
            raise ScenevizError(f"{where}: {expected}, got {plain(line)!r}")
        if not 0 <= shot < n_shots < 1_000_000:
            raise ScenevizError(f"{where}: there is no shot {shot} among {n_shots}")
        labels = found.setdefault(video, np.full(n_shots, UNLABELLED, np.int8))
        if len(labels) != n_shots or labels[shot] != UNLABELLED:
            raise ScenevizError(f"{where}: {plain(video)} has another number of shots above, or this shot already")
        labels[shot] = label
    for labels in found.values():
        labels[-1] = UNLABELLED
    return found


def _integer_rows(path: Path, what: str, columns: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Rows of two whole numbers, and where each stands; empty lines are passed over."""
    for number, line in enumerate(read_text(path, what).splitlines(), 1):
        cells = line.split()
        if not cells:
            continue
        if len(cells) != 2 or not all(re.fullmatch("-?[0-9]{1,9}", cell) for cell in cells):
            raise ScenevizError(f"{path}, line {number}: expected `{columns}`, two whole numbers, got {plain(line)!r}")
        yield f"{path}, line {number}", (int(cells[0]), int(cells[1]))
