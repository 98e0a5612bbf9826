"""What the embedded model scores, measured and written on its card."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sceneviz.baselines import color_histogram, constant
from sceneviz.metrics import score
from sceneviz.movie import Movie
from sceneviz.prediction import decide, predict
from sceneviz.prompt import build_prompt
from sceneviz.recipe import plan_windows
from sceneviz.results import Prediction

if TYPE_CHECKING:
    from sceneviz.models import SceneModel

LEFT_OUT: dict[str, dict[str, Any]] = {
    "all inputs": {},
    "without visual": {"visual": False},
    "without shot IDs": {"shot_ids": False},
    "without subtitles": {"subtitles": False},
    "without characters": {"characters": False},
    "visual only": {"subtitles": False, "characters": False},
    "one frame a shot": {"frames_per_shot": 1},
    "point-wise answers": {"sequential": False},
}


def best_threshold(model: SceneModel, movies: Sequence[Movie]) -> float:
    """The confidence with the best pooled F1 on validation movies."""
    predictions = [predict(movie, model, progress=False) for movie in movies]
    table = score(movies, predictions, resamples=0)
    return float(table.query("pooling == 'micro' and measure == 'F1@oracle'")["threshold"].iloc[0])


def results(model: SceneModel, movies: Sequence[Movie]) -> list[dict[str, Any]]:
    """A row a condition: pooled (micro) and per-movie (macro) AP, F1 at .5 and at the model's threshold."""
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that the recipe is not the trained one is the point
        for name, changes in LEFT_OUT.items():
            recipe = replace(model.recipe, **changes)
            rows.append(_row(name, movies, [predict(movie, model, recipe, progress=False) for movie in movies], model))
    baselines: dict[str, Callable[[Movie], Prediction]] = {"colour histogram": color_histogram, "constant": constant}
    for name, baseline in baselines.items():
        rows.append(_row(name, movies, [baseline(movie) for movie in movies], None))
    return rows


def _row(
    name: str, movies: Sequence[Movie], predictions: Sequence[Prediction], model: SceneModel | None
) -> dict[str, Any]:
    tuned = None if model is None else model.threshold
    whole = score(movies, predictions, validation=tuned, resamples=0).query("pooling != 'movie'")
    table = whole.set_index(["pooling", "measure"])
    value = table["value"]
    row = {
        "condition": name,
        "AP (bassl, micro)": value["micro", "AP"],
        "AP (macro)": value["macro", "AP"],
        "F1@.5 (bassl, micro)": value["micro", "F1@.5"],
        "prevalence": table.loc[("micro", "AP"), "prevalence"],
    }
    if model is not None:
        row["F1@val (micro)"] = value["micro", "F1@val"]
    return row


def effect_of_a_flip(model: SceneModel, movies: Sequence[Movie]) -> dict[str, float]:
    """How far changing the answer just before moves a decision: mean and 90th percentile of absolute differences."""
    from sceneviz.models import FrameFeatures

    logits, confidences = [], []
    for movie in movies:
        features = FrameFeatures(model, movie, model.recipe)
        for window in plan_windows(len(movie), model.recipe):
            layout = model.layout(build_prompt(movie.shots, window, model.recipe))
            draft = [[False] * len(window.focus)]
            prefix, reading = model.prefill([layout], features.window(window.context), draft)
            assert reading is not None
            settled = decide(prefix, reading)
            answers = settled.decisions[0]
            for place in range(1, len(answers)):
                flipped = [given != (i == place - 1) for i, given in enumerate(answers)]
                changed = prefix.read([flipped])
                odds = [(read.yes[0] - read.no[0])[place] for read in (settled, changed)]
                logits.append(abs(odds[1] - odds[0]))
                confidences.append(abs(changed.confidence[0][place] - settled.confidence[0][place]))
            features.forget(window.context.start)
    return {
        "mean |difference of the log-odds|": float(np.mean(logits)),
        "90th percentile": float(np.percentile(logits, 90)),
        "mean |difference of the confidence|": float(np.mean(confidences)),
    }
