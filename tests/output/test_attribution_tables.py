"""Attributions made up by hand: methods on one axis, their agreement, the pointing game, and the figures."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from scipy.stats import spearmanr

import sceneviz as sv
from sceneviz import plot, tables
from sceneviz._text import ScenevizError
from sceneviz.attribution import Attribution, Group
from sceneviz.plot.style import EMBEDDED_NOTE, MODALITY_COLORS
from sceneviz.recipe import Recipe
from sceneviz.synthetic import reasons

MODALITIES = ("visual", "subtitle", "character", "answer")


def made(
    method: str,
    values: Sequence[float],
    *,
    movie: str = "one",
    shot: int = 5,
    groups: Sequence[Group] | None = None,
    **changes: Any,
) -> Attribution:
    """An attribution with these values."""
    groups = [Group(name, "all", None, 10 * (k + 1)) for k, name in enumerate(MODALITIES)] if groups is None else groups
    fields: dict[str, Any] = {
        "movie": movie,
        "movie_name": f"film {movie}",
        "model": "fake",
        "model_name": "a fake",
        "embedded": False,
        "recipe": Recipe(),
        "shot": shot,
        "method": method,
        "settings": "made up",
        "groups": tuple(groups),
        "value": values,
        "standard_error": np.full(len(values), np.nan),
        "log_odds": 1.0,
        "log_odds_off": 0.0,
        "forwards": 1,
    }
    return Attribution(**fields | changes)


def test_all_methods_stand_on_one_axis() -> None:
    found = tables.compared(
        [made("rollout", [4, 3, 2, 1]), made("ablation", [1, 2, 3, 4]), made("ablation", [0, 0, 1, 0], shot=7)]
    )
    assert list(found.columns) == [
        *"movie model decided modality side shot offset tokens".split(),
        "ablation",
        "rollout",
    ]
    assert len(found) == 8
    row = found[(found["decided"] == 5) & (found["modality"] == "subtitle")].iloc[0]
    assert (row["ablation"], row["rollout"], row["tokens"]) == (2, 3, 20)
    assert found.loc[found["decided"] == 7, "rollout"].isna().all()


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=3, max_size=9))
def test_agreement_is_spearmans(pairs: list[tuple[int, int]]) -> None:
    first, second = np.array(pairs, float).T
    groups = [Group("visual", "before", number, 1) for number in range(len(pairs))]
    given_ = [made("ablation", first, groups=groups), made("shapley", second, groups=groups)]
    for signed, size in ((True, lambda values: values), (False, np.abs)):
        (row,) = tables.agreement(given_, signed=signed).query("second == 'shapley'").to_dict("records")
        if np.ptp(size(first)) == 0 or np.ptp(size(second)) == 0:
            assert np.isnan(row["correlation"])
            assert row["decisions"] == 0
        else:
            assert row["correlation"] == pytest.approx(spearmanr(size(first), size(second)).statistic)


def test_agreement_is_a_mean_over_decisions_with_an_interval_over_movies() -> None:
    orders = {"one": ([1, 2, 3, 4], [1, 2, 3, 4]), "two": ([1, 2, 3, 4], [4, 3, 2, 1]), "three": ([1, 2, 3, 4],) * 2}
    both = [
        made(method, values, movie=movie, shot=shot)
        for movie, pair in orders.items()
        for method, values in zip(("ablation", "attention"), pair, strict=True)
        for shot in range(2)
    ]
    table = tables.agreement(both).set_index(["first", "second"])
    assert list(table.index) == list(itertools.combinations(["ablation", "attention", "tokens"], 2))
    row = table.loc["ablation", "attention"]
    assert row["correlation"] == pytest.approx(1 / 3)
    assert (row["decisions"], row["movies"]) == (6, 3)
    assert -1 <= row["low"] < row["correlation"] < row["high"] <= 1
    assert np.isnan(tables.agreement(both[:4]).iloc[0]["low"])
    assert table.loc["ablation", "tokens"]["correlation"] == 1
    assert tables.agreement(both).equals(tables.agreement(both))


def test_groups_without_tokens_have_no_say() -> None:
    groups = [Group("subtitle", "before", number, int(number > 3)) for number in range(8)]
    order = np.array([0, 0, 0, 0, 1, 2, 3, 4.0])
    pair = [made("ablation", order, groups=groups), made("shapley", np.where(order, 5 - order, 0), groups=groups)]
    assert tables.agreement(pair).iloc[0]["correlation"] == pytest.approx(-1)


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ([], "got none"),
        ([made("ablation", [1, 2, 3, 4])] * 2, "shot 5 of 'film one' is attributed by ablation twice"),
        ([made("ablation", [1] * 4), made("shapley", [1] * 4, model="else")], "different models"),
        (
            [made("ablation", [1] * 4), made("shapley", [1], groups=[Group("visual", "all", None, 1)])],
            "ablation and shapley were given different groups",
        ),
    ],
)
def test_what_cannot_be_compared_is_told(others: list[Attribution], said: str) -> None:
    for table in (tables.compared, tables.agreement):
        with pytest.raises(ScenevizError, match=said):
            table(others)


@pytest.mark.parametrize(
    "changes", [{"method": "guess"}, {"value": [1, 2]}, {"value": [1, 2, 3, np.nan]}, {"log_odds": np.inf}]
)
def test_an_attribution_is_checked_when_made(changes: dict[str, Any]) -> None:
    with pytest.raises(ScenevizError):
        replace(made("ablation", [1, 2, 3, 4]), **changes)


def test_saved_attributions_open_without_a_model(tmp_path: Path) -> None:
    path = made("rollout", [1, 2, 3, 4]).save(tmp_path / "found.json")
    script = (
        "import sys\nfrom sceneviz.attribution import Attribution\nfrom sceneviz import plot, tables\n"
        f"found = Attribution.load({str(path)!r})\ntables.agreement([found])\nplot.attribution(found.to_frame())\n"
        "print([name for name in ('torch', 'transformers', 'captum') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def rendered(count: int) -> list[sv.Movie]:
    """Movies with some boundaries of each reason."""
    return [sv.render_movie(9_000_000 + number) for number in range(count)]


def test_only_reasons_that_are_carried_in_one_way_are_used() -> None:
    seen = set()
    for movie in rendered(12):
        truth = {row["shot"]: row for row in reasons(int(movie.name.removeprefix("rendered-")))}
        for shot, reason, modalities in tables.carried(movie).itertuples(index=False):
            changed = {name for name in ("place", "time", "characters", "topic") if truth[shot][name]}
            assert movie.boundaries is not None
            assert movie.boundaries[shot]
            assert changed
            wanted = {
                "place or time": ({"place", "time"}, ("visual",)),
                "characters": ({"characters"}, ("visual", "character")),
                "topic": ({"topic"}, ("subtitle",)),
            }
            assert (changed <= wanted[reason][0], modalities) == (True, wanted[reason][1])
            seen.add(reason)
    assert seen == {"place or time", "characters", "topic"}


def test_pointing_counts_who_points_at_the_reason() -> None:
    movies = rendered(8)
    given_, boundaries = [], 0
    for movie in movies:
        for shot, _, carriers in tables.carried(movie).itertuples(index=False):
            own = partial(made, movie=movie.fingerprint, shot=shot)
            right = [float(name in carriers) for name in MODALITIES]
            given_ += [own("ablation", right), own("shapley", [-value for value in right])]
            given_ += [own("attention", [0.3, 0.3, 0.3, 9]), own("rollout", [1, 2, 3, 4])]
            boundaries += 1
        given_.append(made("ablation", [1, 0, 0, 0], movie=movie.fingerprint, shot=len(movie) - 2))
    assert boundaries > 8
    table = tables.pointing(movies, given_).set_index(["method", "reason"])
    assert table.loc["ablation", "any"]["hits"] == 1
    assert table.loc["shapley", "any"]["hits"] == 0
    assert table.loc["ablation", "any"]["boundaries"] == boundaries
    for reason, chance in (("place or time", 1 / 3), ("characters", 2 / 3), ("topic", 1 / 3)):
        row = table.loc["attention", reason]
        assert row["hits"] == pytest.approx(chance)  # all tied, and answers are not ranked
        assert row["chance"] == pytest.approx(chance)
        # 10, 20 and 30 tokens: per token, 1/10, 2/20 and 3/30 are the same again.
        assert table.loc["rollout per token", reason]["hits"] == pytest.approx(chance)
    assert table.loc["rollout", "characters"]["hits"] == 1
    assert table.loc["rollout", "topic"]["hits"] == 0
    assert table.loc["tokens", "topic"]["hits"] == 0
    single = tables.pointing(movies[0], given_)
    assert single["low"].isna().all()


def test_pointing_needs_reasons(make_movie: Callable[..., sv.Movie]) -> None:
    with pytest.raises(ScenevizError, match=r"from render_movie; 'plain' is not"):
        tables.pointing(make_movie(), [made("ablation", [1, 2, 3, 4])])
    with pytest.raises(ScenevizError, match="none of the attributions"):
        tables.pointing(rendered(1), [made("ablation", [1, 2, 3, 4])])


def page() -> Axes:
    return Figure(figsize=(3.25, 2), layout="constrained").subplots()


def test_bars_by_modality_and_side(tmp_path: Path) -> None:
    groups = [Group(name, side, None, 3) for name in MODALITIES[:2] for side in ("before", "at", "after")]
    values = [1, -2, 3, 0.5, 0, -1.0]
    found = made("shapley", values, groups=groups, standard_error=[0.1] * 6, embedded=True, movie_name="a $x^2_{$ b")
    ax = page()
    assert plot.attribution(found.to_frame(), ax=ax) is ax
    drawn = {round(bar.get_x() + bar.get_width() / 2, 3): bar.get_height() for bar in ax.patches}
    assert [height for _, height in sorted(drawn.items())] == values
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["visual", "subtitles"]
    said = " ".join(text.get_text() for text in ax.texts).replace("\N{NO-BREAK SPACE}", " ").replace("\n", " ")
    assert EMBEDDED_NOTE in said
    assert "a $x^2_{$ b" in said
    record = json.loads(plot.save(ax, tmp_path / "bars.svg").with_suffix(".figure.json").read_text())["plots"][0]
    assert (record["figure"], record["data"]["value"]) == ("attribution", values)
    assert record["data"]["shot"] == [None] * 6


def test_bars_by_shot_stack_to_their_sums() -> None:
    groups = [Group(name, "before", shot, 3) for name in ("visual", "subtitle") for shot in (3, 4, 5)]
    found = made("ablation", [1, -2, 3, 0.5, 1, 1.0], groups=groups)
    ax = page()
    assert plot.attribution_shots(found.to_frame(), ax=ax) is ax
    bars = [bar for bar in ax.patches if bar.get_width() == pytest.approx(0.8)]
    tops = [bar.get_y() + bar.get_height() for bar in bars]
    assert tops == [1, -2, 3, 1.5, 1, 4]
    assert {to_hex(bar.get_facecolor()).upper() for bar in bars} == {
        MODALITY_COLORS[name] for name in ("visual", "subtitle")
    }


def test_a_figure_of_the_wrong_table_says_so() -> None:
    whole = made("ablation", [1, 2, 3, 4]).to_frame()
    by_shot = made("ablation", [1], groups=[Group("visual", "at", 5, 3)]).to_frame()
    with pytest.raises(ScenevizError, match="attribution_shots"):
        plot.attribution(by_shot, ax=page())
    with pytest.raises(ScenevizError, match='groups="shot"'):
        plot.attribution_shots(whole, ax=page())
    with pytest.raises(ScenevizError, match="its method is ablation, shapley"):
        plot.attribution(pd.concat([whole, made("shapley", [1, 2, 3, 4]).to_frame()]), ax=page())
