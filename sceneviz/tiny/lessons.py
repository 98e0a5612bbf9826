"""What the embedded model is asked while it learns to read, and what the renderer knows to be the answer.

At the last token of each shot it is asked what the shot is about, which number it has, and what has changed; and at
each decision, what changes with the next shot. Some heads of its attention are told where to look for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sceneviz.models.flow import seeing
from sceneviz.models.scene_model import SceneModel
from sceneviz.prompt import MODALITIES, TokenLayout, shot_id
from sceneviz.synthetic.story import Pace
from sceneviz.tiny.facts import CHANGES, WIDTH, Look, changes, said_and_present
from sceneviz.training.stores import FeatureStore
from sceneviz.training.windows import Sample, TrainingWindows, training_loss

# What each lesson counts for in the sum.
WEIGHTS = {"answers": 3.0, "changes": 2.0, "next": 4.0, "recall": 1.0, "number": 0.5, "look": 0.3, "text": 0.1}
KINDS = 3  # look, topic, people
DIGITS = 30.0  # what a digit counts for among the tokens of text: counting is learned from few of them
CLOSING = 3  # tokens of a shot's closing tag


class Heads(nn.Module):
    """What is asked at the end of a shot and at a decision; thrown away after training."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.changes = nn.Linear(hidden, len(CHANGES))
        self.next = nn.Linear(hidden, len(CHANGES))
        self.recall = nn.Linear(hidden, 2 * KINDS * WIDTH)  # this shot, and the one before
        self.number = nn.Linear(hidden, 4 * 10)  # the digits of this shot's ID, and of the one's before
        self.asked = nn.Linear(hidden, 2 * 10)  # the digits of the shot that is decided


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
        return [
            torch.cat((self.look(self.store.whole(movie))[:, None], said_and_present(seed, self.pace)), 1)
            for movie, seed in enumerate(self.seeds)
        ]


@dataclass(frozen=True)
class _Place:
    """A token of a batch that is asked something: its row and column, and the shot that it stands for."""

    row: int
    column: int
    shot: int


