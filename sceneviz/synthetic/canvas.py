"""A picture to paint on, and the textures that every painter uses. Colours are RGB, 0 to 255."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import cv2
import numpy as np

HEIGHT, WIDTH = 180, 640
Colour = tuple[float, float, float]


def colour(hue: float, saturation: float, value: float) -> Colour:
    """RGB 0 to 255 from hue, saturation and value 0 to 1; saturation and value are clipped, the hue wraps."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, min(max(saturation, 0), 1), min(max(value, 0), 1))
    return red * 255, green * 255, blue * 255


def darker(paint: Colour, share: float) -> Colour:
    """The colour with `share` of its light."""
    return paint[0] * share, paint[1] * share, paint[2] * share


def noise(rng: np.random.Generator, height: int, width: int, cell: tuple[int, int], octaves: int = 3) -> np.ndarray:
    """`(height, width)` float32 of smooth noise of unit spread; cell: (height, width) of the coarsest grain."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        shape = [max(2, (size << octave) // grain + 2) for size, grain in zip((height, width), cell, strict=True)]
        grid = rng.standard_normal(shape, dtype=np.float32)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) * 0.6**octave
    return total / max(float(total.std()), 1e-6)


class Canvas:
    """A panorama being painted: `rgb` uint8, and `lamps`, a uint8 mask of what shines at night."""

    def __init__(self, rng: np.random.Generator, hue: float) -> None:
        self.rng = rng
        self.hue = hue
        self.rgb = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        self.lamps = np.zeros((HEIGHT, WIDTH), np.uint8)
        self.vivid = float(rng.uniform(0.2, 0.55))
        self.accent = hue + float(rng.choice([0.33, 0.5, 0.66, 0.12]))

    def tone(self, value: float, *, hue: float | None = None, vivid: float = 1.0) -> Colour:
        """A colour of this place, its hue and value a little varied."""
        hue = self.hue if hue is None else hue
        return colour(hue + self.rng.normal(0, 0.012), self.vivid * vivid, value * self.rng.uniform(0.93, 1.07))

    def hues(self) -> list[float]:
        """What to choose a hue of this place from: its own, twice, one beside it, its accent, and any."""
        return [self.hue, self.hue, self.hue + 0.06, self.accent, float(self.rng.random())]

    def between(self, low: float, high: float) -> int:
        """A random whole number of pixels."""
        return int(self.rng.uniform(low, high))

    def fade(self, top: float, bottom: float, first: Colour, last: Colour) -> None:
        """Fill rows from one colour to another."""
        rows = slice(int(top), int(bottom))
        steps = np.linspace(0, 1, rows.stop - rows.start, dtype=np.float32)[:, None, None]
        self.rgb[rows] = np.asarray(first, np.float32) * (1 - steps) + np.asarray(last, np.float32) * steps

    def rect(self, x: float, y: float, width: float, height: float, fill: Colour, edge: Colour | None = None) -> None:
        """A box from its top left corner, with an outline if `edge` is given."""
        corners = (int(x), int(y)), (int(x + width), int(y + height))
        cv2.rectangle(self.rgb, *corners, fill, -1)
        if edge is not None:
            cv2.rectangle(self.rgb, *corners, edge, 2)

    def disc(self, x: float, y: float, radius: float, fill: Colour, squeeze: float = 1.0) -> None:
        """A filled ellipse; squeeze: its height over its width."""
        axes = int(max(radius, 1)), int(max(radius * squeeze, 1))
        cv2.ellipse(self.rgb, (int(x), int(y)), axes, 0, 0, 360, fill, -1, cv2.LINE_AA)

    def shape(self, points: Sequence[tuple[float, float]], fill: Colour) -> None:
        """A filled polygon."""
        cv2.fillPoly(self.rgb, [np.asarray(points, np.int32)], fill, cv2.LINE_AA)

    def line(self, x: float, y: float, to_x: float, to_y: float, fill: Colour, width: int = 2) -> None:
        """A stroke."""
        cv2.line(self.rgb, (int(x), int(y)), (int(to_x), int(to_y)), fill, max(1, int(width)), cv2.LINE_AA)

    def lamp(self, x: float, y: float, width: float, height: float) -> None:
        """A box that shines at night."""
        cv2.rectangle(self.lamps, (int(x), int(y)), (int(x + width), int(y + height)), 255, -1)

    def ridge(self, base: float, rise: float, cell: int, fill: Colour) -> None:
        """Everything below a random skyline at height `base`, that rises and falls by about `rise`."""
        skyline = base - rise * noise(self.rng, 1, WIDTH, (1, cell))[0]
        self.shape([(0, HEIGHT), *enumerate(skyline.tolist()), (WIDTH, HEIGHT)], fill)

    def rows(self, top: float, bottom: float, height: int, width: int, joint: Colour) -> None:
        """Bricks (every other row is shifted by half); width at least the panorama's gives boards."""
        for number, y in enumerate(range(int(top), int(bottom), height)):
            self.line(0, y, WIDTH, y, joint, 1)
            for x in range((number % 2) * width // 2, WIDTH, width):
                self.line(x, y, x, min(y + height, bottom), joint, 1)

    def grit(self, strength: float, cell: tuple[int, int], top: int = 0, bottom: int = HEIGHT) -> None:
        """Multiply rows by noise: the grain of wood, stone or water."""
        spread = 1 + strength * noise(self.rng, bottom - top, WIDTH, cell)[..., None]
        self.rgb[top:bottom] = np.clip(self.rgb[top:bottom] * spread, 0, 255).astype(np.uint8)

    def steps(self, low: float, high: float) -> list[int]:
        """Places along the panorama, `low` to `high` pixels apart."""
        places, x = [], self.rng.uniform(0, high)
        while x < WIDTH:
            places.append(int(x))
            x += self.rng.uniform(low, high)
        return places
