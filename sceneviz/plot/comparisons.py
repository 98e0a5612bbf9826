"""Scores side by side: by place in the window, and by condition of an ablation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sceneviz._text import choice, counted, plain
from sceneviz.plot.style import (
    COLUMN_IN,
    FAINT,
    LINE_COLORS,
    MUTED,
    embedded_note,
    error_reach,
    new_axes,
    plain_legend,
    remember,
    small_print,
    table_caption,
    tidy,
    words,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MARKS = "osD^v"  # told apart without colour too


def positions(table: pd.DataFrame, *, measure: str | None = None, ax: Axes | None = None) -> Axes:
    """A score by place in the focus of the window, with 95 % intervals; a line a model and window.

    table: of `sceneviz.tables.position`; two put together, one of windows with a margin and one without, show what the
    margin is for. measure: one of the table's; None takes its F1. ax: drawn on; None makes a figure of column width.
    """
    ax = new_axes(COLUMN_IN, 2.0) if ax is None else ax
    tidy(ax)
    shown = _measured(table, measure)
    windows = shown.groupby(["model", "context", "focus"], sort=False)
    for place, ((model, context, focus), line) in enumerate(windows):
        name = f"context {context}, focus {focus}"
        name = f"{plain(model, 30)}, {name}" if table["model"].nunique() > 1 else name
        shift = 0.12 * (place - (len(windows) - 1) / 2)  # so that intervals do not hide each other
        color = LINE_COLORS[place % len(LINE_COLORS)]
        if line["measure"].iloc[0] == "AP":
            ax.plot(line["position"], line["prevalence"], color=color, linewidth=0.6, dashes=(4, 2))
        ax.errorbar(
            line["position"] + shift, line["value"], error_reach(line), color=color,
            marker="o", markersize=3, linewidth=1.0, elinewidth=0.6, capsize=1.5, capthick=0.6, label=name,
        )  # fmt: skip
    last = int(shown["position"].max())
    top = min(1.0, np.nanmax([*shown["high"], *shown["value"], 0.1])) * 1.05
    ax.set(xlim=(-0.5, last + 0.5), ylim=(0, top), xticks=range(0, last + 1, max(1, (last + 1) // 10)))
    ax.set_xlabel("place in the focus", **words())
    ax.set_ylabel(f"{shown['measure'].iloc[0]} (micro)", **words())
    plain_legend(ax, columns=2)
    dashes = ["dashes: prevalence"] * (shown["measure"].iloc[0] == "AP")
    table_caption(ax, ax.xaxis.label, shown, "95 % intervals over movies", *dashes)
    remember(ax, "positions", data=shown.to_dict("list"), options={"measure": shown["measure"].iloc[0]})
    return ax


def ablation(
    table: pd.DataFrame,
    *,
    measure: str = "AP",
    pooling: str = "micro",
    published: pd.DataFrame | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A score by condition, from the top down, with 95 % intervals; the first condition's value as a line.

    table: a row a condition, pooling and measure with `value`, `low`, `high`, as `ablate` gives it, or tables of
        `score` with a column `condition`.
    published: a table of `sceneviz.tables.paper`, whose value of the same metric is drawn as a diamond where its
        configuration is the condition. That is another model on other data, and the figure says which.
    ax: drawn on; None makes a figure of column width.
    """
    shown = _measured(table[table["pooling"] == choice(pooling, ("micro", "macro"), "pooling")], measure)
    names = list(dict.fromkeys(shown["condition"]))
    ax = new_axes(COLUMN_IN, 0.9 + 0.19 * len(names)) if ax is None else ax
    tidy(ax)
    rows = shown["condition"].map(names.index)
    ax.axvline(shown["value"].iloc[0], color=FAINT, linewidth=0.8, zorder=0.5)
    ax.errorbar(
        shown["value"], rows, xerr=error_reach(shown), color=LINE_COLORS[0], linestyle="", marker="o", markersize=3.5,
        elinewidth=0.8, capsize=2, capthick=0.8, label="here",
    )  # fmt: skip
    notes = ["95 % intervals over movies"] * bool(shown["low"].notna().any())
    if "protocol" in shown:
        notes.append(f"protocol: {', '.join(dict.fromkeys(shown['protocol']))}")
    if published is not None:
        notes += _draw_published(ax, published, measure, names)
    ax.set_yticks(range(len(names)), [plain(name, 30) for name in names], **words())
    ax.set(ylim=(len(names) - 0.5, -0.5))
    ax.set_xlabel(f"{measure} ({pooling})", **words())
    table_caption(ax, ax.xaxis.label, shown, *notes)
    options = {"measure": measure, "pooling": pooling}
    theirs = {} if published is None else {"published": published.to_dict("list")}
    remember(ax, "ablation", data=shown.to_dict("list"), options=options, **theirs)
    return ax


