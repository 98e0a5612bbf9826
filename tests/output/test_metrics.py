"""The score table: hand-worked presets, laws of pooling, intervals, several annotators, and how it prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from sceneviz._text import ScenevizError
from sceneviz.metrics import PRESETS, score

COLUMNS = "model preset annotators movie pooling measure value low high threshold published".split()
COLUMNS += ["movies", "shots", "boundaries", "prevalence"]


def values(table: pd.DataFrame, pooling: str = "micro", column: str = "value") -> pd.Series:
    return table[table["pooling"] == pooling].set_index("measure")[column]


def test_hand_worked(make_movie: Callable, make_prediction: Callable) -> None:
    """Six shots, scenes end with 1 and 3; ranked by confidence the truth reads 1, 1, 0, 0, 0 but for shot 3 and 2."""
    movie = make_movie([2, 2, 2])
    table = score(movie, make_prediction(movie, [0.1, 0.9, 0.8, 0.5, 0.2]), validation=0.85)
    assert table.columns.tolist() == COLUMNS
    assert set(table["pooling"]) == {"micro", "macro", "movie"}
    first = table.iloc[0]
    assert (first["shots"], first["boundaries"], first["prevalence"]) == (5, 2, pytest.approx(2 / 5))
    assert (first["preset"], first["model"], first["annotators"]) == ("bassl", "a fake", "one")
    pooled = values(table)
    assert pooled["AP"] == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert pooled["AUC"] == pytest.approx(5 / 6)  # of the 2 x 3 pairs, only (shot 3, shot 2) is out of order
    assert pooled["F1@.5"] == pytest.approx(2 * 2 / (2 + 3))
    assert (pooled["precision@.5"], pooled["recall@.5"]) == (pytest.approx(2 / 3), 1)
    assert pooled["F1@val"] == pytest.approx(2 * 1 / (2 + 1))
    assert pooled["F1@oracle"] == pytest.approx(0.8)
    assert values(table, column="threshold")["F1@oracle"] == 0.5
    assert pooled["ECE"] == pytest.approx((0.1 + 0.1 + 0.8 + 0.5 + 0.2) / 5)  # a bin each
    stricter = values(score(movie, make_prediction(movie, [0.1, 0.9, 0.8, 0.5, 0.2]), threshold=0.85))
    assert stricter["F1@.85"] == pytest.approx(2 * 1 / (2 + 1))
    assert not {"F1@.5", "F1@val"} & set(stricter.index)


def test_macro_is_the_mean_of_movies_and_micro_their_pool(make_movie: Callable, make_prediction: Callable) -> None:
    """One movie of a boundary found among 4 shots, one of 2 boundaries, none found, among 5; two oracles."""
    one, two = make_movie([2, 3], "one"), make_movie([2, 2, 2], "two")
    table = score(
        [one, two], [make_prediction(one, [0.1, 0.9, 0.1, 0.1]), make_prediction(two, [0.1, 0.4, 0.1, 0.3, 0.2])]
    )
    assert values(table, "macro")["F1@.5"] == pytest.approx((1 + 0) / 2)
    assert values(table, "micro")["F1@.5"] == pytest.approx(2 * 1 / (3 + 1))
    assert values(table, "movie")["F1@oracle"].tolist() == [1, 1]
    assert values(table, "movie", "threshold")["F1@oracle"].tolist() == [0.9, 0.3]
    assert values(table, "macro")["F1@oracle"] == values(table, "micro")["F1@oracle"] == 1
    assert values(table, "macro", "threshold")["F1@oracle"] == 0.3


@pytest.mark.parametrize(
    ("preset", "shots", "boundaries", "f1"),
    [("bassl", 5, 3, 2 * 2 / (3 + 2)), ("lwan1", 5, 3, 0.8), ("scrl", 5, 3, 2 * 1 / (3 + 1)), ("strict", 4, 2, 1.0)],
)
def test_presets_on_an_uncertain_label_and_a_confidence_of_one_half(
    preset: str, shots: int, boundaries: int, f1: float, make_movie: Callable, make_prediction: Callable
) -> None:
    movie = replace(make_movie([2, 2, 2]), labels=np.array([0, 1, -1, 1, 0, -2]))
    table = score(movie, make_prediction(movie, [0.1, 0.9, 0.4, 0.5, 0.2]), preset=preset)
    assert (table["shots"] == shots).all()
    assert (table["boundaries"] == boundaries).all()
    assert values(table)["F1@.5"] == pytest.approx(f1)


def test_neighbornet_leaves_out_the_last_ten_shots(make_movie: Callable, make_prediction: Callable) -> None:
    movie = make_movie([2, 2, 2, 9])
    table = score(movie, make_prediction(movie), preset="neighbornet")
    assert (table["shots"] == 5).all()
    assert (table["boundaries"] == 2).all()
    short = make_movie([2, 8])
    nothing = score(short, make_prediction(short), preset="neighbornet")
    assert nothing.loc[nothing["pooling"] == "movie", "value"].isna().all()
    assert (nothing.loc[nothing["pooling"] == "movie", "movies"] == 0).all()


@pytest.mark.parametrize(("n_shots", "scored"), [(14, 0), (15, 10), (24, 10), (25, 20), (40, 30)])
def test_lgss_scores_full_sequences_of_ten(n_shots: int, scored: int) -> None:
    """As its code walks: centres 6, 16, ... with 6 labelled shots before and 7 after; each brings 4 before, 5 after."""
    inside, _ = PRESETS["lgss"].truth(np.append(np.zeros(n_shots - 1, np.int8), -2))
    centres = [shot for shot in range(6, n_shots, 10) if shot + 7 <= n_shots - 2]
    expected = sorted(shot for centre in centres for shot in range(centre - 4, centre + 6))
    assert np.flatnonzero(inside).tolist() == expected
    assert inside.sum() == scored


def test_lgss_rounds_each_movie(make_movie: Callable, make_prediction: Callable) -> None:
    movies = [make_movie([5, 4, 11], "one"), make_movie([3, 4, 13], "two")]
    answers = [make_prediction(movie, np.linspace(0.9, 0.1, 19)) for movie in movies]
    table = score(movies, answers, preset="lgss")
    each = values(table, "movie")["AP"]
    assert values(table, "macro")["mAP of rounded APs"] == pytest.approx(each.round(2).mean())
    assert "mAP of rounded APs" not in set(score(movies, answers)["measure"])


def test_the_published_numbers_of_each_preset_are_marked(make_movie: Callable, make_prediction: Callable) -> None:
    movie = make_movie([20, 5, 15])
    for name, preset in PRESETS.items():
        table = score(movie, make_prediction(movie), preset=name, validation=0.4)
        assert set(zip(*table.loc[table["published"], ["pooling", "measure"]].T.to_numpy(), strict=True)) == (
            preset.published
        )
    other = score(movie, make_prediction(movie), threshold=0.4)
    assert other.loc[other["published"], "measure"].tolist() == ["AP", "AUC"]


def test_validation_tunes_the_threshold_on_other_movies(make_movie: Callable, make_prediction: Callable) -> None:
    movie, other = make_movie([2, 2, 2]), make_movie([3, 3], "other")
    answer = make_prediction(movie, [0.1, 0.9, 0.3, 0.7, 0.2])
    tuned = score(movie, answer, validation=(other, make_prediction(other, [0.1, 0.2, 0.8, 0.3, 0.1])))
    assert values(tuned, column="threshold")["F1@val"] == 0.8
    assert values(tuned)["F1@val"] == pytest.approx(2 * 1 / (2 + 1))
    flat = make_movie([4])
    with pytest.raises(ScenevizError, match="no boundary, so no threshold"):
        score(movie, answer, validation=(flat, make_prediction(flat)))
    with pytest.raises(ScenevizError, match="another model or recipe"):
        score(movie, answer, validation=(other, make_prediction(other, model="another")))


LENGTHS = st.lists(st.integers(1, 4), min_size=1, max_size=5)
CONFIDENCE = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])


@settings(max_examples=40)
@given(st.data())
def test_laws(make_movie: Callable, make_prediction: Callable, data: st.DataObject) -> None:
    """Values are scikit-learn's on the same arrays, counts add up, order does not matter, nothing raises."""
    movies = [make_movie(data.draw(LENGTHS), f"movie {k}") for k in range(data.draw(st.integers(1, 3)))]
    answers = [
        make_prediction(movie, data.draw(st.lists(CONFIDENCE, min_size=len(movie) - 1, max_size=len(movie) - 1)))
        for movie in movies
    ]
    table = score(movies, answers, resamples=20)
    truth = np.concatenate([movie.boundaries[:-1] for movie in movies])
    confidence = np.concatenate([answer.confidence[:-1] for answer in answers])
    micro, macro, each = values(table), values(table, "macro"), table[table["pooling"] == "movie"]
    if truth.any():
        assert micro["AP"] == pytest.approx(average_precision_score(truth, confidence))
        assert macro["AP"] == pytest.approx(np.nanmean(each.loc[each["measure"] == "AP", "value"]))
        best = max(f1_score(truth, confidence >= level) for level in set(confidence))
        assert micro["F1@oracle"] == pytest.approx(best)
        level = values(table, column="threshold")["F1@oracle"]
        assert f1_score(truth, confidence >= level) == pytest.approx(best)
    else:
        assert np.isnan([micro["AP"], macro["AP"]]).all()
    if truth.any() and not truth.all():
        assert micro["AUC"] == pytest.approx(roc_auc_score(truth, confidence))
    assert micro["F1@.5"] == pytest.approx(f1_score(truth, confidence >= 0.5, zero_division=0) if len(truth) else 0)
    counts = each.drop_duplicates("movie")
    assert table["shots"].iloc[0] == counts["shots"].sum() == len(truth)
    assert table["boundaries"].iloc[0] == counts["boundaries"].sum() == truth.sum()
    assert values(table, "macro", "movies")["AP"] == (each.loc[each["measure"] == "AP", "value"]).notna().sum()
    back = score(movies[::-1], answers[::-1], resamples=0)
    exact = ["pooling", "measure", "value", "threshold", "movies", "prevalence"]
    pooled = [part.loc[part["pooling"] != "movie", exact].reset_index(drop=True) for part in (table, back)]
    pd.testing.assert_frame_equal(*pooled)


