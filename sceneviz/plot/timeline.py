"""The movie from left to right: its frames, its scenes as labelled and as predicted, and every confidence."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from sceneviz._text import counted
from sceneviz.movie import Movie
from sceneviz.plot.filmstrip import draw_strip, short_clock
from sceneviz.plot.pictures import kept_movie
from sceneviz.plot.style import (
    FAINT,
    INK,
    PREDICTED_COLORS,
    TRUE_COLORS,
    caption,
    new_axes,
    remember,
    size_in,
    tidy,
    words,
)
from sceneviz.results import Prediction, shot_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axes._base import _AxesBase
    from matplotlib.backend_bases import RendererBase
    from matplotlib.transforms import Bbox

ROW_IN, GAP_IN = 0.11, 0.05  # heights of a row of scenes, and between rows


def timeline(movie: Movie, prediction: Prediction, *, threshold: float | None = None, ax: Axes | None = None) -> Axes:
    """Film strip, scenes as labelled (where they are), scenes as predicted, and the confidence of every shot, aligned.

    All rows share one x: a shot is one unit wide, whatever its length, and ticks give its index and start time. A
    stem stands at the end of its shot, where the boundary would be.
    threshold: the confidence from which a shot ends a scene; None takes the checkpoint's.
    ax: its area is filled with the rows; None makes a figure of page width.
    """
    prediction.check(movie)
    level = prediction.threshold if threshold is None else threshold
    found = prediction.boundaries(level)
    ax = new_axes() if ax is None else ax
    ax.axis("off")
    rows = [("predicted", found, PREDICTED_COLORS)]
    if movie.boundaries is not None:
        rows.insert(0, ("true", movie.boundaries, TRUE_COLORS))

    frame_in = float(np.clip(0.06 * size_in(ax)[0], 0.28, 0.45))
    strip_in = 0.0 if movie.frames is None else frame_in + GAP_IN
    panel = _row(ax, movie, strip_in + len(rows) * (ROW_IN + GAP_IN), None)
    _draw_confidence(panel, movie, prediction, found, level)
    for place, (name, ends, colors) in enumerate(rows):
        _draw_scenes(_row(ax, movie, strip_in + place * (ROW_IN + GAP_IN), ROW_IN), name, ends, colors)
    scenes = f"{counted(int(found.sum()) + 1, 'scene')} at threshold {level:.2f}"
    caption(panel, panel.xaxis.label, prediction, f"{len(movie)} shots, {scenes}")
    shown = {} if movie.frames is None else draw_strip(_row(ax, movie, 0.0, frame_in), movie)
    remember(ax, "timeline", movie, **_facts(movie, prediction, level), kept=kept_movie(movie, shown))
    return ax


@dataclass(frozen=True)
class _Place:
    """Where a row lies: so many inches under the top of the axes it is part of, whatever the layout makes of those."""

    whole: Axes
    top_in: float
    height_in: float | None  # None: down to the bottom

    def __call__(self, _: _AxesBase, renderer: RendererBase | None) -> Bbox:
        from matplotlib.transforms import Bbox

        figure = self.whole.figure
        box = self.whole.get_window_extent(renderer)
        top = box.y1 - self.top_in * figure.dpi
        bottom = box.y0 if self.height_in is None else top - self.height_in * figure.dpi
        # Axes too low for all the rows keep a sliver of the last one, rather than turn it upside down.
        corners = [[box.x0, min(bottom, top - 1)], [box.x1, top]]
        return Bbox(corners).transformed(figure.transSubfigure.inverted())


def _row(ax: Axes, movie: Movie, top_in: float, height_in: float | None) -> Axes:
    """A part of the axes with the shots along its x."""
    row = ax.inset_axes((0, 0, 1, 1))
    row.set_axes_locator(_Place(ax, top_in, height_in))
    row.set_xlim(0, len(movie))
    return row


def _draw_scenes(row: Axes, name: str, ends: np.ndarray, colors: tuple[str, str]) -> None:
    """Scenes as bars in alternating colours; `ends` `(n_shots,)` is true on the last shot of each."""
    edges = [0, *(np.flatnonzero(ends[:-1]) + 1), len(ends)]
    bars = [(first, last - first) for first, last in pairwise(edges)]
    row.broken_barh(bars, (0, 1), facecolors=[colors[k % 2] for k in range(len(bars))], linewidth=0)
    row.set(ylim=(0, 1), xticks=[], yticks=[])
    row.set_yticks([0.5], [name], **words())
    row.tick_params(length=0, pad=3)
    for spine in row.spines.values():
        spine.set_visible(False)


def _draw_confidence(panel: Axes, movie: Movie, prediction: Prediction, found: np.ndarray, level: float) -> None:
    """A stem a decision, darker from the threshold on, and the threshold as a line with its value."""
    tidy(panel)
    width_in = size_in(panel)[0]
    pitch_pt = width_in * 72 / len(movie)
    if movie.boundaries is not None and movie.boundaries.sum() * 5 < width_in * 72:  # else they are a grey wash
        panel.vlines(np.flatnonzero(movie.boundaries) + 1, 0, 1.03, colors=FAINT, linewidth=0.6, zorder=0.5)
    places = np.arange(1, len(movie) + 1)
    for chosen, color in ((~found, PREDICTED_COLORS[1]), (found, PREDICTED_COLORS[0])):
        chosen = chosen & ~np.isnan(prediction.confidence)
        heights = prediction.confidence[chosen]
        panel.vlines(places[chosen], 0, heights, colors=color, linewidth=float(np.clip(0.6 * pitch_pt, 0.35, 3.0)))
    panel.axhline(level, color=INK, linewidth=0.6, dashes=(4, 2))
    panel.annotate(
        f"{level:.2f}",
        (1, level),
        (3, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        annotation_clip=False,
        **words(),
    )
    ticks = _ticks(len(movie), int(width_in / 0.55))
    labels = [f"{shot}\n{short_clock(movie.shots[shot].start_s)}" for shot in ticks]
    panel.set(ylim=(0, 1.03), yticks=[0, 0.5, 1])
    panel.set_xticks(ticks, labels, **words())
    panel.set_ylabel("confidence", **words())
    panel.set_xlabel("shot, and when it starts", **words())


def _ticks(n_shots: int, most: int) -> list[int]:
    """Round shot indices from 0, at most `most` of them."""
    steps = (step * 10**power for power in range(7) for step in (1, 2, 5))
    step = next(step for step in steps if n_shots <= step * max(1, most))
    return list(range(0, n_shots, step))


def _facts(movie: Movie, prediction: Prediction, level: float) -> dict[str, Any]:
    """What the figure shows, as plain values."""
    model = {"name": prediction.model_name, "fingerprint": prediction.model, "embedded": prediction.embedded}
    table = shot_table(movie, prediction, threshold=level)
    return {"model": model, "recipe": asdict(prediction.recipe), "threshold": level, "data": table.to_dict("list")}
