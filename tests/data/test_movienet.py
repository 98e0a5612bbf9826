"""MovieNet-318 as it is published: labels, splits, times, keyframes, subtitles, casts."""

from __future__ import annotations

import json
import shutil
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import sceneviz as sv
from sceneviz._text import ScenevizError
from sceneviz.data import Movies
from sceneviz.movie import Movie

SHOTS = 6
NTSC = Fraction(24000, 1001)


def quietly(root: Path, **kwargs: object) -> Movies:
    """A split whose movies have nothing odd."""
    return sv.read_movies("movienet", root, **kwargs)  # type: ignore[arg-type]


def test_splits_are_those_of_the_file(movienet: Path) -> None:
    assert quietly(movienet).names == ("tt1099212", "tt0000003")
    assert quietly(movienet, split="train").names == ("tt0000001", "tt0120755")
    assert quietly(movienet, split="val").names == quietly(movienet, split="validation").names == ("tt0000002",)
    assert len(quietly(movienet, split="all")) == 5
    assert quietly(movienet / "scene318").names == quietly(movienet).names


def test_a_whole_movie(movienet: Path) -> None:
    movie = quietly(movienet)["tt0000003"]
    assert movie.name == "tt0000003"
    assert movie.frame_rate == NTSC
    assert [(shot.start, shot.end) for shot in movie.shots] == [(100 * i, 100 * i + 100) for i in range(SHOTS)]
    np.testing.assert_allclose(
        [shot.end_s for shot in movie.shots], [float((100 * i + 100) / NTSC) for i in range(SHOTS)]
    )
    assert [shot.subtitle for shot in movie.shots] == ["Hello <|im_end|>", "", "", "", "", "Bye"]
    # A role's name, an actor's where there is no role, an id where there is neither; others are nobody.
    assert [shot.characters for shot in movie.shots] == [
        ("Rose Dewitt Bukater",), (), ("Billy Zane", "nm03"), (), (), (),
    ]  # fmt: skip
    assert movie.labels is not None
    assert movie.labels.tolist() == [[0, 1, -1, 0, 1, -2]]


def test_keyframes_are_a_frame_source(movienet: Path) -> None:
    movie = quietly(movienet)["tt0000003"]
    source = movie.frames
    assert source is not None
    assert source.size == (24, 40)
    three = list(source.read(movie.shots, 3))
    assert [frames.shape for frames in three] == [(3, 24, 40, 3)] * SHOTS
    np.testing.assert_allclose(
        [frames.mean((1, 2, 3)) for frames in three], [[10 * i, 10 * i + 1, 10 * i + 2] for i in range(SHOTS)], atol=1
    )
    outer = next(source.read(movie.shots[2:], 2, (12, 20)))
    assert outer.shape == (2, 12, 20, 3)
    np.testing.assert_allclose(outer.mean((1, 2, 3)), [20, 22], atol=1)
    np.testing.assert_allclose(next(source.read(movie.shots[4:], 1)).mean(), 41, atol=1)
    for count in (0, 4, 5):
        with pytest.raises(ScenevizError, match=r"frames_per_shot must be 1, 2 or 3"):
            source.read(movie.shots, count)


def test_a_movie_is_known_by_its_keyframes(movienet: Path, tmp_path: Path) -> None:
    print_ = quietly(movienet)["tt0000003"].fingerprint
    moved = movienet.rename(tmp_path / "elsewhere")
    assert quietly(moved)["tt0000003"].fingerprint == print_
    Image.new("RGB", (40, 24), "red").save(moved / "240P_frames" / "tt0000003" / "shot_0003_img_0.jpg")
    assert quietly(moved)["tt0000003"].fingerprint != print_


def test_missing_keyframes_are_told(movienet: Path) -> None:
    folder = movienet / "240P_frames" / "tt0000003"
    (folder / "shot_0002_img_1.jpg").unlink()
    with pytest.warns(UserWarning, match=r"tt0000003: 1 keyframe missing; the nearest"):
        movie = quietly(movienet)["tt0000003"]
    assert movie.frames is not None
    np.testing.assert_allclose(next(movie.frames.read(movie.shots[2:], 1)).mean(), 20, atol=1)
    for place in (0, 2):
        (folder / f"shot_0002_img_{place}.jpg").unlink()
    with pytest.raises(ScenevizError, match=r"1 of 6 shots have no keyframe, the first of them shot 2; complete them"):
        quietly(movienet)["tt0000003"]


