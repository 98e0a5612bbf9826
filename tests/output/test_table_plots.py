"""Figures of tables: what is drawn (by its artists), what the small print says, and what is saved beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

import sceneviz as sv
from sceneviz import plot
from sceneviz._text import ScenevizError
from sceneviz.plot.style import EMBEDDED_NOTE
from sceneviz.recipe import Recipe


@pytest.fixture(autouse=True)
def _untouched_settings() -> Iterator[None]:
    before = dict(matplotlib.rcParams)
    yield
    assert dict(matplotlib.rcParams) == before
    pyplot.close("all")


@pytest.fixture
def movies(make_movie: Callable) -> list:
    rng = np.random.default_rng(5)
    return [make_movie([*rng.integers(2, 7, 6).tolist(), 9], f"movie {k}") for k in range(4)]


@pytest.fixture
def answers(movies: list, make_prediction: Callable) -> Callable:
    def make(**changes: object) -> list:
        rng = np.random.default_rng(6)
        return [
            make_prediction(
                movie, np.clip(movie.boundaries[:-1] * 0.4 + rng.random(len(movie) - 1) * 0.6, 0, 1), **changes
            )
            for movie in movies
        ]

    return make


def column() -> Axes:
    return Figure(figsize=(3.25, 2.4), layout="constrained").subplots()


def said(ax: Axes) -> str:
    words = " ".join(text.get_text() for text in ax.figure.findobj(Text))
    return words.replace("\N{NO-BREAK SPACE}", " ").replace("\n", " ")


def test_pr_draws_a_curve_a_model_with_its_ap_and_the_prevalence(movies: list, answers: Callable) -> None:
    tables = [sv.tables.pr(movies, answers()), sv.tables.pr(movies, answers(model="b", model_name="b $x^{"))]
    ax = column()
    assert plot.pr(pd.concat(tables), ax=ax) is ax
    curves = [line for line in ax.lines if line.get_label()[0] != "_"]
    assert len(curves) == 2
    ap = tables[0]["AP"].iloc[0]
    assert f"a fake: AP {ap:.3f} (bassl, micro)" in said(ax)
    assert f"prevalence {tables[0]['prevalence'].iloc[0]:.3f}" in said(ax)
    x, y = curves[0].get_data()
    assert (np.diff(x) * y[1:]).sum() == pytest.approx(ap)  # steps: the area is the AP
    alone = plot.pr(tables[0], ax=column())
    assert "a fake:" not in said(alone)
    assert "a fake" in said(alone)


def test_calibration_draws_the_table(movies: list, answers: Callable, tmp_path: Path) -> None:
    table = sv.tables.calibration(movies, answers())
    ax = plot.calibration(table, ax=column())
    known = table.dropna(subset=["share"])
    (line,) = [line for line in ax.lines if line.get_marker() == "o"]
    assert line.get_xydata() == pytest.approx(known[["confidence", "share"]].to_numpy())
    assert len(ax.patches) == 10
    assert f"ECE {table['ECE'].iloc[0]:.3f}" in said(ax)
    record = json.loads(plot.save(ax, tmp_path / "c.png").with_suffix(".figure.json").read_text())
    assert record["plots"][0]["figure"] == "calibration"
    assert record["plots"][0]["data"]["shots"] == table["shots"].tolist()


def test_positions_tell_windows_apart(movies: list, answers: Callable) -> None:
    with_margin = sv.tables.position(movies, answers())
    without = sv.tables.position(movies, answers(recipe=Recipe(context=10, focus=10)))
    ax = plot.positions(pd.concat([with_margin, without]), ax=column())
    lines = [line for line in ax.lines if line.get_marker() == "o"]
    assert len(lines) == 2
    wanted = with_margin.query("measure == 'F1@.5'")["value"]
    assert lines[0].get_ydata() == pytest.approx(wanted.to_numpy())
    assert "context 20, focus 10" in said(ax)
    assert "context 10, focus 10" in said(ax)
    assert "F1@.5 (micro)" in said(ax)
    ranked = plot.positions(with_margin, measure="AP", ax=column())
    assert "dashes: prevalence" in said(ranked)
    with pytest.raises(ScenevizError, match="measure must be one of 'AP'"):
        plot.positions(with_margin, measure="AUC", ax=column())


def test_ablation_sets_published_values_apart(movies: list, answers: Callable) -> None:
    scores = sv.score(movies, answers()).query("pooling != 'movie'")
    table = pd.concat(
        [scores.assign(condition=name, protocol="test time") for name in ("full", "no visual", "no sound")]
    )
    ax = plot.ablation(table, published=sv.tables.paper("modalities"), ax=column())
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["full", "no visual", "no sound"]
    (diamonds,) = [line for line in ax.lines if line.get_marker() == "D"]
    assert diamonds.get_xydata() == pytest.approx(np.array([[0.668, 0], [0.347, 1]]))
    for words in ("AP (micro)", "diamonds: published, Scene-VLM 7B", "MovieNet-318 test", "protocol: test time"):
        assert words in said(ax)
    alone = plot.ablation(table, measure="mIoU frames", pooling="macro", ax=column())
    assert not [line for line in alone.lines if line.get_marker() == "D"]
    with pytest.raises(ScenevizError, match="pooling must be one of"):
        plot.ablation(table, pooling="mean", ax=column())


def swept(movies: list, answers: Callable, names: tuple[str, ...]) -> pd.DataFrame:
    scores = sv.score(movies, answers(embedded=True)).query("pooling != 'movie'")
    return pd.concat([scores.assign(condition=name, seconds=2.0**k) for k, name in enumerate(names)])


def test_windows_are_a_map_with_its_numbers(movies: list, answers: Callable) -> None:
    table = swept(movies, answers, ("20 / 10", "20 / 5", "5 / 5", "something else"))
    ax = plot.windows(table, published=sv.tables.paper("windows"), ax=column())
    (image,) = ax.images
    shown = np.ma.filled(np.ma.masked_invalid(image.get_array()), np.nan)
    value = table.query("measure == 'F1@.5' and pooling == 'micro'")["value"].iloc[0]
    np.testing.assert_allclose(shown, [[value, np.nan], [value, value]])  # contexts 5, 20 down; focuses 5, 10 across
    assert f"{value:.3f} (0.621)" in said(ax)
    assert "published, Scene-VLM 7B" in said(ax)
    assert EMBEDDED_NOTE in said(ax)
    with pytest.raises(ScenevizError, match="context / focus"):
        plot.windows(swept(movies, answers, ("full",)), ax=column())


def test_dots_draw_any_table_with_intervals() -> None:
    table = pd.DataFrame({"measure": ["read", "true", "read", "true"], "when": ["before"] * 2 + ["after"] * 2})
    table = table.assign(value=[0.1, 0.2, 0.9, np.nan], low=0.0, high=1.0, model="m (embedded)", movies=3)
    ax = plot.dots(table, rows="measure", by="when", label="share of claims", ax=column())
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["read", "true"]
    lines = [line for line in ax.lines if line.get_marker() in "os" and line.get_linestyle() == "None"]
    assert [line.get_xdata().tolist() for line in lines] == [[0.1, 0.2], [0.9]]
    for words in ("share of claims", "before", "after", EMBEDDED_NOTE, "3 movies"):
        assert words in said(ax)
    assert "intervals" not in said(plot.dots(table.drop(columns="low"), rows="measure", ax=column()))
    with pytest.raises(ScenevizError, match="did you mean 'measure'"):
        plot.dots(table, rows="measures", ax=column())


def test_cost_names_every_condition_beside_its_point(movies: list, answers: Callable) -> None:
    table = swept(movies, answers, ("1 a shot", "2 a shot", "3 a shot"))
    ax = plot.cost(table, measure="F1@.5", ax=column())
    (points,) = [line for line in ax.lines if line.get_marker() == "o"]
    value = table.query("measure == 'F1@.5' and pooling == 'micro'")["value"].iloc[0]
    np.testing.assert_allclose(points.get_xydata(), [[1, value], [2, value], [4, value]])
    assert {"1 a shot", "2 a shot", "3 a shot"} <= {text.get_text() for text in ax.texts}
    assert ax.get_xscale() == "log"
    with pytest.raises(ScenevizError, match="per must be one of"):
        plot.cost(table, per="minutes", ax=column())


@pytest.mark.parametrize("costs", [(1, 1.2, 1.44), (1, 1.05, 1.1), (1, 1, 1), (1, 1, 2)])
def test_names_at_points_that_cost_alike_do_not_stand_on_one_another(
    movies: list, answers: Callable, costs: tuple[float, ...]
) -> None:
    names = ("1 a shot", "2 a shot", "3 a shot")
    table = swept(movies, answers, names)
    table["seconds"] = table["seconds"].map(dict(zip((1, 2, 4), costs, strict=True)))
    ax = plot.cost(table, ax=column())
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts if text.get_text() in names]
    assert len(boxes) == 3
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


@pytest.mark.parametrize(
    ("least", "most"), [(30, 80), (6.1, 12.2), (25, 31), (9.8, 10.2), (2.7, 7.3), (0.2, 900), (1e-3, 1e5)]
)
def test_the_axis_of_a_cost_always_has_two_numbers_and_never_many(
    movies: list, answers: Callable, least: float, most: float
) -> None:
    table = swept(movies, answers, ("1 a shot", "2 a shot", "3 a shot"))
    table["seconds"] = table["seconds"].map(dict(zip((1, 2, 4), np.geomspace(least, most, 3), strict=True)))
    ax = plot.cost(table, ax=column())
    low, high = ax.get_xlim()
    assert 2 <= sum(low <= tick <= high for tick in ax.get_xticks()) <= 10


def test_trust_sets_answers_and_shots_side_by_side() -> None:
    rows = [
        {"subject": subject, "measure": measure, "distance": far, "value": far, "low": far, "high": far + 1}
        for subject in ("answer", "decided shot", "following shot")
        for measure in ("lift", "cut")
        for far in (1, 3)
    ]
    table = pd.DataFrame(rows).assign(decisions=9, movies=2, model="a fake")
    ax = plot.trust(table, measure="lift", ax=column())
    lines = [line for line in ax.lines if line.get_marker() in "vos"]
    assert [line.get_ydata().tolist() for line in lines] == [[1, 3]] * 3
    for words in ("an earlier answer", "a following shot", "attention over uniform", "2 movies"):
        assert words in said(ax)
    assert EMBEDDED_NOTE not in said(ax)
    assert EMBEDDED_NOTE in said(plot.trust(table.assign(model="tiny (embedded)"), ax=column()))
    with pytest.raises(ScenevizError, match="measure must be one of 'lift', 'cut'"):
        plot.trust(table, measure="flip", ax=column())


def test_loss_shows_what_was_logged_and_its_mean() -> None:
    log = pd.DataFrame({"step": [10, 20, 30, 30], "loss": [3.0, 2.0, 1.0, np.nan], "eval_loss": [np.nan] * 3 + [1.5]})
    ax = plot.loss(log, ax=column())
    assert [line.get_ydata().tolist() for line in ax.lines] == [[3, 2, 1], [3, 2, 1], [1.5]]
    assert "validation" in said(ax)
    two = plot.loss(pd.concat([log.assign(run="before"), log.assign(run="after")]), ax=column())
    assert {"before", "after"} <= set(said(two).split())
    with pytest.raises(ScenevizError, match="columns step and loss"):
        plot.loss(log.drop(columns="loss"), ax=column())


def test_figures_of_the_embedded_model_say_so(movies: list, answers: Callable) -> None:
    for embedded in (False, True):
        predictions = answers(embedded=embedded)
        scores = sv.score(movies, predictions).query("pooling != 'movie'").assign(condition="full")
        for ax in (
            plot.pr(sv.tables.pr(movies, predictions), ax=column()),
            plot.calibration(sv.tables.calibration(movies, predictions), ax=column()),
            plot.positions(sv.tables.position(movies, predictions), ax=column()),
            plot.ablation(scores, ax=column()),
        ):
            assert (EMBEDDED_NOTE in said(ax)) == embedded
            assert "preset bassl" in said(ax)


def test_figures_of_their_own_have_the_width_of_a_column(movies: list, answers: Callable) -> None:
    ax = plot.calibration(sv.tables.calibration(movies[:1], answers()[:1]))
    assert ax.figure.get_size_inches()[0] == 3.25


@pytest.mark.parametrize("name", ["$x^2_{", "\\frac{", "<script>", "a" * 300])
def test_names_are_text(name: str, movies: list, answers: Callable, tmp_path: Path) -> None:
    tables = [sv.tables.pr(movies, answers()), sv.tables.pr(movies, answers(model="b", model_name=name))]
    svg = plot.save(plot.pr(pd.concat(tables), ax=column()), tmp_path / "f.svg").read_text(encoding="utf-8")
    assert "<script>" not in svg
