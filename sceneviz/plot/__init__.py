"""Drawing. Every function takes `ax`, returns it, and never shows, saves or touches rcParams; `save` alone writes."""

from sceneviz.plot.attention import attention, attention_frames, heads
from sceneviz.plot.attribution import attribution, attribution_shots
from sceneviz.plot.filmstrip import filmstrip
from sceneviz.plot.saving import save
from sceneviz.plot.timeline import timeline

__all__ = [
    "attention",
    "attention_frames",
    "attribution",
    "attribution_shots",
    "filmstrip",
    "heads",
    "save",
    "timeline",
]
