"""How to train, in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass

from sceneviz._text import ScenevizError, choice

KEEP = ("features", "frames", "nothing")


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Settings of a training; what is shown to the model is the Recipe's business.

    steps, batch_size: optimiser steps, and windows in each, over all devices.
    epochs: where more than 0, that many passes over the windows that prediction cuts the movies into, in random order,
        and `steps` follows; else windows are drawn from all movies alike, at any place.
    at_once: windows computed together on one device; 0 is all of a step's. What is left of `batch_size` is gradient
        accumulation, so the same config is the same training on one device and on eight.
    bucket: windows of like length share a step, so that less is padding.
    learning_rate, warmup, weight_decay: AdamW with a linear warm-up over `warmup` steps.
    schedule: what follows the warm-up: "cosine" falls to nothing at the last step, "constant" stays.
    lora: rank of the adapters on the language model's matrices (Hu et al. 2021); 0 trains all weights instead.
    lora_alpha, lora_dropout: scale of the adapters (over the rank), and dropout before them.
    freeze_vision: leave the vision tower as it is. Else it is trained: its matrices get adapters too, or all of it is.
    modality_dropout: chance that a window lacks its visual, subtitle or character input, each drawn apart, so that
        leaving one out at test time is a fair question.
    silent: share of windows that show frames alone, as of a film without subtitles and names.
    single_frame: chance that a step shows one frame a shot, not as many as the recipe: shorter prompts, more steps.
    wide: share of windows in which any run of at least half of the context is decided: more answers for the money.
    template_weight: what a token of the answer template counts for in the loss, where a Yes or No counts for 1. At 1 it
        is the plain next-token loss; prediction writes the template itself, so a small model need not learn it well.
    boundary_weight: what a Yes counts for, where a No counts for 1. Other than 1 it shifts the confidence.
    max_tokens: longest window, answer included; 0 is what the model's positions reach. A longer one is an error.
    autocast: compute in bfloat16 where that is safe (weights stay as they are).
    checkpoint_activations: keep one activation a layer and compute the others again: less memory, a third more time.
    keep: on disk from step to step: "features" of a vision tower that stays as it is (or else frames), decoded
        "frames", or "nothing": read them from the movie each time.
    workers: processes that prepare batches beside the training.
    checkpoint_every: steps between checkpoints, from which a killed run goes on.
    evaluate_every: steps between looks at the validation movies; 0 looks after each epoch, and at the end.
    patience: looks without a better AP after which training stops; 0 never stops early.
    seed: of the order of windows, the dropouts, the shot IDs and the adapters.
    """

    steps: int = 1_000
    batch_size: int = 16
    epochs: float = 0.0
    at_once: int = 0
    bucket: bool = False
    learning_rate: float = 1e-4
    warmup: int = 50
    schedule: str = "cosine"
    weight_decay: float = 0.01
    lora: int = 0
    lora_alpha: int = 16
    lora_dropout: float = 0.0
    freeze_vision: bool = False
    modality_dropout: float = 0.1
    silent: float = 0.0
    single_frame: float = 0.0
    wide: float = 0.0
    template_weight: float = 1.0
    boundary_weight: float = 1.0
    max_tokens: int = 0
    autocast: bool = False
    checkpoint_activations: bool = False
    keep: str = "features"
    workers: int = 0
    checkpoint_every: int = 100
    evaluate_every: int = 0
    patience: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        choice(self.schedule, ("cosine", "constant"), "TrainConfig: schedule")
        choice(self.keep, KEEP, "TrainConfig: keep")
        for name in ("steps", "batch_size", "lora_alpha", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise ScenevizError(f"TrainConfig: {name} must be at least 1, got {getattr(self, name)}")
        for name in ("epochs", "at_once", "lora", "max_tokens", "workers", "evaluate_every", "patience", "warmup"):
            if getattr(self, name) < 0:
                raise ScenevizError(f"TrainConfig: {name} must not be negative, got {getattr(self, name)}")
        for name in ("modality_dropout", "silent", "single_frame", "wide", "template_weight", "lora_dropout"):
            if not 0 <= getattr(self, name) <= 1:
                raise ScenevizError(f"TrainConfig: {name} must lie between 0 and 1, got {getattr(self, name)}")
        for name in ("learning_rate", "boundary_weight"):
            if not getattr(self, name) > 0:
                raise ScenevizError(f"TrainConfig: {name} must be more than 0, got {getattr(self, name)}")

    @property
    def keeps_features(self) -> bool:
        """Whether what the vision tower makes of a frame is computed once: with the frame's mark, which is in it."""
        return self.freeze_vision and self.keep == "features"

    def shares(self, devices: int) -> tuple[int, int]:
        """How many windows a device computes together, and how many times before the weights change."""
        own, odd = divmod(self.batch_size, devices)
        together = min(self.at_once or own, own)
        if odd or not own or own % together:
            raise ScenevizError(
                f"TrainConfig: batch_size must be a multiple of {devices} devices times at_once "
                f"({self.at_once or 'all'}), got {self.batch_size}; change batch_size or at_once"
            )
        return together, own // together


# The paper's rank, alpha and epochs. Its batch, learning rate and frame size are not known: these are what LoRA of a
# 7B model is usually given. That modalities are dropped is ours, for `ablate`.
PAPER = TrainConfig(
    epochs=4,
    batch_size=64,
    at_once=1,
    bucket=True,
    warmup=100,
    weight_decay=0.0,
    lora=8,
    lora_alpha=16,
    freeze_vision=True,
    autocast=True,
    checkpoint_activations=True,
    keep="nothing",
    workers=4,
    checkpoint_every=100,
    patience=2,
)
PRESETS = {"paper": PAPER, "plain": TrainConfig()}
