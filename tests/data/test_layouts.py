"""BBC Planet Earth, OVSD and folders of one's own: scenes and boundaries, sentinels and gaps."""

from __future__ import annotations

import os
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import sceneviz as sv
from sceneviz._text import ScenevizError
from sceneviz.data import check
from sceneviz.movie import Movie

SCENES = "annotations/scenes/annotator_2/01_From_Pole_to_Pole.txt"
# Per annotator, as STARTS has them: the shot before each start ends a scene, the last number is none.
EACH = [[0, 1, 0, 1, 0, -2], [0, 1, 0, 0, 0, -2], [0, 0, 1, 1, 0, -2], [0, 0, 0, 1, 0, -2], [0, 0, 0, 0, 0, -2]]


def test_bbc_has_gaps_and_five_annotators(bbc: Path) -> None:
    movies = sv.read_movies("bbc", bbc)
    assert movies.names == ("01_From_Pole_to_Pole", "03_Ice Worlds")
    assert repr(movies) == "Movies(bbc, annotators 'each': 2 movies)"
    for movie in movies:
        assert [(shot.start, shot.end) for shot in movie.shots][1:3] == [(100, 200), (212, 300)]
        assert movie.frame_rate == 25
        assert movie.shots[2].start_s == 8.48
        assert movie.labels is not None
        assert movie.labels.tolist() == EACH


@pytest.mark.parametrize(
    ("annotators", "labels"),
    [
        ("union", [0, 1, 1, 1, 0, -2]),
        ("1_of_5", [0, 1, 1, 1, 0, -2]),
        ("2_of_5", [0, 1, 0, 1, 0, -2]),
        ("3_of_5", [0, 0, 0, 1, 0, -2]),
        ("4_of_5", [0, 0, 0, 0, 0, -2]),
        ("annotator_2", EACH[2]),
    ],
)
def test_whose_boundaries_count_is_chosen_by_name(annotators: str, labels: list[int], bbc: Path) -> None:
    movies = sv.read_movies("bbc", bbc, annotators=annotators)
    assert annotators in repr(movies)
    found = movies[0].labels
    assert found is not None
    assert found.tolist() == [labels]


def test_an_unknown_rule_names_the_known(bbc: Path) -> None:
    with pytest.raises(ScenevizError, match=r"annotators must be one of 'each', 'union', '1_of_5', .* not '2_of_4'"):
        sv.read_movies("bbc", bbc, annotators="2_of_4")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("0,2,4", r"line 1: expected the number of shots, 6, as the last number, got 4"),
        ("0,2,7", r"line 1: expected ascending numbers of shots up to 6, .* got 7 after 2"),
        ("0,4,2,6", r"line 1: expected ascending .* got 2 after 4"),
        ("0,2\n,x,6", r"line 2: expected the number of a shot that starts a scene, got 'x'"),
        ("0,-1,6", r"line 1: expected the number of a shot that starts a scene, got '-1'"),
        ("", r"annotator_2.*expected the number of shots, 6, as the last number, got -1"),
    ],
)
def test_a_malformed_list_of_scenes_is_named(content: str, message: str, bbc: Path) -> None:
    (bbc / SCENES).write_text(content)
    movies = sv.read_movies("bbc", bbc)
    with pytest.raises(ScenevizError, match=message):
        movies[0]
    with pytest.warns(UserWarning, match="1 of 2 movies cannot be read"):
        assert [movie.name for movie in movies] == ["03_Ice Worlds"]


def test_scenes_may_start_after_the_first_shot(bbc: Path) -> None:
    (bbc / SCENES).write_text("1,3,6")
    labels = sv.read_movies("bbc", bbc, annotators="annotator_2")[0].labels
    assert labels is not None
    assert labels.tolist() == [[1, 0, 1, 0, 0, -2]]


