"""Training: windows of labelled movies to a checkpoint with its recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sceneviz.training.config import TrainConfig

if TYPE_CHECKING:
    from sceneviz.training.loop import finetune

__all__ = ["TrainConfig", "finetune"]


def __getattr__(name: str) -> Any:
    """`finetune` loads torch and transformers when first asked for."""
    if name != "finetune":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sceneviz.training.loop import finetune

    return finetune
