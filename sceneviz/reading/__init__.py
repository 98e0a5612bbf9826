"""Files to a `Movie`: frames and their times, shots, subtitles, characters."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from sceneviz.movie import Movie
from sceneviz.reading.assembly import PathLike, read_film
from sceneviz.reading.frames import VideoFrames

__all__ = ["VideoFrames", "read_movie"]


def read_movie(
    path: PathLike,
    *,
    shots: PathLike | Sequence[tuple[int, int]] = "auto",
    subtitles: PathLike | Literal[False] = "auto",
    subtitle_shift_s: float = 0.0,
    characters: PathLike | None = None,
    progress: bool = True,
) -> Movie:
    """A video file as a `Movie`: its shots, with what is said in them and who is there, and its frames to read.

    path: a video in any container that ffmpeg opens.
    shots: how to find them: "auto" (TransNetV2 where there is a CUDA device, else PySceneDetect), "transnetv2" or
        "pyscenedetect"; or a list of (start, end) frames, half-open; or a file: a PySceneDetect scene CSV, TransNetV2's
        `.scenes.txt`, MovieNet's shot rows (in both, end inclusive).
    subtitles: "auto" takes a file beside the movie: `<stem>.srt`, .vtt, .ass or .ssa, else one with a language,
        `<stem>.en.srt` (English before others); there may be none. Or the path of one; or False for none.
        A cue is in every shot that it overlaps by at least half of the shorter of the two, or else in the one that it
        overlaps most.
    subtitle_shift_s: seconds to add to the times of the cues.
    characters: a JSON or CSV file of names by shot or by time, or None.
    progress: show a bar while shots are detected; never shown where stderr goes to a log.

    Times are the file's own timestamps, in seconds since the beginning of what a player shows.
    Warns, in a line each, of a file that was cut off, and of subtitles that lie outside the movie or end long before
    it. Raises `ScenevizError` for input that cannot be used.
    """
    movie, notices = read_film(
        Path(path),
        shots=shots,
        subtitles=subtitles,
        subtitle_shift_s=subtitle_shift_s,
        characters=characters,
        progress=progress,
    )
    for notice in notices:
        warnings.warn(notice, stacklevel=2)
    return movie