def test_a_damaged_keyframe_is_named(movienet: Path) -> None:
    (movienet / "240P_frames" / "tt0000003" / "shot_0001_img_1.jpg").write_bytes(b"no picture")
    movie = quietly(movienet)["tt0000003"]
    assert movie.frames is not None
    with pytest.raises(ScenevizError, match=r"expected a picture.*shot_0001_img_1.jpg"):
        list(movie.frames.read(movie.shots, 1))


@pytest.mark.parametrize(
    ("name", "labels", "notice"),
    [
        ("tt0120755", [0, 1, -1, 0, 1, -2], r"its 6 shots have a label each; that of the last \(0\) is not used"),
        ("tt1099212", [0, 1, -1, 0, -2, -2], r"its 6 shots have 4 labels, two fewer; shot 4 is unlabelled"),
    ],
)
def test_the_two_irregular_movies_are_read_with_a_notice(
    name: str, labels: list[int], notice: str, movienet: Path
) -> None:
    with pytest.warns(UserWarning, match=notice) as told:
        movie = quietly(movienet, split="all")[name]
    assert movie.labels is not None
    assert movie.labels[0].tolist() == labels
    assert movie.frames is None
    assert told[0].filename == __file__


def test_a_movie_has_what_there_is_of_it(movienet: Path) -> None:
    (movienet / "scene318" / "label318" / "tt0000002.txt").unlink()
    movie = quietly(movienet, split="val")[0]
    assert movie.labels is None
    assert movie.frames is None
    assert not any(shot.subtitle or shot.characters for shot in movie.shots)
    (movienet / "scene318" / "shot_movie318" / "tt0000002.txt").unlink()
    with pytest.raises(ScenevizError, match=r"tt0000002: there is no shot_movie318/tt0000002.txt"):
        quietly(movienet, split="val")[0]


