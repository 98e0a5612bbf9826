"""Exports are read back: tables by pandas, chapters by ffmpeg's own libraries."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sceneviz._text import ScenevizError, plain
from sceneviz.export import chapters, export
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
        text = chapters(film, make_prediction(film))
        assert "TIMEBASE=1/1000000\nSTART=12346\nEND=6012346\n" in text
    early = at_rate(make_movie(), Fraction(24), offset=-0.5)
    assert "START=0\nEND=132\n" in chapters(early, make_prediction(early))


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


def test_mistakes_are_one_clear_line(make_movie: Callable, make_prediction: Callable, tmp_path: Path) -> None:
    movie = make_movie()
    answer = make_prediction(movie)
    with pytest.raises(ScenevizError, match=r"must end in scenes.csv, shots.csv, .* got 'scenes.xlsx'"):
        export(movie, answer, tmp_path / "scenes.xlsx")
    with pytest.raises(ScenevizError, match="was made on"):
        export(make_movie([3]), answer, tmp_path / "scenes.csv")
    with pytest.raises(ScenevizError, match="from 0 to 1"):
        export(movie, answer, tmp_path / "scenes.csv", threshold=2)
    assert not list(tmp_path.iterdir())
