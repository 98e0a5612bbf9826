"""The shot-ID mark: two white digits on a black box, drawn into the top left corner of a frame."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

# Five by seven pixels a digit, scaled by whole numbers: crisp at any size, and the same bytes on every machine.
_DIGITS = {
    "0": "01110 10001 10011 10101 11001 10001 01110",
    "1": "00100 01100 00100 00100 00100 00100 01110",
    "2": "01110 10001 00001 00110 01000 10000 11111",
    "3": "01110 10001 00001 00110 00001 10001 01110",
    "4": "00010 00110 01010 10010 11111 00010 00010",
    "5": "11111 10000 11110 00001 00001 10001 01110",
    "6": "00110 01000 10000 11110 10001 10001 01110",
    "7": "11111 00001 00010 00100 01000 01000 01000",
    "8": "01110 10001 10001 01110 10001 10001 01110",
    "9": "01110 10001 10001 01111 00001 00010 01100",
}


def shot_id(index: int, first: int = 0) -> str:
    """The two digits that a shot goes by in the prompt: `(first + index) % 100`, the same in every window."""
    return f"{(first + index) % 100:02d}"


@lru_cache(maxsize=512)
def _box(text: str, scale: int) -> np.ndarray:
    glyphs = [np.array([[int(bit) for bit in row] for row in _DIGITS[digit].split()], np.uint8) for digit in text]
    spaced = [np.pad(glyph, ((1, 1), (1, 0))) for glyph in glyphs]
    box = np.pad(np.hstack(spaced), ((0, 0), (0, 1))) * 255
    return np.kron(box, np.ones((scale, scale), np.uint8))[..., None]


def draw_mark(frames: np.ndarray, text: str) -> np.ndarray:
    """Frames `(..., H, W, 3)` uint8 with the mark drawn into a copy.

    The box is 9 x 13 pixels on frames up to 111 pixels high, and grows with the height in whole steps to about a
    sixth of it, so that the digits survive the model's patches of 14 or 16 pixels. On a smaller frame it is cut off.
    """
    height, width = frames.shape[-3:-1]
    box = _box(text, max(1, height // 56))[:height, :width]
    marked = frames.copy()
    marked[..., : box.shape[0], : box.shape[1], :] = box
    return marked
