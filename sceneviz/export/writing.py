"""One function for all formats: the name of the file decides."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from pathlib import Path

from sceneviz._text import ScenevizError, plain, write_whole
from sceneviz.export import chapters, tables, timelines
from sceneviz.export.rates import frame_rate_of
from sceneviz.movie import Movie
from sceneviz.results import Prediction

Writer = Callable[[Movie, Prediction, float | None], str | bytes]

# What `sceneviz segment` leaves behind.
NAMES = ("scenes.csv", "shots.csv", "prediction.json", "chapters.txt")

# By the end of the file's name; the first that fits is taken, so `scenes.json` stands before `.json`.
FORMATS: dict[str, Writer] = {
    "scenes.csv": tables.scenes_csv,
    "shots.csv": tables.shots_csv,
    "scenes.json": tables.scenes_json,
    "scenes.parquet": tables.scenes_parquet,
    "shots.parquet": tables.shots_parquet,
    ".json": tables.prediction_json,
    "chapters.txt": chapters.ffmetadata,
    ".ffmetadata": chapters.ffmetadata,
    ".vtt": chapters.webvtt,
    "youtube.txt": chapters.youtube,
    ".edl": timelines.edl,
    ".otio": timelines.otio,
    ".fcpxml": timelines.fcpxml,
}


def export(
    movie: Movie | None, prediction: Prediction, path: str | os.PathLike[str], *, threshold: float | None = None
) -> Path:
    """Write scenes to a file whose format the end of its name tells; gives back the path.

    Tables: `…scenes.csv`, `…scenes.json` and `…scenes.parquet` have a row a scene, times in seconds and as
    h:mm:ss.mmm; `…shots.csv` and `…shots.parquet` a row a shot; any other `….json` is what `Prediction.load` reads.
    Chapters: `…chapters.txt` or `….ffmetadata` (used as `ffmpeg -i film.mp4 -i chapters.txt -map_metadata 1 -codec
    copy out.mp4`), `….vtt` (WebVTT), and `…youtube.txt`, to be pasted into a description, by YouTube's rules.
    Timelines, a clip a scene, in whole frames of the film: `….edl` (CMX3600, drop-frame at 29.97 and 59.94), `….otio`
    (OpenTimelineIO), `….fcpxml` (Final Cut Pro). They need a constant frame rate.

    movie: what the prediction was made on; None where it is not at hand. Then labels and the film's place on disk are
        left out, and the frame rate is read off the shots' times.
    threshold: the confidence from which a shot ends a scene; None takes the checkpoint's. It does not enter a saved
        prediction.

    Raises ScenevizError where the prediction was made on another movie, the name tells no format, or the format
    cannot hold the scenes; nothing is written then. Parquet needs `pip install 'sceneviz[parquet]'`.
    """
    if movie is None:
        rate = frame_rate_of(prediction.shots)
        movie = Movie(prediction.movie_name, prediction.shots, frame_rate=rate)
    else:
        prediction.check(movie)
    return write_whole(path, _writer(Path(path).name)(movie, prediction, threshold))


def _writer(name: str) -> Writer:
    """What writes files of this name."""
    for ending, writer in FORMATS.items():
        if name.endswith(ending):
            return writer
    near = difflib.get_close_matches(Path(name).suffix, FORMATS, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise ScenevizError(f"export: the file's name must end in {', '.join(FORMATS)}, got {plain(name)!r}{hint}")
