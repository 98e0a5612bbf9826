"""The second warm start: the language model learns to read a movie, before it is asked for answers alone.

From Yes and No alone a small model takes hours to leave the base rate: it must find out at once what a shot is about,
where to look it up, what to compare it with, and how to say so. Rendered movies know all that, so it is told
(`lessons`), and learns the answers along with it. The vision tower stays as it is.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from sceneviz.models.scene_model import SceneModel
from sceneviz.tiny.lessons import WEIGHTS, Heads, Lessons, losses
from sceneviz.training.steps import Steps
from sceneviz.training.windows import Collator

MATRICES = 1.5  # learning rate of the inner matrices, by Muon, over that of all others, by AdamW
SAID_EVERY = 50  # steps


def warm_up_reading(model: SceneModel, lessons: Lessons, out: Path) -> None:
    """Train the language model in place.

    The windows' config counts for steps, batch size, learning rate, warm-up and seed; after the warm-up the rate falls
    to nothing in a straight line. out: gets `reading.pt`, from which a killed run goes on.
    """
    config, module = lessons.windows.config, model.module
    torch.manual_seed(config.seed)
    heads = Heads(module.config.text_config.hidden_size)
    module.train().model.visual.requires_grad_(False)
    trained = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
    trained |= {f"heads.{name}": weight for name, weight in heads.named_parameters()}
    steps = Steps(trained, decay=0.0, muon=MATRICES, muon_decay=0.1)
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = out / "reading.pt"
    steps.load(checkpoint)
    collator = Collator(model, lessons.windows, lessons.store)
    seen: list[list[float]] = []
    while steps.done < config.steps:
        samples = [lessons.windows[steps.done * config.batch_size + i] for i in range(config.batch_size)]
        parts = losses(model, heads, collator(samples), samples, lessons)
        rate = min((steps.done + 1) / max(1, config.warmup), (config.steps - steps.done) / config.steps)
        torch.stack([WEIGHTS[name] * part for name, part in parts.items()]).sum().backward()
        steps.take(config.learning_rate * rate)
        seen = [*seen[1 - SAID_EVERY :], [float(part.detach()) for part in parts.values()]]
        if steps.done % SAID_EVERY == 0:
            said = ", ".join(f"{name} {value:.3f}" for name, value in zip(parts, np.mean(seen, 0), strict=True))
            print(f"reading {steps.done}/{config.steps}: {said}", flush=True)
        if steps.done % config.checkpoint_every == 0 or steps.done == config.steps:
            steps.save(checkpoint)
    module.eval().requires_grad_(True)
