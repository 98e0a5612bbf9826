"""What a video file holds, found by walking its packets: when each frame is shown, how large, turned how."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sceneviz._text import ScenevizError, clock, fingerprint

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# A file that declares this much more than its packets cover was cut off; less is how muxers round.
MISSING_S = 0.5
# Bytes at the head, in the middle and at the tail of a file that enter its fingerprint.
SAMPLE_BYTES = 1 << 20


@dataclass(frozen=True)
class VideoIndex:
    """When a file's frames are shown.

    pts: `(n_frames,)` int64, ascending: when each frame is shown, in units of `time_base`.
    keys: `(n_keyframes,)` int64, ascending: the `pts` at which decoding can start, other than from the beginning.
    time_base: seconds a unit.
    start: the unit at which the file's displayed timeline begins.
    end: the unit at which the last frame ends.
    rate: frames a second, None if they are not evenly spaced.
    size: (height, width) in pixels, as displayed.
    rotation: degrees counterclockwise by which a decoded frame is turned for display: 0, 90, 180 or 270.
    fingerprint: a short name for the file's content.
    damaged: some packets are broken, or do not say when they are shown.
    counted: the frames' own times are in disorder (AVI holds none for display): they are numbered as they come.
    problem: what is missing from a file that was cut off, in one line; "" if nothing is.
    """

    pts: np.ndarray
    keys: np.ndarray
    time_base: Fraction
    start: int
    end: int
    rate: Fraction | None
    size: tuple[int, int]
    rotation: int
    fingerprint: str
    damaged: bool
    counted: bool
    problem: str

    @property
    def edges(self) -> np.ndarray:
        """`(n_frames + 1,)` float64: seconds at which each frame begins, and at which the last one ends."""
        units = np.append(self.pts, self.end) - self.start
        return np.asarray(units * float(self.time_base), np.float64)


def open_video(path: Path, damaged: bool = False) -> tuple[InputContainer, VideoStream]:
    """A file and its film track (cover art is none), opened for reading; the caller closes it.

    damaged: decode one frame after the other. Decoding several at once is faster, but loses those beside a broken one.
    """
    import av
    from av.stream import Disposition

    if not path.exists():
        raise ScenevizError(f"no such file: {path}")
    if path.is_dir():
        raise ScenevizError(f"expected a video file, got a folder: {path}")
    if not path.stat().st_size:
        raise ScenevizError(f"expected a video file, got an empty one (0 bytes): {path}")
    try:
        # A playlist that calls itself a film must not reach out: only files, and by a path that names no protocol.
        whitelist = {"protocol_whitelist": "file"}
        container = av.open(str(path.resolve()), options=whitelist, metadata_errors="replace")
    except av.FFmpegError as error:
        raise ScenevizError(
            "expected a video file (mp4, mkv, webm, ...), got one that is none, or was cut off before its index: "
            f"{path} ({error.strerror})"
        ) from None
    tracks = [track for track in container.streams.video if not track.disposition & Disposition.attached_pic]
    # ffmpeg takes a .txt for ANSI art, and would show it as a film.
    if not tracks or container.format.name == "tty":
        container.close()
        raise ScenevizError(f"expected a video file, got one without a video track: {path}")
    if container.format.name.endswith("_pipe") or container.format.name == "image2":
        container.close()
        raise ScenevizError(f"expected a video file, got a picture: {path}")
    tracks[0].thread_type = "SLICE" if damaged else "AUTO"
    return container, tracks[0]


def decoded(container: InputContainer, track: VideoStream) -> Iterator[tuple[int, VideoFrame]]:
    """Each frame and its `pts`, from where the container stands on; what cannot be decoded is passed over."""
    import av

    packets = container.demux(track)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            yield from ((frame.pts, frame) for frame in packet.decode() if frame.pts is not None)
        except av.FFmpegError:
            continue


def shown_at(frames: Iterable[tuple[int, VideoFrame]], wanted: Sequence[int] | np.ndarray) -> Iterator[VideoFrame]:
    """The frame shown at each wanted `pts` (ascending, repeats allowed).

    A frame that does not come (damaged) is replaced by the last before it, at the beginning by the first that comes.
    """
    place, last = 0, None
    for pts, frame in frames:
        while place < len(wanted) and pts >= wanted[place]:
            yield frame if last is None or pts == wanted[place] else last
            place += 1
        if place == len(wanted):
            return
        last = frame
    if last is not None:
        yield from [last] * (len(wanted) - place)


def read_index(path: Path) -> VideoIndex:
    """Walk a file's packets; where they do not tell when frames are shown, decode it from end to end."""
    container, track = open_video(path)
    with container:
        # One row a packet: pts, duration, keyframe, to be decoded but not shown (edit lists).
        rows, damaged = [], False
        for packet in container.demux(track):
            if packet.size:
                damaged = damaged or packet.pts is None or packet.is_corrupt
                rows.append((packet.pts, packet.duration or 0, packet.is_keyframe, packet.is_discard))
        declared, begins = container.duration, container.start_time or 0
        counted = container.format.name == "avi"
        time_base, rates = track.time_base, (track.base_rate, track.average_rate)
    container, track = open_video(path, damaged)
    with container:
        frames = decoded(container, track)
        begin = next(frames, None)
        if begin is None or time_base is None:
            raise ScenevizError(
                f"no frame can be decoded from the video track (codec {getattr(track, 'name', 'unknown')}): "
                f"it is cut off, damaged, or has no timestamps (then `ffmpeg -i IN OUT.mkv` helps): {path}"
            )
        shown = [row[0] for row in rows if row[0] is not None and not row[3]]
        if damaged or not shown:
            shown = [pts for pts, _ in chain([begin], frames)]
    pts = np.unique(np.asarray(shown, np.int64))
    starts = [row[0] for row in rows if row[2] and row[0] is not None and not counted]
    lengths = [row[1] for row in rows if row[0] == pts[-1]]
    spacing = round(float(np.median(np.diff(pts)))) if len(pts) > 1 else 0
    end = int(pts[-1]) + max(1, *lengths, 0 if any(lengths) else spacing)
    size = (begin[1].height, begin[1].width)
    rotation = round(begin[1].rotation / 90) * 90 % 360
    start = round(Fraction(begins, 1_000_000) / time_base)
    keys = np.unique(np.asarray(starts, np.int64))
    pts.setflags(write=False)
    keys.setflags(write=False)
    return VideoIndex(
        pts=pts,
        keys=keys,
        time_base=time_base,
        start=start,
        end=end,
        rate=_constant_rate(pts, time_base, rates),
        size=size[::-1] if rotation % 180 else size,
        rotation=rotation,
        fingerprint=_content(path),
        damaged=damaged,
        counted=counted,
        problem=_missing(path, len(pts), float((end - start) * time_base), (declared or 0) / 1e6),
    )