def losses(
    model: SceneModel, heads: Heads, batch: dict[str, Any], samples: Sequence[Sample], lessons: Lessons
) -> dict[str, Tensor]:
    """A loss for each of WEIGHTS."""
    shown: list[_Layer] = []
    ends, decisions = _ends(batch["layouts"], samples), _decisions(batch["layouts"], samples)
    text = _texts(batch["layouts"])
    # Attention runs in torch's own kernel, which never makes the matrix: its few rows that are judged are made apart.
    watch = seeing(model.module, lambda query, key, _, scale: shown.append(_Layer(query, key, scale)))
    with torch.autocast("cpu", torch.bfloat16):
        with watch:
            answers, output = training_loss(model, batch, inner=True)
        layers = output.hidden_states
        middle, late = _normed(layers[len(layers) // 2]), _normed(layers[-3])
        told = heads.changes(_taken(late, ends)).float()
        foretold = heads.next(_taken(layers[-1], decisions)).float()
        recalled = heads.recall(_taken(middle, ends)).float()
        digits = torch.cat(
            (
                heads.number(_taken(middle, ends)).float().view(-1, 10),
                heads.asked(_taken(middle, decisions)).float().view(-1, 10),
            )
        )
        words = model.module.lm_head(layers[-1][text]).float()
    entropy, certainty = nn.functional.cross_entropy, nn.functional.binary_cross_entropy_with_logits
    about = _about(ends, samples, lessons)
    named = [(place, place.shot - back) for place in ends for back in (0, 1)] + [
        (place, place.shot) for place in decisions
    ]
    wanted = [int(digit) for place, shot in named for digit in shot_id(shot, samples[place.row].first)]
    return {
        "answers": answers,
        "changes": certainty(told, _changed(ends, samples, lessons)),
        "next": certainty(foretold, _changed(decisions, samples, lessons, ahead=1)),
        "recall": (recalled.view_as(about) - about).square().sum(-1).mean(),
        "number": entropy(digits, torch.tensor(wanted)),
        "look": _looking(shown, ends, decisions),
        "text": entropy(words, batch["ids"][text[0], text[1] + 1], weight=_text_weights(model)),
    }


def _normed(hidden: Tensor) -> Tensor:
    return nn.functional.rms_norm(hidden, hidden.shape[-1:])


def _taken(hidden: Tensor, places: Sequence[_Place]) -> Tensor:
    return hidden[[place.row for place in places], [place.column for place in places]]


def _changed(places: Sequence[_Place], samples: Sequence[Sample], lessons: Lessons, ahead: int = 0) -> Tensor:
    """`(places, 6)`: what changed with each shot, or with the one `ahead` of it."""
    truth = [lessons.changed[samples[place.row].movie][place.shot + ahead] for place in places]
    return torch.from_numpy(np.stack(truth))


def _about(ends: Sequence[_Place], samples: Sequence[Sample], lessons: Lessons) -> Tensor:
    """What each shot and the one before are about, `(ends, 2, 3, 64)`; zero where it isn't shown."""
    about = []
    for place in ends:
        sample = samples[place.row]
        shown = torch.tensor([sample.recipe.visual, sample.recipe.subtitles, sample.recipe.characters])
        about.append(lessons.about[sample.movie][[place.shot, place.shot - 1]] * shown[:, None])
    return torch.stack(about)


@dataclass(frozen=True)
class _Layer:
    """Queries `(batch, heads, n, width)` and keys (heads may share them) of one layer's attention, and its scale."""

    query: Tensor
    key: Tensor
    scale: float

    def rows(self, head: int, places: Sequence[_Place]) -> Tensor:
        """`(places, n)` float32: what one head gives to each token at these places."""
        head %= self.query.shape[1]
        row, column = (
            torch.tensor(side) for side in zip(*[(place.row, place.column) for place in places], strict=True)
        )
        keys = self.key[:, head * self.key.shape[1] // self.query.shape[1]].float()
        query = self.query[:, head].flatten(0, 1).index_select(0, row * keys.shape[1] + column).float()
        # All places against the keys of all prompts would be too much, and each place's own keys too many copies.
        scores = torch.cat([query[row == prompt] @ keys[prompt].T for prompt in row.unique()]) * self.scale
        return scores.masked_fill(torch.arange(scores.shape[1]) > column[:, None], -torch.inf).softmax(-1)


def _looking(layers: Sequence[_Layer], ends: Sequence[_Place], decisions: Sequence[_Place]) -> Tensor:
    """How far some heads are from looking at closing tags: of the shot before, from an end; of this shot and the next,
    from a decision. Mean negative logarithm of the mass."""
    closing = {(place.row, place.shot): place.column for place in ends}
    top, half = len(layers) - 1, len(layers) // 2
    lookers = (  # from where, layer, head, and how many shots on
        (ends, half - 1, -1, -1),
        (ends, half, 1, -1),
        (decisions, top - 1, 1, 1),
        (decisions, top - 1, -1, 0),
        (decisions, top, 1, 1),
    )
    found = []
    for places, layer, head, step in lookers:
        seen = [place for place in places if (place.row, place.shot + step) in closing]
        if seen:
            last = torch.tensor([closing[place.row, place.shot + step] for place in seen])
            mass = layers[layer].rows(head, seen).gather(1, last[:, None] - torch.arange(CLOSING)).sum(1)
            found.append(-(mass + 1e-4).log().mean())
    return torch.stack(found).mean()


def _ends(layouts: Sequence[TokenLayout], samples: Sequence[Sample]) -> list[_Place]:
    """The last token of every shot but a window's first."""
    return [
        _Place(row, int(np.flatnonzero(layout.shot[: layout.prompt_length] == shot)[-1]), shot)
        for row, (layout, sample) in enumerate(zip(layouts, samples, strict=True))
        for shot in sample.window.context[1:]
    ]


def _decisions(layouts: Sequence[TokenLayout], samples: Sequence[Sample]) -> list[_Place]:
    return [
        _Place(row, column, shot)
        for row, (layout, sample) in enumerate(zip(layouts, samples, strict=True))
        for shot, column in zip(sample.window.focus, layout.decision_rows.tolist(), strict=True)
    ]


def _texts(layouts: Sequence[TokenLayout]) -> tuple[Tensor, Tensor]:
    """Rows and columns whose next token is text of a shot: neither instruction, nor part of a frame, nor an answer."""
    silent = [MODALITIES.index("instruction"), MODALITIES.index("answer")]
    found = []
    for row, layout in enumerate(layouts):
        columns = np.flatnonzero((layout.frame[1:] < 0) & ~np.isin(layout.modality[1:], silent))
        found.append(np.stack([np.full(len(columns), row), columns]))
    rows, columns = np.concatenate(found, 1)
    return torch.from_numpy(rows), torch.from_numpy(columns)


def _text_weights(model: SceneModel) -> Tensor:
    weights = torch.ones(model.module.config.text_config.vocab_size)
    weights[[model.encoder.text(digit, data=True)[0] for digit in "0123456789"]] = DIGITS
    return weights
