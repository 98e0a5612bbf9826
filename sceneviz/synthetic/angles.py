"""Places that look unlike from each of their cameras.

As in real film, where a window is behind one speaker, and a wall behind the other. A model that has only seen places of
one palette takes such a reverse shot for another place; that it is the same one, only what comes back can tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sceneviz._text import ScenevizError

MOST = 2.0
# Standard deviations at angles=1: of a hue in turns, of the logarithms of the others; gains are all cameras' together.
_TURN, _GAMMA, _SATURATION, _GAIN = 0.5, 0.3, 0.5, 0.3
_GREY = np.full((3, 3), 1 / 3)
_ACROSS = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)  # a quarter turn about the axis of greys


@dataclass(frozen=True)
class Palette:
    """How a camera sees a place: a gamma, by table, then a matrix of colours."""

    table: np.ndarray
    matrix: np.ndarray

    def of(self, picture: np.ndarray) -> np.ndarray:
        """The picture `(H, W, 3)` uint8 in these colours."""
        return np.asarray(cv2.transform(cv2.LUT(picture, self.table), self.matrix))


def palette(angles: float, film: np.random.Generator, camera: np.random.Generator) -> Palette:
    """Draw how far a camera's colours are from those of the place as painted.

    angles: how far, 0 for not at all. film, camera: draw what all cameras of a film share, and what is this one's own.
    """
    turn, gamma, saturation = angles * camera.normal(0, (_TURN, _GAMMA, _SATURATION))
    colours = np.exp(saturation - 0.3 * angles)  # what is turned far looks garish otherwise
    matrix = (colours * np.eye(3) + (1 - colours) * _GREY) @ _turned(turn)
    gains = np.exp(angles * film.normal(0, _GAIN, 3))
    table = np.clip(255 * (np.arange(256) / 255) ** np.exp(gamma), 0, 255).astype(np.uint8)
    return Palette(table, (gains[:, None] * matrix).astype(np.float32))


def checked(angles: float) -> float:
    """The same number, if it is one that can be drawn."""
    if not 0 <= angles <= MOST:
        raise ScenevizError(f"rendered frames: expected 0 <= angles <= {MOST:g}, got {angles}")
    return float(angles)


def _turned(turn: float) -> np.ndarray:
    """The matrix that turns hues, greys staying what they are: a turn of 1 is all the way round."""
    angle = 2 * np.pi * turn
    return np.asarray(np.cos(angle) * np.eye(3) + (1 - np.cos(angle)) * _GREY + np.sin(angle) * _ACROSS)
