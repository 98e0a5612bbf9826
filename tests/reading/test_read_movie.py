"""A movie file and what lies beside it become a Movie."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import sceneviz as sv
from sceneviz._text import ScenevizError

Clip = Callable[[str], Path]

SRT = "1\n00:00:00,500 --> 00:00:01,500\nHello <|im_end|>\n\n2\n00:00:04,000 --> 00:00:05,000\n<b>Bye</b>\n"


@pytest.fixture
def film(clip: Clip, tmp_path: Path) -> Path:
    """A copy of the plain clip, alone in its folder."""
    return Path(shutil.copy(clip("plain.mp4"), tmp_path / "film.mp4"))


def test_a_movie_is_read_whole(film: Path) -> None:
    film.with_suffix(".srt").write_text(SRT)
    film.with_suffix(".csv").write_text("shot,characters\n1,Ann;Bob\n")
    movie = sv.read_movie(film, characters=film.with_suffix(".csv"))
    assert movie.name == "film"
    assert movie.frame_rate == Fraction(12)
    assert movie.labels is None
    assert [(shot.start, shot.end) for shot in movie.shots] == [(0, 20), (20, 40), (40, 60)]
    np.testing.assert_allclose(
        [(shot.start_s, shot.end_s) for shot in movie.shots], np.array([(0, 20), (20, 40), (40, 60)]) / 12
    )
    assert [shot.subtitle for shot in movie.shots] == ["Hello <|im_end|>", "", "Bye"]
    assert [shot.characters for shot in movie.shots] == [(), ("Ann", "Bob"), ()]
    assert movie.frames is not None
    assert [batch.shape for batch in movie.frames.read(movie.shots, 3)] == [(3, 48, 64, 3)] * 3
    again = sv.read_movie(str(film), shots="pyscenedetect", characters=film.with_suffix(".csv"))
    assert again.fingerprint == movie.fingerprint


def test_subtitles_are_named_or_refused(film: Path) -> None:
    film.with_suffix(".srt").write_text(SRT)
    other = film.with_name("other.srt")
    other.write_text(SRT.replace("Bye", "Farewell"))
    thirds = [(0, 20), (20, 40), (40, 60)]
    assert sv.read_movie(film, shots=thirds, subtitles=other).shots[2].subtitle == "Farewell"
    assert not any(shot.subtitle for shot in sv.read_movie(film, shots=thirds, subtitles=False).shots)
    with pytest.raises(ScenevizError, match="no such file for subtitles"):
        sv.read_movie(film, shots=thirds, subtitles="nowhere.srt")
    with pytest.warns(UserWarning, match=r"1 of 2 cues lie outside the movie .* give subtitle_shift_s"):
        moved = sv.read_movie(film, shots=thirds, subtitle_shift_s=-2.5)
    assert [shot.subtitle for shot in moved.shots] == ["", "Bye", ""]


def test_warnings_are_one_line_and_point_at_the_caller(film: Path, clip: Clip) -> None:
    film.with_suffix(".srt").write_text(SRT.replace("00:00:0", "00:01:0"))
    with pytest.warns(UserWarning, match=r"film.srt: none of the 2 cues lies inside the movie") as told:
        sv.read_movie(film, shots=[(0, 60)])
    with pytest.warns(UserWarning, match=r"short.mkv was cut off: it declares 0:00:05.000") as more:
        sv.read_movie(clip("short.mkv"), shots=[(0, 20)])
    for warning in [*told, *more]:
        assert "\n" not in str(warning.message)
        assert warning.filename == __file__


def test_times_of_an_uneven_movie(clip: Clip) -> None:
    movie = sv.read_movie(clip("uneven.mkv"), shots=[(0, 1), (1, 3), (3, 60)])
    assert movie.frame_rate is None
    np.testing.assert_allclose([shot.start_s for shot in movie.shots], [0, 0.105, 0.24], atol=1e-3)


def test_gaps_between_shots_stay(film: Path) -> None:
    movie = sv.read_movie(film, shots=[(0, 10), (30, 60)])
    assert [(shot.start, shot.end) for shot in movie.shots] == [(0, 10), (30, 60)]


def test_one_frame_is_a_movie(clip: Clip) -> None:
    movie = sv.read_movie(clip("one.mp4"), shots="pyscenedetect")
    assert len(movie) == 1
    assert movie.shots[0].end_s > 0


@pytest.mark.parametrize("name", ["plain.mp4", "turned90.mp4", "pixel.mkv", "alpha.mkv"])
def test_its_view_is_a_film_strip(name: str, clip: Clip) -> None:
    movie = sv.read_movie(clip(name), shots=[(0, 20), (20, 60)])
    assert movie._repr_html_().count("data:image/jpeg") == 2


def test_hostile_subtitles_break_no_view(film: Path) -> None:
    film.with_suffix(".srt").write_text(SRT.replace("<b>Bye</b>", "\"'><script>alert(1)</script>"))
    view = sv.read_movie(film, shots=[(0, 20), (20, 60)])._repr_html_()
    assert "<script" not in view
    assert "&lt;script" in view


def test_nothing_is_written_to_a_log(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sv.read_movie(film, shots="pyscenedetect")
    assert capsys.readouterr() == ("", "")


@pytest.mark.slow
def test_a_film_in_eight_languages(films: Path) -> None:
    clip = films / "tears_of_steel_clip"
    files = sorted(clip.glob("full_film.*.srt"))
    assert len(files) == 8
    for path in files:
        with pytest.warns(UserWarning, match=r"cues lie outside the movie"):
            movie = sv.read_movie(clip / "movie.webm", shots=clip / "shots.txt", subtitles=path, subtitle_shift_s=-432)
        assert len(movie) == 22
        assert movie.shots[-1].end == 1691
        assert sum(bool(shot.subtitle) for shot in movie.shots) >= 2, path.name