def _constant_rate(pts: np.ndarray, time_base: Fraction, rates: Sequence[Fraction | None]) -> Fraction | None:
    """The first of the declared rates at which every frame stands within half a frame of its place, else None."""
    seconds = (pts - pts[0]) * float(time_base)
    for rate in rates:
        if rate and np.all(np.abs(seconds * float(rate) - np.arange(len(pts))) < 0.5):
            return Fraction(rate)
    return None


def _missing(path: Path, frames: int, end_s: float, declared_s: float) -> str:
    """What a cut-off file lacks, in one line. Sound may rightly outlast the picture, so it is asked as well."""
    if declared_s - end_s < MISSING_S:
        return ""
    container, _ = open_video(path)
    with container:
        begins = (container.start_time or 0) / 1e6
        ends = [
            float((packet.pts + (packet.duration or 0)) * packet.time_base) - begins
            for packet in container.demux()
            if packet.pts is not None
        ]
    if declared_s - max(ends, default=0) < MISSING_S:
        return ""
    return (
        f"{path.name} was cut off: it declares {clock(declared_s)}, but its frames end at {clock(end_s)}; "
        f"the {frames} frames that are there are read"
    )


def _content(path: Path) -> str:
    """A fingerprint of the file's size and of samples of its bytes."""
    size = path.stat().st_size
    with path.open("rb") as file:
        samples = []
        for place in (0, (size - SAMPLE_BYTES) // 2, size - SAMPLE_BYTES):
            file.seek(max(0, place))
            samples.append(file.read(SAMPLE_BYTES))
    return fingerprint(size, *samples)
