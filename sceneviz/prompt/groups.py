"""Which tokens count together: the instruction, and a group for each place in the window and modality."""

from __future__ import annotations

import numpy as np

from sceneviz.prompt.layout import TokenLayout
from sceneviz.prompt.pieces import MODALITIES
from sceneviz.recipe import Window

SHOWN = MODALITIES[1:]  # all but the instruction, which belongs to no shot


def group_tokens(layout: TokenLayout, window: Window) -> np.ndarray:
    """`(tokens,)` int64: 0 for the instruction, `1 + slot * len(SHOWN) + place in SHOWN` for all else.

    slot: the shot's place in the window, from 0. Tokens of an answer line count to the shot that it decides.
    """
    slot = layout.shot.astype(np.int64) - window.context.start
    return np.where(layout.modality == 0, 0, 1 + slot * len(SHOWN) + layout.modality - 1)


def group_count(slots: int) -> int:
    """How many groups a window of so many shots has."""
    return 1 + slots * len(SHOWN)
