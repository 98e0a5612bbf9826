"""Means over movies with an interval that says how much the choice of movies matters."""

from __future__ import annotations

import numpy as np

DRAWS = 2_000
COVERS = (2.5, 97.5)  # percentiles


def pooled(above: np.ndarray, below: np.ndarray, *, draws: int = DRAWS, seed: int = 0) -> tuple[np.ndarray, ...]:
    """The ratio of sums over movies, and the ends of its 95 % bootstrap interval, each of shape `above.shape[1:]`.

    above, below: `(movies, …)` sums of each movie. The interval comes from drawing whole movies with replacement; over
    a single movie it is NaN, and so is a ratio with nothing below.
    """
    above, below = np.asarray(above, np.float64), np.asarray(below, np.float64)
    movies = len(above)
    value = _ratio(above.sum(0), below.sum(0))
    if movies < 2:
        return value, np.full_like(value, np.nan), np.full_like(value, np.nan)
    times = np.random.default_rng(seed).multinomial(movies, [1 / movies] * movies, draws)
    ratios = _ratio(np.tensordot(times, above, 1), np.tensordot(times, below, 1))
    missing = np.isnan(ratios).all(0)
    low, high = np.nanpercentile(np.where(missing, 0.0, ratios), COVERS, axis=0)
    return value, np.where(missing, np.nan, low), np.where(missing, np.nan, high)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0))
