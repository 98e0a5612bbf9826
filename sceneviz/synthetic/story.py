"""What a rendered movie is made of, as plain data: places, takes, scenes, and the story that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

REASONS = ("place", "time", "characters", "topic")
TIMES = ("dawn", "day", "dusk", "night")
CAMERAS = 5  # fixed camera positions of a place
PROPS = 4  # objects that belong to a place
FRAME_RATE = 24

Kind = Literal["wide", "medium", "close", "insert"]
Pace = Literal["film", "quick"]
Style = Literal["drawn", "leaves", "marble", "solid"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where scenes play: the family of its panorama, its main hue (0 to 1), and the seed of its details."""

    family: str
    hue: float
    seed: int


@dataclass(frozen=True, slots=True)
class Take:
    """What one shot shows and says. `place` and `camera` are numbers; `partner` is seen from behind, out of focus."""

    scene: int
    place: int
    time: str
    camera: int
    kind: Kind
    mirrored: bool
    characters: tuple[str, ...]
    partner: str | None
    extra: bool
    prop: int
    light: float
    n_frames: int
    line: str


@dataclass(frozen=True, slots=True)
class Scene:
    """Shots `first` to `last` (inclusive). `parallel`: a second place that the scene cuts to and fro.

    reasons: what changes where this scene ends; empty for the last scene of the movie.
    """

    first: int
    last: int
    place: int
    parallel: int | None
    time: str
    characters: tuple[str, ...]
    topic: str
    reasons: frozenset[str]


@dataclass(frozen=True, slots=True)
class Story:
    """Everything there is to know about a rendered movie."""

    seed: int
    pace: Pace
    style: Style
    cast: tuple[str, ...]
    places: tuple[Place, ...]
    scenes: tuple[Scene, ...]
    takes: tuple[Take, ...]

    @property
    def name(self) -> str:
        """The movie's name: the seed, and what isn't as usual."""
        return "-".join(("rendered", str(self.seed), *self.unusual))

    @property
    def unusual(self) -> tuple[str, ...]:
        """The pace where it isn't a film's, and the style where it isn't drawn."""
        return tuple(str(one) for one in (self.pace, self.style) if one not in ("film", "drawn"))


def generator(*key: int) -> np.random.Generator:
    """An independent stream of random numbers for each key."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))
