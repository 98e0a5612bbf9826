"""The second warm start: the language model learns to read a movie, before it is asked for answers alone.

From Yes and No alone a small model takes hours to leave the base rate: it must find out at once what a shot is about,
where to look it up, what to compare it with, and how to say so. Rendered movies know all that, so it is told
(`lessons`), and learns the answers along with it. The vision tower stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sceneviz.models.scene_model import SceneModel
from sceneviz.tiny.lessons import WEIGHTS, Heads, Lessons, losses
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
    state = _State(module, heads, _optimisers(module, heads))
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = out / "reading.pt"
    if checkpoint.is_file():
        state.load(checkpoint)
    collator = Collator(model, lessons.windows, lessons.store)
    seen: list[list[float]] = []
    while state.step < config.steps:
        samples = [lessons.windows[state.step * config.batch_size + i] for i in range(config.batch_size)]
        parts = losses(model, heads, collator(samples), samples, lessons)
        rate = min((state.step + 1) / max(1, config.warmup), (config.steps - state.step) / config.steps)
        state.update(parts, config.learning_rate * rate)
        seen = [*seen[1 - SAID_EVERY :], [float(part.detach()) for part in parts.values()]]
        if state.step % SAID_EVERY == 0:
            said = ", ".join(f"{name} {value:.3f}" for name, value in zip(parts, np.mean(seen, 0), strict=True))
            print(f"reading {state.step}/{config.steps}: {said}", flush=True)
        if state.step % config.checkpoint_every == 0 or state.step == config.steps:
            state.save(checkpoint)
    module.eval().requires_grad_(True)


@dataclass
class _State:
    """What a killed run goes on from."""

    module: Any
    heads: Heads
    optimisers: tuple[torch.optim.Optimizer, ...]
    step: int = 0

    def update(self, parts: dict[str, Tensor], rate: float) -> None:
        for optimiser in self.optimisers:
            optimiser.zero_grad()
            for group in optimiser.param_groups:
                group["lr"] = rate * (MATRICES if isinstance(optimiser, torch.optim.Muon) else 1.0)
        torch.stack([WEIGHTS[name] * part for name, part in parts.items()]).sum().backward()
        nn.utils.clip_grad_norm_([*self.module.parameters(), *self.heads.parameters()], 1.0)
        for optimiser in self.optimisers:
            optimiser.step()
        self.step += 1

    def save(self, path: Path) -> None:
        optimisers = [optimiser.state_dict() for optimiser in self.optimisers]
        state = {"module": self.module.state_dict(), "heads": self.heads.state_dict(), "step": self.step}
        part = path.with_suffix(".part")
        torch.save({**state, "optimisers": optimisers}, part)
        part.replace(path)

    def load(self, path: Path) -> None:
        state = torch.load(path, weights_only=True)
        self.module.load_state_dict(state["module"])
        self.heads.load_state_dict(state["heads"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.step = state["step"]


def _optimisers(module: Any, heads: Heads) -> tuple[torch.optim.Optimizer, ...]:
    """Muon (Jordan 2024) for the matrices between embedding and head, AdamW for all else."""
    named = [(name, weight) for name, weight in module.named_parameters() if weight.requires_grad]
    inner = {name for name, weight in named if weight.ndim == 2 and "embed" not in name and "lm_head" not in name}
    others = [*(weight for name, weight in named if name not in inner), *heads.parameters()]
    return (
        torch.optim.Muon([weight for name, weight in named if name in inner], adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=0.0),
    )
