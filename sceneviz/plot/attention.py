"""Where attention goes: by modality, by relative shot position, by layer and by head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sceneviz._text import choice, counted
from sceneviz.plot.style import (
    COLUMN_IN,
    EMBEDDED_NOTE,
    FAINT,
    INK,
    MODALITY_COLORS,
    MUTED,
    NAMES,
    TEXT_PT,
    error_reach,
    log_scale,
    new_axes,
    remember,
    small_print,
    tidy,
    words,
)
from sceneviz.results import AttentionMap

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

PER = {"mass": "share of attention", "token": "attention on a token", "lift": "attention over uniform"}
# Told apart without colour too: by mark, and by dash.
LOOKS = {
    "shot_id": ("s", (0, (1, 1))),
    "visual": ("o", "-"),
    "subtitle": ("^", (0, (4, 1))),
    "character": ("D", (0, (4, 1, 1, 1))),
    "answer": ("v", "-"),
}


@dataclass(frozen=True)
class Seen:
    """What a figure of attention is drawn from: a table out of the map, and what its small print says.

    model: name, fingerprint, embedded. counts: of decisions, layers and heads.
    """

    table: pd.DataFrame
    movies: tuple[str, ...]
    model: dict[str, Any]
    counts: dict[str, int]

    @classmethod
    def of(cls, attention: AttentionMap, table: pd.DataFrame) -> Seen:
        """A table of the map, with what it is of."""
        model = {"name": attention.model_name, "fingerprint": attention.model, "embedded": attention.embedded}
        sizes = attention.data.sizes
        counts = {"decision": len(attention), "layer": int(sizes["layer"]), "head": int(sizes["head"])}
        return cls(table, attention.movie_names, model, counts)


def attention(attention: AttentionMap, *, per: str = "lift", sinks: bool = False, ax: Axes | None = None) -> Axes:
    """Attention by how far a shot stands from the decided one, a line a modality, with the interval over movies.

    per, sinks: as in `AttentionMap.share`. An offset's mean is over the decisions that have it.
    ax: drawn on; None makes a figure of a column's width.
    """
    choice(per, PER, "per")
    return draw_attention(Seen.of(attention, attention.by_offset(per, sinks=sinks)), per=per, sinks=sinks, ax=ax)


def draw_attention(seen: Seen, *, per: str, sinks: bool, ax: Axes | None) -> Axes:
    """The same from its table."""
    ax = new_axes(COLUMN_IN, 2.2) if ax is None else ax
    tidy(ax)
    ax.axvline(0, color=FAINT, linewidth=3, zorder=0)
    _draw_lines(ax, seen.table, "offset", per)
    ax.set_xlabel("shot, counted from the decided one", **words())
    return _finished(ax, "attention", seen, sinks, {"per": per, "sinks": sinks})


def layers(attention: AttentionMap, *, per: str = "lift", sinks: bool = False, ax: Axes | None = None) -> Axes:
    """Attention by layer, a line a modality, with the interval over movies.

    per, sinks: as in `AttentionMap.share`. ax: drawn on; None makes a figure of a column's width.
    """
    choice(per, PER, "per")
    return draw_layers(Seen.of(attention, attention.by_layer(per, sinks=sinks)), per=per, sinks=sinks, ax=ax)


def draw_layers(seen: Seen, *, per: str, sinks: bool, ax: Axes | None) -> Axes:
    """The same from its table."""
    ax = new_axes(COLUMN_IN, 2.2) if ax is None else ax
    tidy(ax)
    _draw_lines(ax, seen.table, "layer", per)
    ax.set_xlabel("layer", **words())
    return _finished(ax, "layers", seen, sinks, {"per": per, "sinks": sinks})


def shares(attention: AttentionMap, *, per: str = "mass", ax: Axes | None = None) -> Axes:
    """Attention by modality with its interval over movies: a full dot without the sinks, an empty one with them.

    per: as in `AttentionMap.share`. The three answer different questions, so a figure of one says little without the
    others. ax: drawn on; None makes a figure of a column's width.
    """
    import pandas as pd

    choice(per, PER, "per")
    tables = [attention.by_modality(per, sinks=sinks).assign(sinks=sinks) for sinks in (False, True)]
    return draw_shares(Seen.of(attention, pd.concat(tables, ignore_index=True)), per=per, ax=ax)


def draw_shares(seen: Seen, *, per: str, ax: Axes | None) -> Axes:
    """The same from its table."""
    table = seen.table
    names = [name for name in NAMES if (table["modality"] == name).any()]
    ax = new_axes(COLUMN_IN, 0.9 + 0.17 * len(names)) if ax is None else ax
    tidy(ax)
    if per == "lift":
        ax.axvline(1, color=MUTED, linewidth=0.6, dashes=(4, 2), zorder=0.5)
    for inside, rows in table.groupby("sinks"):
        for place, name in enumerate(names):
            row = rows[rows["modality"] == name]
            color = MODALITY_COLORS.get(name, INK)
            ax.errorbar(
                row["value"], [place + (0.18 if inside else -0.18)] * len(row), xerr=error_reach(row), color=color,
                linestyle="", marker="o", markersize=3.2, markerfacecolor="white" if inside else color,
                markeredgewidth=0.7, elinewidth=0.7, capsize=1.5, capthick=0.7,
            )  # fmt: skip
    if per == "mass":
        ax.set_xlim(left=0)
    else:
        log_scale(ax, "x")
    ax.set_yticks(range(len(names)), [NAMES[name] for name in names], **words())
    ax.set(ylim=(len(names) - 0.5, -0.5))
    ax.set_xlabel(PER[per], **words())
    return _finished(ax, "shares", seen, None, {"per": per})


def heads(
    attention: AttentionMap,
    *,
    modality: str = "answer",
    per: str = "mass",
    sinks: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Attention to one modality by layer and head, as a map with its scale beside it.

    modality: one of the map's, or "line", "instruction", "sink". per, sinks: as in `AttentionMap.share`.
    ax: drawn on; None makes a figure of a column's width.
    """
    choice(per, PER, "per")
    table = attention.by_head(per, sinks=sinks)
    rows = table[table["modality"] == choice(modality, table["modality"].unique(), "modality")]
    return draw_heads(Seen.of(attention, rows), modality=modality, per=per, sinks=sinks, ax=ax)


