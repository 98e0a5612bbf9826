"""The first warm start: the vision tower, on frames alone.

Frames of one place and time should look alike, all others not. Rendered movies know the place of every shot, so a
contrastive loss (InfoNCE with several positives, Khosla et al. 2020) teaches it in minutes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from sceneviz.models.scene_model import SceneModel
from sceneviz.prompt import draw_mark, shot_id
from sceneviz.synthetic import story
from sceneviz.training.stores import FrameStore

RUN = 24  # consecutive shots taken from each movie of a step
TEMPERATURE = 0.1


def contrastive_loss(points: Tensor, group: Tensor, ignore: Tensor) -> Tensor:
    """Mean InfoNCE over all ordered pairs of one group.

    points: `(n, d)`. group: `(n,)` int64. ignore: `(n, n)` bool, pairs that count neither way.
    """
    points = nn.functional.normalize(points, dim=1)
    itself = torch.eye(len(points), dtype=torch.bool)
    scores = (points @ points.T / TEMPERATURE).masked_fill(itself | ignore, -torch.inf)
    same = (group[:, None] == group[None]) & ~itself & ~ignore
    return -torch.log_softmax(scores, 1)[same].mean()


def warm_up_vision(
    model: SceneModel, seeds: Sequence[int], store: FrameStore, *, steps: int, movies: int = 8, seed: int = 0
) -> list[float]:
    """Train the vision tower of a model in place on rendered movies; returns the loss of every step.

    seeds: of the rendered movies whose frames the store holds, in the same order.
    """
    rng = np.random.default_rng((seed, steps))
    module = model.module
    head = nn.Linear(module.config.text_config.hidden_size, 64)
    weights = [*module.model.visual.parameters(), *head.parameters()]
    optimiser = torch.optim.AdamW(weights, lr=1e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-3, total_steps=steps, pct_start=0.1)
    stories = [story(value) for value in seeds]
    losses = []
    module.train()
    for step in range(steps):
        frames, places, groups = [], [], []
        for number, choice in enumerate(rng.choice(len(seeds), movies, replace=False)):
            takes, held = stories[choice].takes, store[int(choice)]
            start = int(rng.integers(max(1, len(takes) - RUN)))
            for index in range(start, min(len(takes), start + RUN)):
                picture = held[index][rng.integers(held.shape[1])]
                frames.append(draw_mark(picture, shot_id(index, int(rng.integers(100)))))
                place = (number, takes[index].place)
                places.append(place)
                groups.append((*place, takes[index].time))
        features = model.family.encode(module, torch.from_numpy(np.stack(frames)))
        loss = contrastive_loss(head(features.mean(1)), numbered(groups), _ambiguous(places, groups))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if step % 50 == 0:
            print(f"vision warm-up {step}/{steps}: loss {np.mean(losses[-50:]):.3f}", flush=True)
    module.eval()
    return losses


def numbered(keys: Sequence[object]) -> Tensor:
    """Keys as the numbers of their groups, `(n,)` int64."""
    known = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return torch.tensor([known[key] for key in keys])


def _ambiguous(places: Sequence[object], groups: Sequence[object]) -> Tensor:
    """Pairs of one place at different times: neither alike nor strangers."""
    place, group = numbered(places), numbered(groups)
    return (place[:, None] == place[None]) & (group[:, None] != group[None])
