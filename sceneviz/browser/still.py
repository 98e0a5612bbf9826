"""What the explorer shows, as one picture for where no kernel runs: a saved notebook on a web page."""

from __future__ import annotations

import base64
import io
import textwrap
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from sceneviz._text import plain
from sceneviz.browser.looking import Looks, look
from sceneviz.browser.state import State
from sceneviz.plot.filmstrip import short_clock
from sceneviz.plot.fonts import make_legible
from sceneviz.plot.style import FAINT, INK, MODALITY_COLORS, MUTED, NAMES, PAGE_IN, SMALL_PT, tidy, words
from sceneviz.plot.timeline import timeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HIGH_IN = 4.4
DPI = 144
COLORS = 256  # of the picture's palette: a third of the size, and to the eye the same


def still(state: State, looks: Looks) -> str:
    """The movie's timeline over the picked shot, as a PNG in base64. What would have to be read first is left out."""
    from PIL import Image

    figure = _drawn(state, looks)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A subtitle's script may be missing in the font: boxes then, and no word of it in a notebook.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(buffer, format="png", dpi=DPI, facecolor="white")
    small = io.BytesIO()
    Image.open(buffer).convert("RGB").quantize(COLORS).save(small, "PNG", optimize=True)
    return base64.b64encode(small.getvalue()).decode("ascii")


def _drawn(state: State, looks: Looks) -> Figure:
    # A figure of its own, unknown to pyplot: a notebook must not show it a second time.
    from matplotlib.figure import Figure

    one = looks.of(state.shot) if state.decided and looks.at_hand(state.shot) else None
    figure = Figure(figsize=(PAGE_IN, HIGH_IN))

    # Places are given: to work a layout out costs more than all the drawing.
    def spot(left: float, bottom: float, width: float, height: float) -> Axes:
        """Axes at so many inches."""
        return figure.add_axes((left / PAGE_IN, bottom / HIGH_IN, width / PAGE_IN, height / HIGH_IN))

    timeline(state.movie, state.prediction, threshold=state.threshold, ax=spot(0.62, 2.62, 5.9, 1.74))
    _draw_frames(spot(0.08, 0.3, 1.95, 1.3), state)
    _draw_facts(spot(2.15, 0.3, 1.6, 1.3), state)
    if one is not None:
        _draw_look(spot(4.2, 0.35, 2.6, 1.1), look(one), state.shot)
    make_legible(figure)
    return figure


def _draw_frames(ax: Axes, state: State) -> None:
    """The middle frame of the picked shot."""
    ax.axis("off")
    ax.set_title(f"shot {state.shot}", loc="left", pad=3, **words())
    if state.movie.frames is None:
        ax.text(0.5, 0.5, "no frames", ha="center", va="center", transform=ax.transAxes, **words(color=MUTED))
        return
    height, width = state.movie.frames.size
    size = (min(height, 240), max(1, round(min(height, 240) * width / height)))
    ((frame,),) = state.movie.frames.read([state.movie.shots[state.shot]], 1, size)
    ax.imshow(frame, interpolation="antialiased")
    ax.set_anchor("NW")


def _draw_facts(ax: Axes, state: State) -> None:
    """What is said, who is there, what was decided."""
    ax.axis("off")
    facts = state.facts()
    number, count, first, last = facts["scene"]
    shot = state.movie.shots[state.shot]
    lines = [
        f"{short_clock(shot.start_s)}, {facts['length']}",
        f"scene {number} of {count}: shots {first} to {last}",
        *([f"labelled: {facts['label']}"] if facts.get("label") else []),
        *textwrap.wrap(f"“{plain(shot.subtitle, 130)}”", 34)[:4] * bool(shot.subtitle),
        *textwrap.wrap(plain(", ".join(shot.characters), 70), 34)[:2] * bool(shot.characters),
    ]
    y = 0.98
    if facts["confidence"] is not None:
        says = "a scene ends here" if facts["ends"] else "the scene goes on"
        ax.text(0, y, f"{says}: {facts['confidence']:.2f}", va="top", transform=ax.transAxes, **words(weight="bold"))
        y -= 0.13
    ax.text(0, y, "\n".join(lines), va="top", linespacing=1.5, transform=ax.transAxes, **words())


def _draw_look(ax: Axes, found: dict[str, Any], shot: int) -> None:
    """The decision's attention by shot, in the colours of the modalities."""
    from matplotlib.ticker import MaxNLocator

    tidy(ax)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    order = [name for name in MODALITY_COLORS if name != "instruction"]
    shots = [each["shot"] for each in found["shots"]]
    below = np.zeros(len(shots))
    for name in order:
        values = np.array([each["parts"].get(name, 0.0) for each in found["shots"]])
        ax.bar(shots, values, bottom=below, width=0.8, color=MODALITY_COLORS[name], label=NAMES[name])
        below += values
    ax.axvline(shot, color=FAINT, linewidth=4, zorder=0)
    ax.set_ylabel("share of attention", **words())
    ax.set_xlabel("shot of the window", **words())
    ax.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, fontsize=SMALL_PT, labelcolor=INK,
        handlelength=0.8, columnspacing=0.8, handletextpad=0.4, borderaxespad=0.2,
    )  # fmt: skip
