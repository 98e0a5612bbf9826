"""How to train, in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass

from sceneviz._text import ScenevizError, choice


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Settings of a training; what is shown to the model is the Recipe's business.

    steps, batch_size: optimiser steps, and windows in each.
    learning_rate, warmup, weight_decay: AdamW with a linear warm-up over `warmup` steps.
    schedule: what follows the warm-up: "cosine" falls to nothing at the last step, "constant" stays.
    modality_dropout: chance that a window lacks its visual, subtitle or character input, each drawn apart, so that
        leaving one out at test time is a fair question.
    single_frame: chance that a step shows one frame a shot, not as many as the recipe: shorter prompts, more steps.
    wide: share of windows in which any run of at least half of the context is decided: more answers for the money.
    template_weight: what a token of the answer template counts for in the loss, where a Yes or No counts for 1. At 1 it
        is the plain next-token loss; prediction writes the template itself, so a small model need not learn it well.
    freeze_vision: leave the vision tower as it is.
    autocast: compute in bfloat16 where that is safe (weights stay as they are).
    checkpoint_every: steps between checkpoints, from which a killed run goes on.
    seed: of the order of windows, the dropouts and the shot IDs.
    """

    steps: int = 1_000
    batch_size: int = 16
    learning_rate: float = 1e-4
    warmup: int = 50
    schedule: str = "cosine"
    weight_decay: float = 0.01
    modality_dropout: float = 0.1
    single_frame: float = 0.0
    wide: float = 0.0
    template_weight: float = 1.0
    freeze_vision: bool = False
    autocast: bool = False
    checkpoint_every: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        choice(self.schedule, ("cosine", "constant"), "TrainConfig: schedule")
        for name in ("steps", "batch_size", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise ScenevizError(f"TrainConfig: {name} must be at least 1, got {getattr(self, name)}")
        for name in ("modality_dropout", "single_frame", "wide", "template_weight"):
            if not 0 <= getattr(self, name) <= 1:
                raise ScenevizError(f"TrainConfig: {name} must lie between 0 and 1, got {getattr(self, name)}")
