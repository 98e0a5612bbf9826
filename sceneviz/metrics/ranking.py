"""What depends on the order of confidences: the curve of precision and recall, AP, AUC, and the best threshold.

Point values of AP and AUC are scikit-learn's; here they are taken under weights of movies, thousands of times over one
sorting, which is what a bootstrap over movies needs. Tests hold the two against each other.
"""

from __future__ import annotations

import numpy as np


class Ranking:
    """Scored shots of several movies in descending order of confidence.

    everyone: `(n_movies,)` ones, the weights of the movies as they are.
    truth `(n,)` bool, confidence `(n,)`, movie `(n,)` int: which movie, from 0 to n_movies - 1. All three weighted
    methods take `weights` `(n_movies,)`: how often each movie counts.
    """

    def __init__(self, truth: np.ndarray, confidence: np.ndarray, movie: np.ndarray, n_movies: int) -> None:
        order = np.argsort(-confidence, kind="stable")
        self.everyone = np.ones(n_movies, int)
        self._truth, self._movie = truth[order].astype(np.float64), movie[order]
        level = confidence[order]
        self._tie_ends = np.flatnonzero(np.append(level[1:] != level[:-1], True)[: len(level)])
        self.levels = level[self._tie_ends]
        self._boundaries = np.bincount(movie, truth, n_movies)
        self._scored = np.bincount(movie, minlength=n_movies) > 0
        self._steps = self._f1_steps()

    def curve(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Hits and claims `(n_levels,)` at each distinct confidence, where all from it on are claimed."""
        each = weights[self._movie]
        hits, claims = np.cumsum(each * self._truth), np.cumsum(each, dtype=np.float64)
        return hits[self._tie_ends], claims[self._tie_ends]

    def areas(self, weights: np.ndarray) -> tuple[float, float, float]:
        """AP (step sum), AUC, and the best F1 of all shots in one pool; NaN, NaN and 0 where undefined."""
        hits, claims = self.curve(weights)
        boundaries = float(weights @ self._boundaries)
        if not boundaries:
            return np.nan, np.nan, 0.0
        precision = hits / np.maximum(claims, 1)  # weights are whole, so that claims below 1 are 0
        ap = (np.diff(hits, prepend=0.0) * precision).sum() / boundaries
        false = claims - hits
        under = (np.diff(false, prepend=0.0) * (hits + np.append(0.0, hits[:-1]))).sum() / 2
        auc = under / (boundaries * false[-1]) if false[-1] else np.nan
        return float(ap), float(auc), float((2 * hits / (boundaries + claims)).max())

    def best_micro(self, weights: np.ndarray) -> tuple[float, float]:
        """The best F1 of the pool, and the highest threshold that reaches it (NaN without a boundary)."""
        if not (boundaries := float(weights @ self._boundaries)):
            return 0.0, np.nan
        hits, claims = self.curve(weights)
        f1 = 2 * hits / (boundaries + claims)
        return float(f1.max()), float(self.levels[np.argmax(f1)])

    def best_macro(self, weights: np.ndarray) -> tuple[float, float]:
        """The best mean of the movies' F1 at one threshold for all, and that threshold (NaN without a boundary)."""
        entering = float(weights @ self._scored)
        if not weights @ self._boundaries:
            return (0.0 if entering else np.nan), np.nan
        mean = np.cumsum(self._steps * weights[self._movie])[self._tie_ends] / entering
        return float(mean.max()), float(self.levels[np.argmax(mean)])

    def _f1_steps(self) -> np.ndarray:
        """How much each shot, once claimed, changes its own movie's F1."""
        by_movie = np.argsort(self._movie, kind="stable")
        movie, truth = self._movie[by_movie], self._truth[by_movie]
        first = np.searchsorted(movie, movie)  # where the shot's movie begins
        claims = np.arange(1, len(movie) + 1) - first
        hits = np.cumsum(truth)
        hits -= np.append(0.0, hits)[first]
        f1 = 2 * hits / (self._boundaries[movie] + claims)
        steps = np.empty(len(f1))
        steps[by_movie] = f1 - np.where(claims == 1, 0.0, np.append(0.0, f1[:-1]))
        return steps
