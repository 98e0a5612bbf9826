"""A seed becomes a story: places, people, scenes with their reasons to end, and the takes that tell them. No pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np

from sceneviz._text import ScenevizError, choice
from sceneviz.synthetic.story import REASONS, TIMES, Pace, Place, Scene, Story, Style, generator
from sceneviz.synthetic.takes import takes_of
from sceneviz.synthetic.words import NAMES, TOPICS

TEST_SEEDS = 9_000_000  # seeds from here up are for testing only, never trained on
# The chance of a boundary after a boundary, and after any other shot, and the share of boundaries that is let pass.
# "film" is MovieNet's chain; "quick" has a boundary at every third shot, and is for learning to tell scenes apart.
PACES: dict[Pace, tuple[float, float, tuple[float, float]]] = {
    "film": (0.28, 0.065, (0.08, 0.20)),
    "quick": (0.30, 0.30, (0.20, 0.45)),
}
STYLES: tuple[Style, ...] = get_args(Style)
FAMILIES = (
    "room", "tiles", "street", "alley", "forest", "hills", "sea", "desert", "cave", "machines", "library", "crowd",
    "office", "mountains", "market", "hull", "castle", "garden",
)  # fmt: skip


def story(seed: int, shots: int | None = None, *, pace: Pace = "film", style: Style = "drawn") -> Story:
    """Invent a movie of `shots` shots (None: 60 to 140, by the seed). Equal arguments give equal stories.

    pace: "film" has scenes as long as MovieNet's, "quick" a boundary at every third shot.
    style: of its places: "drawn" ones, places in space ("solid"), or patterns in their stead ("leaves", "marble"); the
    story stays the same.
    Seeds from 9 000 000 up are for testing only.
    """
    choice(pace, PACES, "pace")
    choice(style, STYLES, "style")
    if seed < 0 or (shots is not None and shots < 1):
        raise ScenevizError(f"expected a seed >= 0 and at least one shot, got seed {seed} and shots {shots}")
    rng = generator(seed)
    n_shots = int(rng.integers(60, 141)) if shots is None else shots
    cast = tuple(pick(rng, NAMES, 8))
    places = _places(rng)
    scenes = _scenes(rng, [*_boundaries(rng, n_shots, pace), n_shots - 1], cast, len(places))
    takes = [take for number, scene in enumerate(scenes) for take in takes_of(rng, number, scene, cast)]
    drawn = Story(seed, pace, "drawn", cast, places, tuple(scenes), tuple(takes))
    return drawn if style == "drawn" else restyled(drawn, style)


def restyled(told: Story, style: Style) -> Story:
    """The same story in places of a style other than "drawn"."""
    return replace(told, style=style, places=tuple(replace(place, family=style) for place in told.places))


def reasons(seed: int, shots: int | None = None) -> list[dict[str, Any]]:
    """A row a true boundary: its `shot` (last of the scene), and whether place, time, characters and topic change."""
    return [
        {"shot": scene.last, **{reason: reason in scene.reasons for reason in REASONS}}
        for scene in story(seed, shots).scenes[:-1]
    ]


def pick(rng: np.random.Generator, options: Sequence[str], count: int) -> list[str]:
    """`count` different ones, in random order."""
    return [options[i] for i in rng.choice(len(options), size=count, replace=False)]


def _places(rng: np.random.Generator) -> tuple[Place, ...]:
    """6 to 10 places of different families, their hues spread around the circle, so that they can be told apart."""
    count = int(rng.integers(6, 11))
    hues = rng.permutation((np.arange(count) + rng.uniform(-0.25, 0.25, count)) / count + rng.random()) % 1
    families = pick(rng, FAMILIES, count)
    return tuple(
        Place(family, float(hue), int(rng.integers(2**31))) for family, hue in zip(families, hues, strict=True)
    )


def _boundaries(rng: np.random.Generator, n_shots: int, pace: Pace) -> list[int]:
    """Last shots of all scenes but the last, from the pace's chain, redrawn until their share is the pace's."""
    after_boundary, after_other, prevalence = PACES[pace]
    low, high = (share * (n_shots - 1) for share in prevalence)
    low, high = (1.0, max(high, 1.0)) if n_shots > 1 and low < 1 else (low, high)
    while True:
        ends: list[int] = []
        for shot in range(n_shots - 1):
            after = bool(ends) and ends[-1] == shot - 1
            if rng.random() < (after_boundary if after else after_other):
                ends.append(shot)
        if low <= len(ends) <= high:
            return ends


def _change(rng: np.random.Generator) -> frozenset[str]:
    """What changes at a boundary: seen in about 80 % of them, heard or known from who is there in about 85 %."""
    kind = rng.choice(3, p=[0.6, 0.2, 0.2])
    chances = [(1.0, 0.3, 0.7, 0.7), (0.0, 1.0, 0.4, 0.4), (0.0, 0.0, 0.75, 0.75)][kind]
    while True:
        changed = frozenset(reason for reason, chance in zip(REASONS, chances, strict=True) if rng.random() < chance)
        if changed:
            return changed


def _scenes(rng: np.random.Generator, ends: list[int], cast: tuple[str, ...], n_places: int) -> list[Scene]:
    n_cast = int(rng.integers(2, 5))
    place, time, topic = int(rng.integers(n_places)), pick(rng, TIMES, 1)[0], pick(rng, tuple(TOPICS), 1)[0]
    people = tuple(pick(rng, cast, n_cast))
    visited = [place]
    scenes: list[Scene] = []
    for last in ends:
        first = scenes[-1].last + 1 if scenes else 0
        changed = _change(rng) if last != ends[-1] else frozenset[str]()
        others = [other for other in range(n_places) if other != place]
        parallel = int(rng.choice(others)) if last - first >= 5 and rng.random() < 0.12 else None
        scenes.append(Scene(first, last, place, parallel, time, people, topic, changed))
        if "place" in changed:
            known = [other for other in visited if other != place]
            place = int(rng.choice(known if known and rng.random() < 0.5 else others))
            visited.append(place)
        if "time" in changed:
            time = pick(rng, [other for other in TIMES if other != time], 1)[0]
        if "topic" in changed:
            topic = pick(rng, [other for other in TOPICS if other != topic], 1)[0]
        if "characters" in changed:
            absent = [name for name in cast if name not in people]
            stays = list(people[:1]) if rng.random() < 0.25 else []
            people = tuple(stays + pick(rng, absent, int(rng.integers(2, 4))))
    return scenes