def draw_heads(seen: Seen, *, modality: str, per: str, sinks: bool, ax: Axes | None) -> Axes:
    """The same from its table."""
    from matplotlib.ticker import MaxNLocator

    grid = seen.table.pivot(index="layer", columns="head", values="value")
    ax = new_axes(COLUMN_IN, 2.2) if ax is None else ax
    tidy(ax)
    image = ax.imshow(grid.to_numpy(), cmap="cividis", vmin=0, aspect="auto", interpolation="nearest")
    ax.set_xlabel("head", **words())
    ax.set_ylabel("layer", **words())
    step = max(1, -(-len(grid) // 12))
    ax.set_yticks(range(0, len(grid), step), [str(layer) for layer in grid.index[::step]], **words())
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    figure = ax.get_figure(root=True)
    assert figure is not None
    bar = figure.colorbar(image, ax=ax, pad=0.02)
    bar.ax.tick_params(labelsize=TEXT_PT, width=0.6, length=2.5, color=INK, labelcolor=INK)
    bar.outline.set(linewidth=0.6, edgecolor=INK)
    bar.set_label(f"{NAMES[modality]}: {PER[per]}", **words())
    return _finished(ax, "heads", seen, sinks, {"modality": modality, "per": per, "sinks": sinks})


def _draw_lines(ax: Axes, table: pd.DataFrame, along: str, per: str) -> None:
    """A line a modality, with its interval; for "lift" on a scale where twice as much is as far up as half is down."""
    from matplotlib.ticker import MaxNLocator

    if per == "lift":
        ax.axhline(1, color=MUTED, linewidth=0.6, dashes=(4, 2))
    for name, (mark, dash) in LOOKS.items():
        rows = table[table["modality"] == name]
        if len(rows):
            color = MODALITY_COLORS[name]
            ax.plot(
                rows[along], rows["value"], color=color, marker=mark, linestyle=dash, linewidth=0.9,
                markersize=2.6, markeredgewidth=0, label=NAMES[name],
            )  # fmt: skip
            if rows["low"].notna().any():
                ax.fill_between(rows[along], rows["low"], rows["high"], color=color, alpha=0.18, linewidth=0)
    if per == "lift":
        log_scale(ax, "y")
    else:
        ax.set_ylim(bottom=0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_ylabel(PER[per], **words())
    ax.legend(
        loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, frameon=False, borderaxespad=0.2, handlelength=2.0,
        handletextpad=0.4, columnspacing=1.0, fontsize=TEXT_PT, labelcolor=INK,
    )  # fmt: skip


def _finished(ax: Axes, figure: str, seen: Seen, sinks: bool | None, options: dict[str, Any]) -> Axes:
    """Small print, and the record. sinks: are they in their groups; None where the figure shows both."""
    names = [seen.movies[0] if len(seen.movies) == 1 else counted(len(seen.movies), "movie"), seen.model["name"]]
    said = {None: "full: sinks left out, empty: in their groups", True: "sinks in their groups"}
    facts = [
        counted(seen.counts["decision"], "decision"),
        f"{counted(seen.counts['layer'], 'layer')}, {counted(seen.counts['head'], 'head')}",
        said.get(sinks, "sinks left out"),
    ]
    small_print(ax, ax.xaxis.label, names, [EMBEDDED_NOTE] * seen.model["embedded"] + facts)
    remember(
        ax, figure, ", ".join(seen.movies), movies=list(seen.movies), model=seen.model, counts=seen.counts,
        options=options, data=seen.table.to_dict("list"),
    )  # fmt: skip
    return ax
