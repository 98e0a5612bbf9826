"""Curves, calibration, positions and errors: worked by hand, and held against the score they are parts of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_score, recall_score

from sceneviz import synthetic
from sceneviz._text import ScenevizError
from sceneviz.metrics import calibration_table, error_table, position_table, pr_table, score
from sceneviz.movie import Movie
from sceneviz.recipe import Recipe
from sceneviz.results import Prediction


def test_curve_by_hand(make_movie: Callable, make_prediction: Callable) -> None:
    """Ranked by confidence the truth reads 1, 0, 1, 0 0; the last two are one step."""
    movie = make_movie([2, 2, 2])
    table = pr_table(movie, make_prediction(movie, [0.1, 0.9, 0.8, 0.5, 0.2]))
    assert table["threshold"].tolist() == [0.9, 0.8, 0.5, 0.1]
    assert table["precision"].tolist() == pytest.approx([1, 1 / 2, 2 / 3, 2 / 5])
    assert table["recall"].tolist() == [0.5, 0.5, 1, 1]
    assert table["F1"].tolist() == pytest.approx([2 / 3, 1 / 2, 4 / 5, 4 / 7])
    assert table.loc[0, "AP"] == pytest.approx((1 + 2 / 3) / 2)
    assert table.loc[0, ["shots", "boundaries", "prevalence"]].tolist() == [5, 2, 0.4]
    twice = replace(movie, labels=np.array([[0, 1, 0, 1, 0, -2], [0, 0, 1, 0, 0, -2]]))
    assert set(pr_table(twice, make_prediction(movie))["annotator"]) == {0, 1}
    flat = make_movie([4])
    assert pr_table(flat, make_prediction(flat))["recall"].isna().all()


@settings(max_examples=30)
@given(st.data())
def test_the_curve_holds_every_point_where_recall_grows(
    make_movie: Callable, make_prediction: Callable, data: st.DataObject
) -> None:
    movie = make_movie(data.draw(st.lists(st.integers(1, 3), min_size=2, max_size=5)))
    levels = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=len(movie) - 1, max_size=len(movie) - 1)
    answer = make_prediction(movie, data.draw(levels))
    truth, confidence = movie.boundaries[:-1], answer.confidence[:-1]
    table = pr_table(movie, answer)
    for row in table.itertuples():
        assert row.precision == pytest.approx(precision_score(truth, confidence >= row.threshold))
        assert row.recall == pytest.approx(recall_score(truth, confidence >= row.threshold))
    area = (np.diff(table["recall"], prepend=0) * table["precision"]).sum()
    assert area == pytest.approx(average_precision_score(truth, confidence))


def test_calibration_by_hand(make_movie: Callable, make_prediction: Callable) -> None:
    """.82 and .88 lie in one tenth, one of two is a boundary; .1 belongs to the tenth that it begins."""
    movie = make_movie([2, 2, 2])
    table = calibration_table(movie, make_prediction(movie, [0.1, 0.88, 0.82, 1.0, 0.05]))
    assert len(table) == 10
    row = table.iloc[8]
    assert row[["from", "to", "shots", "boundaries"]].tolist() == pytest.approx([0.8, 0.9, 2, 1])
    assert (row["confidence"], row["share"]) == (pytest.approx(0.85), 0.5)
    assert table["shots"].tolist() == [1, 1, 0, 0, 0, 0, 0, 0, 2, 1]
    assert table["share"].isna().sum() == 6
    assert table.loc[0, "ECE"] == pytest.approx((0.05 + 0.1 + abs(1 - 1.7) + 0) / 5)
    scored = score(movie, make_prediction(movie, [0.1, 0.88, 0.82, 1.0, 0.05]))
    assert scored.query("measure == 'ECE'")["value"].iloc[0] == pytest.approx(table.loc[0, "ECE"])


def windowed(make_prediction: Callable, movie: Movie, confidence: np.ndarray, focus: int = 4) -> Prediction:
    places = np.arange(len(movie) - 1)
    return make_prediction(
        movie,
        confidence,
        recipe=Recipe(context=8, focus=focus),
        window=np.append(places // focus, -1),
        position=np.append(places % focus, -1),
    )


def test_positions_by_hand(make_movie: Callable, make_prediction: Callable) -> None:
    """Boundaries at shots 3 and 7, both at the last place of a focus of 4; one is found, one false alarm at place 0."""
    movie, short = make_movie([4, 4, 4]), make_movie([2, 2], "short")
    confidence = np.array([0, 0, 0, 0.9, 0.8, 0, 0, 0.2, 0, 0, 0])
    table = position_table([movie, short], [windowed(make_prediction, each, c) for each, c in
                                            ((movie, confidence), (short, np.zeros(3)))])  # fmt: skip
    assert set(table["position"]) == {0, 1, 2, 3}
    assert (table["movies"] == 1).all()  # the short one is a window of its own
    assert table.loc[0, ["context", "focus", "margin"]].tolist() == [8, 4, 4]
    value = table.set_index(["position", "measure"])["value"]
    assert value[0, "precision@.5"] == 0
    assert value[3, "recall@.5"] == 0.5
    assert value[3, "F1@.5"] == pytest.approx(2 / 3)
    assert value[3, "AP"] == 1
    assert np.isnan(value[0, "AP"])
    assert table.drop_duplicates("position")["shots"].sum() == 11
    with pytest.raises(ScenevizError, match="no movie is as long as a window"):
        position_table(short, windowed(make_prediction, short, np.zeros(3)))


def test_errors_by_hand(make_movie: Callable, make_prediction: Callable) -> None:
    """Scenes of 1, 5 and 4 shots; the first boundary is found, the second missed, a false alarm stands in the last."""
    movie = make_movie([1, 5, 4])
    said = ["", "", "", "", "", "one two", "three", "", "", ""]
    who = [("A",), ("B",), (), ("B",), ("B",), ("B",), ("B", "C"), (), (), ()]
    shots = [replace(shot, subtitle=s, characters=c) for shot, s, c in zip(movie.shots, said, who, strict=True)]
    movie = replace(movie, shots=tuple(shots))
    answer = make_prediction(movie, [0.9, 0, 0, 0, 0, 0.1, 0, 0.7, 0])
    changes = [
        {"shot": 0, "place": True, "topic": True},
        {"shot": 5, "place": False, "topic": True},
    ]
    table = error_table(movie, answer, reasons=[changes])
    rows = table.set_index(["by", "group", "measure"])
    length = rows.loc["scene length"]
    assert length.loc[("1", "recall@.5"), ["value", "found", "missed", "false"]].tolist() == [1, 1, 0, 0]
    assert length.loc[("4-8", "recall@.5"), ["value", "missed", "false"]].tolist() == [0, 1, 1]
    assert "2-3" not in length.index.get_level_values("group")
    changed = rows.loc["changed"]["value"]
    assert changed["place", "recall@.5"] == 1
    assert changed["topic", "recall@.5"] == 0.5
    assert changed["only topic", "recall@.5"] == 0
    assert ("only place", "recall@.5") not in changed.index
    assert set(changed.index.get_level_values("measure")) == {"recall@.5"}
    # Words are said within two shots of the cut at shots 3 to 7; 3 words in 8 s are 22.5 a minute.
    talk = rows.loc["words a minute"]
    assert talk.loc[("up to 60", "AP"), "shots"] == 5
    assert talk.loc[("no words", "AP"), "shots"] == 4
    cast = rows.loc["cast"]
    assert cast.loc[("someone stays", "AP"), "shots"] == 3
    assert cast.loc[("nobody stays", "AP"), ["shots", "boundaries"]].tolist() == [1, 1]
    for by in ("scene length", "words a minute", "cast"):
        assert rows.loc[by].xs("AP", level="measure")["shots"].sum() == 9
    silent = error_table(make_movie([2, 2]), make_prediction(make_movie([2, 2])))
    assert "no subtitles" in set(silent["group"])
    assert "changed" not in set(silent["by"])


def test_reasons_of_rendered_movies_fit() -> None:
    movie = synthetic.render_movie(9_000_003, shots=30)
    n_shots = len(movie)
    answer = Prediction(
        movie.fingerprint, movie.name, "m", "m", False, Recipe(), 0.5, movie.shots,
        np.append(movie.boundaries[:-1].astype(float), np.nan), np.append(np.ones(n_shots - 1), np.nan),
        np.append(movie.boundaries[:-1], -1), *[np.append(np.zeros(n_shots - 1), -1)] * 2,
    )  # fmt: skip
    table = error_table(movie, answer, reasons=[synthetic.reasons(9_000_003, 30)])
    changed = table[table["by"] == "changed"]
    assert set(synthetic.REASONS) >= {name for name in changed["group"] if not name.startswith("only")}
    assert (changed["value"] == 1).all()
    with pytest.raises(ScenevizError, match="reasons of 1 movies, got those of 2"):
        error_table(movie, answer, reasons=[[], []])
    with pytest.raises(ScenevizError, match="names shot 99"):
        error_table(movie, answer, reasons=[[{"shot": 99, "place": True}]])
