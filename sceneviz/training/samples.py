"""Which windows a training shows, in which order, and how: all of it follows from a number and a seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from torch.utils.data import Dataset

from sceneviz._text import ScenevizError
from sceneviz.movie import Movie
from sceneviz.recipe import Recipe, Window, plan_windows, window_from
from sceneviz.training.config import TrainConfig

POOL = 32  # steps whose windows are sorted by length together


@dataclass(frozen=True)
class Sample:
    """One training window: whose, which, shown how, and what its shot IDs count from.

    frames: which of a shot's keyframes are shown. telling: which of its tellings, where a movie has several.
    """

    movie: int
    window: Window
    recipe: Recipe
    first: int
    frames: tuple[int, ...]
    telling: int = 0


class TrainingWindows(Dataset[Sample]):
    """Windows in a random order, the i-th one always the same: drawn from all movies alike, at any place, or, where
    the config counts epochs, each window of the movies once an epoch.

    movies: labelled. Uncertain labels (-1) count as the end of a scene, as in the `bassl` metric.
    length: tokens of a sample; needed where windows of like length are to share a step.
    """

    def __init__(
        self,
        movies: Sequence[Movie],
        recipe: Recipe,
        config: TrainConfig,
        *,
        length: Callable[[Sample], int] | None = None,
    ) -> None:
        self.movies, self.recipe, self.config, self.length = list(movies), recipe, config, length
        if not self.movies:
            raise ScenevizError("no movies to train on; at least one with labels is needed")
        for movie in self.movies:
            if movie.labels is None or len(movie) < 2:
                raise ScenevizError(f"training movie {movie.name!r} has no labels, or only one shot; leave it out")
            if movie.frames is None and not (recipe.subtitles or recipe.characters):
                raise ScenevizError(f"training movie {movie.name!r} has no frames, and the recipe shows nothing else")
        self.planned = [(place, window) for place, movie in enumerate(self.movies) for window in self._plan(movie)]
        self._order = lru_cache(2)(self._shuffled)
        self._sorted = lru_cache(2)(self._pool)

    def _plan(self, movie: Movie) -> tuple[Window, ...]:
        return plan_windows(len(movie), self.recipe) if self.config.epochs else ()

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole training."""
        if not self.config.epochs:
            return self.config.steps
        return math.ceil(self.config.epochs * len(self.planned) / self.config.batch_size)

    @property
    def steps_an_epoch(self) -> int:
        """Optimiser steps in which every window is shown once; 0 where epochs are not counted."""
        return math.ceil(len(self.planned) / self.config.batch_size)

    def __len__(self) -> int:
        return self.steps * self.config.batch_size

    def __getitem__(self, index: int) -> Sample:
        if self.length is None or not self.config.bucket:
            return self._drawn(index)
        size = POOL * self.config.batch_size
        return self._drawn(self._sorted(index // size)[index % size])

    def _pool(self, number: int) -> list[int]:
        """The windows of some steps by length, cut into steps, the steps in random order."""
        assert self.length is not None
        size = self.config.batch_size
        whole = range(number * POOL * size, min((number + 1) * POOL * size, len(self)))
        ranked = sorted(whole, key=lambda index: (self.length(self._drawn(index)), index))  # type: ignore[misc]
        order = np.random.default_rng((self.config.seed, number, 2)).permutation(len(ranked) // size)
        return [ranked[place] for step in order for place in range(step * size, (step + 1) * size)]

    def _shuffled(self, epoch: int) -> np.ndarray:
        return np.random.default_rng((self.config.seed, epoch, 3)).permutation(len(self.planned))

    def _drawn(self, index: int) -> Sample:
        rng = np.random.default_rng((self.config.seed, index))
        if self.planned:
            epoch, turn = divmod(index, len(self.planned))
            place, window = self.planned[self._order(epoch)[turn]]
        else:
            place = int(rng.integers(len(self.movies)))
        frames = self._frames(rng, index // self.config.batch_size)
        recipe = self._varied(rng, len(frames), has_frames=self.movies[place].frames is not None)
        if not self.planned:
            window = self._window(rng, len(self.movies[place]))
        first = self.counted_from(place, int(rng.integers(100)))
        return Sample(place, window, recipe, first, frames, telling=int(rng.integers(2**31)))

    def counted_from(self, movie: int, drawn: int) -> int:
        """What a window's shot IDs count from: what was drawn, unless kept features fix it, which hold the mark."""
        return self.first(movie) if self.config.keeps_features else drawn

    def first(self, movie: int) -> int:
        """What a movie's shot IDs count from wherever its features are kept: any number, always the same."""
        return int(np.random.default_rng(movie).integers(100))

    def _frames(self, rng: np.random.Generator, step: int) -> tuple[int, ...]:
        """The keyframes to show: all, or any one of them."""
        # One draw a step for how many: a batch is as long as its longest prompt.
        single = np.random.default_rng((self.config.seed, step, 1)).random() < self.config.single_frame
        count = self.recipe.frames_per_shot
        return (int(rng.integers(count)),) if single else tuple(range(count))

    def _window(self, rng: np.random.Generator, n_shots: int) -> Window:
        context, focus = self.recipe.context, self.recipe.focus
        if rng.random() < self.config.wide:
            start = int(rng.integers(max(1, n_shots - context + 1)))
            stop = min(n_shots, start + context)
            # The place in the answer must not tell which shot is meant, or nothing else is learned to tell it.
            last = min(stop, n_shots - 1)
            count = int(rng.integers(-(-(last - start) // 2), last - start + 1))
            focus = int(rng.integers(start, last - count + 1))
            return Window(range(start, stop), range(focus, focus + count))
        return window_from(int(rng.integers(max(1, n_shots - focus))), n_shots, self.recipe)

    def _varied(self, rng: np.random.Generator, frames: int, has_frames: bool) -> Recipe:
        wanted = {"visual": self.recipe.visual and has_frames}
        wanted |= {name: getattr(self.recipe, name) for name in ("subtitles", "characters")}
        kept = {name: on and rng.random() >= self.config.modality_dropout for name, on in wanted.items()}
        shown = kept if any(kept.values()) else wanted
        if self.config.silent and wanted["visual"] and rng.random() < self.config.silent:
            shown = {"visual": True, "subtitles": False, "characters": False}
        return replace(
            self.recipe,
            frames_per_shot=frames,
            visual=shown["visual"],
            subtitles=shown["subtitles"],
            characters=shown["characters"],
        )