def dots(
    table: pd.DataFrame,
    *,
    rows: str,
    by: str | None = None,
    value: str = "value",
    label: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Any table of values with intervals as dots: a row of the figure for each entry of a column, from the top down.

    table: with `low` and `high` where there are intervals; and, for the small print, `model` and `movies`.
    rows: the column that names the rows. by: a column whose entries have a colour and a mark each. value: the column
        drawn; label: what it is.
    ax: drawn on; None makes a figure of column width.
    """
    for name in (rows, value, *([by] if by else [])):
        choice(name, table.columns, "plot.dots: a column")
    names, kinds = list(dict.fromkeys(table[rows])), list(dict.fromkeys(table[by])) if by else [label]
    ax = new_axes(COLUMN_IN, 0.7 + 0.1 * (1 + len(kinds)) * len(names)) if ax is None else ax
    tidy(ax)
    for place, kind in enumerate(kinds):
        own = table[table[by] == kind] if by else table
        own = own[own[value].notna()]
        ax.errorbar(
            own[value], own[rows].map(names.index) + 0.6 * ((place + 0.5) / len(kinds) - 0.5),
            xerr=error_reach(own, value) if {"low", "high"} <= set(table) else None,
            color=LINE_COLORS[place % len(LINE_COLORS)], linestyle="", marker=MARKS[place % len(MARKS)], markersize=3.5,
            elinewidth=0.8, capsize=2, capthick=0.8, label=plain(kind, 30),
        )  # fmt: skip
    ax.set_yticks(range(len(names)), [plain(name, 30) for name in names], **words())
    ax.set(ylim=(len(names) - 0.5, -0.5))
    ax.set_xlabel(plain(label or value, 60), **words())
    if by:
        plain_legend(ax, columns=min(3, len(kinds)))
    models = list(dict.fromkeys(table["model"])) if "model" in table else []
    notes = embedded_note(models)
    if "movies" in table:
        notes.append(counted(int(table["movies"].max()), "movie"))
    notes += ["95 % intervals over movies"] * bool("low" in table and table["low"].notna().any())
    small_print(ax, ax.xaxis.label, models, notes)
    options = {"rows": rows, "by": by, "value": value, "label": label}
    kept = [name for name in (rows, by, value, "low", "high", "model", "movies") if name and name in table]
    remember(ax, "dots", data=table[list(dict.fromkeys(kept))].to_dict("list"), options=options)
    return ax


def _draw_published(ax: Axes, published: pd.DataFrame, measure: str, names: list[str]) -> list[str]:
    """Diamonds for the paper's values; returns what must be said of them."""
    metric = "F1" if measure.startswith("F1") else measure
    theirs = published[(published["metric"] == metric) & published["configuration"].isin(names)]
    if theirs.empty:
        return []
    rows = theirs["configuration"].map(names.index)
    ax.plot(theirs["value"] / 100, rows, "D", color=MUTED, markerfacecolor="none", markersize=4, label="published")
    plain_legend(ax, columns=2)
    models, data = (", ".join(dict.fromkeys(theirs[name])) for name in ("model", "data"))
    return [f"diamonds: published, {models}", data, theirs["variant"].iloc[0]]


def _measured(table: pd.DataFrame, measure: str | None) -> pd.DataFrame:
    """The rows of one measure; None takes the first F1."""
    known = list(dict.fromkeys(table["measure"]))
    wanted = next((name for name in known if name.startswith("F1@")), known[0]) if measure is None else measure
    return table[table["measure"] == choice(wanted, known, "measure")]
