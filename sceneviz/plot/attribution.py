"""What each part of the input did for one decision: by modality and side, and shot by shot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.plot.style import (
    COLUMN_IN,
    EMBEDDED_NOTE,
    FAINT,
    INK,
    MODALITY_COLORS,
    NAMES,
    TEXT_PT,
    new_axes,
    remember,
    small_print,
    tidy,
    words,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

OPACITY = {"all": 1.0, "before": 0.45, "at": 1.0, "after": 0.7}
HATCH = {"all": "", "before": "////", "at": "", "after": "...."}  # for print in grey, and for readers of any eyes
SHARES = {"attention": "share of the decision's attention", "rollout": "share of attention rollout"}


def attribution(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Bars of what each modality did for a decision: before, at and after the shot where the groups tell them apart.

    table: `Attribution.to_frame()`, made with `groups="side"` or "modality". Whiskers are one standard error, where
    there is one. ax: drawn on; None makes a figure of a column's width.
    """
    facts = _facts(table)
    if table["shot"].notna().any():
        raise ScenevizError("these groups are single shots: draw them with plot.attribution_shots")
    ax = new_axes(COLUMN_IN, 2.0) if ax is None else ax
    tidy(ax)
    modalities = _present(table)
    sides = [side for side in OPACITY if (table["side"] == side).any()]
    width = 0.8 / len(sides)
    for number, side in enumerate(sides):
        rows = table[table["side"] == side]
        centres = np.array([modalities.index(name) for name in rows["modality"]])
        ax.bar(
            centres - 0.4 + (number + 0.5) * width,
            rows["value"],
            width * 0.92,
            color=[_faded(MODALITY_COLORS[name], OPACITY[side]) for name in rows["modality"]],
            hatch=HATCH[side],
            edgecolor="white",
            linewidth=0,
            yerr=None if rows["standard_error"].isna().all() else rows["standard_error"],
            error_kw={"elinewidth": 0.6, "ecolor": INK, "capsize": 1.5, "capthick": 0.6},
        )
    ax.set_xticks(range(len(modalities)), [NAMES[name] for name in modalities], **words())
    ax.set_xlabel("part of the input", **words())
    if len(sides) > 1:
        _legend(ax, [(side, {"facecolor": _faded("#555555", OPACITY[side]), "hatch": HATCH[side]}) for side in sides])
    return _finished(ax, "attribution", table, facts)


def attribution_shots(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """What each shot of the window did for a decision, as bars stacked by modality, against zero to both sides.

    table: `Attribution.to_frame()`, made with `groups="shot"`. ax: drawn on; None makes a figure of a column's width.
    """
    from matplotlib.ticker import MaxNLocator

    facts = _facts(table)
    if table["shot"].isna().any():
        raise ScenevizError('these groups hold several shots: attribute with groups="shot", or draw plot.attribution')
    ax = new_axes(COLUMN_IN, 2.0) if ax is None else ax
    tidy(ax)
    modalities, decided = _present(table), int(table["decided"].iloc[0])
    ax.axvspan(decided - 0.5, decided + 0.5, color=FAINT, alpha=0.6, linewidth=0, zorder=0)
    tops: dict[tuple[int, bool], float] = {}
    for name in modalities:
        for shot, value in table.loc[table["modality"] == name, ["shot", "value"]].itertuples(index=False):
            end = tops.get((shot, value > 0), 0.0)
            ax.bar(shot, value, 0.8, bottom=end, color=MODALITY_COLORS[name], linewidth=0)
            tops[shot, value > 0] = end + value
    ax.set_xlim(table["shot"].min() - 0.6, table["shot"].max() + 0.6)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(ax, [(NAMES[name], {"facecolor": MODALITY_COLORS[name]}) for name in modalities])
    ax.set_xlabel("shot (the decided one shaded)", **words())
    return _finished(ax, "attribution_shots", table, facts)


def _facts(table: pd.DataFrame) -> dict[str, Any]:
    """What is the same in all rows of a table of one attribution."""
    names = ["movie", "model", "embedded", "decided", "method", "settings", "log_odds", "log_odds_off", "residual"]
    for name in names[:6]:
        if table[name].nunique() != 1:
            found = ", ".join(map(str, table[name].unique()[:4])) or "none"
            raise ScenevizError(f"expected the table of one attribution; its {name} is {found}; choose one")
    return {name: table[name].iloc[0] for name in names}


def _present(table: pd.DataFrame) -> list[str]:
    return [name for name in NAMES if (table["modality"] == name).any()]


def _faded(color: str, opacity: float) -> tuple[float, float, float]:
    """The colour as it looks so opaque on white; bars lie over no grid, and stay legible in every format."""
    from matplotlib.colors import to_rgb

    red, green, blue = (1 - opacity * (1 - part) for part in to_rgb(color))
    return red, green, blue


def _legend(ax: Axes, entries: list[tuple[str, dict[str, Any]]]) -> None:
    """A row of names above the axes, where it hides no bar."""
    from matplotlib.patches import Patch

    handles = [Patch(label=label, edgecolor="white", linewidth=0, **look) for label, look in entries]
    ax.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, frameon=False, borderaxespad=0.2,
        handlelength=1.0, handletextpad=0.4, columnspacing=1.0, fontsize=TEXT_PT, labelcolor=INK,
    )  # fmt: skip


def _finished(ax: Axes, figure: str, table: pd.DataFrame, facts: dict[str, Any]) -> Axes:
    ax.axhline(0, color=INK, linewidth=0.6)
    method = str(facts["method"]).replace("_", " ")
    ax.set_ylabel(SHARES.get(facts["method"], f"{method} (log-odds)"), **words())
    said = [f"shot {facts['decided']}, log-odds {facts['log_odds']:.2f}"]
    if facts["residual"] == facts["residual"]:
        said.append(f"{facts['log_odds_off']:.2f} with all off, residual {facts['residual']:.2g}")
    said.append(facts["settings"])
    small_print(ax, ax.xaxis.label, [facts["movie"], facts["model"]], [EMBEDDED_NOTE] * bool(facts["embedded"]) + said)
    model = {"name": facts["model"], "embedded": bool(facts["embedded"])}
    data = table.astype({"shot": object, "offset": object}).where(table.notna(), None)
    remember(ax, figure, facts["movie"], model=model, data=data.to_dict("list"))
    return ax
