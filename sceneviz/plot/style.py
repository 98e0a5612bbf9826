"""One look for all figures: colours with a fixed meaning, sizes that stay legible in a printed column."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sceneviz._text import ScenevizError, plain
from sceneviz.movie import Movie
from sceneviz.results import Prediction

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, told apart by people with any of the common colour vision deficiencies.
MODALITY_COLORS = {
    "visual": "#0072B2",
    "shot_id": "#E69F00",
    "subtitle": "#D55E00",
    "character": "#009E73",
    "answer": "#CC79A7",
    "instruction": "#8C8C8C",
}
INK, MUTED, FAINT = "#222222", "#666666", "#D0D0D0"
TRUE_COLORS = ("#4D4D4D", "#A6A6A6")  # scenes as labelled, alternating
PREDICTED_COLORS = ("#332288", "#A79FD1")  # scenes as predicted, alternating

PAGE_IN = 6.875  # width of the page in the CVPR layout; one column is 3.25
TEXT_PT, SMALL_PT = 7.0, 6.0
EMBEDDED_NOTE = "embedded tiny model, no claim about the paper"

_records: WeakKeyDictionary[Axes, dict[str, Any]] = WeakKeyDictionary()


def new_axes(width: float = PAGE_IN, height: float = 2.4) -> Axes:
    """Axes of their own figure, in inches; made with pyplot, so that a notebook shows them."""
    from matplotlib import pyplot

    figure, ax = pyplot.subplots(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02)  # type: ignore[union-attr, call-arg]
    return ax


def words(**changes: Any) -> dict[str, Any]:
    """Arguments of a text: our size and ink, and never read as a formula, since it may come from a file."""
    return {"fontsize": TEXT_PT, "color": INK, "parse_math": False, "usetex": False} | changes


def tidy(ax: Axes) -> None:
    """Thin lines at the left and below only, small ticks."""
    for side, spine in ax.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set(linewidth=0.6, color=INK)
    ax.tick_params(labelsize=TEXT_PT, width=0.6, length=2.5, pad=1.5, color=INK, labelcolor=INK)


def size_in(ax: Axes) -> tuple[float, float]:
    """(width, height) of the axes in inches, as they will be drawn."""
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ScenevizError("these axes were removed from their figure; take new ones")
    figure.draw_without_rendering()  # lets the layout settle, and rows find their places
    box = ax.get_window_extent()
    return box.width / figure.dpi, box.height / figure.dpi


def caption(ax: Axes, below: Any, prediction: Prediction, *notes: str) -> None:
    """Under the artist `below`: what was shown to which model, in small print."""
    recipe = prediction.recipe
    facts = [EMBEDDED_NOTE] * prediction.embedded + [f"context {recipe.context}, focus {recipe.focus}", *notes]
    small_print(ax, below, [prediction.movie_name, prediction.model_name], facts)


def small_print(ax: Axes, below: Any, names: Sequence[str], facts: Sequence[str]) -> None:
    """Under the artist `below`: names, which may come from a file, and facts, which are ours."""
    # Lines break between facts, not within one; names may be long, so they break where they must.
    parts = [*(plain(name) for name in names), *(fact.replace(" ", "\N{NO-BREAK SPACE}") for fact in facts)]
    letters = max(20, int(size_in(ax)[0] * 72 / (SMALL_PT * 0.53)))
    lines = textwrap.wrap("\N{NO-BREAK SPACE}· ".join(parts), letters, break_on_hyphens=False)
    ax.annotate(
        "\n".join(line.rstrip("\N{NO-BREAK SPACE}·") for line in lines),
        (0, 0),
        (0, -3),
        xycoords=("axes fraction", below),
        textcoords="offset points",
        va="top",
        annotation_clip=False,
        **words(fontsize=SMALL_PT, color=MUTED),
    )


def remember(ax: Axes, figure: str, movie: Movie | str, **facts: Any) -> None:
    """Keep with the axes what `save` writes beside the picture: plain values only. movie: a name where that is all."""
    known = {"name": movie} if isinstance(movie, str) else {"name": movie.name, "fingerprint": movie.fingerprint}
    _records[ax] = {"figure": figure, "movie": known} | facts


def remembered(axes: list[Axes]) -> list[dict[str, Any]]:
    """What was kept with these axes."""
    return [_records[ax] for ax in axes if ax in _records]
