"""What the renderer knows of each shot, as numbers that the language model learns to recall while it reads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

from sceneviz.synthetic import Story
from sceneviz.synthetic.story import REASONS
from sceneviz.synthetic.words import NAMES, TOPICS, words_of
from sceneviz.tiny.warmup import contrastive_loss, numbered

WIDTH = 64  # numbers that stand for each of look, topic and people
SINCE = tuple(f"since: {reason}" for reason in REASONS)
CHANGES = ("scene", "place", "time", "new place", "people", "topic", "met", "stranger", *SINCE)
RECENT = 4  # shots within which a place or a person counts as seen before


def changes(told: Story, start: int = 0) -> np.ndarray:
    """`(shots, 12)` float32, 0 or 1: what differs between a shot and the one before it, in the order of CHANGES.

    "new place": none of the last four shots showed it. "people": at most one of them was there before. "met" and
    "stranger": somebody is named who was, or who was not, in the last four shots. SINCE: what changed when the shot's
    scene began, of which each of its shots tells more; nothing where that was not behind shot `start`.
    """
    takes, scenes = told.takes, told.scenes
    marks = np.zeros((len(takes), len(CHANGES)), np.float32)
    for index, (take, before) in enumerate(zip(takes[1:], takes, strict=False), 1):
        here, there = scenes[take.scene], scenes[before.scene]
        people, others = set(here.characters), set(there.characters)
        recent = takes[max(0, index - RECENT) : index]
        known = {name for one in recent for name in one.characters}
        marks[index] = (
            take.scene != before.scene,
            take.place != before.place,
            take.time != before.time,
            all(one.place != take.place for one in recent),
            people != others and len(people & others) <= 1,
            here.topic != there.topic,
            not known.isdisjoint(take.characters),
            not known.issuperset(take.characters),
            *(here.first > start and reason in scenes[take.scene - 1].reasons for reason in REASONS),
        )
    return marks


def said_and_present(told: Story) -> Tensor:
    """`(shots, 2, 64)`: the topic of what is said, and who is there, as sums of fixed random directions of length 1.

    Zero where nothing tells: no line, or one without a word of the topic; nobody in frame.
    """
    topics, names = list(_directions(tuple(TOPICS)).values()), _directions(NAMES)
    found = torch.zeros(len(told.takes), 2, WIDTH)
    for index, (take, topic) in enumerate(zip(told.takes, topics_told(told).tolist(), strict=True)):
        if topic >= 0:
            found[index, 0] = topics[topic]
        if take.characters:
            found[index, 1] = nn.functional.normalize(
                torch.stack([names[one] for one in take.characters]).sum(0), dim=0
            )
    return found


def topics_told(told: Story) -> np.ndarray:
    """`(shots,)` int64: the number of the topic that each line is about, -1 where no word of it tells."""
    names = list(TOPICS)
    about = [told.scenes[take.scene].topic for take in told.takes]
    tells = [
        bool(words_of(take.line) & {word for part in TOPICS[topic] for word in part})
        for take, topic in zip(told.takes, about, strict=True)
    ]
    return np.where(tells, [names.index(topic) for topic in about], -1)


@cache
def _directions(keys: tuple[str, ...]) -> dict[str, Tensor]:
    rng = torch.Generator().manual_seed(len(keys))
    return {key: nn.functional.normalize(torch.randn(WIDTH, generator=rng), dim=0) for key in keys}


class Look:
    """A projection of frame features in which shots of one place and time are alike, fitted once on kept features."""

    def __init__(self, features: Sequence[Tensor], stories: Sequence[Story], *, steps: int = 400) -> None:
        points = torch.cat([held.mean((1, 2)) for held in features])
        self.centre, self.spread = points.mean(0), points.std(0)
        rng = np.random.default_rng(steps)
        with torch.random.fork_rng(devices=[]):  # a killed training must find the same projection again
            torch.manual_seed(steps)
            self.projection = nn.Linear(points.shape[1], WIDTH)
        optimiser = torch.optim.Adam(self.projection.parameters(), 2e-3)
        places = [[(take.place, take.time) for take in told.takes] for told in stories]
        for _ in range(steps):
            chosen, groups = [], []
            for number in rng.choice(len(stories), min(8, len(stories)), replace=False):
                start = int(rng.integers(max(1, len(places[number]) - 24)))
                chosen.append(self._standard(features[number][start : start + 24]))
                groups += [(number, *place) for place in places[number][start : start + 24]]
            ignored = torch.zeros(len(groups), len(groups), dtype=torch.bool)
            loss = contrastive_loss(self.projection(torch.cat(chosen)), numbered(groups), ignored)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    def _standard(self, features: Tensor) -> Tensor:
        return (features.mean((1, 2)) - self.centre) / self.spread

    @torch.no_grad()
    def __call__(self, features: Tensor) -> Tensor:
        """Features of a movie `(shots, K, tokens, hidden)` to `(shots, 64)` of length 1, its own mean taken out."""
        seen = self._standard(features) @ self.projection.weight.T
        return nn.functional.normalize(seen - seen.mean(0), dim=1)
