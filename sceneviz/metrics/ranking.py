"""What depends on the order of confidences: the curve of precision and recall, AP, AUC, and the best threshold.

Point values of AP and AUC are scikit-learn's; here they are taken under weights of movies, thousands of times over one
sorting, which is what a bootstrap over movies needs. Tests hold the two against each other.
"""

from __future__ import annotations

import numpy as np

CHUNK = 2_000_000  # numbers held at once


class Ranking:
    """Scored shots of several movies in descending order of confidence.

    truth `(n,)` bool, confidence `(n,)`, movie `(n,)` int: which movie, from 0 to n_movies - 1.

    Shots of one confidence are claimed together, and so, without loss, are those of neighbouring confidences that hold
    no boundary. What is left are the steps at which the curve turns, at most two for each boundary and one more.

    levels: `(n_steps,)` the lowest confidence of each step, descending.
    """

    def __init__(self, truth: np.ndarray, confidence: np.ndarray, movie: np.ndarray, n_movies: int) -> None:
        from scipy.sparse import csr_array

        order = np.argsort(-confidence, kind="stable")
        truth, confidence, movie = truth[order], confidence[order], movie[order]
        tie = np.append(0, np.cumsum(np.diff(confidence) != 0))[: len(order)]
        found = np.bincount(tie, truth) > 0
        turns = found | np.append(True, found)[: len(found)]
        step = (np.cumsum(turns) - 1)[tie]
        self.levels = confidence[np.flatnonzero(np.append(np.diff(step), 1)[: len(step)])]
        self._everyone = np.ones((1, n_movies), int)
        self._boundaries = np.bincount(movie, truth, n_movies)
        self._scored = np.bincount(movie, minlength=n_movies) > 0

        def summed(values: np.ndarray) -> csr_array:
            """`(n_steps, n_movies)`."""
            return csr_array((values, (step, movie)), shape=(len(self.levels), n_movies))

        self._hits, self._claims = summed(truth.astype(float)), summed(np.ones(len(order)))
        self._gains = summed(_f1_gains(truth, movie, self._boundaries))

    def curve(self) -> tuple[np.ndarray, np.ndarray]:
        """Hits and claims `(n_steps,)` at each level, where all shots from it on are claimed."""
        hits, claims = self._curves(self._everyone)
        return hits[:, 0], claims[:, 0]

    def measures(self, weights: np.ndarray) -> np.ndarray:
        """AP (step sum), AUC, and the best micro and macro F1, one row `(4,)` for each row of weights.

        weights: `(n, n_movies)` whole numbers, how often each movie counts. AP is NaN without a boundary, AUC without
        both kinds of shots, macro F1 without any shot; F1 without a boundary is 0.
        """
        if not len(self.levels):
            return np.tile([np.nan, np.nan, 0.0, np.nan], (len(weights), 1))
        pieces = max(1, len(weights) * len(self.levels) // CHUNK)
        return np.concatenate([self._measures(part) for part in np.array_split(weights, pieces)])

    def best(self, macro: bool = False) -> tuple[float, float]:
        """The best F1 that one threshold for all movies gives, and the highest such threshold.

        All shots in one pool, or the mean over movies. Without a boundary, the threshold is NaN.
        """
        if not self._boundaries.any():
            return (0.0 if self._scored.any() or not macro else np.nan), np.nan
        f1 = (self._macro_f1(self._everyone) if macro else _f1(*self._curves(self._everyone)))[:, 0]
        return float(f1.max()), float(self.levels[np.argmax(f1)])

    def _curves(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Hits and claims `(n_steps, n)`."""
        return np.cumsum(self._hits @ weights.T, axis=0), np.cumsum(self._claims @ weights.T, axis=0)

    def _measures(self, weights: np.ndarray) -> np.ndarray:
        hits, claims = self._curves(weights)
        false, found = claims - hits, np.diff(hits, axis=0, prepend=0.0)
        with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 is the NaN that is meant
            # Weights are whole, so that fewer than one claim is none.
            ap = (found * hits / np.maximum(claims, 1)).sum(axis=0) / hits[-1]
            auc = (np.diff(false, axis=0, prepend=0.0) * (hits - found / 2)).sum(axis=0) / (hits[-1] * false[-1])
            macro = self._macro_f1(weights).max(axis=0)
        return np.stack([ap, auc, _f1(hits, claims).max(axis=0), macro], axis=1)

    def _macro_f1(self, weights: np.ndarray) -> np.ndarray:
        return np.asarray(np.cumsum(self._gains @ weights.T, axis=0) / (weights @ self._scored))


def _f1(hits: np.ndarray, claims: np.ndarray) -> np.ndarray:
    """F1 at each level of curves `(n_steps, n)`."""
    return np.asarray(2 * hits / np.maximum(hits[-1] + claims, 1))


def _f1_gains(truth: np.ndarray, movie: np.ndarray, boundaries: np.ndarray) -> np.ndarray:
    """How much each shot, once claimed, changes its own movie's F1; shots in ranking order."""
    by_movie = np.argsort(movie, kind="stable")
    own = movie[by_movie]
    first = np.searchsorted(own, own)  # where the shot's movie begins
    claims = np.arange(1, len(own) + 1) - first
    running = np.append(0, np.cumsum(truth[by_movie]))
    f1 = 2 * (running[1:] - running[first]) / (boundaries[own] + claims)
    gains = np.empty(len(f1))
    gains[by_movie] = f1 - np.where(claims == 1, 0.0, np.append(0.0, f1[:-1]))
    return gains
