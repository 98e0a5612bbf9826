"""What the embedded model scores on a real film beside a colour histogram: printed, and nothing is chosen by it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

import sceneviz as sv
from sceneviz.baselines import color_histogram
from sceneviz.movie import Movie
from sceneviz.results.means import COVERS

DRAWS = 4_000


@pytest.mark.benchmark
def test_big_buck_bunny(big_buck_bunny: Movie) -> None:
    """Its shots are resampled, since it is one film: the interval holds what 15 boundaries leave open, and no more."""
    assert big_buck_bunny.labels is not None
    truth = np.isin(big_buck_bunny.labels[0, :-1], (1, -1))
    answers = [sv.predict(big_buck_bunny, sv.load_model(), progress=False), color_histogram(big_buck_bunny)]
    sure = np.stack([answer.confidence[:-1] for answer in answers])

    def scores(shots: np.ndarray) -> list[float]:
        return [float(average_precision_score(truth[shots], each[shots])) for each in sure]

    rng = np.random.default_rng(0)
    drawn = (rng.integers(len(truth), size=len(truth)) for _ in range(DRAWS))
    spread = np.array([scores(shots) for shots in drawn if truth[shots].any()])
    ours, theirs = scores(np.arange(len(truth)))
    low, high = np.percentile(spread[:, 0] - spread[:, 1], COVERS)
    print(
        f"\nBig Buck Bunny, {len(truth)} labelled shots, prevalence {truth.mean():.3f}, AP (bassl): tiny {ours:.3f}, "
        f"colour histogram {theirs:.3f}; 95 % of the difference, resampled over shots: {low:.3f} to {high:.3f}"
    )
    assert ours > truth.mean()
