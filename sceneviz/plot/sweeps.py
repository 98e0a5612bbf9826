"""What changes along something: the window's size, the cost, the distance of an answer, the steps of a training."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from sceneviz._text import ScenevizError, choice, counted, plain
from sceneviz.plot.style import (
    COLUMN_IN,
    FAINT,
    INK,
    LINE_COLORS,
    MODALITY_COLORS,
    MUTED,
    TRUE_COLORS,
    embedded_note,
    error_reach,
    log_scale,
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
    from matplotlib.transforms import Bbox

TRUST = {  # what stands on the y axis for each measure of a table of trust, and what is no effect
    "mass": ("share of attention", None),
    "lift": ("attention over uniform", 1.0),
    "cut": ("|change of log-odds|, cut", None),
    "flip": ("|change of log-odds|, flipped", None),
    "flip signed": ("log-odds, after Yes less No", 0.0),
    "flip confidence": ("|change of confidence|, flipped", None),
}
SUBJECTS = {  # told apart without colour too, by mark; a whole shot has no modality's colour
    "answer": ("an earlier answer", MODALITY_COLORS["answer"], "v"),
    "decided shot": ("an earlier shot", INK, "o"),
    "following shot": ("a following shot", TRUE_COLORS[1], "s"),
}


def windows(
    table: pd.DataFrame,
    *,
    measure: str = "F1@.5",
    pooling: str = "micro",
    published: pd.DataFrame | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A score by context and focus, as a map with its numbers: light is high.

    table: of `ablate`, with conditions named "context / focus"; others are left out. published: a table of
    `sceneviz.tables.paper`, whose value of the same metric stands in brackets under ours. That is another model on
    other data, and the figure says which. ax: drawn on; None makes a figure of column width.
    """
    shown = _scored(table, measure, pooling)
    pairs = shown["condition"].str.extract(r"^(\d+) / (\d+)$")
    shown, pairs = shown[pairs[0].notna()], pairs.dropna().astype(int)
    if shown.empty:
        raise ScenevizError('plot.windows: expected conditions named like "20 / 10", context / focus; there are none')
    contexts, focuses = sorted(set(pairs[0])), sorted(set(pairs[1]))
    grid = np.full((len(contexts), len(focuses)), np.nan)
    for (context, focus), value in zip(pairs.itertuples(index=False), shown["value"], strict=True):
        grid[contexts.index(context), focuses.index(focus)] = value
    ax = new_axes(COLUMN_IN, 0.9 + 0.42 * len(contexts)) if ax is None else ax
    tidy(ax)
    low, high = float(np.nanmin(grid)), float(np.nanmax(grid))
    image = ax.imshow(
        grid, cmap="cividis", vmin=low, vmax=max(high, low + 1e-9), aspect="auto", interpolation="nearest"
    )
    theirs = _published(published, measure)
    for (row, column), value in np.ndenumerate(grid):
        if np.isnan(value):
            continue
        text = f"{value:.3f}"
        known = theirs.get(f"{contexts[row]} / {focuses[column]}")
        text += f"\n({known:.3f})" if known is not None else ""
        color = "white" if sum(image.to_rgba(value)[:3]) < 1.4 else INK
        ax.text(column, row, text, ha="center", va="center", **words(color=color))
    ax.set_xticks(range(len(focuses)), [str(focus) for focus in focuses], **words())
    ax.set_yticks(range(len(contexts)), [str(context) for context in contexts], **words())
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_xlabel("focus: shots decided in a window", **words())
    ax.set_ylabel("context: shots shown", **words())
    notes = [f"{measure} ({pooling})"]
    if theirs and published is not None:
        models, data = (", ".join(dict.fromkeys(published[name])) for name in ("model", "data"))
        notes += [f"in brackets: published, {models}", data]
    table_caption(ax, ax.xaxis.label, shown, *notes)
    more = {} if published is None else {"published": published.to_dict("list")}
    options = {"measure": measure, "pooling": pooling}
    remember(ax, "windows", data=shown.to_dict("list"), options=options, **more)
    return ax


