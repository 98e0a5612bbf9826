"""Intervals over movies: of a score, and of the difference between two sets of predictions on the same movies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.metrics.pool import Levels, Pool, cases_of
from sceneviz.metrics.presets import Preset, preset_named
from sceneviz.movie import Movie
from sceneviz.results import Prediction, checked_threshold

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.95  # share of resamples inside an interval
Key = tuple[str, str]  # pooling, measure


def paired_difference(
    movies: Sequence[Movie],
    first: Sequence[Prediction],
    second: Sequence[Prediction],
    *,
    preset: str = "bassl",
    threshold: float = 0.5,
    validation: float | tuple[float, float] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """How much better the second predictions are than the first, with 95 % intervals paired over movies.

    Each resample draws movies with replacement and scores both sides on the same draw, so that what makes a movie
    hard for both cancels, and small differences show. The two may come from different models, recipes or both; within
    a side all come from one. Several conditions against one: call once each, with the same seed.

        paired_difference(movies, without_subtitles, full).query("pooling == 'micro' and measure == 'AP'")

    validation: the threshold of F1@val; two of them where the sides have their own; None leaves F1@val out.
    resamples: how many draws; 0 leaves the intervals NaN. An interval over one movie is NaN.

    A row a pooling ("micro", "macro") and measure, named as in `score`. Columns: preset, pooling, measure, first,
    second, difference (second - first), low, high, movies.
    """
    import pandas as pd

    rules = preset_named(preset)
    tuned = validation if isinstance(validation, tuple) else (validation, validation)
    sides = [
        pools_of(movies, answers, rules, levels_of(threshold, level))
        for answers, level in zip((first, second), tuned, strict=True)
    ]
    everyone = np.ones((1, len(movies)), int)
    points = [pooled(side, everyone) for side in sides]
    draws = resampled(len(movies), resamples, seed)
    samples = [pooled(side, draws) for side in sides]
    rows = []
    for pooling, measure in rules.ordered(points[0]):
        one, other = (float(point[pooling, measure][0]) for point in points)
        low, high = interval(samples[1][pooling, measure] - samples[0][pooling, measure], len(movies))
        rows.append((preset, pooling, measure, one, other, other - one, low, high, len(movies)))
    names = ["preset", "pooling", "measure", "first", "second", "difference", "low", "high", "movies"]
    return pd.DataFrame(rows, columns=names)


def levels_of(
    threshold: float, validation: float | None = None, tolerance_s: float = 3.0, tolerance_frames: int | None = None
) -> Levels:
    """Thresholds and tolerances, checked."""
    for name, value in (("tolerance_s", tolerance_s), ("tolerance_frames", tolerance_frames)):
        if value is not None and not value >= 0:
            raise ScenevizError(f"score: {name} must be a number from 0 up, got {value!r}")
    tuned = None if validation is None else checked_threshold(validation)
    return Levels(checked_threshold(threshold), tuned, float(tolerance_s), tolerance_frames)


def listed(one_or_many: Any) -> list[Any]:
    """A movie or a prediction, or several of them, as a list."""
    return [one_or_many] if isinstance(one_or_many, Movie | Prediction) else list(one_or_many)


def pools_of(movies: Sequence[Movie], predictions: Sequence[Prediction], preset: Preset, levels: Levels) -> list[Pool]:
    """A Pool an annotator."""
    return [Pool(cases, preset, levels) for cases in cases_of(movies, predictions, preset)]


def pooled(pools: Sequence[Pool], weights: np.ndarray) -> dict[Key, np.ndarray]:
    """Every (pooling, measure) under each row of weights, averaged over annotators: `(n,)` values."""
    if not len(weights):
        return dict.fromkeys(pools[0].pooled(np.ones((1, len(pools[0])), int)), np.empty(0))
    each = [pool.pooled(weights) for pool in pools]
    return {key: known_mean([values[key] for values in each]) for key in each[0]}


def known_mean(values: Sequence[np.ndarray]) -> np.ndarray:
    """The mean over the first axis without NaN; NaN where there is nothing else."""
    stack = np.array(values, dtype=float)
    known = ~np.isnan(stack)
    count = known.sum(axis=0)
    total = np.where(known, stack, 0.0).sum(axis=0)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def resampled(n_movies: int, resamples: int, seed: int) -> np.ndarray:
    """`(resamples, n_movies)`: how often each movie is drawn, n_movies draws with replacement a row."""
    if isinstance(resamples, bool) or not isinstance(resamples, int) or resamples < 0:
        raise ScenevizError(f"resamples must be a whole number from 0 up, got {resamples!r}")
    return np.random.default_rng(seed).multinomial(n_movies, np.full(n_movies, 1 / n_movies), size=resamples)


def interval(samples: np.ndarray, movies: int) -> tuple[float, float]:
    """The middle 95 % of the samples that are not NaN; NaN, NaN over fewer than two movies."""
    known = samples[~np.isnan(samples)]
    if movies < 2 or not len(known):
        return np.nan, np.nan
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
