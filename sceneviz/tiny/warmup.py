"""Two warm starts, since a small model that learns from Yes and No alone takes hours to leave the base rate.

First the vision tower, on frames alone: frames of one place and time should look alike, all others not. Rendered
movies know the place of every shot, so a contrastive loss (InfoNCE with several positives, Khosla et al. 2020) teaches
it in minutes. Then the language model, as it reads a window: at the end of each shot a probe, thrown away afterwards,
must tell whether a new scene began with it. That asks for one comparison where an answer asks for a look-up as well.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from sceneviz.models.scene_model import SceneModel
from sceneviz.movie import Movie
from sceneviz.prompt import TokenLayout, draw_mark, shot_id
from sceneviz.synthetic import story
from sceneviz.training.windows import Collator, FrameStore, Sample, TrainingWindows, training_loss

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
        loss = contrastive_loss(head(features.mean(1)), _numbered(groups), _ambiguous(places, groups))
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


def warm_up_reading(model: SceneModel, windows: TrainingWindows, store: FrameStore) -> list[float]:
    """Train a model in place to notice scene changes while it reads; returns the loss of every step.

    The loss is the answers' own, plus the probe's at the last token of every shot but the first of a window.
    """
    config, module, collator = windows.config, model.module, Collator(model, windows, store)
    probe = nn.Linear(module.config.text_config.hidden_size, 1)
    weights = [*module.parameters(), *probe.parameters()]
    optimiser = torch.optim.AdamW(weights, config.learning_rate, betas=(0.9, 0.98), weight_decay=config.weight_decay)
    losses: list[tuple[float, float]] = []
    module.train()
    module.model.visual.requires_grad_(not config.freeze_vision)
    for step in range(config.steps):
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * min(1.0, (step + 1) / config.warmup)
        samples = [windows[step * config.batch_size + i] for i in range(config.batch_size)]
        batch = collator(samples)
        rows, places, began = _shot_ends(batch["layouts"], samples, windows.movies)
        with torch.autocast("cpu", torch.bfloat16, enabled=config.autocast):
            answers, hidden = training_loss(model, batch)
            noticed = nn.functional.binary_cross_entropy_with_logits(
                probe(hidden[rows, places]).float()[:, 0], began.float()
            )
        optimiser.zero_grad()
        (answers + noticed).backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        losses.append((float(answers.detach()), float(noticed.detach())))
        if step % 20 == 0:
            print(f"reading warm-up {step}/{config.steps}: {np.mean(losses[-20:], 0).round(3)}", flush=True)
    module.eval().requires_grad_(True)
    return [sum(pair) for pair in losses]


def _shot_ends(
    layouts: Sequence[TokenLayout], samples: Sequence[Sample], movies: Sequence[Movie]
) -> tuple[Tensor, Tensor, Tensor]:
    """Where in the batch each shot's last token stands, and whether a scene began with that shot."""
    length = max(layout.prompt_length for layout in layouts)
    found = []
    for row, (layout, sample) in enumerate(zip(layouts, samples, strict=True)):
        boundaries = movies[sample.movie].boundaries
        assert boundaries is not None
        shots = layout.shot[: layout.prompt_length]
        for index in sample.window.context[1:]:
            place = int(np.flatnonzero(shots == index)[-1]) + length - layout.prompt_length
            found.append((row, place, int(boundaries[index - 1])))
    rows, places, began = torch.tensor(found).T
    return rows, places, began


def _numbered(keys: Sequence[object]) -> Tensor:
    known = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return torch.tensor([known[key] for key in keys])


def _ambiguous(places: Sequence[object], groups: Sequence[object]) -> Tensor:
    """Pairs of one place at different times: neither alike nor strangers."""
    place, group = _numbered(places), _numbered(groups)
    return (place[:, None] == place[None]) & (group[:, None] != group[None])