def cost(
    table: pd.DataFrame,
    *,
    measure: str = "AP",
    pooling: str = "micro",
    per: str = "seconds",
    ax: Axes | None = None,
) -> Axes:
    """A score over what it costs: a point a condition, with its name and interval; the line is the best for the money.

    table: of `ablate`. per: the column that holds the cost; "seconds" are of a movie's forwards alone.
    ax: drawn on; None makes a figure of column width.
    """
    shown = _scored(table, measure, pooling)
    costs = shown[choice(per, shown.columns, "per")].to_numpy(float)
    values = shown["value"].to_numpy(float)
    ax = new_axes(COLUMN_IN, 2.2) if ax is None else ax
    tidy(ax)
    order = np.argsort(costs, kind="stable")
    best = np.maximum.accumulate(values[order])
    ax.step(costs[order], best, where="post", color=FAINT, linewidth=1.2, zorder=0.5)
    ax.errorbar(
        costs, values, error_reach(shown), color=LINE_COLORS[0], linestyle="", marker="o", markersize=3.5,
        elinewidth=0.8, capsize=2, capthick=0.8,
    )  # fmt: skip
    ax.margins(x=0.25)
    log_scale(ax, "x")
    _name_points(ax, shown["condition"], costs, values)
    ax.set_xlabel(f"{per} a movie" if per == "seconds" else plain(per, 60), **words())
    ax.set_ylabel(f"{measure} ({pooling})", **words())
    table_caption(ax, ax.xaxis.label, shown, "95 % intervals over movies", "line: the best for its cost")
    options = {"measure": measure, "pooling": pooling, "per": per}
    remember(ax, "cost", data=shown.to_dict("list"), options=options)
    return ax


def _name_points(ax: Axes, names: Iterable[str], xs: np.ndarray, ys: np.ndarray) -> None:
    """Write each name beside its point, towards the middle, above or below: where no other name stands, if it can."""
    middle = np.sqrt(np.prod(ax.get_xlim()))
    taken: list[Bbox] = []
    for name, x, y in zip(names, xs, ys, strict=True):
        inward = 1 if x <= middle else -1
        text = ax.annotate(plain(name, 30), (x, y), (0, 0), textcoords="offset points", **words())
        for across, up in ((inward, 1), (inward, -1), (-inward, 1), (-inward, -1)):
            text.xyann = 4 * across, 3 * up
            text.set(ha="left" if across > 0 else "right", va="bottom" if up > 0 else "top")
            box = text.get_window_extent()
            if not any(box.overlaps(other) for other in taken):
                break
        taken.append(box)


def trust(table: pd.DataFrame, *, measure: str = "cut", ax: Axes | None = None) -> Axes:
    """One measure of trust by distance: of earlier answers, of the shots they belong to, and of shots that follow.

    table: of `sceneviz.tables.trust`. measure: one of the table's, such as "lift" (attention), "cut" or "flip signed"
    (what acting does). ax: drawn on; None makes a figure of column width.
    """
    known = list(dict.fromkeys(table["measure"]))
    shown = table[table["measure"] == choice(measure, known, "measure")]
    label, nothing = TRUST[measure]
    ax = new_axes(COLUMN_IN, 2.0) if ax is None else ax
    tidy(ax)
    subjects = [name for name in SUBJECTS if (shown["subject"] == name).any()]
    for place, subject in enumerate(subjects):
        rows = shown[shown["subject"] == subject]
        name, color, mark = SUBJECTS[subject]
        ax.errorbar(
            rows["distance"] + 0.14 * (place - (len(subjects) - 1) / 2), rows["value"], error_reach(rows), color=color,
            linestyle="", marker=mark, markersize=3.2, elinewidth=0.7, capsize=1.5, capthick=0.7, label=name,
        )  # fmt: skip
    if nothing is not None:
        ax.axhline(nothing, color=MUTED, linewidth=0.6, dashes=(4, 2), zorder=0.5)
    if measure != "flip signed":
        ax.set_ylim(bottom=0)
    far = sorted(set(shown["distance"]))
    ax.set_xticks(far, [str(distance) for distance in far], **words())
    ax.set_xlabel("how many shots away", **words())
    ax.set_ylabel(label, **words())
    plain_legend(ax, columns=3)
    models = list(dict.fromkeys(shown["model"]))
    notes = embedded_note(models)
    notes += [
        counted(int(shown["movies"].max()), "movie"),
        f"up to {counted(int(shown['decisions'].max()), 'decision')}",
    ]
    small_print(ax, ax.xaxis.label, models, [*notes, "95 % intervals over movies"])
    remember(ax, "trust", data=shown.to_dict("list"), options={"measure": measure})
    return ax


