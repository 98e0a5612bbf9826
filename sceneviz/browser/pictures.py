"""Small JPEGs of a movie's shots, made when they are asked for, and kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from sceneviz._text import jpeg
from sceneviz.movie import Movie

SMALL, LARGE = 72, 240  # heights in pixels: in the film strip, and of the shot that is picked
KEPT_BYTES = 32 * 2**20  # of thumbnails
KEPT_LARGE = 16


class Pictures:
    """Frames of a movie as JPEG; of one without frames there are none.

    count: frames a shot where it is shown large.
    """

    def __init__(self, movie: Movie, count: int) -> None:
        self.movie, self.count = movie, count
        self._small: OrderedDict[int, bytes] = OrderedDict()
        self._large: OrderedDict[int, list[bytes]] = OrderedDict()
        self._weight = 0

    @property
    def aspect(self) -> float:
        """Width over height; 0 where the movie has no frames."""
        if self.movie.frames is None:
            return 0.0
        height, width = self.movie.frames.size
        return width / height

    def small(self, shots: Sequence[int]) -> list[bytes]:
        """The middle frame of each of these shots; b"" where the movie has no frames."""
        wanted = [shot for shot in sorted(set(shots)) if shot not in self._small]
        fresh = {shot: frames[0] for shot, frames in zip(wanted, self._frames(wanted, 1, SMALL), strict=True)}
        made = {shot: self._small[shot] for shot in shots if shot not in fresh} | fresh
        for shot, data in fresh.items():
            self._small[shot] = data
            self._weight += len(data)
        while self._weight > KEPT_BYTES:
            self._weight -= len(self._small.popitem(last=False)[1])
        return [made[shot] for shot in shots]

    def large(self, shot: int) -> list[bytes]:
        """All frames that stand for a shot; empty where the movie has none."""
        if self.movie.frames is None:
            return []
        if shot not in self._large:
            (self._large[shot],) = self._frames([shot], self.count, LARGE)
            while len(self._large) > KEPT_LARGE:
                self._large.popitem(last=False)
        return self._large[shot]

    def _frames(self, shots: Sequence[int], count: int, height: int) -> list[list[bytes]]:
        if self.movie.frames is None:
            return [[b""] * count for _ in shots]
        height = min(height, self.movie.frames.size[0])
        size = (height, max(1, round(height * self.aspect)))
        read = self.movie.frames.read([self.movie.shots[shot] for shot in shots], count, size)
        return [[jpeg(np.ascontiguousarray(frame)) for frame in frames] for frames in read]
