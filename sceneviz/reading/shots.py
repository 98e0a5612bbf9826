"""Where shots begin and end: detected, given as pairs, or read from a file in one of three published layouts."""

from __future__ import annotations

import operator
import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from sceneviz._ahead import Ahead
from sceneviz._text import ScenevizError, choice
from sceneviz.movie import FRAMES
from sceneviz.reading.detection import DETECTION_WIDTH, NET_SIZE, has_cuda, pyscenedetect_cuts, transnetv2_cuts
from sceneviz.reading.frames import VideoFrames
from sceneviz.reading.text import read_text

# Frames decoded, small as they are, while the detector is at work on those before.
DECODED_AHEAD = 100
DETECTORS = ("auto", "transnetv2", "pyscenedetect")
ACCEPTED = (
    "expected a PySceneDetect scene CSV, or rows of whole numbers, `start end` (TransNetV2) "
    "or `start end key1 key2 key3` (MovieNet), end inclusive"
)
EMPTY = "the list of shots is empty; give at least one, or shots='auto' to detect them"


class Located(NamedTuple):
    """A shot, half-open in frames, and where it is from, for errors."""

    start: int
    end: int
    where: str


def find_shots(
    shots: str | os.PathLike[str] | Sequence[tuple[int, int]], frames: VideoFrames, progress: bool
) -> list[tuple[int, int]]:
    """The first frame, and one past the last, of each shot.

    shots: "auto" (TransNetV2 where there is a CUDA device, else PySceneDetect), "transnetv2", "pyscenedetect"; the
        path of a file; or (start, end) pairs, half-open, in frames.
    """
    if isinstance(shots, str) and not Path(shots).suffix and not Path(shots).exists():
        detector = choice(shots, DETECTORS, "shots, where it is not the path of a file,")
        return _detected(detector, frames, progress)
    if isinstance(shots, str | os.PathLike):
        return pairs_of_file(Path(shots), frames)
    if not (located := _given(shots)):
        raise ScenevizError(EMPTY)
    return _checked(located, frames)


def pairs_of_file(path: Path, frames: VideoFrames | None = None) -> list[tuple[int, int]]:
    """The first frame, and one past the last, of each shot in a file.

    frames: the film that they must lie in, None where it is not at hand.
    """
    if not (located := read_shot_file(path)):
        raise ScenevizError(f"{EMPTY}: {path}")
    return _checked(located, frames)


def _detected(detector: str, frames: VideoFrames, progress: bool) -> list[tuple[int, int]]:
    """Shots that tile the film, by the named detector."""
    from tqdm.auto import tqdm

    if detector == "auto":
        detector = "transnetv2" if has_cuda() else "pyscenedetect"
    height, width = frames.size
    scale = min(1.0, DETECTION_WIDTH / width)
    size = NET_SIZE if detector == "transnetv2" else (max(1, round(height * scale)), max(1, round(width * scale)))
    # disable=None: shown in a notebook and a terminal, silent where stderr goes to a log.
    hidden = None if progress else True
    scanned = Ahead(frames.scan(size), DECODED_AHEAD)
    bar = tqdm(scanned, f"shots ({detector})", len(frames), unit=" frames", disable=hidden)
    cuts = transnetv2_cuts(bar) if detector == "transnetv2" else pyscenedetect_cuts(bar)
    return list(pairwise([0, *cuts, len(frames)]))


def _given(shots: Sequence[tuple[int, int]]) -> list[Located]:
    """Pairs of whole numbers."""
    located = []
    for place, pair in enumerate(shots):
        try:
            start, end = map(operator.index, pair)
        except (TypeError, ValueError):
            raise ScenevizError(
                f"shots[{place}]: expected a pair (start, end) of whole frame numbers, got {pair!r}"
            ) from None
        located.append(Located(start, end, f"shots[{place}]"))
    return located


def read_shot_file(path: Path) -> list[Located]:
    """Shots of a PySceneDetect scene CSV, of TransNetV2's `.scenes.txt` or of MovieNet's shot rows, told by content."""
    lines = [(number, line) for number, line in enumerate(read_text(path, "shots").splitlines(), 1) if line.strip()]
    # The CSV may begin with a row of timecodes, above its header.
    header = next((place for place, (_, line) in enumerate(lines[:2]) if "Start Frame" in line), None)
    if header is None:
        rows = [(number, line.split()) for number, line in lines]
        return [_located(row[:2] if len(row) == 5 else row, 0, f"{path}, line {number}") for number, row in rows]
    columns = [name.strip() for name in lines[header][1].split(",")]
    if not {"Start Frame", "End Frame"} <= set(columns):
        raise ScenevizError(f"{path}, line {lines[header][0]}: {ACCEPTED}")
    first, last = columns.index("Start Frame"), columns.index("End Frame")
    rows = [(number, line.split(",")) for number, line in lines[header + 1 :]]
    return [
        _located([*row[first : first + 1], *row[last : last + 1]], 1, f"{path}, line {number}") for number, row in rows
    ]


def _located(cells: Sequence[str], zero: int, where: str) -> Located:
    """A shot from its first and last frame, where the film's first frame has the number `zero`."""
    try:
        start, last = map(int, cells)
    except ValueError:
        raise ScenevizError(f"{where}: {ACCEPTED}") from None
    if max(start, last) >= FRAMES:
        raise ScenevizError(
            f"{where}: expected frame numbers below {FRAMES}, got one of {len(str(max(start, last)))} digits"
        )
    return Located(start - zero, last - zero + 1, where)


def _checked(located: Sequence[Located], frames: VideoFrames | None) -> list[tuple[int, int]]:
    """The pairs, if they follow each other, and inside the film."""
    before = 0
    for start, end, where in located:
        if end <= start or start < 0:
            raise ScenevizError(f"{where}: a shot must end after it starts, got frames {start} to {end - 1}")
        if start < before:
            raise ScenevizError(
                f"{where}: shots must not overlap, but this one starts at frame {start}, "
                f"and the one before it ends at {before - 1}"
            )
        if frames is not None and end > len(frames):
            raise ScenevizError(
                f"{where}: the shot ends at frame {end - 1}, past the end of {frames.path.name}, "
                f"whose last frame is {len(frames) - 1}"
            )
        before = end
    return [(start, end) for start, end, _ in located]
