"""The parts of a movie put together: shots and their times, what is said in them, who is there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np

from sceneviz.movie import FrameSource, Movie, Shot
from sceneviz.reading.characters import characters_of_shots
from sceneviz.reading.frames import VideoFrames
from sceneviz.reading.shots import find_shots
from sceneviz.reading.subtitles import find_subtitles, read_cues, subtitles_of_shots

PathLike = str | os.PathLike[str]

# A published subtitle file often holds a stray advertisement: so many cues may lie outside without a word.
STRAY = 0.05


def read_film(
    path: Path,
    *,
    shots: PathLike | Sequence[tuple[int, int]] = "auto",
    subtitles: PathLike | Literal[False] = "auto",
    subtitle_shift_s: float = 0.0,
    characters: PathLike | None = None,
    progress: bool = True,
) -> tuple[Movie, list[str]]:
    """A video file as a `Movie`, and what is odd about it, in a line each. Arguments as for `read_movie`."""
    frames = VideoFrames(path)
    pairs = find_shots(shots, frames, progress)
    times = frames.index.edges[np.array(pairs)]
    source = find_subtitles(path) if subtitles == "auto" else Path(subtitles) if subtitles else None
    said, odd = said_in_shots(source, times, subtitle_shift_s)
    notices = [frames.index.problem]
    if odd:
        notices.append(f"{odd}; if they are out of step with the movie, give subtitle_shift_s (seconds to add)")
    movie = Movie(
        name=path.stem,
        shots=joined(pairs, times, said, None if characters is None else characters_of_shots(Path(characters), times)),
        frames=frames,
        frame_rate=frames.frame_rate,
    )
    return movie, [notice for notice in notices if notice]


def read_without_video(
    name: str,
    pairs: Sequence[tuple[int, int]],
    frame_rate: Fraction,
    *,
    frames: FrameSource | None = None,
    subtitles: Path | None = None,
    characters: Path | Sequence[tuple[str, ...]] | None = None,
) -> tuple[Movie, list[str]]:
    """A `Movie` whose shots and texts are at hand, but whose video is not, and what is odd about it, in a line each.

    pairs: first frame, and one past the last, of each shot. frame_rate: frames a second, since no file says so.
    frames: its keyframes, None for a text-only movie. characters: a file, or the names in each shot.
    """
    times = np.array(pairs, np.float64) * frame_rate.denominator / frame_rate.numerator
    said, odd = said_in_shots(subtitles, times, stray=STRAY)
    there = characters_of_shots(characters, times) if isinstance(characters, Path) else characters
    movie = Movie(name, joined(pairs, times, said, there), frames, frame_rate)
    return movie, [f"{odd}; is its frame rate {frame_rate}? If not, give frame_rate"] if odd else []


def said_in_shots(
    path: Path | None, times: np.ndarray, shift_s: float = 0.0, stray: float = 0.0
) -> tuple[list[str], str]:
    """The subtitle of each shot, and what is odd about how the cues of the file lie over the movie ("": nothing).

    times: `(n_shots, 2)` float64, seconds. stray: the part of the cues that may lie outside without a word.
    """
    if path is None:
        return [""] * len(times), ""
    said, odd = subtitles_of_shots(read_cues(path, shift_s), times, stray)
    return said, odd and f"{path.name}: {odd}"


def joined(
    pairs: Sequence[tuple[int, int]],
    times: np.ndarray,
    said: Sequence[str],
    there: Sequence[tuple[str, ...]] | None,
) -> tuple[Shot, ...]:
    """Shots from their frames (half-open), seconds `(n_shots, 2)`, subtitles, and who is there."""
    names = there if there is not None else [()] * len(pairs)
    return tuple(
        Shot(index, start, end, start_s, end_s, said[index], names[index])
        for index, ((start, end), (start_s, end_s)) in enumerate(zip(pairs, times.tolist(), strict=True))
    )