@pytest.mark.parametrize(
    ("rate", "exact"),
    [(25, Fraction(25)), (23.976, NTSC), (23.98, NTSC), ("23.976", NTSC), (29.97, Fraction(30000, 1001)), (24.0, 24)],
)
def test_a_frame_rate_is_exact(rate: float | str, exact: Fraction, movienet: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        movie = quietly(movienet, frame_rate=rate)["tt0000003"]
    assert movie.frame_rate == exact
    assert movie.shots[0].end_s == pytest.approx(float(100 / exact), abs=1e-12)


def test_each_movie_may_have_its_own_frame_rate(movienet: Path) -> None:
    movies = quietly(movienet, split="train", frame_rate={"tt0000001": "30000/1001"})
    assert movies[0].frame_rate == Fraction(30000, 1001)
    with pytest.warns(UserWarning, match="tt0120755"):
        assert movies[1].frame_rate == NTSC


@pytest.mark.parametrize("rate", [0, -1, 1e9, float("nan"), float("inf"), "fast", "1/0", None.__class__])
def test_a_frame_rate_that_is_none_is_refused(rate: object, movienet: Path) -> None:
    with pytest.raises(ScenevizError, match=r"frame_rate: expected .*frames a second"):
        quietly(movienet, frame_rate=rate)[1]


@pytest.mark.parametrize("rate", [60, 6])
def test_a_wrong_frame_rate_shows_by_the_subtitles(rate: int, movienet: Path) -> None:
    with pytest.warns(UserWarning, match=rf"tt0000003: tt0000003.srt: .*; is its frame rate {rate}\? If not"):
        quietly(movienet, frame_rate=rate)["tt0000003"]


def test_a_cast_of_other_shots_is_told(movienet: Path) -> None:
    path = movienet / "annotation" / "tt0000003.json"
    content = json.loads(path.read_text())
    content["cast"][0]["shot_idx"] = SHOTS
    path.write_text(json.dumps(content))
    with pytest.warns(UserWarning, match=r"1 of its cast are in shots past the last, 5, and left out"):
        assert quietly(movienet)["tt0000003"].shots[0].characters == ()
    path.write_text(json.dumps({"cast": None}))
    assert quietly(movienet)["tt0000003"].shots[2].characters == ()


def test_the_video_itself_will_do(film: tuple[Movie, Path], movienet: Path, tmp_path: Path) -> None:
    short, video = film
    shutil.copy(video, movienet / "tt0000003.mp4")
    rows = video.with_suffix(".shots.txt").read_text()
    (movienet / "scene318" / "shot_movie318" / "tt0000003.txt").write_text(rows)
    (movienet / "subtitle" / "tt0000003.srt").unlink()
    assert type(quietly(movienet)["tt0000003"].frames).__name__ == "KeyframeFolder"
    (movienet / "240P_frames").rename(tmp_path / "away")
    movie = quietly(movienet)["tt0000003"]
    assert movie.name == "tt0000003"
    assert movie.frame_rate == 24
    assert [(shot.start, shot.end) for shot in movie.shots] == [(shot.start, shot.end) for shot in short.shots]
    assert movie.shots[0].characters == ("Rose Dewitt Bukater",)
    assert movie.frames is not None
    assert next(movie.frames.read(movie.shots, 5)).shape == (5, 32, 48, 3)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("scene318/label318/tt0000003.txt", "0000 0\n0001\n", r"tt0000003.txt, line 2: expected `shot label`.* '0001'"),
        ("scene318/label318/tt0000003.txt", "0000 0\n\n0002 0\n", r"line 3: expected the label of shot 1, got .* 2"),
        ("scene318/label318/tt0000003.txt", "0000 2\n", r"line 1: expected the label 1, 0 or -1, got 2"),
        ("scene318/label318/tt0000003.txt", "0000 1.0\n", r"line 1: expected `shot label`, two whole numbers"),
        ("scene318/label318/tt0000003.txt", "0000 0\n", r"expected 5 labels, one less than shots, got 1"),
        (
            "scene318/label318/tt0000003.txt",
            "".join(f"{i} 0\n" for i in range(7)),
            r"line 7: there is no shot 6; the movie has shots 0 to 5",
        ),
        ("scene318/shot_movie318/tt0000003.txt", "0 9 1 2 3\n5 20 6 7 8\n", r"line 2: shots must not overlap"),
        ("scene318/shot_movie318/tt0000003.txt", "0 9 1 2\n", r"tt0000003.txt, line 1: expected"),
        ("scene318/shot_movie318/tt0000003.txt", "", r"list of shots is empty.*tt0000003.txt"),
        (
            "annotation/tt0000003.json",
            '{"cast": [\n{"shot_idx": 1,\n',
            r"json, line 3: the annotations are no valid",
        ),
        ("annotation/tt0000003.json", '{"cast": [{"shot_idx": "1"}]}', r"cast, entry 0: expected the number of a shot"),
        ("annotation/tt0000003.json", '{"cast": [{"shot_idx": 1, "pid": 7}]}', r"entry 0: .* pid 7"),
        ("annotation/tt0000003.json", '{"cast": [3]}', r"cast, entry 0: expected a person, got 3"),
        ("annotation/tt0000003.json", '{"cast": {}}', r'expected {"cast": \[...\]}'),
        ("annotation/tt0000003.json", "[1]", r'expected {"cast": \[...\]}'),
        ("meta/tt0000003.json", '{"cast": [{"name": "x"}]}', r"meta.tt0000003.json, cast, entry 0: expected the id"),
        ("subtitle/tt0000003.srt", "no subtitles", r"expected subtitles as srt, vtt or ass.*tt0000003.srt"),
    ],
)
def test_a_malformed_file_is_named_with_its_line(file: str, content: str, message: str, movienet: Path) -> None:
    (movienet / file).write_text(content)
    with pytest.raises(ScenevizError, match=message) as caught:
        quietly(movienet)["tt0000003"]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"test": ["../../etc/passwd"]}', r"split318.json, 'test', entry 0: expected the name of a movie.*passwd"),
        ('{"test": ["a\\\\b"]}', r"'test', entry 0: expected the name of a movie"),
        ('{"test": [".."]}', r"'test', entry 0: expected the name of a movie"),
        ('{"test": ["C:x"]}', r"'test', entry 0: expected the name of a movie"),
        ('{"test": [7]}', r"'test', entry 0: expected the name of a movie, .* got 7"),
        ('{"test": [""]}', r"'test', entry 0: expected the name of a movie"),
        ('{"test": "tt1"}', r"'test': expected a list of movies"),
        ('{"train": ["tt1"], "test": ["tt1"]}', r"'test', entry 0: tt1 is in 'train' already"),
        ('{"test": ["tt1",\n]}', r"split318.json, line 2: the splits are no valid JSON"),
        ("[" * 100_000, r"split318.json.*the splits are no valid JSON"),
        ("[]", r'expected {"train": \[...\]'),
    ],
)
def test_a_split_names_movies_and_nothing_else(content: str, message: str, movienet: Path) -> None:
    (movienet / "scene318" / "meta" / "split318.json").write_text(content)
    with pytest.raises(ScenevizError, match=message) as caught:
        quietly(movienet)
    assert "\n" not in str(caught.value)


def test_what_is_no_movienet_says_what_is_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ScenevizError, match=r"movienet: expected the folders shot_movie318 and label318 and the file"):
        quietly(tmp_path)
    with pytest.raises(ScenevizError, match=r"no folder of a data set"):
        quietly(tmp_path / "nowhere")
