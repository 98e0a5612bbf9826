"""Drawing. Every function takes `ax`, returns it, and never shows, saves or touches rcParams.

`panels` gives axes for several on one figure; `save` alone writes; `redraw` draws what it saved, without a model.
"""

from sceneviz.plot.attention import attention, heads, layers, shares
from sceneviz.plot.attribution import attribution, attribution_shots
from sceneviz.plot.comparisons import ablation, dots, positions
from sceneviz.plot.curves import calibration, pr
from sceneviz.plot.filmstrip import filmstrip
from sceneviz.plot.frames import attention_frames
from sceneviz.plot.redrawing import redraw
from sceneviz.plot.saving import save
from sceneviz.plot.style import panels
from sceneviz.plot.sweeps import cost, loss, trust, windows
from sceneviz.plot.timeline import timeline

__all__ = [
    "ablation",
    "attention",
    "attention_frames",
    "attribution",
    "attribution_shots",
    "calibration",
    "cost",
    "dots",
    "filmstrip",
    "heads",
    "layers",
    "loss",
    "panels",
    "positions",
    "pr",
    "redraw",
    "save",
    "shares",
    "timeline",
    "trust",
    "windows",
]
