"""Frames under the attention that fell on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sceneviz._text import ScenevizError, counted
from sceneviz.movie import Movie
from sceneviz.plot.pictures import Pictures, kept_movie, pictures
from sceneviz.plot.style import EMBEDDED_NOTE, PAGE_IN, SMALL_PT, new_axes, remember, small_print, words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


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
    # As large as fits, all alike; the axes shrink to them, so that the small print's place is right below.
    ax.set_box_aspect(count * height / (len(chosen) * width))
    ax.set_anchor("N")
    across, down = 1 / len(chosen), 1 / count
    top = float(table["mass"].max())
    pixels = (min(height, 240), max(1, round(min(height, 240) * width / height)))
    shown: Pictures = {}
    for column, (shot, (frames, texts)) in enumerate(zip(chosen, pictures(movie, chosen, count, pixels), strict=True)):
        shown[shot] = texts
        for row in range(count):
            box = (column * across, 1 - (row + 1) * down, across * 0.97, down * 0.97)
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
    small_print(ax, part, [movie.name, table["model"].iloc[0]], notes)
    model = {"name": table["model"].iloc[0], "embedded": bool(table["embedded"].iloc[0])}
    kept, options = kept_movie(movie, shown), {"shots": shots}
    remember(
        ax, "attention_frames", movie, model=model, shots=chosen, data=table.to_dict("list"), kept=kept, options=options
    )
    return ax


def _draw_heat(part: Axes, frame: np.ndarray, heat: np.ndarray) -> None:
    """A frame in grey, and over it in colour what was looked at, the more opaque the more."""
    from matplotlib import colormaps

    grey = np.repeat(frame.mean(-1, keepdims=True), 3, -1)
    extent = (0, 1, 0, 1)
    part.imshow((0.8 * grey + 30).astype(np.uint8), extent=extent, aspect="auto", interpolation="antialiased")
    heat = np.clip(heat, 0, 1)
    colored = colormaps["inferno"](0.3 + 0.7 * heat)  # its darkest colours would hide what little was looked at
    colored[..., 3] = 0.8 * heat**0.75
    part.imshow(colored, extent=extent, aspect="auto", interpolation="bilinear")
