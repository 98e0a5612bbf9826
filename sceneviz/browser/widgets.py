"""The two canvases of the explorer, as anywidgets: the film with its timeline, and the shot that is picked.

They draw what they are given and say what was clicked; all else is in `state`. Their page side is plain JavaScript in
`page/`, without a build and without a library. It writes texts as text nodes, never as HTML.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from sceneviz.plot.style import MODALITY_COLORS, NAMES, PREDICTED_COLORS, TRUE_COLORS

_PAGE = Path(__file__).parent / "page"
COLORS = {
    **MODALITY_COLORS,
    "line": "#E3BFD2",  # the answer's, paler: the same tokens, of the decided shot itself
    "sink": "#BDBDBD",
    "predicted": PREDICTED_COLORS[0],
    "predicted2": PREDICTED_COLORS[1],
    "true": TRUE_COLORS[0],
    "true2": TRUE_COLORS[1],
}


def _module(name: str) -> str:
    """A module for the page: what both share, and its own. As text, since a page loads each by itself."""
    return "".join((_PAGE / part).read_text(encoding="utf-8") for part in ("common.js", name))


class _Canvas(anywidget.AnyWidget):
    """What both have: the shot that is picked, colours, and thumbnails that the page asks for.

    Messages: the page sends `{"kind": "thumbs", "shots": [...]}`, and gets the same back with `captions`, and a JPEG
    for each shot beside it (empty where there is no picture).
    """

    _css = (_PAGE / "look.css").read_text(encoding="utf-8")
    selected = traitlets.Int(0).tag(sync=True)
    aspect = traitlets.Float(0.0).tag(sync=True)
    colors = traitlets.Dict(COLORS).tag(sync=True)
    names = traitlets.Dict(NAMES).tag(sync=True)
    status = traitlets.Unicode("").tag(sync=True)


class FilmCanvas(_Canvas):
    """Film strip, scenes and confidences of all shots. Arrays are little-endian bytes.

    starts: float32 seconds. confidence, after: float32, NaN on the last shot; after is empty where nothing is tried.
    ends, ends_after: uint8. labels: int8, empty where there are none. window: first and last shot that the decision on
    the picked shot sees, first and last that are decided with it; empty for the last shot.
    opening: thumbnails of the shots that are seen at once, from `opening_first` on.
    """

    _esm = _module("film.js")
    title = traitlets.Unicode("").tag(sync=True)
    about = traitlets.Unicode("").tag(sync=True)
    count = traitlets.Int(0).tag(sync=True)
    threshold = traitlets.Float(0.5).tag(sync=True)
    starts = traitlets.Bytes(b"").tag(sync=True)
    confidence = traitlets.Bytes(b"").tag(sync=True)
    after = traitlets.Bytes(b"").tag(sync=True)
    ends = traitlets.Bytes(b"").tag(sync=True)
    ends_after = traitlets.Bytes(b"").tag(sync=True)
    labels = traitlets.Bytes(b"").tag(sync=True)
    window = traitlets.List(trait=traitlets.Int()).tag(sync=True)
    opening = traitlets.List(trait=traitlets.Bytes()).tag(sync=True)
    opening_first = traitlets.Int(0).tag(sync=True)
    opening_captions = traitlets.List(trait=traitlets.Unicode()).tag(sync=True)


class ShotCanvas(_Canvas):
    """The picked shot: frames, texts, decision, and where the decision looked.

    facts: `State.facts`. pictures: JPEGs. look: `looking.look`, empty where there is none. heat, heat_bytes:
    `looking.heat`. changes: `State.changes`.
    """

    _esm = _module("shot.js")
    facts = traitlets.Dict().tag(sync=True)
    pictures = traitlets.List(trait=traitlets.Bytes()).tag(sync=True)
    look = traitlets.Dict().tag(sync=True)
    heat = traitlets.Dict().tag(sync=True)
    heat_bytes = traitlets.Bytes(b"").tag(sync=True)
    show_heat = traitlets.Bool(True).tag(sync=True)
    changes = traitlets.Dict().tag(sync=True)


def packed(values: Any, dtype: str) -> bytes:
    """An array as little-endian bytes for a trait; b"" for None."""
    return b"" if values is None else np.ascontiguousarray(values, np.dtype(dtype).newbyteorder("<")).tobytes()
