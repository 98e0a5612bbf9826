"""What alignment learns from: windows with the reasons of some of their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from torch.utils.data import Dataset

from sceneviz._text import ScenevizError
from sceneviz.explanation import DETAILS, parse, rationale, story_of
from sceneviz.movie import Movie
from sceneviz.recipe import Recipe, Window, window_from
from sceneviz.training.samples import Sample, TrainingWindows


@dataclass(frozen=True, slots=True)
class Rationale:
    """Why a shot's answer is what it is, in words. movie: its name."""

    movie: str
    shot: int
    text: str


class Rationales(Protocol):
    """Reasons of the answers of some movies' shots.

    adapts: a reason speaks only of what its window shows, so inputs may be left out at random.
    """

    adapts: bool

    def shots(self, movie: int) -> Sequence[int]:
        """Shots of a movie with a reason, ascending."""

    def text(self, movie: int, shot: int, window: Window, recipe: Recipe, rng: np.random.Generator) -> str:
        """The reason, as it is to be written for this window."""


class Annotated:
    """Reasons that people wrote: each is used as it stands, and its window shows all there is.

    Raises ScenevizError for a reason of an unknown movie or shot, and for one that doesn't open as its label says.
    """

    adapts = False

    def __init__(self, movies: Sequence[Movie], rationales: Sequence[Rationale]) -> None:
        numbers = {movie.name: number for number, movie in enumerate(movies)}
        self._texts: list[dict[int, str]] = [{} for _ in movies]
        for each in rationales:
            if each.movie not in numbers:
                raise ScenevizError(f"rationale of {each.movie!r}: no such movie; there are {', '.join(numbers)}")
            movie = movies[numbers[each.movie]]
            if not 0 <= each.shot < len(movie) - 1:
                raise ScenevizError(f"rationale of {each.movie!r}: shot {each.shot} is not in 0 to {len(movie) - 2}")
            ends = movie.labels is not None and movie.labels[0, each.shot] in (1, -1)
            if (opening := parse(each.text).opening) != ends:
                raise ScenevizError(
                    f"rationale of shot {each.shot} of {each.movie!r}: its label says that {'a' if ends else 'no'} "
                    f"scene ends, so it must open with {'New' if ends else 'Same'!r} scene and end with a full stop; "
                    + ("it says the opposite" if opening is not None else f"got {each.text[:60]!r}")
                )
            self._texts[numbers[each.movie]][each.shot] = each.text

    def shots(self, movie: int) -> Sequence[int]:
        """Shots of a movie that have a reason."""
        return sorted(self._texts[movie])

    def text(self, movie: int, shot: int, window: Window, recipe: Recipe, rng: np.random.Generator) -> str:
        """What was written."""
        return self._texts[movie][shot]


class Rendered:
    """Reasons of rendered movies, for any shot, from what the renderer knows and the window shows.

    varied: the share of reasons whose phrasings are drawn; the others are plain. details: of what they say which, and
    not only that it changes or stays; see `rationale`.
    """

    adapts = True

    def __init__(self, movies: Sequence[Movie], *, varied: float = 0.0, details: Sequence[str] = DETAILS) -> None:
        self.movies, self.varied, self.details = list(movies), varied, tuple(details)
        for movie in movies:
            story_of(movie)  # raises for a movie without known reasons

    def shots(self, movie: int) -> Sequence[int]:
        """Every shot but the last."""
        return range(len(self.movies[movie]) - 1)

    def text(self, movie: int, shot: int, window: Window, recipe: Recipe, rng: np.random.Generator) -> str:
        """What can be told of the cut behind the shot."""
        drawn = rng if rng.random() < self.varied else None
        return rationale(self.movies[movie], shot, window, recipe, details=self.details, rng=drawn)


@dataclass(frozen=True)
class Explained:
    """A training window, and which of its answers are explained, and how."""

    sample: Sample
    shots: tuple[int, ...]
    texts: tuple[str, ...]


class ExplainedWindows(Dataset[Explained]):
    """The windows of `TrainingWindows`, most of them moved to where reasons are; the i-th one always the same.

    most: reasons in a window; ends of scenes first, then as many other shots as there are ends, or one.
    plain: share of windows that stay where they are, and explain nothing.
    """

    def __init__(self, windows: TrainingWindows, rationales: Rationales, *, most: int, plain: float) -> None:
        self.windows, self.rationales, self.most, self.plain = windows, rationales, most, plain
        self._ends, self._others = self._listed()
        if not self._ends and not self._others:
            raise ScenevizError("align: none of the movies has a rationale")

    def _listed(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        ends: list[tuple[int, int]] = []
        others: list[tuple[int, int]] = []
        for movie in range(len(self.windows.movies)):
            for shot in self.rationales.shots(movie):
                (ends if self._ends_scene(movie, shot) else others).append((movie, shot))
        return ends, others

    def _ends_scene(self, movie: int, shot: int) -> bool:
        labels = self.windows.movies[movie].labels
        return labels is not None and labels[0, shot] in (1, -1)

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> Explained:
        sample = self.windows[index]
        rng = np.random.default_rng((self.windows.config.seed, index, 2))
        if rng.random() < self.plain:
            return Explained(sample, (), ())
        among = self._ends if self._ends and (rng.random() < 0.8 or not self._others) else self._others
        movie, shot = among[int(rng.integers(len(among)))]
        sample = self._moved(sample, movie, shot, rng)
        chosen = self._chosen(sample, shot, rng)
        texts = tuple(self.rationales.text(movie, each, sample.window, sample.recipe, rng) for each in chosen)
        return Explained(sample, chosen, texts)

    def _moved(self, sample: Sample, movie: int, shot: int, rng: np.random.Generator) -> Sample:
        """A window of the same make that decides this shot, and shows the next one."""
        windows, film = self.windows, self.windows.movies[movie]
        start = max(0, shot - int(rng.integers(windows.recipe.focus)))
        window = window_from(start, len(film), windows.recipe, after=1)
        recipe = sample.recipe
        if not self.rationales.adapts:
            recipe = replace(windows.recipe, frames_per_shot=recipe.frames_per_shot)
        if film.frames is None:
            recipe = replace(recipe, visual=False, subtitles=True)
        first = windows.counted_from(movie, sample.first)
        return replace(sample, movie=movie, window=window, recipe=recipe, first=first, telling=0)

    def _chosen(self, sample: Sample, shot: int, rng: np.random.Generator) -> tuple[int, ...]:
        there = [each for each in self.rationales.shots(sample.movie) if each in sample.window.focus and each != shot]
        ends = [each for each in there if self._ends_scene(sample.movie, each)]
        others = [each for each in there if each not in ends]
        more = [*ends, *rng.permutation(others)[: max(1, len(ends))].tolist()]
        return (shot, *more[: self.most - 1])
