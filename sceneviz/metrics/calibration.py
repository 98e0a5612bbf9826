"""Does a confidence of .7 mean that seven in ten are boundaries: expected calibration error, and a table of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

BINS = 10  # of equal width, the last with both its ends


def confidence_bins(truth: np.ndarray, confidence: np.ndarray) -> dict[str, float]:
    """Counts that add up over movies: shots, boundaries and summed confidence of each of `BINS` bins."""
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    columns = {"in bin": None, "true in bin": truth, "sum of bin": confidence}
    return {
        f"{name} {k}": value
        for name, weights in columns.items()
        for k, value in enumerate(np.bincount(place, weights, BINS).tolist())
    }


def calibration_error(counts: Mapping[str, object]) -> np.ndarray:
    """ECE: mean over shots of |share of boundaries - mean confidence| of their bin; 0 where no shot is counted.

    counts: those of `confidence_bins`, of one movie or of sums over many, numbers or arrays.
    """
    shots, true, summed = (
        np.array([counts[f"{name} {k}"] for k in range(BINS)], dtype=float)
        for name in ("in bin", "true in bin", "sum of bin")
    )
    return np.asarray(np.abs(true - summed).sum(axis=0) / np.maximum(shots.sum(axis=0), 1))
