"""Shots filmed freely: what may change from one to the next, and what stays."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small import random_model

from sceneviz._text import ScenevizError
from sceneviz.movie import FrameSource
from sceneviz.synthetic import FilmedFreely, Freedom, render_movie
from sceneviz.synthetic.freely import larger
from sceneviz.tiny.questions import Lessons
from sceneviz.tiny.stages import RECIPE
from sceneviz.tiny.telling import Drawn, Telling
from sceneviz.training import TrainConfig
from sceneviz.training.windows import TrainingWindows

SIZE = (28, 56)


@pytest.fixture(scope="module")
def movie():
    return render_movie(8_100_002, shots=8)


def test_it_is_a_source_of_frames_that_reads_the_same_in_any_order(movie):
    source = FilmedFreely(movie.frames, Freedom(0.5, 0.4), seed=3)
    assert isinstance(source, FrameSource)
    whole = list(source.read(movie.shots, 2, SIZE))
    assert {block.shape for block in whole} == {(2, *SIZE, 3)}
    np.testing.assert_array_equal(next(source.read(movie.shots[5:6], 2, SIZE)), whole[5])
    assert next(source.read(movie.shots, 1)).shape == (1, *movie.frames.size, 3)
    names = {
        each.fingerprint
        for each in (
            movie.frames,
            source,
            FilmedFreely(movie.frames, Freedom(0.5, 0.4), seed=4),
            FilmedFreely(movie.frames, Freedom(0.4, 0.4), seed=3),
            FilmedFreely(movie.frames, Freedom(0.5, 0.5), seed=3),
        )
    }
    assert len(names) == 5


def test_without_any_freedom_it_is_the_picture_itself(movie):
    filmed, drawn = (
        np.stack(list(source.read(movie.shots, 1, SIZE))).astype(float)
        for source in (FilmedFreely(movie.frames, Freedom()), movie.frames)
    )
    assert np.abs(filmed - drawn).mean() < 6  # grain and resampling
    assert np.corrcoef(filmed.ravel(), drawn.ravel())[0, 1] > 0.98


@settings(max_examples=30, deadline=None)
@given(crop=st.floats(0, 0.9), seed=st.integers(0, 1000))
def test_what_is_cut_away_is_no_more_than_allowed(crop, seed):
    high, wide = larger(SIZE)
    across = np.broadcast_to(np.linspace(0, 255, wide)[None, None, :, None], (2, high, wide, 3)).astype(np.uint8)
    film = Freedom(crop=crop).film(across, SIZE, np.random.default_rng(seed)).astype(int)
    assert film.shape == (2, *SIZE, 3)
    np.testing.assert_array_equal(film[0], film[1])  # the pictures of a shot are filmed alike
    steps = np.diff(film[0, 0, :, 0])
    assert (steps >= 0).all() or (steps <= 0).all()  # mirrored or not, nothing is torn
    assert np.ptp(film) >= 255 * (1 - crop) - 12


def test_the_freer_the_light_the_less_shots_look_alike():
    grey = np.full((1, *larger(SIZE), 3), (90, 120, 140), np.uint8)

    def spread(light):
        shots = [
            Freedom(light=light).film(grey, SIZE, np.random.default_rng(shot)).mean((0, 1, 2)) for shot in range(40)
        ]
        return np.std(shots, 0).mean()

    found = [spread(light) for light in (0, 0.1, 0.3, 0.6)]
    assert found[0] == 0
    assert found == sorted(found)
    assert found[1] > 3


@pytest.mark.parametrize("wrong", [{"crop": 1.0}, {"crop": -0.1}, {"light": -1}, {"light": 3}])
def test_freedom_has_bounds(wrong):
    with pytest.raises(ScenevizError, match="Freedom: expected"):
        Freedom(**wrong)


def test_some_training_windows_are_filmed_so_each_the_same_way_again(movie):
    windows = TrainingWindows([movie], replace(RECIPE, context=5, focus=4), TrainConfig(steps=20, batch_size=2))
    store = Drawn([movie], RECIPE)
    telling = Telling(random_model(), windows, store, Lessons(windows).story)
    freely = []
    for number in range(40):
        sample = windows[number]
        plain, shown = store.window(0, sample.window.context, sample.frames), telling.frames(sample)
        np.testing.assert_array_equal(shown, telling.frames(sample))
        assert np.shape(shown) == np.shape(plain)
        freely.append(not np.array_equal(shown, plain))
    assert 0.5 < np.mean(freely) < 0.85  # or from angles that differ
