"""Frames out of a video file: one pass, bounded memory."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.movie import Shot
from sceneviz.reading.index import decoded, open_video, read_index, shown_at

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


class VideoFrames:
    """The frames of a video file, numbered from 0 in the order in which they are shown.

    A frame is what PyAV decodes as `rgb24`, turned as the file says. Pixels are as stored: a sample aspect ratio other
    than one is not applied.

    path: the file. index: what it holds. No file is kept open, so it can be pickled and read many times.
    """

    # Not decord: it took 1.5 times as long, showed wrong frames of H.264 with open groups of pictures or intra refresh
    # (81 of 255 off, with every timestamp right), and hung on a transport stream.
    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.index = read_index(self.path)

    def __repr__(self) -> str:
        height, width = self.size
        return f"VideoFrames({self.path.name!r}: {len(self)} frames, {width}x{height})"

    def __len__(self) -> int:
        return len(self.index.pts)

    @property
    def fingerprint(self) -> str:
        """A short name for the file's content."""
        return self.index.fingerprint

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels, as displayed."""
        return self.index.size

    @property
    def frame_rate(self) -> Fraction | None:
        """Frames a second, None if they are not evenly spaced."""
        return self.index.rate

    @property
    def frame_times(self) -> np.ndarray:
        """`(n_frames,)` float64: when each frame is first shown, in seconds of the displayed timeline."""
        return self.index.edges[:-1]

    def read(self, shots: Sequence[Shot], count: int, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        """Yield the keyframes of each shot, in order: `(count, H, W, 3)` uint8 RGB.

        shots: in ascending order. size: (height, width) to resize to (by area), None for the file's own.
        """
        numbers = [shot.keyframes(count) for shot in shots]
        places = [place for shot in numbers for place in shot]
        if any(after < before for before, after in pairwise(places)):
            raise ScenevizError("frames are read in one pass: shots must be in ascending order")
        if places and places[-1] >= len(self):
            raise ScenevizError(f"frame {places[-1]} is past the end of {self.path.name}, which has {len(self)} frames")
        frames = (self._upright(frame) for frame in self._sought(self.index.pts[places]))
        for _ in shots:
            yield np.stack([fit(next(frames), size or self.size) for _ in range(count)])

    def scan(self, size: tuple[int, int]) -> Iterator[np.ndarray]:
        """Yield every frame of the film, `(H, W, 3)` uint8 RGB, scaled while decoding to size = (height, width)."""
        from av.video.reformatter import Interpolation, VideoReformatter

        height, width = size[::-1] if self.index.rotation % 180 else size
        # One reformatter for all: by default PyAV makes one a frame, with its threads, at several times the cost.
        scaler = VideoReformatter()
        for frame in self._from_the_beginning(self.index.pts):
            small = scaler.reformat(frame, width, height, "rgb24", interpolation=Interpolation.AREA, threads=1)
            yield self._upright(small)

    def _upright(self, frame: VideoFrame) -> np.ndarray:
        """A decoded frame as `(H, W, 3)` uint8 RGB, turned for display."""
        return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), self.index.rotation // 90))

    def _from_the_beginning(self, wanted: np.ndarray) -> Iterator[VideoFrame]:
        """The frames shown at the wanted `pts`, decoding all that come before them."""
        container, track = open_video(self.path, self.index.damaged)
        with container:
            frames = decoded(container, track)
            if self.index.counted:
                frames = ((pts, frame) for pts, (_, frame) in zip(self.index.pts.tolist(), frames, strict=False))
            yield from shown_at(frames, wanted)

    def _sought(self, wanted: np.ndarray) -> Iterator[VideoFrame]:
        """The frames shown at the wanted `pts`, passing over what lies between them where a keyframe allows it."""
        import av

        keys = self.index.keys
        place = 0
        container, track = open_video(self.path, self.index.damaged)
        with container:
            while place < len(wanted):
                before = keys[keys <= wanted[place]]
                # All that comes before the next keyframe is one stretch of decoding.
                end = int(np.searchsorted(wanted, keys[len(before)])) if len(before) < len(keys) else len(wanted)
                # Some containers land past the keyframe that is asked for: then the one before it serves.
                for key in before[-2:][::-1]:
                    with contextlib.suppress(av.FFmpegError):
                        container.seek(int(key), stream=track)
                    frames = decoded(container, track)
                    first = next(frames, None)
                    if first is not None and first[0] <= wanted[place]:
                        yield from shown_at(chain([first], frames), wanted[place:end])
                        place = end
                        break
                else:
                    break
        if place < len(wanted):
            yield from self._from_the_beginning(wanted[place:])


def fit(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A frame at (height, width): by area where it shrinks, linear where it grows."""
    import cv2

    if frame.shape[:2] == size:
        return frame
    height, width = size
    shrinks = height <= frame.shape[0] and width <= frame.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(frame), (width, height), interpolation=how))
