"""One look for all figures: colours with a fixed meaning, sizes that stay legible in a printed column."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from sceneviz._text import ScenevizError, counted, plain
from sceneviz.movie import Movie
from sceneviz.plot.fonts import make_legible
from sceneviz.results import EMBEDDED_MARK, Prediction

if TYPE_CHECKING:
    import pandas as pd
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
NAMES = {
    "shot_id": "shot ID", "visual": "visual", "subtitle": "subtitles", "character": "characters", "answer": "answers",
    "line": "own line", "instruction": "instruction", "sink": "sinks",
}  # fmt: skip
INK, MUTED, FAINT = "#222222", "#666666", "#D0D0D0"
TRUE_COLORS = ("#4D4D4D", "#A6A6A6")  # scenes as labelled, alternating
PREDICTED_COLORS = ("#332288", "#A79FD1")  # scenes as predicted, alternating

LINE_COLORS = ("#332288", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#0072B2")  # models or recipes, compared

PAGE_IN, COLUMN_IN = 6.875, 3.25  # widths of the page and of a column in the CVPR layout
TEXT_PT, SMALL_PT = 7.0, 6.0
SCREEN_DPI = 110  # in a notebook: small print stays legible, and the file light
EMBEDDED_NOTE = "embedded tiny model, no claim about the paper"

_records: WeakKeyDictionary[Axes, dict[str, Any]] = WeakKeyDictionary()


def new_axes(width: float = PAGE_IN, height: float = 2.4) -> Axes:
    """Axes of their own figure, in inches; made with pyplot, so that a notebook shows them."""
    return panels(1, width=width, height=height)[0]


def panels(count: int, *, width: float = PAGE_IN, height: float = 2.4) -> list[Axes]:
    """Axes side by side on one figure, each to be given to a plot as `ax`; width and height of all, in inches."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        1, count, figsize=(width, height), dpi=SCREEN_DPI, layout="constrained", squeeze=False
    )
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02)  # type: ignore[union-attr, call-arg]
    return list(axes[0])


def words(**changes: Any) -> dict[str, Any]:
    """Arguments of a text: our size and ink, and never read as a formula, since it may come from a file."""
    return {"fontsize": TEXT_PT, "color": INK, "parse_math": False, "usetex": False} | changes


