"""Saved figures, drawn again from the numbers beside them: without a model, the film, or torch."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sceneviz._text import ScenevizError, choice, plain
from sceneviz.plot.attention import Seen, draw_attention, draw_heads, draw_layers, draw_shares
from sceneviz.plot.attribution import attribution, attribution_shots
from sceneviz.plot.comparisons import ablation, dots, positions
from sceneviz.plot.curves import calibration, pr
from sceneviz.plot.filmstrip import filmstrip
from sceneviz.plot.frames import attention_frames
from sceneviz.plot.pictures import reopened
from sceneviz.plot.saving import opened_figure
from sceneviz.plot.style import keep
from sceneviz.plot.sweeps import cost, loss, trust, windows
from sceneviz.plot.timeline import timeline
from sceneviz.recipe import Recipe
from sceneviz.results import Prediction

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Record = Mapping[str, Any]
# Drawn from one table and options.
_TABLES: dict[str, Callable[..., Axes]] = {
    "pr": pr,
    "calibration": calibration,
    "positions": positions,
    "ablation": ablation,
    "dots": dots,
    "windows": windows,
    "cost": cost,
    "trust": trust,
    "loss": loss,
    "attribution": attribution,
    "attribution_shots": attribution_shots,
}
_ATTENTION: dict[str, Callable[..., Axes]] = {
    "attention": draw_attention,
    "shares": draw_shares,
    "layers": draw_layers,
    "heads": draw_heads,
}
# What values of the wrong kind raise: in tables, in pictures, in fonts, in sizes that no memory holds.
_DAMAGES = (ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError)
MOST_IN = 100.0  # a side of a figure
MOST_DPI = 10_000
MOST_PT = 500  # a letter
_ENGINES = {"ConstrainedLayoutEngine": "constrained", "TightLayoutEngine": "tight"}


def redraw(path: str | os.PathLike[str]) -> Figure:
    """A figure drawn again from its `.figure.json`, of the size that it had, on a figure made without pyplot.

    Gives the same picture as long as the libraries are the same; another version of sceneviz may draw it better. Raises
    ScenevizError if the file isn't there, or isn't one that `save` wrote, or is damaged.
    """
    saved = opened_figure(path)
    try:
        # First without a layout, which costs the most; and a layout that has been at work gives another picture.
        _check(_drawn(saved | {"layout": None}))
        return _drawn(saved)
    except _DAMAGES as error:
        text = f"{type(error).__name__} {error}"
        raise ScenevizError(
            f"{path}: the saved figure is damaged ({plain(text, 200)}); draw and save it again"
        ) from error


def _drawn(saved: Record) -> Figure:
    from matplotlib.figure import Figure

    layout = saved["layout"] or {"name": None, "settings": {}}
    width, height = saved["size_in"]
    if not (0 < width <= MOST_IN and 0 < height <= MOST_IN):
        raise ScenevizError(f"expected sides of up to {MOST_IN:g} inches, got {width:g} by {height:g}")
    _in_range("dots an inch", saved["dpi"], MOST_DPI)
    engine = _ENGINES.get(layout["name"], "none")
    figure = Figure(figsize=(width, height), dpi=saved["dpi"], layout=engine)  # type: ignore[arg-type]
    if engine != "none":
        figure.get_layout_engine().set(**layout["settings"])  # type: ignore[union-attr]
    grids: dict[str, Any] = {}
    axes = [_axes(figure, record["place"], grids) for record in saved["plots"]]
    for ax, record in zip(axes, saved["plots"], strict=True):
        _draw(record, ax)
        for place, title in record["titles"].items():
            _in_range("letters' points", title["fontsize"], MOST_PT)
            ax.set_title(title["text"], loc=place, fontsize=title["fontsize"], color=title["color"], parse_math=False)
    return figure


def _check(figure: Figure) -> None:
    """Much of what is wrong with a record shows only when letters and lines find their places."""
    figure.draw_without_rendering()
    box = figure.get_tightbbox()  # in inches
    _in_range("inches of all that is drawn", max(box.width, box.height), 2 * MOST_IN)


def _in_range(what: str, value: Any, most: float) -> None:
    if isinstance(value, bool) or not 1 <= value <= most:
        raise ScenevizError(f"expected 1 to {most:,g} {what}, got {plain(value)}")


def _axes(figure: Figure, place: Record, grids: dict[str, Any]) -> Axes:
    """New axes where the saved ones stood; those of one grid share it, so that a layout treats them as before."""
    if "box" in place:
        left, bottom, width, height = place["box"]
        return figure.add_axes((left, bottom, width, height))
    key = repr([place[name] for name in ("grid", "widths", "heights")])
    if key not in grids:
        rows, columns = place["grid"]
        grids[key] = figure.add_gridspec(rows, columns, width_ratios=place["widths"], height_ratios=place["heights"])
    return figure.add_subplot(grids[key][slice(*place["rows"]), slice(*place["columns"])])


def _draw(record: Record, ax: Axes) -> None:
    """One plot, with the record that it had."""
    name = choice(record["figure"], [*_TABLES, *_ATTENTION, *_FILMS], "a plot")
    options = record.get("options", {})
    if name in _TABLES:
        more = {"published": _table(record["published"])} if "published" in record else {}
        _TABLES[name](_table(record["data"]), ax=ax, **options, **more)
    elif name in _ATTENTION:
        seen = Seen(_table(record["data"]), tuple(record["movies"]), record["model"], record["counts"])
        _ATTENTION[name](seen, ax=ax, **options)
    else:
        _FILMS[name](record, ax)
    keep(ax, {key: value for key, value in record.items() if key not in ("place", "titles")})


def _filmstrip(record: Record, ax: Axes) -> Axes:
    return filmstrip(reopened(record["movie"]["name"], record["kept"]), ax=ax)


def _timeline(record: Record, ax: Axes) -> Axes:
    movie = reopened(record["movie"]["name"], record["kept"])
    model, recipe = record["model"], record["recipe"]
    table = _table(record["data"])
    columns = {name: table[name].to_numpy() for name in ("confidence", "mass", "decision", "window", "position")}
    prediction = Prediction(
        movie=movie.fingerprint,
        movie_name=movie.name,
        model=model["fingerprint"],
        model_name=model["name"],
        embedded=model["embedded"],
        recipe=Recipe(**recipe | {"frame_size": tuple(recipe["frame_size"])}),
        threshold=record["threshold"],
        shots=movie.shots,
        **columns,
    )
    return timeline(movie, prediction, ax=ax)


def _attention_frames(record: Record, ax: Axes) -> Axes:
    movie = reopened(record["movie"]["name"], record["kept"])
    return attention_frames(movie, _table(record["data"]), ax=ax, **record["options"])


_FILMS: dict[str, Callable[[Record, Axes], Axes]] = {
    "filmstrip": _filmstrip,
    "timeline": _timeline,
    "attention_frames": _attention_frames,
}


def _table(data: Record) -> pd.DataFrame:
    """A saved table; JSON's null is a missing number."""
    import pandas as pd

    table = pd.DataFrame(dict(data))
    empty = [name for name in table if table[name].isna().all()]
    return table.astype(dict.fromkeys(empty, float))