@settings(max_examples=15)
@given(st.data())
def test_a_lower_threshold_claims_no_fewer_boundaries(
    make_movie: Callable, make_prediction: Callable, data: st.DataObject
) -> None:
    movie = make_movie([2, 3, 1, 4])
    answer = make_prediction(movie, data.draw(st.lists(CONFIDENCE, min_size=9, max_size=9)))
    low, high = sorted(data.draw(st.tuples(CONFIDENCE, CONFIDENCE)))
    for preset in PRESETS:
        recall = [
            values(score(movie, answer, preset=preset, threshold=level, resamples=0)).filter(like="recall@").iloc[0]
            for level in (low, high)
        ]
        assert recall[0] >= recall[1]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("truth", [[12], [3, 4, 5], [1] * 12, [1]])
@pytest.mark.parametrize("level", [0.0, 1.0, None])
def test_no_boundary_true_or_predicted_is_defined(
    preset: str, truth: list[int], level: float | None, make_movie: Callable, make_prediction: Callable
) -> None:
    movie, other = make_movie(truth), make_movie([15, 15], "other")
    answer = make_prediction(movie, None if level is None else np.full(len(movie) - 1, level))
    table = score([movie, other], [answer, make_prediction(other)], preset=preset, validation=0.5, resamples=10)
    whole = table[(table["pooling"] != "movie")]
    assert whole["value"].notna().all()
    scored = table[(table["pooling"] == "movie") & (table["shots"] > 0)]
    defined = scored[~scored["measure"].isin(["AP", "AUC", "mAP of rounded APs"])]
    assert defined["value"].between(0, 1).all()