def log_scale(ax: Axes, which: str) -> None:
    """A logarithmic "x" or "y", with plain numbers as ticks: 0.5, 1, 2."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    ax.set(**{f"{which}scale": "log"})
    axis: Any = getattr(ax, f"{which}axis")
    low, high = axis.get_view_interval()
    if high < 5 * low:  # too little for two of 1, 2, 5 and 10
        axis.set_major_locator(MaxNLocator(5, steps=(1, 2, 5, 10)))
    else:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 300 * low else (1.0,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def tidy(ax: Axes) -> None:
    """Thin lines at the left and below only, small ticks."""
    for side, spine in ax.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set(linewidth=0.6, color=INK)
    ax.tick_params(labelsize=TEXT_PT, width=0.6, length=2.5, pad=1.5, color=INK, labelcolor=INK)


def plain_legend(ax: Axes, columns: int = 1) -> None:
    """What the lines are, above the axes, where it hides nothing; names may come from files, and are no formulas.

    columns: at most so many, and no more than the axes have room for.
    """
    longest = max((len(str(label)) for label in ax.get_legend_handles_labels()[1]), default=1)
    room = int(size_in(ax)[0] / (0.32 + longest * SMALL_PT * 0.53 / 72))
    legend = ax.legend(
        loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, borderpad=0.2, fontsize=SMALL_PT, labelcolor=INK,
        frameon=False, handlelength=1.4, handletextpad=0.5, columnspacing=1.2, ncols=max(1, min(columns, room)),
    )  # fmt: skip
    for text in legend.get_texts():
        text.set(parse_math=False, usetex=False)


def error_reach(table: pd.DataFrame, value: str = "value") -> np.ndarray:
    """Lengths of error bars `(2, n)`, downwards and upwards; 0 where there is no interval."""
    return np.nan_to_num(np.maximum([table[value] - table["low"], table["high"] - table[value]], 0.0))


def size_in(ax: Axes) -> tuple[float, float]:
    """(width, height) of the axes in inches, as they will be drawn."""
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ScenevizError("these axes were removed from their figure; take new ones")
    make_legible(figure)
    figure.draw_without_rendering()  # lets the layout settle, and rows find their places
    box = ax.get_window_extent()
    return box.width / figure.dpi, box.height / figure.dpi


def caption(ax: Axes, below: Any, prediction: Prediction, *notes: str) -> None:
    """Under the artist `below`: what was shown to which model, in small print."""
    recipe = prediction.recipe
    facts = [EMBEDDED_NOTE] * prediction.embedded + [f"context {recipe.context}, focus {recipe.focus}", *notes]
    small_print(ax, below, [prediction.movie_name, prediction.model_name], facts)


def embedded_note(models: Iterable[str]) -> list[str]:
    """What a figure says where one of the models of its table is the embedded one; else nothing."""
    return [EMBEDDED_NOTE] * any(str(model).endswith(EMBEDDED_MARK) for model in models)


def table_caption(ax: Axes, below: Any, table: pd.DataFrame, *notes: str) -> None:
    """Under the artist `below`: of which models, preset and data a table's numbers are, in small print."""
    models = list(dict.fromkeys(table["model"]))
    notes = (*notes, *embedded_note(models))
    names = models if len(models) <= 3 else [counted(len(models), "model")]
    facts = [f"preset {', '.join(dict.fromkeys(table['preset']))}"]
    if "movies" in table:
        facts.append(counted(int(table["movies"].max()), "movie"))
    spread = sorted({round(value, 3) for value in table["prevalence"].dropna()})
    if len(spread) == 1:
        facts.append(f"prevalence {spread[0]:.3f}")
    small_print(ax, below, names, [*facts, *notes])


def small_print(ax: Axes, below: Any, names: Sequence[str], facts: Sequence[str]) -> None:
    """Under the artist `below`: names, which may come from a file, and facts, which are ours."""
    # Lines break between facts, not within one that fits a line; names may be long, so they break where they must.
    letters = int(size_in(ax)[0] * 72 / (SMALL_PT * 0.53))
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for name in names for letter in plain(name))
    letters = max(20, letters - wide)  # these take the room of two
    kept = [fact if len(fact) > letters - 2 else fact.replace(" ", "\N{NO-BREAK SPACE}") for fact in facts]
    parts = [*(plain(name) for name in names), *kept]
    lines = textwrap.wrap("\N{NO-BREAK SPACE}· ".join(parts), letters, break_on_hyphens=False)
    # In the picture they are plain spaces: whoever searches a PDF types those.
    text = "\n".join(line.rstrip("\N{NO-BREAK SPACE}·") for line in lines).replace("\N{NO-BREAK SPACE}", " ")
    ax.annotate(
        text,
        (0, 0),
        (0, -3),
        xycoords=("axes fraction", below),
        textcoords="offset points",
        va="top",
        annotation_clip=False,
        **words(fontsize=SMALL_PT, color=MUTED),
    )


def remember(ax: Axes, figure: str, movie: Movie | str | None = None, **facts: Any) -> None:
    """Keep with the axes what `save` writes beside the picture: plain values only. movie: a name where that is all.

    figure: the function that drew it. facts: what it was called with, `options` by their names, so that `redraw` finds
    all that it needs.
    """
    shown = {}
    if movie is not None:
        known = {"name": movie} if isinstance(movie, str) else {"name": movie.name, "fingerprint": movie.fingerprint}
        shown = {"movie": known}
    _records[ax] = {"figure": figure} | shown | facts
    make_legible(ax)


def keep(ax: Axes, record: dict[str, Any]) -> None:
    """Keep a record with the axes as it is: one that was saved says more than what was drawn from it."""
    _records[ax] = record


def remembered(ax: Axes) -> dict[str, Any] | None:
    """What was kept with these axes; None where they are not of ours."""
    return _records.get(ax)