def loss(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """The loss over the steps of a training: what was logged, pale, and its running mean.

    table: a row a log entry with `step` and `loss`, as transformers' Trainer writes them to `log_history`; perhaps
    `eval_loss`, drawn as dots, and `run`, a line each. Rows without any are passed over.
    ax: drawn on; None makes a figure of column width.
    """
    from matplotlib.ticker import MaxNLocator

    missing = {"step", "loss"} - set(table.columns)
    if missing or not table["loss"].notna().any():
        raise ScenevizError(f"plot.loss: expected the columns step and loss, with numbers; got {list(table.columns)}")
    ax = new_axes(COLUMN_IN, 2.0) if ax is None else ax
    tidy(ax)
    runs = table.groupby("run", sort=False) if "run" in table else [("loss", table)]
    for place, (name, rows) in enumerate(runs):
        color = LINE_COLORS[place % len(LINE_COLORS)]
        logged = rows.dropna(subset=["loss"]).sort_values("step")
        span = max(1, len(logged) // 10)
        ax.plot(logged["step"], logged["loss"], color=color, linewidth=0.6, alpha=0.35)
        smooth = logged["loss"].rolling(span, min_periods=1, center=True).mean()
        ax.plot(logged["step"], smooth, color=color, linewidth=1.2, label=plain(name, 30))
        if "eval_loss" in rows and rows["eval_loss"].notna().any():
            checked = rows.dropna(subset=["eval_loss"])
            ax.plot(checked["step"], checked["eval_loss"], "o", color=color, markersize=3.5, label="validation")
    ax.set_ylim(bottom=0)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    ax.set_xlabel("step", **words())
    ax.set_ylabel("loss a token of the answer", **words())
    if len(ax.get_legend_handles_labels()[0]) > 1:
        plain_legend(ax, columns=2)
    names = list(dict.fromkeys(table["model"])) if "model" in table else []
    notes = embedded_note(names)
    small_print(ax, ax.xaxis.label, names, [*notes, "pale: as logged, line: running mean"])
    kept = [name for name in ("step", "loss", "eval_loss", "run", "model") if name in table]
    remember(ax, "loss", data=table[kept].to_dict("list"))
    return ax


def _scored(table: pd.DataFrame, measure: str, pooling: str) -> pd.DataFrame:
    """The rows of one measure and pooling."""
    shown = table[table["pooling"] == choice(pooling, ("micro", "macro"), "pooling")]
    return shown[shown["measure"] == choice(measure, dict.fromkeys(shown["measure"]), "measure")]


def _published(table: pd.DataFrame | None, measure: str) -> dict[str, float]:
    """The paper's value of each configuration, as a share of 1."""
    if table is None:
        return {}
    metric = "F1" if re.match(r"F1@", measure) else measure
    rows = table[table["metric"] == metric]
    return dict(zip(rows["configuration"], rows["value"] / 100, strict=True))
