"""Tables and chapters are read back: by pandas, by ffmpeg's own libraries, and by a library of subtitles."""

from __future__ import annotations

import html
import json
import math
import re
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pysubs2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sceneviz._text import ScenevizError, plain
from sceneviz.export import FORMATS, NAMES, export
from sceneviz.export.chapters import ffmetadata
from sceneviz.movie import Movie, Shot
from sceneviz.results import Prediction

CONFIDENCE = [0.1, 0.2, 0.9, 0, 0.8, 0, 0, 0, 0, 0.4, 0]


def at_rate(movie: Movie, rate: Fraction, offset: float = 0.0) -> Movie:
    """The movie with its times at another frame rate, its first frame at `offset` seconds."""
    shots = tuple(
        Shot(shot.index, shot.start, shot.end, float(shot.start / rate) + offset, float(shot.end / rate) + offset)
        for shot in movie.shots
    )
    return replace(movie, shots=shots, frame_rate=rate)


def test_tables_read_back(make_movie: Callable, make_prediction: Callable, tmp_path: Path) -> None:
    movie = make_movie()
    answer = make_prediction(movie, CONFIDENCE)
    scenes = pd.read_csv(export(movie, answer, tmp_path / "film.scenes.csv"))
    assert scenes["last_shot"].tolist() == [2, 4, 11]
    assert scenes["start"].tolist() == ["0:00:00.000", "0:00:06.000", "0:00:10.000"]
    assert scenes["end_s"].iloc[-1] == 24.0
    assert (scenes["threshold"] == 0.5).all()
    assert math.isnan(scenes["confidence"].iloc[-1])
    shots = pd.read_csv(export(movie, answer, tmp_path / "shots.csv", threshold=0.3))
    assert np.flatnonzero(shots["boundary"]).tolist() == [2, 4, 9]
    assert shots["label"].tolist() == movie.labels[0].tolist()
    assert shots["confidence"].tolist()[:-1] == CONFIDENCE
    loaded = Prediction.load(export(movie, answer, tmp_path / "prediction.json"))
    assert loaded.shots == answer.shots


def test_every_kind_of_table_says_the_same(make_movie: Callable, make_prediction: Callable, tmp_path: Path) -> None:
    movie = make_movie()
    answer = make_prediction(movie, np.array(CONFIDENCE) / 3)
    scenes = pd.read_csv(export(movie, answer, tmp_path / "scenes.csv", threshold=0.2))
    assert len(scenes) == 3
    for name, read in (("my.scenes.json", pd.read_json), ("scenes.parquet", pd.read_parquet)):
        found = read(export(movie, answer, tmp_path / name, threshold=0.2))
        pd.testing.assert_frame_equal(found, scenes, check_dtype=False, rtol=0, atol=1e-15)
    rows = json.loads((tmp_path / "my.scenes.json").read_text())
    assert rows[0]["confidence"] == 0.9 / 3
    assert rows[-1]["confidence"] is None
    shots = pd.read_parquet(export(movie, answer, tmp_path / "shots.parquet"))
    assert shots["confidence"].tolist()[:-1] == answer.confidence.tolist()[:-1]
    assert shots["label"].tolist() == movie.labels[0].tolist()


def test_a_saved_prediction_is_enough(make_movie: Callable, make_prediction: Callable, tmp_path: Path) -> None:
    movie = make_movie([20, 20, 30, 5])
    saved = Prediction.load(export(movie, make_prediction(movie), tmp_path / "prediction.json"))
    for ending in FORMATS:
        name = f"film{ending}" if ending.startswith(".") else ending
        with_movie = export(replace(movie, labels=None), saved, tmp_path / "with" / name).read_bytes()
        with_movie = with_movie.replace(b' height="90" width="160"', b"")  # known from the film's frames alone
        assert export(None, saved, tmp_path / "without" / name).read_bytes() == with_movie, name
        assert with_movie


def test_parquet_without_its_library_says_what_to_install(
    make_movie: Callable, make_prediction: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    movie = make_movie()
    with pytest.raises(ScenevizError, match=r"pip install 'sceneviz\[parquet\]'"):
        export(movie, make_prediction(movie), tmp_path / "scenes.parquet")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(24000, 1001), Fraction(30000, 1001), Fraction(25)])
