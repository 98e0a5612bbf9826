"""A data set is a list of movies that reads each when it is asked for, and that one bad movie does not end."""

from __future__ import annotations

import builtins
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import sceneviz as sv
from sceneviz._text import ScenevizError
from sceneviz.baselines import color_histogram
from sceneviz.data import SEEDS, Movies, Read, check, totals
from sceneviz.movie import Movie, Shot


class Scripted:
    """A layout in memory: names, of which the bad ones cannot be read; counts what is read."""

    title = "scripted"

    def __init__(self, names: str, bad: str = "") -> None:
        self.splits = dict.fromkeys(names, "")
        self.bad, self.read_so_far = bad, ""

    def parts(self, name: str) -> dict[str, Path | None]:
        return {"labels": None if name in self.bad else Path(name)}

    def read(self, name: str) -> Read:
        self.read_so_far += name
        if name in self.bad:
            raise ScenevizError(f"{name}.txt, line 3: is broken")
        return Read(Movie(name, (Shot(0, 0, 10, 0.0, 1.0),), labels=np.array([-2])), [f"odd {name}"] * (name == "o"))


def test_nothing_is_read_before_it_is_asked_for() -> None:
    layout = Scripted("abcde")
    movies = Movies(layout)
    assert len(movies[1:4]) == 3
    assert movies[1:4].names == ("b", "c", "d")
    assert "c" in movies
    assert repr(movies) == "Movies(scripted: 5 movies)"
    assert movies.to_frame().shape == (5, 3)
    assert "<table" in movies._repr_html_()
    assert layout.read_so_far == ""
    assert movies[2].name == movies["c"].name == movies[-3].name == movies[1:4][1].name == "c"
    assert layout.read_so_far == "c"


def test_a_movie_is_asked_for_by_place_or_by_name() -> None:
    movies = Movies(Scripted("abc"))
    with pytest.raises(IndexError):
        movies[3]
    with pytest.raises(ScenevizError, match="a movie must be one of 'a', 'b', 'c', not 'd'"):
        movies["d"]


def test_one_bad_movie_does_not_end_a_loop_and_is_listed_at_its_end() -> None:
    movies = Movies(Scripted("abxcy", bad="xy"))
    with pytest.warns(UserWarning, match=r"2 of 5 movies cannot be read and are left out: x \(x.txt, line 3") as told:
        seen = [(movie.name, len(told)) for movie in movies]
    assert seen == [("a", 0), ("b", 0), ("c", 0)]
    assert list(movies.failed) == ["x", "y"]
    assert movies.failed["x"] == "x.txt, line 3: is broken"
    assert told[0].filename == __file__
    with pytest.raises(ScenevizError, match="line 3"):
        movies["x"]


def test_only_those_that_can_be_read() -> None:
    layout = Scripted("abxc", bad="x")
    with pytest.warns(UserWarning, match="1 of 4 movies"):
        good = Movies(layout).readable()
    assert good.names == ("a", "b", "c")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [movie.name for movie in good] == ["a", "b", "c"]
    assert layout.read_so_far == "abxc"


def test_a_long_list_of_failures_is_cut_and_a_whole_one_is_an_error() -> None:
    with pytest.warns(UserWarning, match=r"left out: b \(.*\); c \(.*\); d \(.*\); and 2 more, in `failed`"):
        assert len(list(Movies(Scripted("abcdef", bad="bcdef")))) == 1
    with pytest.raises(ScenevizError, match=r"scripted: none of its movies can be read: a \(a.txt, line 3"):
        list(Movies(Scripted("ab", bad="ab")))


def test_a_mistake_of_our_own_is_not_passed_over() -> None:
    layout = Scripted("ab")
    layout.read = lambda name: builtins.int("x")  # type: ignore[method-assign, assignment]
    with pytest.raises(ValueError, match="invalid literal"):
        list(Movies(layout))


def test_what_is_odd_is_told_once() -> None:
    movies = Movies(Scripted("ao"))
    with pytest.warns(UserWarning, match="o: odd o") as told:
        assert len(list(movies)) == 2
    assert len(told) == 1
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(list(movies)) == 2
        assert movies["o"].name == "o"


