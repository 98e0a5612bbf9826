"""Shots filmed more freely: each nearer, mirrored, or under another light than the one before it.

In rendered movies the shots of a scene look more alike than in real film, where a cut goes from a face against the sky
to a shadow in the grass. A model that has seen nothing else takes any change of light for a change of place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sceneviz._text import ScenevizError, fingerprint
from sceneviz.movie import FrameSource, Shot

_LARGER = 1.5  # pictures are asked for at so many times their size, so that a part of one is still sharp
_SPREADS = (1, 1 / 2, 1 / 3, 1 / 3, 1 / 3)  # of the light: gamma, saturation, and the gains of red, green and blue


@dataclass(frozen=True)
class Freedom:
    """How far one shot may be from the next.

    crop: up to this share of a picture's height and width is cut away, anywhere; half of the shots are mirrored.
    light: standard deviation of the logarithm of a shot's gamma; half of it of its saturation's, and a third of that of
        the gain of each of its colours.
    """

    crop: float = 0.0
    light: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.crop < 1 or not 0 <= self.light <= 2:
            raise ScenevizError(f"Freedom: expected 0 <= crop < 1 and 0 <= light <= 2; got {self.crop}, {self.light}")

    def film(self, pictures: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        """The pictures of one shot, `(K, h, w, 3)` uint8, all filmed alike: `(K, H, W, 3)` uint8.

        size: (H, W). rng: is drawn from the same number of times for any shot.
        """
        import cv2

        from sceneviz.synthetic.grading import grade

        share = 1 - self.crop * rng.random()
        high, wide = (max(1, round(share * side)) for side in pictures.shape[1:3])
        top, left = round(rng.random() * (pictures.shape[1] - high)), round(rng.random() * (pictures.shape[2] - wide))
        mirrored = rng.random() < 0.5 and self.crop > 0
        gamma, saturation, *gains = np.exp(self.light * rng.normal(0, _SPREADS))
        colours = grade(gamma, saturation, gains)
        filmed = []
        for picture in pictures[:, top : top + high, left : left + wide]:
            picture = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA)
            picture = colours.of(picture)
            filmed.append(picture[:, ::-1] if mirrored else picture)
        return np.stack(filmed)


class FilmedFreely:
    """The frames of another source, each shot filmed as freely as told: a `FrameSource`, alike at every read."""

    def __init__(self, frames: FrameSource, freedom: Freedom, seed: int = 0) -> None:
        self.frames, self.freedom, self.seed = frames, freedom, seed

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels where none is asked for."""
        return self.frames.size

    @cached_property
    def fingerprint(self) -> str:
        """A short name for the content, equal for equal frames."""
        return fingerprint("filmed freely", self.frames.fingerprint, self.freedom, self.seed)

    def read(self, shots: Sequence[Shot], count: int, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        """The keyframes of each shot in order: `(count, H, W, 3)` uint8 RGB."""
        size = size or self.size
        for shot, pictures in zip(shots, self.frames.read(shots, count, larger(size)), strict=True):
            yield self.freedom.film(pictures, size, np.random.default_rng((self.seed, shot.index)))


def larger(size: tuple[int, int]) -> tuple[int, int]:
    """The size (height, width) of pictures of which parts are to be filmed at a size."""
    return round(size[0] * _LARGER), round(size[1] * _LARGER)
