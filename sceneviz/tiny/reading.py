"""The second warm start: the language model learns to read a movie, before it is asked for answers alone.

From Yes and No alone a small model takes hours to leave the base rate: it must find out at once what a shot is about,
where to look it up, what to compare it with, and how to say so. Rendered movies know all that, so it is told: at the
end of each shot, and at each decision, heads that are thrown away afterwards recall the shots concerned (their look,
topic and people, `facts`) from a middle layer, and say from the last one what has changed. The answers' own loss, and
the next token of the shots' text, are learned along with it. The vision tower stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sceneviz.models.scene_model import SceneModel
from sceneviz.prompt import MODALITIES, TokenLayout
from sceneviz.synthetic.story import Pace
from sceneviz.tiny.facts import CHANGES, WIDTH, Look, changes, said_and_present
from sceneviz.training.stores import FeatureStore
from sceneviz.training.windows import Collator, Sample, TrainingWindows, training_loss

RECALL, TOLD, TEXT = 2.0, 2.0, 0.1  # what recalling, telling changes and writing text count for; an answer counts 1
MATRICES = 3.0  # learning rate of the inner matrices, by Muon, over that of all others, by AdamW
KINDS = 3  # look, topic, people


class Heads(nn.Module):
    """What a reader can be asked for at the end of a shot, and at a decision; thrown away after training."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.end = nn.Linear(hidden, len(CHANGES))
        self.decision = nn.Linear(hidden, len(CHANGES))
        self.end_recall = nn.Linear(hidden, 2 * KINDS * WIDTH)  # this shot, the one before
        self.decision_recall = nn.Linear(hidden, 3 * KINDS * WIDTH)  # this shot, the next, the one before


@dataclass(frozen=True)
class Lessons:
    """Rendered movies with all that is known of them.

    seeds, pace: of the movies, in the order of `windows.movies`. store: their frame features.
    """

    seeds: Sequence[int]
    pace: Pace
    windows: TrainingWindows
    store: FeatureStore
    look: Look

    @cached_property
    def changed(self) -> list[np.ndarray]:
        """For each movie, `(shots, 6)`: see `facts.changes`."""
        return [changes(seed, self.pace) for seed in self.seeds]

    @cached_property
    def about(self) -> list[Tensor]:
        """For each movie, `(shots, 3, 64)`: its look, topic and people."""
        movies = enumerate(self.seeds)
        return [
            torch.cat((self.look(self.store.whole(i))[:, None], said_and_present(seed, self.pace)), 1)
            for i, seed in movies
        ]