def test_a_table_tells_what_is_missing_and_odd(movienet: Path) -> None:
    (movienet / "scene318" / "label318" / "tt0000002.txt").write_text("0000 x\n")
    movies = sv.read_movies("movienet", movienet, split="all")
    listed = movies.to_frame().set_index("movie")
    assert listed.loc["tt0000003", ["labels", "shots", "keyframes", "subtitles", "characters"]].all()
    assert not listed.loc["tt0000001", ["keyframes", "video", "subtitles", "characters"]].any()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = check(movies, progress=False).set_index("movie")
    whole = table.loc["tt0000003"]
    assert (whole["split"], whole["shots"], whole["rows"], whole["ones"], whole["zeros"], whole["uncertain"]) == (
        "test", 6, 5, 2, 2, 1,
    )  # fmt: skip
    assert whole["frames"] == "keyframes"
    assert whole["missing"] == "video"
    assert (whole["spoken"], whole["named"], whole["minutes"]) == (0.333, 0.333, 0.4)
    assert (whole["odd"], whole["error"]) == ("", "")
    assert table.loc["tt0000001", "missing"] == "keyframes, video, subtitles, characters"
    assert table.loc["tt0120755", "rows"] == 6
    assert "label each" in table.loc["tt0120755", "odd"]
    assert "two fewer" in table.loc["tt1099212", "odd"]
    assert "tt0000002.txt, line 1: expected `shot label`" in table.loc["tt0000002", "error"]
    sums = totals(table.reset_index()).set_index("split")
    assert sums.loc["train"].to_dict() == {
        "movies": 2, "unreadable": 0, "shots": 12, "rows": 11, "ones": 4, "zeros": 4, "uncertain": 2,
    }  # fmt: skip
    assert sums.loc["val"].tolist() == [1, 1, 0, 0, 0, 0, 0]
    assert sums.loc["test", "rows"] == 9


def test_rendered_movies_are_a_data_set() -> None:
    movies = sv.read_movies("synthetic")
    assert len(movies) == 64
    assert movies.names[:2] == ("rendered-9000000", "rendered-9000001")
    assert movies[1].fingerprint == sv.render_movie(9_000_001).fingerprint
    assert min(SEEDS["test"]) == 9_000_000 > max(max(SEEDS["train"]), max(SEEDS["val"]))
    assert len(sv.read_movies("synthetic", split="all")) == sum(map(len, SEEDS.values()))
    table = check(movies[:2], progress=False)
    assert table["frames"].tolist() == ["rendered", "rendered"]
    assert table["rows"].tolist() == [len(movie) - 1 for movie in movies[:2]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"source": "movinet"}, r"source, where it is not a folder, must be one of .* did you mean 'movienet'"),
        ({"source": "movienet"}, r"root: give the folder that holds movienet"),
        ({"source": "synthetic", "root": "x"}, r"root: 'synthetic' needs none"),
        ({"source": "synthetic", "split": "tset"}, r"split must be one of .* did you mean 'test'"),
        ({"source": "synthetic", "annotators": "each"}, r"annotators: only bbc has several"),
        ({"source": "bbc", "root": "x", "split": "train"}, r"split 'train': bbc has no splits"),
        ({"source": "ovsd", "root": "x", "split": "val"}, r"split 'val': ovsd has no splits"),
    ],
)
def test_what_is_asked_wrongly_is_told(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ScenevizError, match=message):
        sv.read_movies(**arguments)  # type: ignore[arg-type]


def test_a_run_over_a_data_set_is_scored_without_its_bad_movie(movienet: Path) -> None:
    rng = np.random.default_rng(0)
    (movienet / "240P_frames" / "tt0000001").mkdir()
    for file in (movienet / "240P_frames" / "tt0000003").iterdir():
        picture = Image.fromarray(rng.integers(0, 256, (24, 40, 3), np.uint8))
        picture.save(movienet / "240P_frames" / "tt0000001" / file.name)
    (movienet / "scene318" / "shot_movie318" / "tt0000002.txt").write_text("0 99\n50 199\n")
    movies = sv.read_movies("movienet", movienet, split="all")
    chosen = Movies(movies.layout, ["tt0000001", "tt0000002", "tt0000003"])
    with pytest.warns(UserWarning, match=r"1 of 3 movies cannot be read .*: tt0000002 \(.*, line 2: shots"):
        predictions = [color_histogram(movie) for movie in chosen]
    with pytest.warns(UserWarning, match="1 of 3 movies"):
        table = sv.score(chosen.readable(), predictions)
    assert table["movie"].tolist() == ["tt0000001", "tt0000003", "all", "all"]
    assert table["shots"].iloc[2] == 10
    assert table["boundaries"].iloc[2] == 6  # an uncertain one counts, by this preset
