"""Figures on disk: the picture, and beside it the numbers it was drawn from."""

from __future__ import annotations

import io
import json
import math
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sceneviz._text import ScenevizError, choice, write_whole
from sceneviz.plot.style import remembered

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTS_PER_INCH = 300
# What makes equal figures equal files.
_UNDATED: dict[str, dict[str, Any]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}


def save(figure: Axes | Figure, path: str | os.PathLike[str]) -> Path:
    """Write the whole figure as PNG, PDF or SVG, by the path's suffix, and `<stem>.figure.json` beside it.

    The JSON holds, for each of our plots on the figure, its data, movie, model and recipe, and the versions of the
    libraries that drew it. Gives back the picture's path.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    path = Path(path)
    kind = choice(path.suffix.lower().removeprefix("."), _UNDATED, "the suffix of a figure")
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
        whole.savefig(
            picture, format=kind, dpi=DOTS_PER_INCH, bbox_inches="tight", pad_inches=0.02, metadata=_UNDATED[kind]
        )
    record = {"plots": remembered(whole.get_axes()), "versions": _versions()}
    write_whole(path.with_suffix(".figure.json"), json.dumps(_nullified(record), indent=1, allow_nan=False) + "\n")
    return write_whole(path, picture.getvalue())


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