def warm_up_reading(model: SceneModel, lessons: Lessons, out: Path) -> None:
    """Train the language model in place.

    The windows' config counts for steps, batch size, learning rate, warm-up and seed; the rate stays constant after it.
    out: gets `reading.pt`, from which a killed run goes on.
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
    seen: list[np.ndarray] = []
    while state.step < config.steps:
        samples = [lessons.windows[state.step * config.batch_size + i] for i in range(config.batch_size)]
        parts = _losses(model, heads, collator(samples), samples, lessons)
        state.update(parts, config.learning_rate * min(1.0, (state.step + 1) / max(1, config.warmup)))
        seen = [*seen[-49:], torch.stack(parts).detach().numpy()]
        if state.step % 50 == 0:
            answers, told, recalled, text = np.mean(seen, 0)
            print(
                f"reading {state.step}/{config.steps}: answers {answers:.3f}, changes {told:.3f}, "
                f"recall {recalled:.3f}, text {text:.3f}",
                flush=True,
            )
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

    def update(self, parts: Sequence[Tensor], rate: float) -> None:
        answers, told, recalled, text = parts
        for optimiser in self.optimisers:
            optimiser.zero_grad()
            for group in optimiser.param_groups:
                group["lr"] = rate * (MATRICES if isinstance(optimiser, torch.optim.Muon) else 1.0)
        (answers + TOLD * told + RECALL * recalled + TEXT * text).backward()
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


def _losses(
    model: SceneModel, heads: Heads, batch: dict[str, Any], samples: Sequence[Sample], lessons: Lessons
) -> list[Tensor]:
    """Of answers, of changes told, of shots recalled, of the next token of text."""
    ends, before, decisions, nearby = _places(batch["layouts"], samples)
    text_rows, text_columns = _texts(batch["layouts"])
    with torch.autocast("cpu", torch.bfloat16):
        answers, layers = training_loss(model, batch, layers=True)
        last, late, middle = layers[-1], _normed(layers[-2]), _normed(layers[len(layers) // 2])
        told = _told(heads.end(last[ends]), samples, before[:, :1], ends[0], lessons)
        told = told + _told(heads.decision(last[decisions]), samples, nearby[:, 1:2], decisions[0], lessons)
        recalled = _recalled(heads.end_recall(middle[ends]), samples, before, ends[0], lessons)
        recalled = recalled + _recalled(heads.decision_recall(late[decisions]), samples, nearby, decisions[0], lessons)
        words = model.module.lm_head(last[text_rows, text_columns]).float()
    text = nn.functional.cross_entropy(words, batch["ids"][text_rows, text_columns + 1])
    return [answers, told, recalled, text]


def _normed(hidden: Tensor) -> Tensor:
    return nn.functional.rms_norm(hidden, hidden.shape[-1:])


def _told(said: Tensor, samples: Sequence[Sample], shots: np.ndarray, rows: Tensor, lessons: Lessons) -> Tensor:
    """Cross-entropy of what changed with these shots `(n, 1)`."""
    truth = [lessons.changed[samples[row].movie][shot[0]] for row, shot in zip(rows.tolist(), shots, strict=True)]
    return nn.functional.binary_cross_entropy_with_logits(said.float(), torch.from_numpy(np.stack(truth)))


def _recalled(said: Tensor, samples: Sequence[Sample], shots: np.ndarray, rows: Tensor, lessons: Lessons) -> Tensor:
    """Mean over shots `(n, k)` and kinds of the squared distance; what a window doesn't show is nothing."""
    truth = []
    for row, some in zip(rows.tolist(), shots, strict=True):
        recipe = samples[row].recipe
        shown = torch.tensor([recipe.visual, recipe.subtitles, recipe.characters])
        truth.append(lessons.about[samples[row].movie][list(some)] * shown[:, None])
    wanted = torch.stack(truth)
    return (said.float().view_as(wanted) - wanted).square().sum(-1).mean()


def _places(
    layouts: Sequence[TokenLayout], samples: Sequence[Sample]
) -> tuple[tuple[Tensor, Tensor], np.ndarray, tuple[Tensor, Tensor], np.ndarray]:
    """Where in the batch shots end and decisions stand, each with the shots that it is asked about.

    ends, decisions: (rows, columns). The shots: `(ends, 2)` itself and the one before; `(decisions, 3)` itself, the
    next, and the one before, or itself at the start of the window.
    """
    ends, before, decisions, nearby = [], [], [], []
    for row, (layout, sample) in enumerate(zip(layouts, samples, strict=True)):
        shots, start = layout.shot[: layout.prompt_length], sample.window.context.start
        for index in sample.window.context[1:]:
            ends.append((row, int(np.flatnonzero(shots == index)[-1])))
            before.append((index, index - 1))
        for index, column in zip(sample.window.focus, layout.decision_rows.tolist(), strict=True):
            decisions.append((row, column))
            nearby.append((index, index + 1, max(index - 1, start)))
    return _pair(ends), np.array(before), _pair(decisions), np.array(nearby)


def _pair(places: Sequence[tuple[int, int]]) -> tuple[Tensor, Tensor]:
    rows, columns = torch.tensor(places).T
    return rows, columns


def _texts(layouts: Sequence[TokenLayout]) -> tuple[Tensor, Tensor]:
    """Where in the batch the next token is text of a shot: neither instruction, nor part of a frame, nor an answer."""
    silent = [MODALITIES.index("instruction"), MODALITIES.index("answer")]
    found = []
    for row, layout in enumerate(layouts):
        columns = np.flatnonzero((layout.frame[1:] < 0) & ~np.isin(layout.modality[1:], silent))
        found.append(np.stack([np.full(len(columns), row), columns]))
    rows, columns = np.concatenate(found, 1)
    return torch.from_numpy(rows), torch.from_numpy(columns)