def test_an_annotator_who_left_out_an_episode_is_told(bbc: Path) -> None:
    (bbc / SCENES).unlink()
    movies = sv.read_movies("bbc", bbc)
    assert check(movies, progress=False)["missing"].tolist() == ["labels, video, subtitles", "video, subtitles"]
    with pytest.raises(ScenevizError, match=r"there is no 01_From_Pole_to_Pole.txt of annotator annotator_2"):
        movies[0]


def test_videos_of_episodes_go_by_number(film: tuple[Movie, Path], bbc: Path) -> None:
    shutil.copy(film[1], bbc / "bbc_03.mp4")
    (bbc / "annotations" / "shots" / "03_Ice Worlds.txt").write_text(
        "\n".join(f"{shot.start} {shot.end - 1}" for shot in film[0].shots)
    )
    table = sv.read_movies("bbc", bbc).to_frame()
    assert table["video"].tolist() == [False, True]
    movie = sv.read_movies("bbc", bbc)["03_Ice Worlds"]
    assert (movie.name, movie.frame_rate, len(movie)) == ("03_Ice Worlds", 24, 6)
    assert movie.frames is not None


def test_what_is_no_bbc_or_ovsd_says_what_is_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ScenevizError, match=r"bbc: expected annotations/shots/<episode>.txt"):
        sv.read_movies("bbc", tmp_path)
    with pytest.raises(ScenevizError, match=r"ovsd: expected files <film>_scenes.txt"):
        sv.read_movies("ovsd", tmp_path)


def test_ovsd_boundaries_move_to_the_nearest_shot_end(ovsd: Path) -> None:
    movies = sv.read_movies("ovsd", ovsd, frame_rate={"bbb": 24})
    assert movies.names == ("bbb", "lost")
    movie = movies["bbb"]
    assert movie.labels is not None
    assert movie.labels.tolist() == [[0, 1, 0, 1, 0, -2]]
    with pytest.raises(ScenevizError, match=r"lost: there is neither a video of it, to find its shots in, nor a file"):
        movies["lost"]
    with pytest.raises(ScenevizError, match=r"bbb: without a video nothing tells its frame rate; give frame_rate"):
        sv.read_movies("ovsd", ovsd)["bbb"]


@pytest.mark.parametrize(
    ("rows", "labels", "notice"),
    [
        ("0 99\n100 130\n131 599\n", [1, 0, 0, 0, 0, -2], "1 scene of 3 end within the same shot as another"),
        ("0 199\n200 599\n600 2000\n", [0, 1, 0, 0, 0, -2], "a scene ends 1401 frames from the nearest end of a shot"),
        ("0 499\n", [0, 0, 0, 0, 1, -2], ""),
    ],
)
def test_odd_scenes_are_told(rows: str, labels: list[int], notice: str, ovsd: Path) -> None:
    (ovsd / "bbb_scenes.txt").write_text(rows)
    read = sv.read_movies("ovsd", ovsd, frame_rate=24).read("bbb")
    assert read.movie.labels is not None
    assert read.movie.labels.tolist() == [labels]
    assert notice in "; ".join(read.notices)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("0 99\n50 200\n", r"bbb_scenes.txt, line 2: expected a scene's first and last frame, after frame 99, got 50"),
        ("0 99\n200 150\n", r"line 2: .* got 200 and 150"),
        ("0 99 3\n", r"line 1: expected `start end`, two whole numbers, got '0 99 3'"),
        ("0\n", r"line 1: expected `start end`"),
        ("", r"bbb_scenes.txt: expected rows `start end`, a scene each, got none"),
    ],
)
def test_malformed_scenes_are_named(content: str, message: str, ovsd: Path) -> None:
    (ovsd / "bbb_scenes.txt").write_text(content)
    with pytest.raises(ScenevizError, match=message):
        sv.read_movies("ovsd", ovsd, frame_rate=24)["bbb"]


@pytest.fixture
def own(film: tuple[Movie, Path], tmp_path: Path) -> Path:
    """A movie as it is written, with its video; and another with its texts alone."""
    folder = tmp_path / "own"
    folder.mkdir()
    movie, video = film
    for file in video.parent.iterdir():
        ending = file.name.removeprefix(movie.name)
        shutil.copy(file, folder / f"film{ending}")
        if ending != ".mp4":
            shutil.copy(file, folder / f"text{ending}")
    return folder


