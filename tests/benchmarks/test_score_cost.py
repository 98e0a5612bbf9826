"""What a score costs on as many movies and shots as MovieNet-318's test split has: all presets, without intervals.

`make bench` prints the table, in seconds of a processor; the budget is 10 for the six presets together.
"""

from __future__ import annotations

import time
from fractions import Fraction

import numpy as np
import pytest

from sceneviz.metrics import PRESETS, score
from sceneviz.movie import Movie, Shot
from sceneviz.recipe import Recipe
from sceneviz.results import Prediction

MOVIES, SHOTS, PREVALENCE = 64, 1656, 0.13
BUDGET_S = 10


def film(number: int) -> tuple[Movie, Prediction]:
    """A movie of random scenes, and an answer that is right more often than not."""
    rng = np.random.default_rng(number)
    ends = np.cumsum(rng.integers(12, 200, SHOTS)).tolist()
    shots = tuple(
        Shot(k, start, end, start / 24, end / 24) for k, (start, end) in enumerate(zip([0, *ends], ends, strict=False))
    )
    labels = rng.choice([0, 1, -1], SHOTS, p=[0.99 - PREVALENCE, PREVALENCE, 0.01])
    movie = Movie(f"tt{number:07d}", shots, None, Fraction(24), labels)
    confidence = 1 / (1 + np.exp(2 - 2.5 * (labels[:-1] == 1) - 1.2 * rng.normal(size=SHOTS - 1)))
    nothing = np.append(np.zeros(SHOTS - 1), -1)
    return movie, Prediction(
        movie=movie.fingerprint,
        movie_name=movie.name,
        model="made up",
        model_name="made up",
        embedded=False,
        recipe=Recipe(),
        threshold=0.5,
        shots=shots,
        confidence=np.append(confidence, np.nan),
        mass=np.append(np.ones(SHOTS - 1), np.nan),
        decision=np.append(confidence >= 0.5, -1),
        window=nothing,
        position=nothing,
    )


@pytest.mark.benchmark
def test_all_presets_on_a_test_split() -> None:
    movies, answers = zip(*map(film, range(MOVIES)), strict=True)
    seconds = {}
    for preset in PRESETS:
        start = time.process_time()
        score(movies, answers, preset=preset, validation=0.4, resamples=0)
        seconds[preset] = time.process_time() - start
    start = time.process_time()
    score(movies, answers, validation=0.4)
    with_intervals = time.process_time() - start
    listed = ", ".join(f"{preset} {value:.1f}" for preset, value in seconds.items())
    print(
        f"\n{MOVIES} movies, {MOVIES * SHOTS:,} shots: {listed}; together {sum(seconds.values()):.1f} s; "
        f"bassl with 1,000 resamples {with_intervals:.1f} s"
    )
    assert sum(seconds.values()) < BUDGET_S
