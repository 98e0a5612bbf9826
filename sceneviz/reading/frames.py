"""Frames out of a video file: one pass, bounded memory, the frames that PyAV decodes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.movie import Shot
from sceneviz.reading.index import decoded, open_video, read_index, shown_at

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

# decord finds its way in these; in transport streams it seeks to wrong frames, and can hang.
DECORD_CONTAINERS = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")
# The largest mean difference, of 255, at which two decoders are taken to show the same frame.
SAME_FRAME = 2.0


class VideoFrames:
    """The frames of a video file, numbered from 0 in the order in which they are shown.

    A frame is what PyAV decodes as `rgb24`, turned as the file says. decord reads it where, at opening, it agrees with
    PyAV on the number of frames, their timestamps and a few of the frames themselves; PyAV reads it where they differ
    (edit lists), in other containers than mp4 and mkv, where the picture is turned or the file cut off, and where there
    is no decord.
    Pixels are as stored: a sample aspect ratio other than one is not applied.

    path: the file. index: what it holds. reader: which library reads it, "decord" or "pyav".
    No file is kept open, so it can be pickled and read many times.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.index = read_index(self.path)
        self.reader: Literal["decord", "pyav"] = "decord" if self._decord_agrees() else "pyav"

    def __repr__(self) -> str:
        height, width = self.size
        return f"VideoFrames({self.path.name!r}: {len(self)} frames, {width}x{height}, read with {self.reader})"

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
        done = 0
        if self.reader == "decord":
            for batch in self._by_decord(numbers):
                done += 1
                yield np.stack([_fit(frame, size or self.size) for frame in batch])
        remaining = self._by_pyav(places[done * count :])
        for _ in numbers[done:]:
            yield np.stack([_fit(next(remaining), size or self.size) for _ in range(count)])

    def scan(self, size: tuple[int, int]) -> Iterator[np.ndarray]:
        """Yield every frame of the film, `(H, W, 3)` uint8 RGB, scaled while decoding to size = (height, width)."""
        from av.video.reformatter import Interpolation, VideoReformatter

        turns = self.index.rotation // 90
        height, width = size[::-1] if turns % 2 else size
        # One reformatter for all: by default PyAV makes one a frame, with its threads, at several times the cost.
        scaler = VideoReformatter()
        container, track = open_video(self.path, self.index.damaged)
        with container:
            for frame in shown_at(decoded(container, track), self.index.pts):
                small = scaler.reformat(frame, width, height, "rgb24", interpolation=Interpolation.AREA, threads=1)
                yield np.ascontiguousarray(np.rot90(small.to_ndarray(), turns))

    def _decord_agrees(self) -> bool:
        """Does decord show the same frames at the same times. Where it is known not to, it isn't asked."""
        if self.index.container not in DECORD_CONTAINERS or self.index.rotation:
            return False
        if self.index.damaged or self.index.problem:
            return False
        try:
            import decord
        except ImportError:
            return False
        decord.logging.set_level(decord.logging.QUIET)  # it may be wrong here, and that is why it is asked
        probes = sorted({0, len(self) // 2, len(self) - 1})
        try:
            reader = decord.VideoReader(str(self.path))
            if len(reader) != len(self):
                return False
            times = reader.get_frame_timestamp(np.arange(len(self)))[:, 0]
            # They are float32, in seconds since the file's own zero.
            if not np.allclose(times, self.index.pts * float(self.index.time_base), rtol=1e-6, atol=2e-3):
                return False
            frames = reader.get_batch(probes).asnumpy()
        except decord.DECORDError:
            return False
        return all(
            mine.shape == theirs.shape and np.abs(mine.astype(int) - theirs).mean() < SAME_FRAME
            for mine, theirs in zip(self._by_pyav(probes), frames, strict=True)
        )

    def _by_decord(self, numbers: Sequence[Sequence[int]]) -> Iterator[np.ndarray]:
        """Each shot's frames at the file's own size, up to the first that decord fails on."""
        import decord

        with contextlib.suppress(decord.DECORDError):
            reader = decord.VideoReader(str(self.path))
            for batch in numbers:
                yield reader.get_batch(list(batch)).asnumpy()

    def _by_pyav(self, places: Sequence[int]) -> Iterator[np.ndarray]:
        """The frames at the given places (ascending), at the file's own size."""
        for frame in self._sought(self.index.pts[list(places)]):
            yield np.rot90(frame.to_ndarray(format="rgb24"), self.index.rotation // 90)

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
            container, track = open_video(self.path, self.index.damaged)
            with container:
                yield from shown_at(decoded(container, track), wanted[place:])


def _fit(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A frame at (height, width): by area where it shrinks, linear where it grows."""
    import cv2

    if frame.shape[:2] == size:
        return frame
    height, width = size
    shrinks = height <= frame.shape[0] and width <= frame.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(frame), (width, height), interpolation=how))
