"""What the embedded model says of true boundaries, measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sceneviz.explanation import Explanation, explanations, factuality, faithfulness
from sceneviz.movie import Movie
from sceneviz.prediction import predict

if TYPE_CHECKING:
    import pandas as pd

    from sceneviz.models import SceneModel


def measured(model: SceneModel, movies: Sequence[Movie], boundaries: int = 100) -> dict[str, pd.DataFrame]:
    """What the model says of the first so many true boundaries of rendered movies, each asked why it is a Yes.

    Tables: "explanations", of all of them, as `sv.tables.explanations`; "explanations of what it found", of those to
    which it said Yes by itself; "faithfulness", as `sv.tables.faithfulness`.
    """
    shown, told = [], []
    said: list[Explanation] = []
    for movie in movies:
        labels = movie.labels
        assert labels is not None
        shots = np.flatnonzero(labels[0] == 1)[: boundaries - len(said)].tolist()
        if shots:
            prediction = predict(movie, model, progress=False)
            shown.append(movie)
            told.append(prediction)
            said += explanations(movie, model, prediction, shots=dict.fromkeys(shots, True))
    found = [each for each in said if each.given]
    tables = {"explanations": factuality(shown, said)}
    if found:
        tables["explanations of what it found"] = factuality(shown, found)
    return tables | {"faithfulness": faithfulness(shown, model, told, said)}
