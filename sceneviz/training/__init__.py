"""Training: windows of labelled movies to a checkpoint with its recipe; and then to one that says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sceneviz.training.config import PAPER, PRESETS, TrainConfig

if TYPE_CHECKING:
    from sceneviz.training.alignment import align
    from sceneviz.training.estimate import MACHINES, estimate
    from sceneviz.training.loop import finetune
    from sceneviz.training.plan import plan
    from sceneviz.training.rationales import Annotated, Rationale, Rendered
    from sceneviz.training.trainable import merge

_HOMES = {
    "Annotated": "rationales",
    "MACHINES": "estimate",
    "Rationale": "rationales",
    "Rendered": "rationales",
    "align": "alignment",
    "estimate": "estimate",
    "finetune": "loop",
    "merge": "trainable",
    "plan": "plan",
}
__all__ = ["PAPER", "PRESETS", "TrainConfig", *_HOMES]


def __getattr__(name: str) -> Any:
    """What needs torch and transformers loads when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found  # a function may be called like its module, which would take its place
    return found
