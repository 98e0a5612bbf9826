"""Places and objects as pictures: panoramas in the light of the day, and props with their outline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np

from sceneviz.synthetic import indoors, outdoors, patterns
from sceneviz.synthetic.canvas import HEIGHT, WIDTH, Canvas, colour
from sceneviz.synthetic.story import CAMERAS, PROPS, Place, generator
from sceneviz.synthetic.views import views

LIGHT = {  # red, green and blue gain
    "dawn": (0.95, 0.80, 0.90),
    "day": (1.0, 1.0, 1.0),
    "dusk": (1.0, 0.72, 0.54),
    "night": (0.34, 0.42, 0.66),
}
LAMP = np.array([255, 205, 120], np.float32)
PROP_SIZE = 160


@dataclass(frozen=True)
class Set:
    """A place, built: its panorama, its props, where its cameras look (0 to 1 along the panorama).

    panorama: as a camera of a number sees it, the same canvas each time; painted places have one for all.
    """

    panorama: Callable[[int], Canvas]
    props: list[list[np.ndarray]]
    cameras: tuple[float, ...]
    plates: dict[tuple[Canvas, str], list[np.ndarray]] = field(default_factory=dict)

    def plate(self, time: str, camera: int = 0) -> list[np.ndarray]:
        """The panorama at a time of day, as a pyramid."""
        seen = self.panorama(camera)
        if (seen, time) not in self.plates:
            self.plates[seen, time] = pyramid(_lit(seen, time), 4)
        return self.plates[seen, time]


def pyramid(picture: np.ndarray, levels: int) -> list[np.ndarray]:
    """The picture, and ever smaller copies: half, a quarter, ..."""
    copies = [picture]
    for _ in range(levels - 1):
        height, width = copies[-1].shape[:2]
        copies.append(cv2.resize(copies[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA))
    return copies


@lru_cache(maxsize=32)  # a few movies' worth: thousands of movies can be open at once
def build(place: Place) -> Set:
    """Paint a place."""
    rng = generator(place.seed)
    canvas = Canvas(rng, place.hue)
    painted = place.family != "solid"
    panorama = _painted(canvas, place.family) if painted else views(canvas, place.seed)
    props = [_prop(canvas, int(kind)) for kind in rng.permutation(8)[:PROPS]]
    if painted:
        for prop in props:
            for _ in range(2):
                _put(canvas.rgb, prop, canvas.between(10, WIDTH - 50), canvas.between(110, 138), canvas.between(22, 36))
        canvas.grit(0.16, (HEIGHT, 110))  # pools of light: each camera sees another part
    spots = np.linspace(0, 1, CAMERAS) + rng.uniform(-0.06, 0.06, CAMERAS)
    cameras = tuple(float(spot) for spot in np.clip(spots, 0, 1)[rng.permutation(CAMERAS)])
    return Set(panorama, [pyramid(prop, 4) for prop in props], cameras)


def _painted(canvas: Canvas, family: str) -> Callable[[int], Canvas]:
    next(getattr(kind, family) for kind in (indoors, outdoors, patterns) if hasattr(kind, family))(canvas)
    return lambda camera: canvas


def _lit(canvas: Canvas, time: str) -> np.ndarray:
    """The panorama at a time of day; at night its lamps are on, and shine around them."""
    table = np.arange(256)[:, None, None] * np.asarray(LIGHT[time])
    picture = cv2.LUT(canvas.rgb, table.astype(np.uint8).reshape(1, 256, 3))
    if time in ("dusk", "night"):
        lamps = canvas.lamps.astype(np.float32) / 255
        small = cv2.resize(lamps, (WIDTH // 8, HEIGHT // 8), interpolation=cv2.INTER_AREA)
        halo = cv2.resize(cv2.GaussianBlur(small, (0, 0), 2.2), (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
        shine = np.maximum(0.85 * lamps, np.minimum(0.9 * halo, 0.6))[..., None]
        picture = (picture * (1 - shine) + LAMP * shine).astype(np.uint8)
    return picture


def _prop(c: Canvas, kind: int) -> np.ndarray:
    """One of 8 kinds of object, in the colours of its place: `(160, 160, 4)` uint8 RGBA, premultiplied."""
    rng = c.rng
    size = PROP_SIZE
    main = c.tone(rng.uniform(0.5, 0.95), hue=c.accent + rng.normal(0, 0.08), vivid=1.5)
    dark, light = c.tone(0.25), c.tone(0.95, vivid=0.3)
    second = c.tone(rng.uniform(0.4, 0.9), hue=rng.random(), vivid=1.5)
    rgb, mask = np.zeros((size, size, 3), np.uint8), np.zeros((size, size), np.uint8)

    def box(x: int, y: int, to_x: int, to_y: int, fill: tuple[float, float, float]) -> None:
        cv2.rectangle(rgb, (x, y), (to_x, to_y), fill, -1)
        cv2.rectangle(mask, (x, y), (to_x, to_y), 255, -1)

    def disc(x: int, y: int, a: int, b: int, fill: tuple[float, float, float]) -> None:
        cv2.ellipse(rgb, (x, y), (a, b), 0, 0, 360, fill, -1, cv2.LINE_AA)
        cv2.ellipse(mask, (x, y), (a, b), 0, 0, 360, 255, -1, cv2.LINE_AA)

    if kind == 0:  # clock
        disc(80, 80, 70, 70, main)
        disc(80, 80, 56, 56, light)
        box(77, 36, 83, 82, dark)
        box(78, 76, 112, 82, dark)
    elif kind == 1:  # bottle
        box(62, 10, 98, 60, second)
        disc(80, 74, 40, 30, main)
        box(40, 74, 120, 155, main)
        box(46, 92, 114, 130, light)
    elif kind == 2:  # book
        box(14, 44, 146, 120, main)
        box(20, 112, 146, 122, light)
        box(30, 58, 110, 68, second)
        box(30, 78, 90, 84, second)
    elif kind == 3:  # telephone
        disc(80, 110, 62, 42, main)
        box(14, 44, 146, 66, dark)
        disc(26, 66, 20, 20, dark)
        disc(134, 66, 20, 20, dark)
        disc(80, 108, 26, 26, light)
        disc(80, 108, 10, 10, second)
    elif kind == 4:  # cup
        disc(122, 82, 30, 30, main)
        disc(122, 82, 16, 16, dark)
        box(28, 40, 112, 134, main)
        disc(70, 134, 42, 14, main)
        disc(70, 40, 42, 13, dark)
        box(28, 76, 112, 92, second)
    elif kind == 5:  # plant
        for k in range(7):
            disc(24 + 18 * k, 56 + 14 * (k % 2), 17, 42, c.tone(0.4 + 0.06 * k, hue=0.32, vivid=1.5))
        box(48, 96, 112, 154, main)
        box(40, 90, 120, 106, second)
    elif kind == 6:  # box with a lock
        box(12, 50, 148, 140, main)
        box(12, 82, 148, 92, dark)
        box(66, 76, 94, 108, second)
        disc(80, 92, 6, 8, dark)
    else:  # wheel
        disc(80, 80, 72, 72, dark)
        disc(80, 80, 54, 54, main)
        box(76, 20, 84, 140, dark)
        box(20, 76, 140, 84, dark)
        disc(80, 80, 16, 16, second)
    shade = np.linspace(1, 0.65, size, dtype=np.float32)[:, None]
    return np.dstack([(rgb * shade).astype(np.uint8), mask])


def _put(picture: np.ndarray, prop: np.ndarray, x: int, y: int, size: int) -> None:
    small = cv2.resize(prop, (size, size), interpolation=cv2.INTER_AREA)
    part = picture[y : y + size, x : x + size]
    cover = small[..., 3:] / np.float32(255)
    part[:] = part * (1 - cover) + small[..., :3]


def backdrop_tint(rng: np.random.Generator) -> np.ndarray:
    """A slight colour cast, of one camera or one film: gains of red, green and blue."""
    return np.asarray(colour(rng.random(), rng.uniform(0, 0.16), 1.0), np.float32) / 255
