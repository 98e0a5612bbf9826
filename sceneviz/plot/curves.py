"""Precision over recall, and confidence over what it was worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sceneviz._text import plain
from sceneviz.plot.style import (
    COLUMN_IN,
    FAINT,
    LINE_COLORS,
    MUTED,
    error_reach,
    new_axes,
    plain_legend,
    remember,
    table_caption,
    tidy,
    words,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def pr(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Precision-recall curves, with the AP of each, its best F1 as a dot, and the prevalence as a dashed line.

    table: of `sceneviz.tables.pr`; several put together (`pandas.concat`) give a curve a model, preset and annotator.
    ax: drawn on; None makes a figure of column width. Curves are steps, so that the area under one is its AP.
    """
    ax = new_axes(COLUMN_IN, 2.4) if ax is None else ax
    tidy(ax)
    several = [name for name in ("model", "preset", "annotator") if table[name].nunique() > 1]
    for place, (_, curve) in enumerate(table.groupby(["model", "preset", "annotator"], sort=False)):
        color = LINE_COLORS[place % len(LINE_COLORS)]
        first = curve.iloc[0]
        name = ", ".join(f"annotator {first[key]}" if key == "annotator" else plain(first[key], 30) for key in several)
        label = f"{name}{': ' * bool(name)}AP {first['AP']:.3f} ({first['preset']}, micro)"
        recall, precision = np.append(0.0, curve["recall"]), curve["precision"].to_numpy()
        ax.step(recall, np.append(precision[:1], precision), where="pre", color=color, linewidth=1.0, label=label)
        best = curve.loc[curve["F1"].idxmax()]
        ax.plot(best["recall"], best["precision"], "o", color=color, markersize=3.5)
        ax.axhline(first["prevalence"], color=color, linewidth=0.6, dashes=(4, 2), zorder=0.5)
    ax.set(xlim=(0, 1.01), ylim=(0, 1.03), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    ax.set_xlabel("recall", **words())
    ax.set_ylabel("precision", **words())
    plain_legend(ax)
    table_caption(ax, ax.xaxis.label, table, f"{int(table['shots'].max()):,} shots", "dot: best F1, dashes: prevalence")
    remember(ax, "pr", data=table.to_dict("list"))
    return ax


def calibration(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Share of boundaries over mean confidence, a point a tenth, with its interval; on the diagonal it is calibrated.

    table: of `sceneviz.tables.calibration`; several put together give a line a model and preset. Pale bars at the
    bottom tell how many of the shots lie in each tenth (of the first table, the largest as high as a quarter).
    ax: drawn on; None makes a figure of column width.
    """
    ax = new_axes(COLUMN_IN, 2.4) if ax is None else ax
    tidy(ax)
    ax.plot([0, 1], [0, 1], color=MUTED, linewidth=0.6, dashes=(4, 2), zorder=0.5)
    for place, ((model, preset), line) in enumerate(table.groupby(["model", "preset"], sort=False)):
        color = LINE_COLORS[place % len(LINE_COLORS)]
        if place == 0:
            heights = 0.25 * line["shots"] / max(1, line["shots"].max())
            ax.bar(line["from"], heights, line["to"] - line["from"], align="edge", color=FAINT, linewidth=0, zorder=0.2)
        known = line.dropna(subset=["share"])
        name = f"{plain(model, 30)}, {preset}" if table[["model", "preset"]].drop_duplicates().shape[0] > 1 else preset
        ax.errorbar(
            known["confidence"], known["share"], error_reach(known, "share"), color=color, marker="o", markersize=3,
            linewidth=1.0, elinewidth=0.6, capsize=1.5, capthick=0.6, label=f"{name}: ECE {line['ECE'].iloc[0]:.3f}",
        )  # fmt: skip
    ax.set(xlim=(0, 1), ylim=(0, 1.03), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    ax.set_xlabel("confidence", **words())
    ax.set_ylabel("share of boundaries", **words())
    plain_legend(ax)
    shots = int(table.groupby(["model", "preset"])["shots"].sum().max())
    table_caption(ax, ax.xaxis.label, table, f"{shots:,} shots", "bars: shots in each tenth", "95 % intervals")
    remember(ax, "calibration", data=table.to_dict("list"))
    return ax
