"""Where attention goes: by relative shot position, by layer and head, and over the frames themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sceneviz._text import ScenevizError, choice, counted
from sceneviz.movie import Movie
from sceneviz.plot.style import (
    EMBEDDED_NOTE,
    FAINT,
    INK,
    MODALITY_COLORS,
    MUTED,
    PAGE_IN,
    SMALL_PT,
    TEXT_PT,
    new_axes,
    remember,
    size_in,
    small_print,
    tidy,
    words,
)
from sceneviz.results import AttentionMap

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

COLUMN_IN = 3.25
NAMES = {
    "shot_id": "shot ID", "visual": "visual", "subtitle": "subtitles", "character": "characters", "answer": "answers",
    "line": "own line", "instruction": "instruction", "sink": "sinks",
}  # fmt: skip
PER = {"mass": "share of attention", "token": "attention on a token", "lift": "attention over uniform"}
# Told apart without colour too: by mark, and by dash.
LOOKS = {
    "shot_id": ("s", (0, (1, 1))),
    "visual": ("o", "-"),
    "subtitle": ("^", (0, (4, 1))),
    "character": ("D", (0, (4, 1, 1, 1))),
    "answer": ("v", "-"),
}


def attention(attention: AttentionMap, *, per: str = "lift", sinks: bool = False, ax: Axes | None = None) -> Axes:
    """Attention by how far a shot stands from the decided one, a line a modality, with the interval over movies.

    per, sinks: as in `AttentionMap.share`. An offset's mean is over the decisions that have it.
    ax: drawn on; None makes a figure of a column's width.
    """
    from matplotlib.ticker import MaxNLocator

    choice(per, PER, "per")
    table = attention.by_offset(per, sinks=sinks)
    ax = new_axes(COLUMN_IN, 2.2) if ax is None else ax
    tidy(ax)
    ax.axvline(0, color=FAINT, linewidth=3, zorder=0)
    if per == "lift":
        ax.axhline(1, color=MUTED, linewidth=0.6, dashes=(4, 2))
    for name, (mark, dash) in LOOKS.items():
        rows = table[table["modality"] == name]
        if len(rows):
            color = MODALITY_COLORS[name]
            ax.plot(
                rows["offset"], rows["value"], color=color, marker=mark, linestyle=dash, linewidth=0.9,
                markersize=2.6, markeredgewidth=0, label=NAMES[name],
            )  # fmt: skip
            if rows["low"].notna().any():
                ax.fill_between(rows["offset"], rows["low"], rows["high"], color=color, alpha=0.18, linewidth=0)
    # Ratios: twice as much is as far up as half as much is down.
    ax.set(yscale="log") if per == "lift" else ax.set_ylim(bottom=0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("shot, counted from the decided one", **words())
    ax.set_ylabel(PER[per], **words())
    ax.legend(
        loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, frameon=False, borderaxespad=0.2, handlelength=2.0,
        handletextpad=0.4, columnspacing=1.0, fontsize=TEXT_PT, labelcolor=INK,
    )  # fmt: skip
    return _finished(ax, "attention", attention, table, per, sinks)


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
    from matplotlib.ticker import MaxNLocator

    choice(per, PER, "per")
    table = attention.by_head(per, sinks=sinks)
    rows = table[table["modality"] == choice(modality, table["modality"].unique(), "modality")]
    grid = rows.pivot(index="layer", columns="head", values="value")
    ax = new_axes(COLUMN_IN, 2.2) if ax is None else ax
    tidy(ax)
    image = ax.imshow(grid.to_numpy(), cmap="cividis", vmin=0, aspect="auto", interpolation="nearest")
    ax.set_xlabel("head", **words())
    ax.set_ylabel("layer", **words())
    step = max(1, -(-len(grid) // 12))
    ax.set_yticks(range(0, len(grid), step), [str(layer) for layer in grid.index[::step]], **words())
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure = ax.get_figure(root=True)
    assert figure is not None
    bar = figure.colorbar(image, ax=ax, pad=0.02)
    bar.ax.tick_params(labelsize=TEXT_PT, width=0.6, length=2.5, color=INK, labelcolor=INK)
    bar.outline.set(linewidth=0.6, edgecolor=INK)
    bar.set_label(f"{NAMES[modality]}: {PER[per]}", **words())
    return _finished(ax, "heads", attention, rows, per, sinks)


def attention_frames(movie: Movie, table: pd.DataFrame, *, shots: int = 6, ax: Axes | None = None) -> Axes:
    """Frames of the shots that a decision looked at most, each frame under its attention.

    table: of `sceneviz.attention.attention_frames` or `AttentionMap.frames`. All frames share one scale: the brighter,
    the more of the decision's attention fell on the place; what got little is dimmed.
    shots: how many, in their order in the movie. ax: its area is filled; None makes a figure of page width.
    """
    if movie.frames is None:
        raise ScenevizError(f"frames are needed, and movie {movie.name!r} has none")
    for name in ("movie", "model", "decision"):
        if table[name].nunique() != 1:
            raise ScenevizError(
                f"expected the table of one decision; its {name} is {table[name].unique()[:4].tolist()}"
            )
    if shots < 1 or int(table["shot"].max()) >= len(movie):
        raise ScenevizError(f"movie {movie.name!r} has shots 0 to {len(movie) - 1}; the table speaks of others")
    mass = table.groupby("shot")["mass"].sum()
    chosen = sorted(mass.nlargest(shots).index.tolist())
    count = int(table["frame"].max()) + 1
    height, width = movie.frames.size
    ax = new_axes(PAGE_IN, PAGE_IN / len(chosen) * height / width * count + 0.25) if ax is None else ax
    ax.axis("off")
    width_in, height_in = size_in(ax)
    # As large as fits, all alike, a small gap between.
    frame_in = min(width_in / len(chosen), height_in / count * width / height)
    across, down = frame_in / width_in, frame_in * height / width / height_in
    left = (1 - across * len(chosen)) / 2
    top = float(table["mass"].max())
    pixels = (min(height, 240), max(1, round(min(height, 240) * width / height)))
    pictures = movie.frames.read([movie.shots[shot] for shot in chosen], count, pixels)
    for column, (shot, frames) in enumerate(zip(chosen, pictures, strict=True)):
        for row in range(count):
            box = (left + column * across, 1 - (row + 1) * down, across * 0.97, down * 0.97)
            part = ax.inset_axes(box)
            part.axis("off")
            rows = table[(table["shot"] == shot) & (table["frame"] == row)]
            heat = rows.pivot(index="row", columns="column", values="mass").to_numpy()
            _draw_heat(part, frames[row], heat / max(top, 1e-12))
            if row == 0:
                part.set_title(f"shot {shot}: {mass[shot]:.1%}", pad=2, **words(fontsize=SMALL_PT))
    facts = [f"decision on shot {int(table['decision'].iloc[0])}", f"{counted(len(chosen), 'shot')} of {len(mass)}"]
    facts.append(f"all frames of the window hold {table['mass'].sum():.0%} of its attention")
    notes = [EMBEDDED_NOTE] * bool(table["embedded"].iloc[0]) + facts
    small_print(ax, ax.transAxes, [movie.name, table["model"].iloc[0]], notes)
    model = {"name": table["model"].iloc[0], "embedded": bool(table["embedded"].iloc[0])}
    remember(ax, "attention_frames", movie, model=model, shots=chosen, data=table.to_dict("list"))
    return ax


def _draw_heat(part: Axes, frame: np.ndarray, heat: np.ndarray) -> None:
    """A frame in grey, and over it in colour what was looked at, the more opaque the more."""
    from matplotlib import colormaps

    grey = np.repeat(frame.mean(-1, keepdims=True), 3, -1).astype(np.uint8)
    extent = (0, 1, 0, 1)
    part.imshow(grey // 2 + 64, extent=extent, aspect="auto", interpolation="antialiased")
    colored = colormaps["inferno"](heat)
    colored[..., 3] = np.sqrt(np.clip(heat, 0, 1)) * 0.85
    part.imshow(colored, extent=extent, aspect="auto", interpolation="bilinear")


def _finished(ax: Axes, figure: str, attention: AttentionMap, table: pd.DataFrame, per: str, sinks: bool) -> Axes:
    movies = attention.movie_names
    names = [movies[0] if len(movies) == 1 else counted(len(movies), "movie"), attention.model_name]
    facts = [
        counted(len(attention), "decision"),
        f"{counted(attention.data.sizes['layer'], 'layer')}, {counted(attention.data.sizes['head'], 'head')}",
        "sinks in their groups" if sinks else "sinks left out",
    ]
    small_print(ax, ax.xaxis.label, names, [EMBEDDED_NOTE] * attention.embedded + facts)
    model = {"name": attention.model_name, "fingerprint": attention.model, "embedded": attention.embedded}
    data: dict[str, Any] = table.to_dict("list")
    remember(ax, figure, ", ".join(movies), movies=list(movies), model=model, per=per, sinks=sinks, data=data)
    return ax
