"""The last stage: the embedded model learns to say why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sceneviz.explanation import Explanation, explanations, factuality, faithfulness
from sceneviz.movie import Movie
from sceneviz.prediction import predict
from sceneviz.tiny.stages import Stage, rendered
from sceneviz.training.rationales import Rendered

if TYPE_CHECKING:
    import pandas as pd

    from sceneviz.models import SceneModel

DETAILS = ("time", "topic")
MOST, PLAIN = 6, 0.15


def learn_reasons(model: SceneModel, stage: Stage, features: Path, out: Path) -> SceneModel:
    """Align the model in place on reasons that the renderer knows; answers are learned along.

    features: folder of the frames' features, which the frozen tower has made for the stages before. out: gets the
    model, its log, and `alignment.pt`, from which a killed run goes on.
    """
    from sceneviz.training.alignment import align

    movies = rendered(stage.pace)
    return align(
        movies,
        model,
        Rendered(movies, details=DETAILS),
        config=stage.config,
        out=out,
        recipe=stage.recipe,
        frames=features,
        most=MOST,
        plain=PLAIN,
        muon=True,
    )


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
