"""Scenes and shots as tables."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

from sceneviz._text import ScenevizError, clock
from sceneviz.movie import Movie
from sceneviz.results import Prediction, shot_table

if TYPE_CHECKING:
    import pandas as pd


def scene_table(prediction: Prediction, *, threshold: float | None = None) -> pd.DataFrame:
    """`Prediction.scenes` with start and end as h:mm:ss.mmm and the threshold that made them."""
    level = prediction.threshold if threshold is None else threshold
    table = prediction.scenes(level)
    table.insert(5, "start", table["start_s"].map(clock))
    table.insert(6, "end", table["end_s"].map(clock))
    return table.assign(threshold=level)


def scenes_csv(movie: Movie, prediction: Prediction, threshold: float | None) -> str:
    """A row a scene."""
    return _csv(scene_table(prediction, threshold=threshold))


def shots_csv(movie: Movie, prediction: Prediction, threshold: float | None) -> str:
    """A row a shot; `boundary` is 0 or 1."""
    return _csv(_shots(movie, prediction, threshold))


def scenes_json(movie: Movie, prediction: Prediction, threshold: float | None) -> str:
    """An object a scene, with the columns of the table; NaN is null, floats are exact."""
    records = scene_table(prediction, threshold=threshold).to_dict("records")
    rows = [{key: None if value != value else value for key, value in record.items()} for record in records]
    return "[\n" + ",\n".join(json.dumps(row, allow_nan=False) for row in rows) + "\n]\n"


def prediction_json(movie: Movie, prediction: Prediction, threshold: float | None) -> str:
    """All of the prediction, for `Prediction.load`; no threshold enters."""
    return prediction.to_json()


def scenes_parquet(movie: Movie, prediction: Prediction, threshold: float | None) -> bytes:
    """A row a scene."""
    return _parquet(scene_table(prediction, threshold=threshold))


def shots_parquet(movie: Movie, prediction: Prediction, threshold: float | None) -> bytes:
    """A row a shot."""
    return _parquet(_shots(movie, prediction, threshold))


def _shots(movie: Movie, prediction: Prediction, threshold: float | None) -> pd.DataFrame:
    # A movie made up for a prediction that stands alone has no labels, nor the frames that a check would ask for.
    known = None if movie.labels is None else movie
    return shot_table(known, prediction, threshold=threshold).astype({"boundary": int})


def _csv(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False, lineterminator="\n"))


def _parquet(table: pd.DataFrame) -> bytes:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise ScenevizError("export: parquet files need pyarrow; pip install 'sceneviz[parquet]'") from None
    buffer = io.BytesIO()
    table.to_parquet(buffer, engine="pyarrow", index=False)
    return buffer.getvalue()
