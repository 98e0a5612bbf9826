"""Drawing. Every function takes `ax`, returns it, and never shows, saves or touches rcParams; `save` alone writes."""

from sceneviz.plot.attention import attention, attention_frames, heads
from sceneviz.plot.attribution import attribution, attribution_shots
from sceneviz.plot.comparisons import ablation, positions
from sceneviz.plot.curves import calibration, pr
from sceneviz.plot.filmstrip import filmstrip
from sceneviz.plot.saving import save
from sceneviz.plot.timeline import timeline

__all__ = [
    "ablation",
    "attention",
    "attention_frames",
    "attribution",
    "attribution_shots",
    "calibration",
    "filmstrip",
    "heads",
    "positions",
    "pr",
    "save",
    "timeline",
]
