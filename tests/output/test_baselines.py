"""Baselines: hand-worked histograms, the interface of a model, and the published figure on a real film."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sceneviz._text import ScenevizError
from sceneviz.baselines import color_histogram, constant
from sceneviz.metrics import score
from sceneviz.movie import Movie


def test_histogram_distance_is_the_share_of_shots_of_other_colours(make_movie: Callable) -> None:
    """Scenes of 9 and 3 shots of one colour each: at cut c, c of the shots before are alike, and so on."""
    answer = color_histogram(make_movie([9, 3]))
    expected = [0, 1 / 8, 2 / 8, 3 / 8, 3 / 7, 3 / 6, 3 / 5, 3 / 4, 1, 7 / 8, 6 / 8]
    assert answer.confidence[:-1] == pytest.approx(expected)
    assert np.isnan(answer.confidence[-1])


def test_they_look_like_a_model(make_movie: Callable) -> None:
    movie = make_movie([20, 5, 8])
    for answer in (color_histogram(movie), constant(movie)):
        answer.check(movie)
        assert answer.window[:-1].tolist() == [k // 10 for k in range(32)]
        assert answer.position[:-1].tolist() == [k % 10 for k in range(32)]
        assert not answer.embedded
    table = score(movie, constant(movie)).query("measure == 'AP'")
    assert (table["value"] == table["prevalence"]).all()


def test_one_shot_has_no_decision(make_movie: Callable) -> None:
    assert len(color_histogram(make_movie([1])).scenes()) == 1


def test_a_movie_without_frames_is_refused(make_movie: Callable) -> None:
    with pytest.raises(ScenevizError, match="has none"):
        color_histogram(make_movie(frames=False))


@pytest.mark.slow
def test_histogram_on_a_real_film(big_buck_bunny: Movie) -> None:
    """Measured once by another implementation: AP .36 at a prevalence of .115."""
    table = score(big_buck_bunny, color_histogram(big_buck_bunny))
    pooled = table.set_index(["pooling", "measure"]).loc[("micro", "AP")]
    assert pooled["value"] == pytest.approx(0.36, abs=0.015)
    assert pooled["prevalence"] == pytest.approx(0.115, abs=0.001)
