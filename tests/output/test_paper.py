"""The paper's numbers, counted and spot-checked, and ours set beside them without hiding what differs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import sceneviz as sv
from sceneviz._text import ScenevizError
from sceneviz.paper import CERTAINTY, beside_paper, paper_table

COUNTS = {
    "methods": 12,
    "modalities": 16,
    "windows": 5,
    "frames": 6,
    "size": 6,
    "bbc": 4,
    "scheme": 7,
    "threshold": 6,
    "explanations": 4,
    "cost": 5,
    "chaptering": 6,
    "setup": 13,
}


def test_every_number_is_there_once_with_its_source() -> None:
    table = paper_table()
    assert table["table"].value_counts().to_dict() == COUNTS
    assert not table.duplicated(["table", "configuration", "metric"]).any()
    assert table["value"].notna().all()
    assert set(table["source"]) == set(CERTAINTY)
    assert (table["certainty"] == table["source"].map(CERTAINTY)).all()
    scores = table[table["unit"] == "%"]
    assert scores["value"].between(5, 100).all()


@pytest.mark.parametrize(
    ("table", "configuration", "metric", "value", "source"),
    [
        ("methods", "BaSSL", "AP", 57.4, "S"),
        ("methods", "Claude 4.5 Sonnet zero-shot", "F1", 37.6, "D"),
        ("modalities", "full", "F1", 62.1, "S"),
        ("modalities", "no characters", "AP", 62.0, "D"),
        ("modalities", "subtitles only", "F1", 31.5, "D"),
        ("windows", "20 / 1", "F1", 60.1, "S"),
        ("windows", "10 / 10", "F1", 58.4, "D"),
        ("frames", "2 a shot", "AP", 65.2, "D"),
        ("size", "3B", "AP", 62.8, "S"),
        ("bbc", "TimeSformer", "AP", 42.2, "D"),
        ("scheme", "repeated sampling", "time", 105.2, "D"),
        ("threshold", "best", "threshold", 0.438, "D"),
        ("chaptering", "Chapter-LLaMA, the original", "chapter tIoU", 70.6, "D"),
    ],
)
def test_spot_checks(table: str, configuration: str, metric: str, value: float, source: str) -> None:
    (row,) = paper_table(table).query("configuration == @configuration and metric == @metric").itertuples()
    assert (row.value, row.source) == (value, source)


def test_one_size_that_does_not_exist_is_repeated_with_its_note() -> None:
    notes = paper_table("size").set_index("configuration")["note"]
    assert notes["1.5B"].str.contains("no such size").all()
    assert (notes["7B"] == "").all()


def test_what_the_paper_leaves_open_is_said() -> None:
    variants = paper_table("modalities").set_index("metric")["variant"]
    assert set(variants["AP"]) == {"pooling not stated"}
    assert set(variants["F1"]) == {"pooling and threshold not stated"}


def test_a_score_beside_the_paper(make_movie: Callable, make_prediction: Callable) -> None:
    movies = [make_movie([2, 2, 2], "one"), make_movie([3, 4], "two")]
    table = sv.score(movies, [make_prediction(movie) for movie in movies])
    both = sv.tables.beside_paper(table, data="2 plain movies")
    full = both[both["configuration"] == "full"].set_index("metric")
    assert full.loc["AP", ["paper", "ours", "low"]].tolist() == [66.8, 100, 100]
    assert full.loc["F1", ["our_model", "paper_model", "our_data"]].tolist() == [
        "a fake",
        "Scene-VLM 7B",
        "2 plain movies",
    ]
    assert full.loc["F1", "our_metric"] == "F1@.5, bassl, micro"
    assert full.loc["AP", "our_prevalence"] == pytest.approx(3 / 11)
    assert np.isnan(full.loc["AP", "paper_prevalence"])
    assert not both["same_data"].any()
    others = both[both["configuration"] != "full"]
    assert others["ours"].isna().all()
    assert len(others) == 14
    assert beside_paper(table, data="MovieNet-318 test", pooling="macro")["same_data"].all()


def test_conditions_find_their_rows(make_movie: Callable, make_prediction: Callable) -> None:
    movie = make_movie([2, 2, 2])
    table = sv.score(movie, make_prediction(movie)).query("pooling != 'movie'")
    ours = pd.concat([table.assign(condition=name) for name in ("20 / 10", "7 / 7")])
    both = beside_paper(ours, data="one movie", table="windows").set_index("configuration")
    assert both.loc["20 / 10", "ours"] == 100
    assert both["ours"].notna().sum() == 1
    chapters = beside_paper(table, data="one movie", table="chaptering", configuration="Scene-VLM")
    assert chapters.loc[0, ["metric", "ours", "our_metric"]].tolist() == [
        "chapter F1",
        100,
        "chapter F1, bassl, macro",
    ]


def test_mistakes_are_one_clear_line(make_movie: Callable, make_prediction: Callable) -> None:
    movie = make_movie([2, 2, 2])
    table = sv.score(movie, make_prediction(movie))
    for call, message in [
        (lambda: paper_table("sizes"), "did you mean 'size'"),
        (lambda: beside_paper(table, data="x", table="cost"), "holds no scores"),
        (lambda: beside_paper(table, data="x", table="windows"), "configuration of the table 'windows' must be one of"),
        (lambda: beside_paper(table.drop(columns="preset"), data="x"), "it lacks preset"),
        (lambda: beside_paper(table.assign(condition="no sound"), data="x"), "must be one of 'full'"),
        (lambda: beside_paper(table, data="x", pooling="mean"), "'micro', 'macro'"),
    ]:
        with pytest.raises(ScenevizError, match=message) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_second_level_names() -> None:
    for name in ("pr", "position", "calibration", "errors", "paper", "beside_paper"):
        assert callable(getattr(sv.tables, name))
        assert name in dir(sv.tables)
    with pytest.raises(AttributeError, match="did you mean 'errors'"):
        sv.tables.error  # noqa: B018
