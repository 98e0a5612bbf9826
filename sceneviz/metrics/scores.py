"""Average precision and F1 of predicted scene boundaries, a row a movie, pooled, and averaged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sceneviz._text import ScenevizError, choice
from sceneviz.metrics.presets import PRESETS, Preset
from sceneviz.movie import Movie
from sceneviz.results import Prediction, checked_threshold

if TYPE_CHECKING:
    import pandas as pd


def score(
    movies: Movie | Sequence[Movie],
    predictions: Prediction | Sequence[Prediction],
    *,
    preset: str = "bassl",
    threshold: float = 0.5,
) -> pd.DataFrame:
    """Score predictions of one model against the first annotator's labels.

    preset: whose conventions, by name; only "bassl" so far. Its figures are those of the row "micro".
    threshold: the confidence from which a shot counts as a boundary in F1.

    A row a movie, then `pooling` "micro" (all shots of all movies in one pool) and "macro" (the mean of the movies).
    Columns: movie, pooling, model, preset, movies (that entered AP), shots (scored), boundaries, prevalence (the AP of
    a random score), AP (step sum, as scikit-learn), threshold, F1. AP without a boundary is NaN and leaves the macro
    mean; F1 without a boundary, true or predicted, is 0.

    Raises ScenevizError where a movie has no labels, or a prediction was made on another movie or by another model.
    """
    import pandas as pd

    rules = PRESETS[choice(preset, PRESETS, "preset")]
    threshold = checked_threshold(threshold)
    films = [movies] if isinstance(movies, Movie) else list(movies)
    answers = [predictions] if isinstance(predictions, Prediction) else list(predictions)
    if len(films) != len(answers) or not films:
        raise ScenevizError(
            f"score: expected one prediction a movie, got {len(films)} movies and {len(answers)} predictions"
        )
    if len({(answer.model, answer.recipe) for answer in answers}) > 1:
        raise ScenevizError("score: the predictions come from different models or recipes; score each apart")

    pairs = [_scored(film, answer, rules) for film, answer in zip(films, answers, strict=True)]
    each = pd.DataFrame([_figures(*pair, threshold) for pair in pairs])
    truth, confidence = (np.concatenate(part) for part in zip(*pairs, strict=True))
    pool = _figures(truth, confidence, threshold)
    mean = pool | each[["prevalence", "AP", "F1"]].mean().to_dict() | {"movies": each["movies"].sum()}
    table = pd.concat([each, pd.DataFrame([pool | {"movies": len(films)}, mean])], ignore_index=True)
    table.insert(0, "movie", [*(film.name for film in films), "all", "all"])
    table.insert(1, "pooling", [*("movie" for _ in films), "micro", "macro"])
    table.insert(2, "model", answers[0].model_name)
    table.insert(3, "preset", preset)
    return table


def _scored(movie: Movie, prediction: Prediction, rules: Preset) -> tuple[np.ndarray, np.ndarray]:
    """Truth (bool) and confidence of the shots of a movie that are scored."""
    prediction.check(movie)
    if movie.labels is None:
        raise ScenevizError(f"score: movie {movie.name!r} has no labels to score against")
    scored, truth = rules.truth(movie.labels[0])
    return truth[scored], prediction.confidence[scored]


def _figures(truth: np.ndarray, confidence: np.ndarray, threshold: float) -> dict[str, float]:
    """The numbers of one row."""
    from sklearn.metrics import average_precision_score

    hits = int((truth & (confidence >= threshold)).sum())
    claims = int((confidence >= threshold).sum())
    boundaries = int(truth.sum())
    return {
        "movies": int(boundaries > 0),
        "shots": len(truth),
        "boundaries": boundaries,
        "prevalence": boundaries / len(truth) if len(truth) else np.nan,
        "AP": float(average_precision_score(truth, confidence)) if boundaries else np.nan,
        "threshold": threshold,
        "F1": 2 * hits / (boundaries + claims) if boundaries + claims else 0.0,
    }
