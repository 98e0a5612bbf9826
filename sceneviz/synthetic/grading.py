"""Pictures in other colours: lighter or darker, paler, tinted, or with other hues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

_GREY = np.full((3, 3), 1 / 3)
_ACROSS = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)  # a quarter turn about the axis of greys


@dataclass(frozen=True)
class Grade:
    """A gamma, by table, then a matrix of colours."""

    table: np.ndarray
    matrix: np.ndarray

    def of(self, picture: np.ndarray) -> np.ndarray:
        """The picture `(H, W, 3)` uint8 in these colours."""
        return np.asarray(cv2.transform(cv2.LUT(picture, self.table), self.matrix))


def grade(gamma: float, saturation: float, gains: Sequence[float] | np.ndarray, turn: float = 0.0) -> Grade:
    """Colours to their gamma, then turned (1 is all round the hues), of so much saturation, with gains of each."""
    table = np.clip(255 * (np.arange(256) / 255) ** gamma, 0, 255).astype(np.uint8)
    matrix = saturation * np.eye(3) + (1 - saturation) * _GREY
    return Grade(table, np.asarray(gains)[:, None] * (matrix @ turned(turn)))


def turned(turn: float) -> np.ndarray:
    """The matrix `(3, 3)` that turns hues, greys staying what they are: a turn of 1 is all the way round."""
    angle = 2 * np.pi * turn
    return np.asarray(np.cos(angle) * np.eye(3) + (1 - np.cos(angle)) * _GREY + np.sin(angle) * _ACROSS)
