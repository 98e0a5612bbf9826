"""Figures on disk: the picture, and beside it the numbers it was drawn from."""

from __future__ import annotations

import io
import math
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sceneviz._text import ScenevizError, choice, write_whole
from sceneviz.plot.style import remembered
from sceneviz.results.envelope import opened, packed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMAT, VERSION = "sceneviz figure", 1
SUFFIX = ".figure.json"
DOTS_PER_INCH = 300
# What makes equal figures equal files.
UNDATED: dict[str, dict[str, Any]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}
PLACES = ("left", "center", "right")  # where axes may have a title


def save(figure: Axes | Figure, path: str | os.PathLike[str], *, dpi: int = DOTS_PER_INCH) -> Path:
    """Write the whole figure as PNG, PDF or SVG, by the path's suffix, and `<stem>.figure.json` beside it.

    The JSON holds, for each of our plots on the figure, its data, movie, model and recipe, where it stands and its
    title, and the versions of the libraries that drew it: enough for `redraw`, which needs no model. What others drew
    on the figure is in the picture alone. dpi: dots an inch of a PNG, and of maps and frames inside a PDF or SVG.
    Gives back the picture's path.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    path = Path(path)
    kind = choice(path.suffix.lower().removeprefix("."), UNDATED, "the suffix of a figure")
    whole = figure if isinstance(figure, Figure) else figure.get_figure(root=True)
    if whole is None:
        raise ScenevizError("save: these axes were removed from their figure; draw again")
    picture = io.BytesIO()
    # Text stays text (TrueType in PDF, <text> in SVG), each image stays its own, and names inside an SVG repeat.
    settings: Any = {
        "pdf.fonttype": 42,
        "svg.fonttype": "none",
        "svg.hashsalt": "sceneviz",
        "image.composite_image": False,
    }
    with rc_context(settings):
        whole.savefig(picture, format=kind, dpi=dpi, bbox_inches="tight", pad_inches=0.02, metadata=UNDATED[kind])
    write_whole(path.with_suffix(SUFFIX), packed(_nullified(_record(whole, kind))))
    return write_whole(path, picture.getvalue())


def opened_figure(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What `save` wrote beside a picture; ScenevizError, in one line, where it isn't there or something else."""
    return opened(path, "figure", form=FORMAT, version=VERSION, again="draw and save it again", by="plot.save")


def _record(figure: Figure, kind: str) -> dict[str, Any]:
    """All that is known of a figure, as plain values."""
    kept = [(ax, record) for ax in figure.get_axes() if (record := remembered(ax)) is not None]
    places = [_place(ax) for ax, _ in kept]
    if any(place in places[:number] for number, place in enumerate(places)):  # grids in grids: only boxes tell apart
        places = [{"box": list(ax.get_position(original=True).bounds)} for ax, _ in kept]
    engine = figure.get_layout_engine()
    layout = None if engine is None else {"name": type(engine).__name__, "settings": engine.get()}
    plots = [record | {"place": place, "titles": _titles(ax)} for (ax, record), place in zip(kept, places, strict=True)]
    return {
        "format": FORMAT,
        "version": VERSION,
        "kind": kind,
        "size_in": figure.get_size_inches().tolist(),
        "dpi": figure.dpi,
        "layout": layout,
        "plots": plots,
        "versions": _versions(),
    }


def _place(ax: Axes) -> dict[str, Any]:
    """Where axes stand: their cells in the figure's grid, or their box."""
    spec = ax.get_subplotspec()
    if spec is None:
        return {"box": list(ax.get_position(original=True).bounds)}
    spec = spec.get_topmost_subplotspec()  # a scale beside the axes may have split their cell
    grid = spec.get_gridspec()
    return {
        "grid": list(grid.get_geometry()),
        "rows": [spec.rowspan.start, spec.rowspan.stop],
        "columns": [spec.colspan.start, spec.colspan.stop],
        "widths": np.asarray(grid.get_width_ratios(), float).tolist(),
        "heights": np.asarray(grid.get_height_ratios(), float).tolist(),
    }


def _titles(ax: Axes) -> dict[str, dict[str, Any]]:
    """Titles of the axes, which whoever called may have set, with their size in points."""
    found = {}
    for place in PLACES:
        title = {"left": ax._left_title, "center": ax.title, "right": ax._right_title}[place]  # type: ignore[attr-defined]
        if text := title.get_text():
            found[place] = {"text": text, "fontsize": title.get_fontsize(), "color": _color(title.get_color())}
    return found


def _color(color: Any) -> str:
    from matplotlib.colors import to_hex

    return str(to_hex(color, keep_alpha=True))


def _versions() -> dict[str, str]:
    """Of Python and the libraries that shape a figure; one that runs without being installed is left out."""
    found = {"python": platform.python_version()}
    for name in ("sceneviz", "matplotlib", "numpy", "pandas"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _nullified(value: Any) -> Any:
    """The value with NaN, which JSON has no word for, as None."""
    if isinstance(value, dict):
        return {key: _nullified(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_nullified(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value
