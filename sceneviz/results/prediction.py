"""What a model decided: `Prediction`, saved and opened again without it."""

from __future__ import annotations

import math
import os
from dataclasses import asdict, astuple, dataclass, fields
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sceneviz._text import ScenevizError, counted, write_whole
from sceneviz.movie import Movie, Shot
from sceneviz.recipe import Recipe
from sceneviz.results.envelope import opened, packed, told_if_damaged
from sceneviz.results.origin import check_origin

if TYPE_CHECKING:
    import pandas as pd

EMBEDDED_MARK = " (embedded)"  # behind the model's name in tables
FORMAT = "sceneviz prediction"
VERSION = 1
_COLUMNS = {
    "confidence": np.float64,
    "mass": np.float64,
    "decision": np.int8,
    "window": np.int32,
    "position": np.int32,
}
_ROUNDING = 1e-3  # a mass summed in low precision may pass 1 by this much


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model said about every shot of a movie but the last: does a scene end with it?

    movie: `Movie.fingerprint` of what was shown; movie_name: for tables and figures.
    model: fingerprint of the weights; model_name: for people; embedded: is it the model that ships with the package.
    recipe: how the movie was shown.
    threshold: the confidence from which a shot ends a scene, chosen on the checkpoint's validation movies, 0 to 1.
    shots: the shots the prediction was made on.
    confidence: `(n_shots,)` float64, P(Yes) / (P(Yes) + P(No)); NaN on the last shot.
    mass: `(n_shots,)` float64, P(Yes) + P(No) among all tokens; NaN on the last shot.
    decision: `(n_shots,)` int8, the answer as greedily written: 1 Yes, 0 No, -1 on the last shot.
    window: `(n_shots,)` int32, which window decided the shot, -1 on the last.
    position: `(n_shots,)` int32, the shot's place in that window's focus, from 0; -1 on the last.
    """

    movie: str
    movie_name: str
    model: str
    model_name: str
    embedded: bool
    recipe: Recipe
    threshold: float
    shots: tuple[Shot, ...]
    confidence: np.ndarray
    mass: np.ndarray
    decision: np.ndarray
    window: np.ndarray
    position: np.ndarray

    def __post_init__(self) -> None:
        check_origin(self, "prediction")
        object.__setattr__(self, "threshold", checked_threshold(self.threshold))
        object.__setattr__(self, "shots", Movie(self.movie_name, tuple(self.shots)).shots)
        for name, dtype in _COLUMNS.items():
            object.__setattr__(self, name, _checked_column(getattr(self, name), name, dtype, len(self.shots)))
        self._check_range("confidence", 0.0, 1.0)
        self._check_range("mass", 0.0, 1.0 + _ROUNDING)
        self._check_range("decision", 0, 1)
        self._check_range("window", 0, len(self) - 1)
        self._check_range("position", 0, len(self) - 1)

    def _check_range(self, name: str, low: float, high: float) -> None:
        """Values of a column lie between low and high, and the last shot has none."""
        column = getattr(self, name)
        bad = ~((column >= low) & (column <= high))
        none = math.isnan(column[-1]) if column.dtype == np.float64 else column[-1] == -1
        if bad[:-1].any():
            shot = int(np.flatnonzero(bad)[0])
            raise ScenevizError(
                f"prediction: {name} must lie in {low:g} to {high:g}, got {column[shot]} on shot {shot}"
            )
        if not none:
            wanted = "NaN" if column.dtype == np.float64 else "-1"
            raise ScenevizError(
                f"prediction: {name} of the last shot must be {wanted}, since it is not decided, got {column[-1]}"
            )

    def __len__(self) -> int:
        return len(self.shots)

    def __repr__(self) -> str:
        scenes = int(self.boundaries().sum()) + 1
        return (
            f"Prediction({self.movie_name!r} by {self.model_name!r}: {len(self)} shots, "
            f"{counted(scenes, 'scene')} at threshold {self.threshold:.3g})"
        )

    @property
    def model_label(self) -> str:
        """The model's name for tables; the embedded one says that it is."""
        return self.model_name + EMBEDDED_MARK * self.embedded

    @property
    def origin(self) -> dict[str, Any]:
        """Of which movie, by which model, shown how: fields that every look into one of its decisions takes over."""
        taken = ("movie", "movie_name", "model", "model_name", "embedded", "recipe")
        return {name: getattr(self, name) for name in taken}

    def check(self, movie: Movie) -> None:
        """Raise ScenevizError unless this prediction was made on the movie (labels and name may differ)."""
        if self.movie != movie.fingerprint:
            raise ScenevizError(
                f"the prediction was made on {self.movie_name!r} with {len(self)} shots ({self.movie}), not on "
                f"{movie.name!r} with {len(movie)} shots ({movie.fingerprint}); read it with the same shots and texts"
            )

    def boundaries(self, threshold: float | None = None) -> np.ndarray:
        """`(n_shots,)` bool: is the confidence at least the threshold (None: the checkpoint's); False on the last."""
        level = self.threshold if threshold is None else checked_threshold(threshold)
        return np.asarray(np.nan_to_num(self.confidence, nan=-1.0) >= level)

    def to_frame(self) -> pd.DataFrame:
        """A row a shot: shot, start, end (frames), start_s, end_s, confidence, mass, decision, window, position."""
        import pandas as pd

        table: dict[str, Any] = {"shot": [shot.index for shot in self.shots]}
        table |= {name: [getattr(shot, name) for shot in self.shots] for name in ("start", "end", "start_s", "end_s")}
        return pd.DataFrame(table | {name: getattr(self, name) for name in _COLUMNS})

    def scenes(self, threshold: float | None = None) -> pd.DataFrame:
        """A row a scene: scene, first_shot, last_shot, start_s, end_s, confidence of its closing boundary.

        A scene ends with every shot whose confidence is at least the threshold (None: the checkpoint's) and with
        the last shot, where the confidence is NaN. Another threshold regroups the shots into scenes; it does not
        rewrite the history of answers that later decisions saw, which stays the greedily written one.
        """
        import pandas as pd

        last = np.append(np.flatnonzero(self.boundaries(threshold)), len(self) - 1)
        first = np.append(0, last[:-1] + 1)
        return pd.DataFrame(
            {
                "scene": np.arange(len(last)),
                "first_shot": first,
                "last_shot": last,
                "start_s": [self.shots[shot].start_s for shot in first],
                "end_s": [self.shots[shot].end_s for shot in last],
                "confidence": self.confidence[last],
            }
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one JSON file, whole or not at all; gives back its path."""
        return write_whole(path, self.to_json())

    def to_json(self) -> str:
        """What `save` writes: NaN as null, floats exact."""
        data: dict[str, Any] = {"format": FORMAT, "version": VERSION}
        data |= {field.name: getattr(self, field.name) for field in fields(self)}
        data["recipe"] = asdict(self.recipe)
        data["shots"] = {"fields": [f.name for f in fields(Shot)], "rows": [astuple(shot) for shot in self.shots]}
        for name in _COLUMNS:
            data[name] = [None if value != value else value for value in data[name].tolist()]
        return packed(data)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Prediction:
        """Read what `save` wrote.

        Raises ScenevizError, in one line, if there is no such file, or it isn't a prediction, or it is damaged.
        """
        data = opened(path, "prediction", form=FORMAT, version=VERSION, again="predict again")
        with told_if_damaged(path, "prediction", again="predict again"):
            data["recipe"] = Recipe(**data["recipe"])
            data["shots"] = tuple(_shot(data["shots"]["fields"], row) for row in data["shots"]["rows"])
            for name in ("confidence", "mass"):
                data[name] = [math.nan if value is None else value for value in data[name]]
            return cls(**data)


def shot_table(movie: Movie | None, prediction: Prediction, *, threshold: float | None = None) -> pd.DataFrame:
    """A row a shot: `Prediction.to_frame`, whether a scene ends here by the threshold, and `label` where there is one.

    movie: None where only the prediction is at hand. threshold: None takes the checkpoint's. label: the first
    annotator's, with the values of `Movie.labels`.
    """
    table = prediction.to_frame().assign(boundary=prediction.boundaries(threshold))
    if movie is None:
        return table
    prediction.check(movie)
    return table if movie.labels is None else table.assign(label=movie.labels[0])


def _shot(names: list[str], row: list[Any]) -> Shot:
    """A shot from its row in a saved file."""
    values = dict(zip(names, row, strict=True))
    return Shot(**values | {"characters": tuple(values["characters"])})


def checked_threshold(value: float) -> float:
    """A threshold as a plain float, or an error."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= value <= 1:
        raise ScenevizError(f"a threshold is a number from 0 to 1, got {value!r}")
    return float(value)


def _checked_column(values: Any, name: str, dtype: Any, n_shots: int) -> np.ndarray:
    """A column of numbers, one a shot, as a read-only array of the given dtype."""
    array = np.asarray(values)
    if array.shape != (n_shots,) or array.dtype.kind not in "iuf":
        raise ScenevizError(
            f"prediction: {name} must be {n_shots} numbers, one a shot, got {array.dtype} of shape {array.shape}"
        )
    with np.errstate(invalid="ignore"):  # what does not fit is refused in the next line
        column = array.astype(dtype)
    if column.dtype.kind == "i" and not np.array_equal(column, array):
        raise ScenevizError(f"prediction: {name} must be whole numbers that fit {column.dtype}")
    column.setflags(write=False)
    return column