def test_a_folder_of_ones_own(film: tuple[Movie, Path], own: Path) -> None:
    movies = sv.read_movies(own, frame_rate=24)
    assert movies.names == ("film", "text")
    assert repr(movies) == "Movies(own, test: 2 movies)"
    told = film[0]
    for movie in movies:
        assert movie.labels is not None
        assert told.labels is not None
        np.testing.assert_array_equal(movie.labels, told.labels)
        assert [shot.subtitle for shot in movie.shots] == [shot.subtitle for shot in told.shots]
        assert [shot.characters for shot in movie.shots] == [shot.characters for shot in told.shots]
        assert [(shot.start, shot.end) for shot in movie.shots] == [(shot.start, shot.end) for shot in told.shots]
        assert movie.frame_rate == Fraction(24)
    assert movies[0].frames is not None
    assert movies[1].frames is None
    assert check(movies, progress=False)["missing"].tolist() == ["", "video"]


def test_a_folder_may_say_its_splits(own: Path) -> None:
    with pytest.raises(ScenevizError, match=r"split 'train': there is no split.json"):
        sv.read_movies(own, split="train")
    (own / "split.json").write_text('{"train": ["film"], "test": ["text", "gone"]}')
    assert sv.read_movies(str(own), split="train").names == ("film",)
    movies = sv.read_movies(own, frame_rate=24)
    with pytest.warns(UserWarning, match=r"1 of 2 movies cannot be read .*: gone \(gone: there is neither"):
        assert len(list(movies)) == 1


def test_an_empty_folder_is_none_of_movies(tmp_path: Path) -> None:
    with pytest.raises(ScenevizError, match=r"expected videos, or files NAME.shots.txt of movies without one"):
        sv.read_movies(tmp_path)


def test_without_shots_they_are_detected(own: Path) -> None:
    for ending in ("shots.txt", "label.txt", "characters.json"):
        (own / f"film.{ending}").unlink()
    movie = sv.read_movies(own)[0]
    assert movie.shots[0].start == 0
    assert movie.labels is None


def linked(films: Path, folder: Path, name: str, files: dict[str, str]) -> Path:
    """A film of the shared material under the names of a layout."""
    folder.mkdir()
    for old, new in files.items():
        os.symlink(films / name / old, folder / new)
    return folder


def test_ovsd_on_a_real_film(films: Path, tmp_path: Path) -> None:
    files = {"scenes.txt": "bbb_scenes.txt", "shots.txt": "bbb_shots.txt", "movie.mp4": "bbb.mp4"}
    read = sv.read_movies("ovsd", linked(films, tmp_path / "ovsd", "big_buck_bunny", files)).read("bbb")
    rows = [line.split() for line in (films / "big_buck_bunny" / "label.txt").read_text().splitlines()]
    assert read.notices == []
    assert read.movie.labels is not None
    assert read.movie.labels[0].tolist() == [*(int(label) for _, label in rows), -2]
    assert read.movie.frame_rate == 30


@pytest.mark.parametrize(
    ("name", "video", "figures"),
    [("big_buck_bunny", "movie.mp4", (132, 131, 15)), ("tears_of_steel_clip", "movie.webm", (22, 21, 1))],
)
def test_a_real_film_in_a_folder(
    name: str, video: str, figures: tuple[int, int, int], films: Path, tmp_path: Path
) -> None:
    files = {video: video, "shots.txt": "movie.shots.txt", "label.txt": "movie.label.txt"}
    table = check(sv.read_movies(linked(films, tmp_path / "films", name, files)), progress=False)
    assert (table["shots"][0], table["rows"][0], table["ones"][0]) == figures
    assert (table["frames"][0], table["odd"][0], table["error"][0]) == ("video", "", "")