def test_chapters_start_on_the_frame(
    rate: Fraction, make_movie: Callable, make_prediction: Callable, tmp_path: Path
) -> None:
    movie = at_rate(make_movie([300, 200, 500]), rate)
    path = export(movie, make_prediction(movie), tmp_path / "chapters.txt")
    with av.open(str(path), format="ffmetadata") as container:
        found = container.chapters()
    frames = [
        (chapter["start"] * chapter["time_base"] * rate, chapter["end"] * chapter["time_base"] * rate)
        for chapter in found
    ]
    assert frames == [(0, 300 * 48), (300 * 48, 500 * 48), (500 * 48, 1000 * 48)]
    assert [chapter["metadata"]["title"] for chapter in found] == ["Scene 1", "Scene 2", "Scene 3"]


def test_times_off_the_frame_grid_keep_their_microseconds(make_movie: Callable, make_prediction: Callable) -> None:
    movie = at_rate(make_movie(), Fraction(24), offset=0.0123456)
    for film in (movie, replace(movie, frame_rate=None)):
        text = ffmetadata(film, make_prediction(film), None)
        assert "TIMEBASE=1/1000000\nSTART=12346\nEND=6012346\n" in text
    early = at_rate(make_movie(), Fraction(24), offset=-0.5)
    assert "START=0\nEND=132\n" in ffmetadata(early, make_prediction(early), None)


def test_chapters_survive_in_a_film(make_movie: Callable, make_prediction: Callable, tmp_path: Path) -> None:
    movie = make_movie()
    text = export(movie, make_prediction(movie, CONFIDENCE), tmp_path / "chapters.txt")
    film = tmp_path / "film.mkv"
    with av.open(str(text), format="ffmetadata") as source, av.open(str(film), "w") as target:
        stream = target.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        target.set_chapters(source.chapters())
        target.metadata.update(source.metadata)
        for _ in range(24 * 24):
            target.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))))
        target.mux(stream.encode())
    with av.open(str(film)) as container:
        starts = [float(chapter["start"] * chapter["time_base"]) for chapter in container.chapters()]
        assert starts == [0.0, 6.0, 10.0]
        assert container.metadata["title"] == "plain"


@settings(max_examples=60)
@given(st.text(max_size=30) | st.sampled_from(["a=b;c#d\\e", "\\", "[CHAPTER]", "x\n[CHAPTER]\nSTART=0", "#", ";"]))
def test_a_name_is_a_title_and_nothing_else(
    make_movie: Callable, make_prediction: Callable, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    movie = make_movie(name=name)
    path = export(movie, make_prediction(movie), tmp_path_factory.mktemp("named") / "chapters.txt")
    with av.open(str(path), format="ffmetadata") as container:
        assert container.metadata.get("title", "").rstrip() == plain(name)
        assert len(container.chapters()) == 4


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(25)])
def test_webvtt_names_the_frame(
    rate: Fraction, make_movie: Callable, make_prediction: Callable, tmp_path: Path
) -> None:
    movie = at_rate(make_movie([300, 2000, 5]), rate)
    path = export(movie, make_prediction(movie), tmp_path / "film.vtt")
    cues = pysubs2.load(str(path))
    assert [cue.plaintext for cue in cues] == ["Scene 1", "Scene 2", "Scene 3"]
    frames = [(round(cue.start / 1000 * rate), round(cue.end / 1000 * rate)) for cue in cues]
    assert frames == [(0, 300 * 48), (300 * 48, 2300 * 48), (2300 * 48, 2305 * 48)]
    with av.open(str(path)) as container:  # ffmpeg's reader: units of a millisecond
        packets = [packet for packet in container.demux() if packet.size]
        assert container.format.name == "webvtt"
    assert [packet.pts for packet in packets] == [cue.start for cue in cues]
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} --> \d\d:\d\d:\d\d\.\d{3}", line)
               for line in path.read_text().splitlines() if "-->" in line)  # fmt: skip


