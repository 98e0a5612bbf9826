"""People as pictures: a standing figure whose face, hair and clothes stay its own through a movie."""

from __future__ import annotations

import cv2
import numpy as np

from sceneviz.synthetic.canvas import Colour, colour, darker

FIGURE_HEIGHT, FIGURE_WIDTH = 480, 240


def figure(rng: np.random.Generator, *, back: bool = False) -> np.ndarray:
    """A person: `(480, 240, 4)` uint8, colour premultiplied by the last channel.

    back: seen from behind. The same random numbers give the same person from both sides.
    """
    skin = colour(rng.uniform(0.04, 0.09), rng.uniform(0.3, 0.65), rng.uniform(0.35, 0.95))
    hair = colour(rng.uniform(0.03, 0.13), rng.uniform(0.0, 0.8), rng.choice([0.08, 0.2, 0.45, 0.75, 0.9]))
    hue = rng.random()
    cloth = colour(hue, rng.uniform(0.1, 0.9), rng.uniform(0.2, 0.95))
    second = colour(hue + rng.choice([0.0, 0.5, 0.3]), rng.uniform(0.0, 0.8), rng.uniform(0.1, 1.0))
    legs = colour(rng.random(), rng.uniform(0, 0.5), rng.uniform(0.1, 0.5))
    broad, style, pattern = rng.uniform(0.8, 1.15), rng.integers(5), rng.integers(4)
    beard, glasses, skirt = rng.random() < 0.25, rng.random() < 0.25, rng.random() < 0.35
    sheet = _Sheet()
    width = 62 * broad
    if style == 1:  # long hair falls behind the shoulders
        sheet.disc(120, 84, 46, 72, hair)
    sheet.box(120 - width * 0.55, 290, 120 - 6, 470, legs if not skirt else skin)
    sheet.box(120 + 6, 290, 120 + width * 0.55, 470, legs if not skirt else skin)
    if skirt:
        sheet.shape([(120 - width * 0.7, 280), (120 + width * 0.7, 280), (120 + width, 400), (120 - width, 400)], legs)
    for side in (-1, 1):
        x = 120 + side * width * 1.05
        sheet.box(x - 15, 150, x + 15, 290, darker(cloth, 0.82))
        sheet.disc(x, 296, 14, 16, skin)
    sheet.box(106, 96, 134, 142, darker(skin, 0.85))
    sheet.disc(120, 152, width * 1.16, 26, cloth)
    sheet.box(120 - width, 148, 120 + width, 300, cloth)
    _pattern(sheet, int(pattern), width, cloth, second)
    sheet.disc(120, 66, 36, 46, hair if back else skin)
    if not back:
        _face(sheet, skin, hair, bool(beard), bool(glasses))
    if style != 4:  # 4 is bald
        sheet.disc(120, 38, 39, 26, hair)
    if style == 1:
        for side in (-1, 1):
            sheet.disc(120 + side * 36, 78, 12, 52, hair)
    elif style == 2:
        sheet.disc(120, 14, 17, 14, hair)
    elif style == 3:  # a hat
        sheet.disc(120, 36, 62, 10, second)
        sheet.box(86, 4, 154, 36, second)
    return sheet.finished()


def _pattern(sheet: _Sheet, pattern: int, width: float, cloth: Colour, second: Colour) -> None:
    if pattern == 1:
        for y in range(170, 300, 30):
            sheet.box(120 - width, y, 120 + width, y + 13, second)
    elif pattern == 2:  # an open jacket
        sheet.shape([(96, 134), (144, 134), (132, 300), (108, 300)], second)
    elif pattern == 3:  # a collar and a belt
        sheet.shape([(88, 136), (152, 136), (120, 176)], second)
        sheet.box(120 - width, 276, 120 + width, 292, second)


def _face(sheet: _Sheet, skin: Colour, hair: Colour, beard: bool, glasses: bool) -> None:
    dark = darker(skin, 0.3)
    if beard:
        sheet.disc(120, 94, 28, 20, hair)
    for side in (-1, 1):
        sheet.disc(120 + side * 15, 66, 7, 4, (240, 240, 240))
        sheet.disc(120 + side * 15, 66, 3, 4, (30, 25, 20))
        sheet.box(120 + side * 15 - 8, 55, 120 + side * 15 + 8, 57, hair)
        if glasses:
            cv2.circle(sheet.rgb, (120 + side * 15, 66), 12, (25, 25, 25), 3, cv2.LINE_AA)
    sheet.shape([(120, 66), (126, 82), (116, 82)], darker(skin, 0.78))
    sheet.disc(120, 95, 12, 3, dark)


class _Sheet:
    """Colour and outline, drawn together."""

    def __init__(self) -> None:
        self.rgb = np.zeros((FIGURE_HEIGHT, FIGURE_WIDTH, 3), np.uint8)
        self.mask = np.zeros((FIGURE_HEIGHT, FIGURE_WIDTH), np.uint8)

    def box(self, x: float, y: float, to_x: float, to_y: float, fill: Colour) -> None:
        for layer, value in ((self.rgb, fill), (self.mask, 255)):
            cv2.rectangle(layer, (int(x), int(y)), (int(to_x), int(to_y)), value, -1)

    def disc(self, x: float, y: float, a: float, b: float, fill: Colour) -> None:
        for layer, value in ((self.rgb, fill), (self.mask, 255)):
            cv2.ellipse(layer, (int(x), int(y)), (int(a), int(b)), 0, 0, 360, value, -1, cv2.LINE_AA)

    def shape(self, points: list[tuple[float, float]], fill: Colour) -> None:
        for layer, value in ((self.rgb, fill), (self.mask, 255)):
            cv2.fillPoly(layer, [np.asarray(points, np.int32)], value, cv2.LINE_AA)

    def finished(self) -> np.ndarray:
        """The sheet lit from one side, as premultiplied RGBA."""
        across = np.abs(np.linspace(-1.25, 0.75, FIGURE_WIDTH, dtype=np.float32))
        shade = (1 - 0.45 * across**1.5)[:, None]
        return np.dstack([(self.rgb * shade).astype(np.uint8), self.mask])
