"""Frames as PyAV decodes them, at the times that the file says, from every kind of file."""

from __future__ import annotations

import contextlib
import pickle
import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from sceneviz._text import ScenevizError
from sceneviz.movie import FrameSource, Shot
from sceneviz.reading import VideoFrames

Clip = Callable[[str], Path]
Decode = Callable[[Path], tuple[list[float], list[np.ndarray]]]

NAMES = (
    "plain.mp4 plain.mkv plain.avi plain.ts disorder.avi open.mp4 open.ts refresh.mp4 vp8.webm vp9.webm hevc.mp4 "
    "uneven.mkv uneven.mp4 edited.mp4 recut.mkv recut.ts turned90.mp4 turned180.mp4 turned270.mp4 "
    "tenbit.mkv alpha.mkv gray.mkv odd.mkv pixel.mkv one.mp4 short.mp4 short.mkv"
).split()


def single(numbers: list[int]) -> list[Shot]:
    """Shots of one frame each."""
    return [Shot(place, number, number + 1, place, place + 1) for place, number in enumerate(numbers)]


def difference(one: np.ndarray, other: np.ndarray) -> float:
    assert one.shape == other.shape
    return float(np.abs(one.astype(int) - other).mean())


@pytest.mark.parametrize("name", NAMES)
def test_a_frame_is_the_one_that_pyav_decodes(name: str, clip: Clip, by_pyav: Decode) -> None:
    source = VideoFrames(clip(name))
    times, frames = by_pyav(clip(name))
    turns = {"turned90.mp4": 1, "turned180.mp4": 2, "turned270.mp4": 3}.get(name, 0)
    assert source.size == np.rot90(frames[0], turns).shape[:2]
    np.testing.assert_allclose(np.diff(source.frame_times), np.diff(sorted(times)), atol=1e-6)
    read = list(source.read(single(list(range(len(source)))), 1))
    assert max(difference(mine[0], np.rot90(theirs, turns)) for mine, theirs in zip(read, frames, strict=True)) < 2


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(("one", "short"))])
def test_reading_some_frames_is_reading_all_and_picking(name: str, clip: Clip) -> None:
    source = VideoFrames(clip(name))
    every = list(source.scan(source.size))
    for chosen in ([0], [16, 17, 17, 31], [len(source) - 1]):
        read = [batch[0] for batch in source.read(single(chosen), 1)]
        assert max(difference(frame, every[number]) for number, frame in zip(chosen, read, strict=True)) < 1


@pytest.mark.parametrize("name", ["plain.mp4", "plain.mkv", "vp8.webm", "vp9.webm", "hevc.mp4", "uneven.mp4"])
def test_another_decoder_shows_the_same_frames(name: str, clip: Clip) -> None:
    decord = pytest.importorskip("decord", reason="needs decord, which has no wheel here")
    source = VideoFrames(clip(name))
    other = decord.VideoReader(str(clip(name)))
    assert len(other) == len(source)
    np.testing.assert_allclose(other.get_frame_timestamp(np.arange(60))[:, 0], source.frame_times, atol=1e-3)
    for mine, theirs in zip(source.read(single(list(range(60))), 1), other.get_batch(range(60)).asnumpy(), strict=True):
        assert difference(mine[0], theirs) < 2


def test_times_are_the_timestamps(clip: Clip, by_pyav: Decode) -> None:
    for name in ("uneven.mkv", "uneven.mp4"):
        source = VideoFrames(clip(name))
        assert source.frame_rate is None
        np.testing.assert_allclose(source.frame_times, by_pyav(clip(name))[0], atol=1e-6)
    np.testing.assert_allclose(source.frame_times[:4], [0, 0.105, 0.21, 0.24], atol=1e-3)


def test_the_timeline_begins_where_the_display_does(clip: Clip) -> None:
    for name, frames in (("plain.ts", 60), ("edited.mp4", 33)):
        source = VideoFrames(clip(name))
        assert source.frame_rate == Fraction(12)
        np.testing.assert_allclose(source.index.edges, np.arange(frames + 1) / 12, atol=1e-3)


def test_keyframes_come_by_shot_in_the_size_asked_for(clip: Clip) -> None:
    source = VideoFrames(clip("plain.mp4"))
    assert isinstance(source, FrameSource)
    shots = [Shot(0, 0, 20, 0, 1), Shot(1, 20, 40, 1, 2), Shot(2, 59, 60, 2, 3)]
    batches = list(source.read(shots, 3, (24, 40)))
    assert [batch.shape for batch in batches] == [(3, 24, 40, 3)] * 3
    assert all(batch.dtype == np.uint8 for batch in batches)
    full = list(source.read(shots, 3))
    assert [batch.shape for batch in full] == [(3, 48, 64, 3)] * 3
    assert np.array_equal(full[2][0], full[2][2])
    assert abs(float(batches[0].mean()) - float(full[0].mean())) < 1


