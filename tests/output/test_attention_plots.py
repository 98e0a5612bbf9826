"""Figures of attention, by their artists; drawn from saved maps and tables alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from test_attention_map import made

from sceneviz import plot
from sceneviz._text import ScenevizError
from sceneviz.plot.style import EMBEDDED_NOTE
from sceneviz.results import AttentionMap


def page() -> Axes:
    return Figure(figsize=(3.25, 2.4), layout="constrained").subplots()


def said(ax: Axes) -> str:
    return " ".join(text.get_text() for text in ax.figure.findobj(Text)).replace("\N{NO-BREAK SPACE}", " ")


@pytest.fixture
def table() -> pd.DataFrame:
    """A decision on shot 5, that looked at shots 4 to 7, most of all at one place of shot 6."""
    rows = [
        {"shot": shot, "frame": frame, "row": row, "column": column, "mass": 0.01 * shot}
        for shot in (4, 5, 6, 7)
        for frame in (0, 1)
        for row in (0, 1)
        for column in (0, 1, 2)
    ]
    frame = pd.DataFrame(rows).assign(movie="plain", model="a model", embedded=False, decision=5)
    frame.loc[(frame["shot"] == 6) & (frame["row"] == 1) & (frame["column"] == 2), "mass"] = 0.2
    return frame


def test_attention_draws_a_line_a_modality_with_its_interval() -> None:
    ax = page()
    together = AttentionMap.together([made("one"), made("two", 2.0)])
    assert plot.attention(together, per="mass", ax=ax) is ax
    lines = {line.get_label(): line for line in ax.lines}
    assert {"visual", "answers"} <= set(lines)
    table = together.by_offset()
    visual = table[table["modality"] == "visual"]
    np.testing.assert_allclose(lines["visual"].get_ydata(), visual["value"])
    np.testing.assert_array_equal(lines["visual"].get_xdata(), visual["offset"])
    assert len(ax.collections) == 2
    assert "2 movies" in said(ax)
    assert "sinks left out" in said(ax)
    assert EMBEDDED_NOTE not in said(ax)
    lift = page()
    plot.attention(made(embedded=True), sinks=True, ax=lift)
    assert lift.get_yscale() == "log"
    assert EMBEDDED_NOTE in said(lift)
    assert "sinks in their groups" in said(lift)


def test_heads_is_a_map_of_layers_and_heads() -> None:
    ax = page()
    assert plot.heads(made(scale=2.0), modality="visual", ax=ax) is ax
    np.testing.assert_allclose(ax.images[0].get_array(), [[0.15], [0.3]])
    with pytest.raises(ScenevizError, match="modality must be one of 'visual', 'answer'"):
        plot.heads(made(), modality="subtitle")
    with pytest.raises(ScenevizError, match="per must be one of"):
        plot.heads(made(), per="share")


def test_shares_with_and_without_sinks_and_layers() -> None:
    together = AttentionMap.together([made("one"), made("two", 2.0)])
    ax = page()
    assert plot.shares(together, per="lift", ax=ax) is ax
    names = [tick.get_text() for tick in ax.get_yticklabels()]
    dots = [line for line in ax.lines if line.get_marker() == "o" and len(line.get_xdata())]
    table = together.by_modality("lift").set_index("modality")["value"]
    full = {round(line.get_ydata()[0] + 0.18): line.get_xdata()[0] for line in dots[: len(table)]}
    assert full[names.index("visual")] == pytest.approx(table["visual"])
    assert {line.get_markerfacecolor() for line in dots} >= {"white"}
    assert "sinks left out, empty: in their groups" in said(ax).replace("\n", " ")
    assert ax.get_xscale() == "log"
    by_layer = page()
    plot.layers(together, per="mass", ax=by_layer)
    lines = {line.get_label(): line for line in by_layer.lines}
    wanted = together.by_layer("mass").query("modality == 'visual'")
    np.testing.assert_allclose(lines["visual"].get_ydata(), wanted["value"])
    with pytest.raises(ScenevizError, match="per must be one of"):
        plot.shares(together, per="share")


def test_frames_lie_under_their_attention(table: pd.DataFrame, make_movie: Callable) -> None:
    ax = page()
    movie = make_movie([3, 3, 4])
    assert plot.attention_frames(movie, table, shots=3, ax=ax) is ax
    titles = [part.get_title() for part in ax.child_axes if part.get_title()]
    assert [title.split(":")[0] for title in titles] == ["shot 5", "shot 6", "shot 7"]
    assert len(ax.child_axes) == 3 * 2
    heat = ax.child_axes[2].images[1].get_array()
    assert heat.shape[:2] == (2, 3)
    assert heat[..., 3].argmax() == 5
    assert "decision on shot 5" in said(ax)
    two = pd.concat([table, table.assign(decision=6)])
    with pytest.raises(ScenevizError, match="the table of one decision"):
        plot.attention_frames(movie, two)
    with pytest.raises(ScenevizError, match="frames are needed"):
        plot.attention_frames(make_movie(frames=False), table)
    with pytest.raises(ScenevizError, match="has shots 0 to 4"):
        plot.attention_frames(make_movie([2, 3]), table)


def test_the_numbers_are_saved_beside_the_picture(tmp_path: Path, table: pd.DataFrame, make_movie: Callable) -> None:
    for name, draw in (
        ("attention", lambda ax: plot.attention(made(), ax=ax)),
        ("heads", lambda ax: plot.heads(made(), ax=ax)),
        ("attention_frames", lambda ax: plot.attention_frames(make_movie(), table, ax=ax)),
    ):
        plot.save(draw(page()), tmp_path / f"{name}.png")
        (record,) = json.loads((tmp_path / f"{name}.figure.json").read_text())["plots"]
        assert record["figure"] == name
        assert record["data"]
        assert record["model"]["name"] == "a model"