def test_intervals_lie_around_the_value_repeat_and_need_two_movies(
    make_movie: Callable, make_prediction: Callable
) -> None:
    rng = np.random.default_rng(3)
    movies = [make_movie(rng.integers(1, 6, 6).tolist(), f"movie {k}") for k in range(6)]
    answers = [make_prediction(movie, rng.random(len(movie) - 1)) for movie in movies]
    table = score(movies, answers)
    whole = table[table["pooling"] != "movie"]
    assert (whole["low"] <= whole["value"]).mean() > 0.9  # best thresholds are best, and so biased upwards
    assert (whole["value"] <= whole["high"] + 1e-9).all()
    assert (whole["high"] > whole["low"]).any()
    pd.testing.assert_frame_equal(table, score(movies, answers))
    assert not score(movies, answers, seed=1)["low"].equals(table["low"])
    assert score(movies, answers, resamples=0)["low"].isna().all()
    assert score(movies[0], answers[0])["low"].isna().all()
    values_of = values(score(movies, answers, resamples=0), "movie")["F1@.5"].to_numpy()
    means = values_of[np.random.default_rng(0).integers(0, 6, (20_000, 6))].mean(axis=1)
    low, high = (values(table, "macro", side)["F1@.5"] for side in ("low", "high"))
    assert [low, high] == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.03)


