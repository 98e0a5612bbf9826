"""The loop that both warm starts of the embedded model share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from sceneviz.training import TrainConfig
from sceneviz.training.steps import Steps, turns_from

SAID_EVERY = 50  # steps


def learn(
    turns: Dataset[Any],
    losses: Callable[[Any], dict[str, Tensor]],
    counting: Mapping[str, float],
    steps: Steps,
    config: TrainConfig,
    checkpoint: Path,
) -> None:
    """Go all steps of a config, one a turn: the rate climbs over its warm-up, and falls to nothing in a straight line.

    losses: of a turn, by name; a turn need not have all. counting: what each counts for in the sum.
    checkpoint: from which a killed run goes on, to where an undisturbed one ends.
    """
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    steps.load(checkpoint)
    seen: dict[str, list[Tensor]] = {}
    for turn in turns_from(turns, steps.done, config.steps, config.workers):
        parts = losses(turn)
        torch.stack([counting[name] * part for name, part in parts.items()]).sum().backward()
        rate = min((steps.done + 1) / max(1, config.warmup), (config.steps - steps.done) / config.steps)
        steps.take(config.learning_rate * rate)
        for name, part in parts.items():
            seen.setdefault(name, []).append(part.detach())
        if steps.done % SAID_EVERY == 0:
            said = ", ".join(f"{name} {torch.stack(held).mean():.3f}" for name, held in seen.items())
            print(f"{checkpoint.stem} {steps.done}/{config.steps}: {said}", flush=True)
            seen = {}
        if steps.done % config.checkpoint_every == 0 or steps.done == config.steps:
            steps.save(checkpoint)
