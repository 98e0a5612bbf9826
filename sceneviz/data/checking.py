"""What is in a data set, what is missing, and what is odd: a table, before a number is trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.data.keyframes import KeyframeFolder
from sceneviz.data.labels import UNCERTAIN, UNLABELLED
from sceneviz.data.library import Movies, Read
from sceneviz.reading import VideoFrames

if TYPE_CHECKING:
    import pandas as pd

COUNTS = ["shots", "rows", "ones", "zeros", "uncertain"]


def check(movies: Movies, *, progress: bool = True) -> pd.DataFrame:
    """Read every movie of a data set, and tell, a row a movie, what is there and what is missing or odd.

    Columns: movie, split; shots; minutes; rows (of its label file, or else labels, over all annotators), ones, zeros
    and uncertain (-1) as `Movie.labels` has them, annotators; frames ("keyframes", "video", "rendered" or ""); spoken
    and named (the part of its shots with a subtitle, and with a character); missing (parts without a file); odd (what
    a warning says when it is read); error (why it cannot be read, "" if it can). No frame is decoded, other than to
    detect shots. Text of a file's name or content is data: escape it in HTML.
    """
    import pandas as pd
    from tqdm.auto import tqdm

    if not isinstance(movies, Movies):
        raise ScenevizError(f"check: expected the movies of a data set, from read_movies, got {type(movies).__name__}")
    rows = []
    for name in tqdm(movies.names, "check", unit=" movies", disable=None if progress else True):
        row: dict[str, object] = {"movie": name, "split": movies.layout.splits[name]}
        missing = [part for part, path in movies.layout.parts(name).items() if path is None]
        try:
            row |= _figures(movies.read(name)) | {"error": ""}
        except (ScenevizError, OSError) as error:
            row |= {"frames": "", "odd": "", "error": str(error)}
        rows.append(row | {"missing": ", ".join(missing)})
    columns = ["movie", "split", "shots", "minutes", *COUNTS[1:], "annotators", "frames", "spoken", "named"]
    table = pd.DataFrame(rows, columns=[*columns, "missing", "odd", "error"])
    return table.astype(dict.fromkeys([*COUNTS, "annotators"], "Int64"))


def totals(table: pd.DataFrame) -> pd.DataFrame:
    """The sums of a table of `check`, a row a split: movies, those that cannot be read, shots, label rows by value."""
    groups = table.assign(movies=1, unreadable=(table["error"] != "").astype(int)).groupby("split", sort=False)
    return groups[["movies", "unreadable", *COUNTS]].sum().reset_index()


def _figures(read: Read) -> dict[str, object]:
    """What is in one movie."""
    movie, labels = read.movie, read.movie.labels
    figures: dict[str, object] = {
        "shots": len(movie),
        "minutes": round(movie.shots[-1].end_s / 60, 1),
        "frames": "",
        "spoken": round(float(np.mean([bool(shot.subtitle) for shot in movie.shots])), 3),
        "named": round(float(np.mean([bool(shot.characters) for shot in movie.shots])), 3),
        "odd": "; ".join(read.notices),
    }
    if labels is not None:
        labelled = int(np.sum(labels != UNLABELLED))
        figures |= {"rows": labelled if read.rows is None else read.rows, "annotators": len(labels)}
        figures |= {"ones": int(np.sum(labels == 1)), "zeros": int(np.sum(labels == 0))}
        figures["uncertain"] = int(np.sum(labels == UNCERTAIN))
    if movie.frames is not None:
        kinds = (("keyframes", KeyframeFolder), ("video", VideoFrames), ("rendered", object))
        figures["frames"] = next(kind for kind, source in kinds if isinstance(movie.frames, source))
    return figures
