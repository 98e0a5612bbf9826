"""Places that look unlike from each of their cameras.

As in real film, where a window is behind one speaker, and a wall behind the other. A model that has only seen places of
one palette takes such a reverse shot for another place; that it is the same one, only what comes back can tell.
"""

from __future__ import annotations

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.synthetic.grading import Grade, grade

MOST = 2.0
# Standard deviations at angles=1: of a hue in turns, of the logarithms of the others; gains are all cameras' together.
_TURN, _GAMMA, _SATURATION, _GAIN = 0.5, 0.3, 0.5, 0.3


def palette(angles: float, film: np.random.Generator, camera: np.random.Generator) -> Grade:
    """Draw how far a camera's colours are from those of the place as painted.

    angles: how far, 0 for not at all. film, camera: draw what all cameras of a film share, and what is this one's own.
    """
    turn, gamma, saturation = angles * camera.normal(0, (_TURN, _GAMMA, _SATURATION))
    paler = saturation - 0.3 * angles  # what is turned far looks garish otherwise
    return grade(np.exp(gamma), np.exp(paler), np.exp(angles * film.normal(0, _GAIN, 3)), turn)


def checked(angles: float) -> float:
    """The same number, if it is one that can be drawn."""
    if not 0 <= angles <= MOST:
        raise ScenevizError(f"rendered frames: expected 0 <= angles <= {MOST:g}, got {angles}")
    return float(angles)