def test_a_scan_shows_every_frame(clip: Clip, by_pyav: Decode) -> None:
    for name, turns in (("plain.mp4", 0), ("turned90.mp4", 1), ("edited.mp4", 0)):
        source = VideoFrames(clip(name))
        frames = by_pyav(clip(name))[1]
        scanned = list(source.scan(source.size))
        assert len(scanned) == len(frames)
        assert max(difference(a, np.rot90(b, turns)) for a, b in zip(scanned, frames, strict=True)) < 1


def test_every_frame_of_a_damaged_file_has_something_to_show(clip: Clip, by_pyav: Decode) -> None:
    source = VideoFrames(clip("damaged.mp4"))
    assert len(by_pyav(clip("damaged.mp4"))[1]) < len(source) == 60
    assert len(list(source.scan((12, 16)))) == 60
    assert len(list(source.read(single(list(range(60))), 1))) == 60


def test_a_source_can_be_pickled_and_is_known_by_its_content(clip: Clip, tmp_path: Path) -> None:
    source = VideoFrames(clip("plain.mp4"))
    copy = pickle.loads(pickle.dumps(source))
    assert np.array_equal(next(copy.read(single([7]), 1)), next(source.read(single([7]), 1)))
    renamed = shutil.copy(clip("plain.mp4"), tmp_path / "other.mp4")
    assert VideoFrames(renamed).fingerprint == source.fingerprint != VideoFrames(clip("plain.mkv")).fingerprint


def test_a_file_that_was_cut_off_says_what_is_missing(clip: Clip) -> None:
    for name in ("short.mp4", "short.mkv"):
        source = VideoFrames(clip(name))
        assert 20 < len(source) < 50
        assert "cut off" in source.index.problem
        assert "0:00:05.000" in source.index.problem
        assert f"the {len(source)} frames" in source.index.problem
        assert "\n" not in source.index.problem
    assert VideoFrames(clip("plain.mp4")).index.problem == ""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("empty.mp4", "empty one"),
        ("letter.mp4", "none, or was cut off"),
        ("letter.txt", "without a video track"),
        ("headless.mp4", "cut off before its index"),
        ("sound.mp4", "without a video track"),
    ],
)
def test_what_is_no_video_is_told_in_a_line(name: str, message: str, clip: Clip) -> None:
    with pytest.raises(ScenevizError, match=message) as error:
        VideoFrames(clip(name))
    assert name in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["plain.mp4", "plain.mkv", "plain.ts", "edited.mp4"])
def test_whatever_is_broken_is_read_or_told(name: str, clip: Clip, tmp_path: Path) -> None:
    whole = clip(name).read_bytes()
    path = tmp_path / name
    for seed in range(20):
        dice = np.random.default_rng(seed)
        data = bytearray(whole)
        for place in dice.integers(0, len(data), dice.choice([1, 5, 50])):
            data[place] = dice.integers(256)
        path.write_bytes(data[: dice.integers(1, len(data))] if seed % 2 else data)
        with contextlib.suppress(ScenevizError):
            source = VideoFrames(path)
            assert len(list(source.scan((9, 16)))) == len(source)
            assert len(list(source.read(single([0, len(source) - 1]), 1))) == 2
            assert np.all(np.diff(source.index.edges) > 0)


def test_no_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(ScenevizError, match="no such file"):
        VideoFrames(tmp_path / "film.mp4")
    with pytest.raises(ScenevizError, match="got a folder"):
        VideoFrames(tmp_path)


def test_shots_that_the_file_does_not_have_are_refused(clip: Clip) -> None:
    source = VideoFrames(clip("plain.mp4"))
    with pytest.raises(ScenevizError, match="past the end"):
        list(source.read(single([60]), 1))
    with pytest.raises(ScenevizError, match="ascending"):
        list(source.read(single([5, 4]), 1))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["big_buck_bunny/movie.mp4", "tears_of_steel_clip/movie.webm"])
def test_frames_of_real_films_and_of_cuts_from_them(name: str, films: Path, tmp_path: Path, by_pyav: Decode) -> None:
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        pytest.skip("needs ffmpeg to cut the films")
    for suffix in {Path(name).suffix, ".mkv", ".ts" if name.endswith("mp4") else ".webm"}:
        for begin in (0.0, 21.3):
            path = tmp_path / f"{begin}{suffix}"
            cut = [
                ffmpeg,
                "-v",
                "error",
                "-ss",
                str(begin),
                "-i",
                str(films / name),
                "-t",
                "9",
                "-c",
                "copy",
                str(path),
            ]
            subprocess.run(cut, check=True)
            source = VideoFrames(path)
            frames = by_pyav(path)[1]
            assert len(source) == len(frames)
            numbers = list(range(0, len(frames), 7))
            for number, frame in zip(numbers, source.read(single(numbers), 1), strict=True):
                assert difference(frame[0], frames[number]) < 2, (path.name, number)
