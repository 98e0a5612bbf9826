"""Places in space: what a camera sees follows from where it stands."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sceneviz.synthetic.canvas import HEIGHT, WIDTH, Canvas
from sceneviz.synthetic.solids import FORMS, TILE, Body, World, laid_out
from sceneviz.synthetic.stage import build
from sceneviz.synthetic.story import CAMERAS, Place, generator
from sceneviz.synthetic.views import Camera, View

RED, BLUE = np.array([250.0, 10, 10]), np.array([10.0, 10, 250])
CAMERA = Camera(x=0.0, z=0.0, eye=1.5, heading=0.0, horizon=90.0)


def body(x, z, tone, form="post", width=1.0, height=3.0):
    return Body(form, x, z, width, height, above=0.0, turn=0.3, tone=tone, shines=False, knots=np.zeros((9, 2)))


def world(*bodies, room=None, light=(np.pi, 0.5)):
    grey = np.full((TILE, TILE, 3), 128, np.uint8)
    return World(grey, grey, np.full((2, 3), 200.0), room, np.zeros(1600), light, 1e6, bodies)


def seen(made, camera=CAMERA):
    """What the camera sees, `(HEIGHT, WIDTH, 3)` floats."""
    canvas = Canvas(generator(1), 0.3)
    View(made, camera, canvas).paint()
    return canvas.rgb.astype(float)


def where(picture, tone):
    """Which pixels are of a colour, in whatever light: `(HEIGHT, WIDTH)`."""
    strong, weak = int(tone.argmax()), int(tone[[0, 2]].argmin()) * 2
    return picture[..., strong] > picture[..., weak] + 30


@settings(max_examples=25, deadline=None)
@given(st.floats(-1.1, 1.1), st.floats(4, 20), st.sampled_from([form for form in FORMS if form != "bush"]))
def test_a_body_is_where_the_camera_looks_for_it_and_smaller_from_afar(turn, far, form):
    x, z = far * np.sin(turn), far * np.cos(turn)
    near, twice = (where(seen(world(body(k * x, k * z, RED, form))), RED) for k in (1, 2))
    column = CAMERA.column(x, z)
    assert abs(np.nonzero(near)[1].mean() - column) < 6
    assert abs(np.nonzero(twice)[1].mean() - column) < 6
    assert near.sum() > 2 * twice.sum() > 0
    assert np.nonzero(near)[0].max() > np.nonzero(twice)[0].max()  # nearer to the horizon


def test_what_stands_before_hides_what_stands_behind():
    front, behind = body(0, 4, RED), body(0, 8, BLUE)
    for bodies in ((front, behind), (behind, front)):
        picture = seen(world(*bodies))
        assert where(picture, RED)[:, WIDTH // 2].any()
        assert not where(picture, BLUE).any()
    assert where(seen(world(front, behind), replace(CAMERA, x=3.0)), BLUE).any()  # from beside, both are seen
    assert not where(seen(world(front), replace(CAMERA, heading=np.pi)), RED).any()  # it is behind the camera


def test_a_side_in_the_light_is_brighter_than_one_turned_away():
    lit = {}
    for side in (0.0, np.pi):  # the camera looks north: light from the north is behind the body
        picture = seen(world(body(0, 5, RED, "block"), light=(side, 0.6)))
        lit[side] = picture[where(picture, RED)].mean()
    assert lit[np.pi] > 1.3 * lit[0.0]


def test_a_room_has_a_floor_walls_in_lights_of_their_own_and_a_ceiling():
    picture = seen(world(room=(6.0, 6.0, 3.0), light=(np.pi, 0.6)))
    middle = picture[:, WIDTH // 2 - 20 : WIDTH // 2 + 20].mean((1, 2))
    floor, wall, ceiling = middle[-8:].mean(), middle[85:95].mean(), middle[:3].mean()
    assert wall == pytest.approx(128 * 1.1, rel=0.05)  # it faces south, where the light comes from
    assert floor == pytest.approx(128, rel=0.05)
    assert picture[85:95, -60:].mean() < 0.7 * wall  # the wall in the east
    assert ceiling == pytest.approx(200 * 0.85, rel=0.05)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31 - 1))
def test_a_place_keeps_to_its_room_and_to_colours_that_there_are(seed):
    made = laid_out(Canvas(generator(seed), 0.5))
    assert all(0 <= each.tone.min() <= each.tone.max() <= 255 for each in made.bodies)
    if made.room:
        assert all(abs(each.x) < made.room[0] and abs(each.z) < made.room[1] for each in made.bodies)


def test_each_camera_has_a_panorama_of_its_own_alike_in_whatever_order():
    place = Place("solid", 0.4, 7)
    made = build(place)
    seen = [made.plate("day", camera)[0] for camera in range(CAMERAS)]
    assert {each.shape for each in seen} == {(HEIGHT, WIDTH, 3)}
    assert min(np.abs(one.astype(float) - two).mean() for one, two in pairwise(seen)) > 10
    build.cache_clear()
    again = build(place)
    again.plate("night", 3)
    np.testing.assert_array_equal(again.plate("day", 3)[0], seen[3])
    painted = build(Place("street", 0.4, 7))
    assert painted.plate("day", 0) is painted.plate("day", 3)
