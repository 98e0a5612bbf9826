"""Scenes in the formats of other tools."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from sceneviz._text import ScenevizError, clock, plain, write_whole
from sceneviz.movie import Movie
from sceneviz.results import Prediction, shot_table

if TYPE_CHECKING:
    import pandas as pd

NAMES = ("scenes.csv", "shots.csv", "prediction.json", "chapters.txt")


def export(
    movie: Movie, prediction: Prediction, path: str | os.PathLike[str], *, threshold: float | None = None
) -> Path:
    """Write scenes to a file whose format its name's ending tells; gives back the path.

    `…scenes.csv`: a row a scene, times in seconds and as h:mm:ss.mmm. `…shots.csv`: a row a shot. `….json`: what
    `Prediction.load` reads. `…chapters.txt`: ffmetadata, used as `ffmpeg -i film.mp4 -i chapters.txt
    -map_metadata 1 -codec copy out.mp4`.
    threshold: the confidence from which a shot ends a scene; None takes the checkpoint's. It does not enter the JSON.
    """
    prediction.check(movie)
    name = Path(path).name
    if name.endswith("scenes.csv"):
        return write_whole(path, scene_table(prediction, threshold=threshold).to_csv(index=False, lineterminator="\n"))
    if name.endswith("shots.csv"):
        table = shot_table(movie, prediction, threshold=threshold)
        return write_whole(path, table.astype({"boundary": int}).to_csv(index=False, lineterminator="\n"))
    if name.endswith(".json"):
        return prediction.save(path)
    if name.endswith("chapters.txt"):
        return write_whole(path, chapters(movie, prediction, threshold=threshold))
    raise ScenevizError(f"export: the file's name must end in {', '.join(NAMES)} (or .json), got {plain(name)!r}")


def scene_table(prediction: Prediction, *, threshold: float | None = None) -> pd.DataFrame:
    """`Prediction.scenes` with start and end as h:mm:ss.mmm and the threshold that made them."""
    level = prediction.threshold if threshold is None else threshold
    table = prediction.scenes(level)
    table.insert(5, "start", table["start_s"].map(clock))
    table.insert(6, "end", table["end_s"].map(clock))
    return table.assign(threshold=level)


def chapters(movie: Movie, prediction: Prediction, *, threshold: float | None = None) -> str:
    """The scenes as an ffmetadata text: each chapter lasts until the next starts."""
    base = _time_base(movie)
    scenes = prediction.scenes(threshold)
    ends = [*scenes["start_s"][1:], scenes["end_s"].iloc[-1]]
    lines = [";FFMETADATA1", f"title={_escaped(plain(movie.name, 500))}"]
    for number, (start, end) in enumerate(zip(scenes["start_s"], ends, strict=True), 1):
        first, last = (max(0, round(Fraction(time) / base)) for time in (start, end))
        lines += ["", "[CHAPTER]", f"TIMEBASE={base.numerator}/{base.denominator}", f"START={first}", f"END={last}"]
        lines.append(f"title=Scene {number}")
    return "\n".join(lines) + "\n"


def _time_base(movie: Movie) -> Fraction:
    """One frame, where all shots start on whole frames, so that chapters are exact; else a microsecond."""
    if movie.frame_rate:
        frames = [shot.start_s * movie.frame_rate for shot in movie.shots]
        if all(abs(frame - round(frame)) < 1e-3 for frame in frames):
            return 1 / movie.frame_rate
    return Fraction(1, 1_000_000)


def _escaped(text: str) -> str:
    """A value for ffmetadata, in which = ; # \\ and the end of a line mean something."""
    # ffmpeg takes a backslash before the end of a line for one that goes on, even if it is escaped: a space parts them.
    text += " " * text.endswith("\\")
    return "".join("\\" + letter if letter in "=;#\\\n" else letter for letter in text)
