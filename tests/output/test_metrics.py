"""Scores: hand-worked cases, scikit-learn's AP, and laws of pooling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score

from sceneviz._text import ScenevizError
from sceneviz.metrics import score

NAMES = ["movie", "pooling", "model", "preset", "movies", "shots", "boundaries", "prevalence", "AP", "threshold", "F1"]


def row(table: pd.DataFrame, pooling: str) -> pd.Series:
    return table.set_index("pooling").loc[pooling]


def test_hand_worked(make_movie: Callable, make_prediction: Callable) -> None:
    """Six shots, scenes end with 1 and 3; ranked by confidence the truth reads 1, 0, 1, 0, 0."""
    movie = make_movie([2, 2, 2])
    table = score(movie, make_prediction(movie, [0.1, 0.9, 0.8, 0.5, 0.2]))
    assert table.columns.tolist() == NAMES
    pooled = row(table, "micro")
    assert (pooled["shots"], pooled["boundaries"], pooled["preset"], pooled["model"]) == (5, 2, "bassl", "a fake")
    assert pooled["AP"] == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert pooled["F1"] == pytest.approx(2 * 2 / (2 + 3))
    assert pooled["prevalence"] == pytest.approx(2 / 5)
    stricter = score(movie, make_prediction(movie, [0.1, 0.9, 0.8, 0.5, 0.2]), threshold=0.85)
    assert row(stricter, "micro")["F1"] == pytest.approx(2 * 1 / (2 + 1))


def test_bassl_counts_uncertain_as_a_boundary_and_skips_the_unlabelled(
    make_movie: Callable, make_prediction: Callable
) -> None:
    movie = replace(make_movie([2, 2, 2]), labels=np.array([-2, 1, -1, 0, 0, -2]))
    pooled = row(score(movie, make_prediction(movie, [0.9, 0.8, 0.7, 0.1, 0.1])), "micro")
    assert (pooled["shots"], pooled["boundaries"], pooled["AP"], pooled["F1"]) == (4, 2, 1.0, 1.0)


@settings(max_examples=40)
@given(st.data())
def test_laws(make_movie: Callable, make_prediction: Callable, data: st.DataObject) -> None:
    """AP and F1 are scikit-learn's on the pooled arrays, counts add up, and order does not matter."""
    lengths = st.lists(st.integers(1, 4), min_size=1, max_size=5)
    movies = [make_movie(data.draw(lengths), f"movie {k}") for k in range(data.draw(st.integers(1, 3)))]
    level = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
    answers = [
        make_prediction(movie, data.draw(st.lists(level, min_size=len(movie) - 1, max_size=len(movie) - 1)))
        for movie in movies
    ]
    table = score(movies, answers)
    truth = np.concatenate([movie.boundaries[:-1] for movie in movies])
    confidence = np.concatenate([answer.confidence[:-1] for answer in answers])
    pooled, mean, each = row(table, "micro"), row(table, "macro"), table[table["pooling"] == "movie"]
    if truth.any():
        assert pooled["AP"] == pytest.approx(average_precision_score(truth, confidence))
        assert mean["AP"] == pytest.approx(np.nanmean(each["AP"]))
    else:
        assert np.isnan(pooled["AP"])
        assert np.isnan(mean["AP"])
    assert pooled["F1"] == pytest.approx(f1_score(truth, confidence >= 0.5, zero_division=0) if len(truth) else 0)
    assert pooled["shots"] == each["shots"].sum()
    assert pooled["boundaries"] == each["boundaries"].sum()
    assert mean["movies"] == each["AP"].notna().sum()
    reversed_table = score(movies[::-1], answers[::-1])
    pd.testing.assert_frame_equal(table.tail(2), reversed_table.tail(2))


def test_no_boundary_gives_values_not_errors(make_movie: Callable, make_prediction: Callable) -> None:
    flat = make_movie([4])
    table = score([flat, make_movie([1])], [make_prediction(flat, [0, 0, 0]), make_prediction(make_movie([1]))])
    assert table["AP"].isna().all()
    assert (table["F1"] == 0).all()
    assert table["movies"].tolist() == [0, 0, 2, 0]


def test_mistakes_are_one_clear_line(make_movie: Callable, make_prediction: Callable) -> None:
    movie, other = make_movie(), make_movie([2, 2])
    right = make_prediction(movie)
    for call, message in [
        (lambda: score(movie, right, preset="basl"), "did you mean 'bassl'"),
        (lambda: score(movie, right, threshold=50), "from 0 to 1, got 50"),
        (lambda: score(other, right), "was made on 'plain' with 12 shots"),
        (lambda: score([movie, other], [right]), "2 movies and 1 predictions"),
        (lambda: score([], []), "0 movies"),
        (lambda: score(replace(movie, labels=None), right), "no labels"),
        (lambda: score([movie, movie], [right, replace(right, model="another")]), "score each apart"),
    ]:
        with pytest.raises(ScenevizError, match=message) as caught:
            call()
        assert "\n" not in str(caught.value)