def test_several_annotators_are_averaged_and_named(make_movie: Callable, make_prediction: Callable) -> None:
    movie = make_movie([2, 2, 2])
    answer = make_prediction(movie, [0.1, 0.9, 0.8, 0.5, 0.2])
    labels = np.array([[0, 1, 0, 1, 0, -2], [0, 0, 1, 0, 0, -2]])
    both = score(replace(movie, labels=labels), answer)
    alone = [score(replace(movie, labels=row), answer) for row in labels]
    assert (both["annotators"] == "each of 2").all()
    assert both["value"].to_numpy() == pytest.approx((alone[0]["value"] + alone[1]["value"]).to_numpy() / 2)
    assert both["boundaries"].iloc[0] == 1.5
    union = score(replace(movie, labels=labels.max(axis=0)), answer, annotators="union")
    assert (union["annotators"] == "union").all()
    assert "annotators: union" in repr(union)
    with pytest.raises(ScenevizError, match="different numbers of annotators"):
        score([movie, replace(movie, labels=labels)], [answer, answer])


def test_boundary_f1_by_its_tolerance(make_movie: Callable, make_prediction: Callable) -> None:
    """Shots of 2 s: a boundary one shot off is 2 s, or 48 frames, off."""
    movie = make_movie([2, 2, 2])
    answer = make_prediction(movie, [0.9, 0.1, 0.1, 0.9, 0.1])
    table = values(score(movie, answer, tolerance_s=1, tolerance_frames=48))
    assert table["boundary F1 ±1 s"] == pytest.approx(0.5)
    assert table["boundary F1 ±48 frames"] == 1


def test_it_prints_micro_and_macro_side_by_side(make_movie: Callable, make_prediction: Callable) -> None:
    movies = [make_movie([2, 2, 2], "one"), make_movie([4], "flat"), make_movie([3, 3], "<script>")]
    answers = [make_prediction(movie, model_name="<b>") for movie in movies]
    table = score(movies, answers)
    said = repr(table)
    assert len(said.splitlines()) < 35
    assert max(map(len, said.splitlines()[:20])) < 100
    for words in ("preset bassl", "prevalence 0.231", "F1@val is left out", "AP over 2", "micro", "macro"):
        assert words in said
    assert "left out" not in repr(score(movies, answers, validation=0.5))
    html = table._repr_html_()
    assert "<b>" not in html.replace("<b></b>", "")
    assert "&lt;b&gt;" in html
    rows = table[table["pooling"] == "movie"]
    assert type(rows) is pd.DataFrame
    assert rows["movie"].unique().tolist() == ["one", "flat", "<script>"]


def test_mistakes_are_one_clear_line(make_movie: Callable, make_prediction: Callable) -> None:
    movie, other = make_movie(), make_movie([2, 2])
    right = make_prediction(movie)
    for call, message in [
        (lambda: score(movie, right, preset="basl"), "did you mean 'bassl'"),
        (lambda: score(movie, right, threshold=50), "from 0 to 1, got 50"),
        (lambda: score(movie, right, validation=50), "from 0 to 1, got 50"),
        (lambda: score(movie, right, tolerance_s=-1), "tolerance_s must be a number from 0 up, got -1"),
        (lambda: score(movie, right, resamples=-1), "whole number from 0 up, got -1"),
        (lambda: score(other, right), "was made on 'plain' with 12 shots"),
        (lambda: score([movie, other], [right]), "2 movies and 1 predictions"),
        (lambda: score([], []), "0 movies"),
        (lambda: score(replace(movie, labels=None), right), "no labels"),
        (lambda: score([movie, movie], [right, replace(right, model="another")]), "score each apart"),
    ]:
        with pytest.raises(ScenevizError, match=message) as caught:
            call()
        assert "\n" not in str(caught.value)