@settings(max_examples=60)
@given(st.text(max_size=30) | st.sampled_from(["-->", "00:01.000 --> 00:02.000", "a\n\n00:01.000 --> 00:02.000\nx"]))
def test_a_name_starts_no_cue(
    make_movie: Callable, make_prediction: Callable, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    movie = make_movie(name=name)
    text = export(movie, make_prediction(movie), tmp_path_factory.mktemp("named") / "film.vtt").read_text("utf-8")
    assert text.count("-->") == 4
    head, blank, *_ = text.split("\n")
    assert head.startswith("WEBVTT")
    assert not blank
    assert html.unescape(head) == f"WEBVTT {plain(name)}".rstrip()


def youtube(movie: Movie, answer: Prediction, folder: Path) -> list[str]:
    return export(movie, answer, folder / "youtube.txt").read_text("utf-8").splitlines()


def test_youtube_chapters(make_movie: Callable, make_prediction: Callable, tmp_path: Path) -> None:
    movie = make_movie([5, 300, 1500, 5])
    lines = youtube(movie, make_prediction(movie), tmp_path)
    assert lines == ["0:00 Scene 1", "0:10 Scene 2", "10:10 Scene 3", "1:00:10 Scene 4"]
    late = at_rate(movie, Fraction(24), offset=7.0)
    assert youtube(late, make_prediction(late), tmp_path)[:2] == ["0:00 Scene 1", "0:17 Scene 2"]


def test_youtube_shows_no_short_chapter_and_it_is_said(
    make_movie: Callable, make_prediction: Callable, tmp_path: Path
) -> None:
    movie = make_movie([1, 30, 2, 2, 30, 40, 4])
    with pytest.warns(UserWarning, match="4 scenes of under 10 s joined to a neighbour"):
        lines = youtube(movie, make_prediction(movie), tmp_path)
    assert lines == ["0:00 Scenes 1-2", "1:02 Scenes 3-5", "2:10 Scenes 6-7"]


@settings(max_examples=100)
@given(lengths=st.lists(st.integers(1, 12), min_size=1, max_size=30), offset=st.floats(-3, 30))
def test_youtube_rules_hold(
    make_movie: Callable,
    make_prediction: Callable,
    tmp_path_factory: pytest.TempPathFactory,
    lengths: list[int],
    offset: float,
) -> None:
    movie = at_rate(make_movie(lengths), Fraction(24000, 1001), offset)
    folder = tmp_path_factory.mktemp("youtube")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            lines = youtube(movie, make_prediction(movie), folder)
        except ScenevizError:  # fewer than three are left
            return
    times = [sum(60**k * int(part) for k, part in enumerate(reversed(line.split()[0].split(":")))) for line in lines]
    assert times[0] == 0
    assert len(times) >= 3
    assert min(np.diff([*times, movie.shots[-1].end_s])) >= 10
    scenes = [number for line in lines for number in map(int, re.findall(r"\d+", line.split(maxsplit=1)[1]))]
    assert scenes[0] == 1
    assert scenes[-1] == len(lengths)
    assert scenes == sorted(scenes)


def test_mistakes_are_one_clear_line(make_movie: Callable, make_prediction: Callable, tmp_path: Path) -> None:
    movie = make_movie()
    answer = make_prediction(movie)
    with pytest.raises(ScenevizError, match=r"must end in scenes.csv, shots.csv, .* got 'scenes.xlsx'"):
        export(movie, answer, tmp_path / "scenes.xlsx")
    with pytest.raises(ScenevizError, match=r"got 'cut.otioz'; did you mean .otio\?"):
        export(movie, answer, tmp_path / "cut.otioz")
    with pytest.raises(ScenevizError, match=r"at least 3 of 10 s or more; 'plain' has 2 at this threshold"):
        youtube(movie, make_prediction(movie, [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]), tmp_path)
    with pytest.raises(ScenevizError, match="was made on"):
        export(make_movie([3]), answer, tmp_path / "scenes.csv")
    with pytest.raises(ScenevizError, match="from 0 to 1"):
        export(movie, answer, tmp_path / "scenes.csv", threshold=2)
    assert not list(tmp_path.iterdir())


def test_what_segment_writes_has_a_format() -> None:
    assert all(any(name.endswith(ending) for ending in FORMATS) for name in NAMES)
