"""Pooling under weights of movies, against scikit-learn; paired differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from sceneviz._text import ScenevizError
from sceneviz.metrics import paired_difference
from sceneviz.metrics.bootstrap import resampled
from sceneviz.metrics.ranking import Ranking


@given(st.data())
def test_weighted_areas_are_those_of_scikit_learn(data: st.DataObject) -> None:
    n_movies = data.draw(st.integers(1, 4))
    movie = np.array(data.draw(st.lists(st.integers(0, n_movies - 1), min_size=1, max_size=25)))
    truth = np.array(data.draw(st.lists(st.booleans(), min_size=len(movie), max_size=len(movie))))
    levels = st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0])
    confidence = np.array(data.draw(st.lists(levels, min_size=len(movie), max_size=len(movie))))
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=n_movies, max_size=n_movies)))
    ranking = Ranking(truth, confidence, movie, n_movies)
    ap, auc, best, macro = ranking.measures(weights[None])[0]
    each = weights[movie]
    if not (truth * each).any():
        assert np.isnan([ap, auc]).all()
        assert best == 0
        return
    assert ap == pytest.approx(average_precision_score(truth, confidence, sample_weight=each))
    if (~truth * each).any():
        assert auc == pytest.approx(roc_auc_score(truth, confidence, sample_weight=each))
    claims = [confidence >= level for level in ranking.levels]
    pooled = [f1_score(truth, claim, sample_weight=each) for claim in claims]
    assert best == pytest.approx(max(pooled))
    present = [k for k in range(n_movies) if (movie == k).any()]
    means = [
        np.average(
            [f1_score(truth[movie == k], claim[movie == k], zero_division=0) for k in present], weights=weights[present]
        )
        for claim in claims
    ]
    assert macro == pytest.approx(max(means))
    if (weights == 1).all():
        assert ranking.best() == (pytest.approx(best), ranking.levels[int(np.argmax(np.round(pooled, 9)))])
        assert ranking.best(macro=True) == (pytest.approx(macro), ranking.levels[int(np.argmax(np.round(means, 9)))])


def test_a_resample_draws_as_many_movies_as_there_are() -> None:
    draws = resampled(5, 100, seed=1)
    assert draws.shape == (100, 5)
    assert (draws.sum(axis=1) == 5).all()
    assert (draws == resampled(5, 100, seed=1)).all()


def test_a_small_difference_shows_when_movies_are_paired(make_movie: Callable, make_prediction: Callable) -> None:
    """Movies are very unequally hard, and the second side finds one boundary more in each."""
    movies = [make_movie([2] * 12, f"movie {k}") for k in range(10)]
    first, second = [], []
    for found, movie in enumerate(movies):
        right = np.flatnonzero(movie.boundaries)
        for side, more in ((first, 0), (second, 1)):
            confidence = np.zeros(len(movie) - 1)
            confidence[right[: found + more]] = 0.9
            side.append(make_prediction(movie, confidence))
    table = paired_difference(movies, first, second).set_index(["pooling", "measure"])
    recall = table.loc[("macro", "recall@.5")]
    assert recall["difference"] == pytest.approx(1 / 11)
    assert (recall["low"], recall["high"]) == (pytest.approx(1 / 11), pytest.approx(1 / 11))
    assert recall["second"] - recall["first"] == pytest.approx(recall["difference"])
    assert 0 < table.loc[("micro", "F1@.5"), "low"] < table.loc[("micro", "F1@.5"), "high"]
    none = paired_difference(movies, first, first)
    assert (none[["difference", "low", "high"]].fillna(0) == 0).all(axis=None)


def test_each_side_may_have_its_own_threshold(make_movie: Callable, make_prediction: Callable) -> None:
    movie = make_movie([2, 2, 2])
    low, high = make_prediction(movie, [0.0, 0.3, 0.0, 0.3, 0.0]), make_prediction(movie, [0.0, 0.7, 0.0, 0.7, 0.0])
    table = paired_difference([movie], [low], [high], validation=(0.3, 0.7)).set_index(["pooling", "measure"])
    assert table.loc[("micro", "F1@val"), "difference"] == 0
    assert table.loc[("micro", "F1@.5"), "difference"] == 1
    assert table["low"].isna().all()  # one movie
    with pytest.raises(ScenevizError, match="1 movies and 2 predictions"):
        paired_difference([movie], [low], [high, high])
