"""Small clips, written once: every frame differs from its neighbours, and each shot has a look of its own."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

FRAMES, SHOT = 60, 20
HEIGHT, WIDTH = 48, 64
RATE = 12


def draw(number: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Frame `number`: the texture of its shot, under a bar that moves on by one frame."""
    look = np.random.default_rng(number // SHOT)
    blocks = look.integers(0, 256, (4, 4, 3), np.uint8)
    frame = np.kron(blocks, np.ones((-(-height // 4), -(-width // 4), 1), np.uint8))[:height, :width]
    column = number * 5 % max(1, width - 4)
    frame[: max(1, height // 3), column : column + 4] = 255
    return frame


def write_clip(
    path: Path,
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    size: tuple[int, int] = (HEIGHT, WIDTH),
    milliseconds: Sequence[int] | None = None,
    frames: int = FRAMES,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> None:
    """A clip at RATE frames a second, or with a frame at each given time; a keyframe every 15 frames, B-frames."""
    height, width = size
    with av.open(str(path), "w", options=container_options or {}) as container:
        track = container.add_stream(codec, rate=RATE, options=options or {})
        track.width, track.height, track.pix_fmt = width, height, pix_fmt
        track.gop_size = 15
        if codec == "libx264":
            track.max_b_frames = 2
        if milliseconds is not None:
            track.time_base = track.codec_context.time_base = Fraction(1, 1000)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(draw(number, height, width), format="rgb24")
            frame.time_base = Fraction(1, RATE) if milliseconds is None else Fraction(1, 1000)
            frame.pts = number if milliseconds is None else milliseconds[number]
            container.mux(track.encode(frame))
        container.mux(track.encode(None))


def recut(source: Path, path: Path, begin: int = 27) -> None:
    """The clip from frame `begin` on, uncoded: from the keyframe before it, which mp4 hides by an edit list."""
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        track = new.add_stream_from_template(old.streams.video[0])
        packets = [packet for packet in old.demux(video=0) if packet.size]
        zero = sorted(packet.pts for packet in packets)[begin]
        first = max(place for place, packet in enumerate(packets) if packet.is_keyframe and packet.pts <= zero)
        for packet in packets[first:]:
            packet.pts, packet.dts, packet.stream = packet.pts - zero, packet.dts - zero, track
            new.mux(packet)


def turn(source: Path, path: Path, degrees: int) -> None:
    """A copy of an mp4 whose display matrix turns it counterclockwise."""
    data = bytearray(source.read_bytes())
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    one = 1 << 16
    place = data.index(b"tkhd") + 44
    data[place : place + 36] = struct.pack(
        ">9i", cosine * one, -sine * one, 0, sine * one, cosine * one, 0, 0, 0, 1 << 30
    )
    path.write_bytes(data)


def cut_off(source: Path, path: Path, part: float) -> None:
    """The first part of a file's bytes."""
    path.write_bytes(source.read_bytes()[: int(source.stat().st_size * part)])


def damage(source: Path, path: Path) -> None:
    """A copy with noise in the middle of its pictures."""
    data = bytearray(source.read_bytes())
    middle = data.index(b"mdat") + len(data) // 2
    data[middle : middle + 300] = np.random.default_rng(0).bytes(300)
    path.write_bytes(data)


def speak(path: Path) -> None:
    """A second of sound, no picture."""
    with av.open(str(path), "w") as container:
        track = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 8000
        for _ in range(8):
            container.mux(track.encode(frame))
        container.mux(track.encode(None))


UNEVEN = [number * 80 + number % 3 * 25 for number in range(FRAMES)]
FASTSTART = {"movflags": "faststart"}
RECIPES: dict[str, Callable[[Path, Callable[[str], Path]], object]] = {
    "plain.mp4": lambda path, clip: write_clip(path),
    "plain.mkv": lambda path, clip: write_clip(path),
    "plain.avi": lambda path, clip: write_clip(path, codec="mpeg4"),
    "plain.ts": lambda path, clip: write_clip(path),
    # AVI holds no times of display, and H.264 with B-frames needs them.
    "disorder.avi": lambda path, clip: write_clip(path),
    "open.mp4": lambda path, clip: write_clip(path, options={"x264-params": "open-gop=1:keyint=15:scenecut=0"}),
    "open.ts": lambda path, clip: recut(clip("open.mp4"), path, 0),
    "refresh.mp4": lambda path, clip: write_clip(path, options={"x264-params": "intra-refresh=1:keyint=15"}),
    "vp8.webm": lambda path, clip: write_clip(path, codec="libvpx"),
    "vp9.webm": lambda path, clip: write_clip(path, codec="libvpx-vp9"),
    "hevc.mp4": lambda path, clip: write_clip(path, codec="libx265", options={"x265-params": "log-level=none"}),
    "uneven.mkv": lambda path, clip: write_clip(path, milliseconds=UNEVEN),
    "uneven.mp4": lambda path, clip: write_clip(path, milliseconds=UNEVEN),
    "edited.mp4": lambda path, clip: recut(clip("plain.mp4"), path),
    "recut.mkv": lambda path, clip: recut(clip("plain.mp4"), path),
    "recut.ts": lambda path, clip: recut(clip("plain.mp4"), path),
    "turned90.mp4": lambda path, clip: turn(clip("plain.mp4"), path, 90),
    "turned180.mp4": lambda path, clip: turn(clip("plain.mp4"), path, 180),
    "turned270.mp4": lambda path, clip: turn(clip("plain.mp4"), path, 270),
    "tenbit.mkv": lambda path, clip: write_clip(path, pix_fmt="yuv420p10le"),
    "alpha.mkv": lambda path, clip: write_clip(path, codec="ffv1", pix_fmt="bgra"),
    "gray.mkv": lambda path, clip: write_clip(path, codec="ffv1", pix_fmt="gray"),
    "odd.mkv": lambda path, clip: write_clip(path, codec="ffv1", pix_fmt="yuv444p", size=(47, 63)),
    "pixel.mkv": lambda path, clip: write_clip(path, codec="ffv1", pix_fmt="yuv444p", size=(1, 1)),
    "one.mp4": lambda path, clip: write_clip(path, frames=1),
    "early.mp4": lambda path, clip: write_clip(path, container_options=FASTSTART),
    "short.mp4": lambda path, clip: cut_off(clip("early.mp4"), path, 0.8),
    "short.mkv": lambda path, clip: cut_off(clip("plain.mkv"), path, 0.6),
    "headless.mp4": lambda path, clip: cut_off(clip("plain.mp4"), path, 0.6),
    "damaged.mp4": lambda path, clip: damage(clip("plain.mp4"), path),
    "sound.mp4": lambda path, clip: speak(path),
    "empty.mp4": lambda path, clip: path.write_bytes(b""),
    "letter.mp4": lambda path, clip: path.write_text("Dear reader, this is no film. " * 50),
    "letter.txt": lambda path, clip: path.write_text("Dear reader, this is no film. " * 50),
}


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`clip(name)` is the path of one of the clips above, made when it is first asked for. `plain.*` are 60 frames in
    three shots of 20, at 12 frames a second."""
    folder = tmp_path_factory.mktemp("clips")

    def make(name: str) -> Path:
        path = folder / name
        if not path.exists():
            RECIPES[name](path, make)
        return path

    return make


@pytest.fixture(scope="session")
def by_pyav() -> Callable[[Path], tuple[list[float], list[np.ndarray]]]:
    """`by_pyav(path)` is when each frame is shown, and each frame, as PyAV decodes them from end to end."""

    def decode(path: Path) -> tuple[list[float], list[np.ndarray]]:
        times, frames = [], []
        with av.open(str(path)) as container:
            for packet in container.demux(video=0):
                with contextlib.suppress(av.FFmpegError):
                    for frame in packet.decode():
                        times.append(frame.time)
                        frames.append(frame.to_ndarray(format="rgb24"))
        return times, frames

    return decode
