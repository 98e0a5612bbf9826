"""Places whose cameras differ: what of a picture changes from one to the next, and what stays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sceneviz._text import ScenevizError
from sceneviz.explanation import known, story_of
from sceneviz.movie import FrameSource
from sceneviz.synthetic import render_movie
from sceneviz.synthetic.angles import palette
from sceneviz.synthetic.grading import turned
from sceneviz.synthetic.source import RenderedFrames

SIZE = (56, 98)
TURNS = st.floats(-2, 2)


@pytest.fixture(scope="module")
def movie():
    return render_movie(8_100_003, shots=24)


def first_frames(source, movie):
    """`(shots, H, W, 3)`: one of each."""
    return np.concatenate(list(source.read(movie.shots, 1, SIZE))).astype(int)


def test_it_is_a_source_of_frames_that_reads_the_same_in_any_order(movie):
    source = RenderedFrames(movie.frames.story, 0.6, seed=3)
    assert isinstance(source, FrameSource)
    whole = first_frames(source, movie)
    again = RenderedFrames(movie.frames.story, 0.6, seed=3)
    np.testing.assert_array_equal(next(again.read(movie.shots[5:6], 1, SIZE))[0], whole[5])
    ways = ((0, 0), (0.6, 3), (0.6, 4), (0.5, 3))
    assert len({RenderedFrames(movie.frames.story, *way).fingerprint for way in ways}) == len(ways)
    angled = render_movie(8_100_003, shots=24, angles=0.6)
    assert angled.frames.fingerprint == RenderedFrames(movie.frames.story, 0.6).fingerprint
    assert angled.name == f"{movie.name}-angles-0.6"
    assert story_of(angled) == movie.frames.story
    assert known(angled, 3) == known(movie, 3)


def test_without_any_difference_it_is_the_picture_itself(movie):
    plain = RenderedFrames(movie.frames.story, 0.0, seed=5)
    assert plain.fingerprint == movie.frames.fingerprint
    np.testing.assert_array_equal(first_frames(plain, movie), first_frames(movie.frames, movie))


def test_people_keep_their_colours_and_places_do_not(movie):
    one, other = (first_frames(RenderedFrames(movie.frames.story, 1.0, seed), movie) for seed in (1, 2))
    far = np.abs(one - other).max(-1)
    near = np.array([take.kind == "close" for take in movie.frames.story.takes])  # a face fills much of the picture
    assert (far[near] <= 2).mean((1, 2)).min() > 0.1
    assert (far > 10).mean() > 0.4


def test_a_camera_is_the_same_whenever_it_comes_back(movie):
    story = movie.frames.story
    source = RenderedFrames(story, 1.0)
    palettes = {}
    for take in story.takes:
        palettes.setdefault((take.place, take.camera), []).append(source._palette(take).matrix)
    assert max(map(len, palettes.values())) > 1
    for seen in palettes.values():
        np.testing.assert_array_equal(seen, np.broadcast_to(seen[0], np.shape(seen)))
    assert len({seen[0].tobytes() for seen in palettes.values()}) == len(palettes)


def test_the_further_apart_the_less_cameras_look_alike():
    painted = np.full((1, 1, 3), (90, 120, 160), np.uint8)

    def spread(angles):
        cameras = [np.random.default_rng(key) for key in range(1, 61)]
        seen = [palette(angles, np.random.default_rng(0), camera).of(painted)[0, 0] for camera in cameras]
        return np.std(seen, 0).mean()

    found = [spread(angles) for angles in (0, 0.2, 0.5, 1)]
    assert found[0] == 0
    assert found == sorted(found)
    assert found[1] > 3


@given(one=TURNS, other=TURNS, colour=st.tuples(*[st.floats(0, 255)] * 3))
def test_hues_turn_about_the_greys(one, other, colour):
    np.testing.assert_allclose(turned(one) @ turned(other), turned(one + other), atol=1e-9)
    np.testing.assert_allclose(turned(one) @ np.ones(3), np.ones(3), atol=1e-9)
    assert np.isclose((turned(one) @ colour).sum(), sum(colour))
    assert np.isclose(np.linalg.norm(turned(one) @ colour), np.linalg.norm(colour))


@pytest.mark.parametrize("wrong", [-0.1, 2.5, float("nan")])
def test_angles_have_bounds(wrong):
    with pytest.raises(ScenevizError, match="expected 0 <= angles <= 2, got"):
        render_movie(1, shots=2, angles=wrong)
