"""Training: windows of labelled movies to a checkpoint with its recipe; and then to one that says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sceneviz.training.config import PAPER, PRESETS, TrainConfig

if TYPE_CHECKING:
    from sceneviz.training.alignment import align
    from sceneviz.training.loop import finetune
    from sceneviz.training.memory import MACHINES, estimate
    from sceneviz.training.planning import plan
    from sceneviz.training.rationales import Annotated, Rationale, Rendered
    from sceneviz.training.sets import export_set
    from sceneviz.training.trainable import merge

__all__ = [
    "MACHINES",
    "PAPER",
    "PRESETS",
    "Annotated",
    "Rationale",
    "Rendered",
    "TrainConfig",
    "align",
    "estimate",
    "export_set",
    "finetune",
    "merge",
    "plan",
]

_HOMES = {
    "Annotated": "rationales",
    "MACHINES": "memory",
    "Rationale": "rationales",
    "Rendered": "rationales",
    "align": "alignment",
    "estimate": "memory",
    "export_set": "sets",
    "finetune": "loop",
    "merge": "trainable",
    "plan": "planning",
}


def __getattr__(name: str) -> Any:
    """What needs torch and transformers loads when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
