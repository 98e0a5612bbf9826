"""What training sees of its movies again and again, computed once and kept on disk: keyframes, and their features."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from tqdm.auto import tqdm

from sceneviz._text import ScenevizError, fingerprint
from sceneviz.models.features import CHUNK, marked_frames
from sceneviz.models.scene_model import SceneModel
from sceneviz.movie import Movie
from sceneviz.recipe import Recipe
from sceneviz.training.steps import turns_from

RUN = 8 * CHUNK  # shots that are decoded, and encoded, together


class FrameStore:
    """All keyframes of the training movies at the model's size, decoded once.

    share: which part of the movies to decode, and of how many; other processes do the rest.
    """

    def __init__(
        self, movies: Sequence[Movie], recipe: Recipe, folder: Path, *, share: tuple[int, int] = (0, 1)
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._paths = [self._path(movie, recipe, folder) for movie in movies]
        self._open: dict[int, np.ndarray] = {}
        for movie, path in list(zip(movies, self._paths, strict=True))[share[0] :: share[1]]:
            if path is not None and movie.frames is not None and not path.exists():
                pictures = movie.frames.read(movie.shots, recipe.frames_per_shot, recipe.frame_size)
                part = path.with_suffix(f".{os.getpid()}.part.npy")
                np.save(part, np.stack(list(pictures)))
                part.replace(path)

    def _path(self, movie: Movie, recipe: Recipe, folder: Path) -> Path | None:
        if movie.frames is None or not recipe.visual:
            return None
        name = fingerprint(movie.frames.fingerprint, movie.shots, recipe.frames_per_shot, recipe.frame_size)
        return folder / f"{name}.npy"

    def __getitem__(self, movie: int) -> np.ndarray:
        """`(shots, K, H, W, 3)` uint8."""
        path = self._paths[movie]
        if path is None:
            raise KeyError(f"training movie {movie} has no frames")
        if movie not in self._open:
            self._open[movie] = np.load(path, mmap_mode="r")
        return self._open[movie]

    def window(self, movie: int, shots: range, frames: Sequence[int]) -> list[np.ndarray]:
        """Of each shot, `(frames, H, W, 3)` uint8: some of its keyframes."""
        held = self[movie]
        return [held[shot][list(frames)] for shot in shots]


class DirectFrames:
    """Keyframes read from the movie whenever they are asked for: nothing is kept."""

    def __init__(self, movies: Sequence[Movie], recipe: Recipe) -> None:
        self.movies, self.recipe = movies, recipe

    def window(self, movie: int, shots: range, frames: Sequence[int]) -> list[np.ndarray]:
        """Of each shot, `(frames, H, W, 3)` uint8: some of its keyframes."""
        film = self.movies[movie]
        assert film.frames is not None
        wanted = film.shots[shots.start : shots.stop]
        read = film.frames.read(wanted, self.recipe.frames_per_shot, self.recipe.frame_size)
        return [held[list(frames)] for held in read]


class FeatureStore:
    """What a vision tower that stays as it is makes of those keyframes, each with its mark, encoded once.

    A mark is part of the picture, so all windows of a movie must count its shot IDs from the same number, `first`.
    """

    def __init__(
        self,
        model: SceneModel,
        movies: Sequence[Movie],
        recipe: Recipe,
        *,
        first: Callable[[int], int],
        folder: Path,
        share: tuple[int, int] = (0, 1),
        workers: int = 0,
    ) -> None:
        """share: which part of the movies to encode, and of how many; other processes do the rest.

        workers: processes that decode beside the encoding.
        """
        self.model, self.movies, self.recipe, self.first = model, movies, recipe, first
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        weights = model.module.model.visual.state_dict()
        parts = [part for name, weight in sorted(weights.items()) for part in (name, weight.float().cpu().numpy())]
        self._tower = fingerprint(*[part if isinstance(part, str) else part.tobytes() for part in parts])
        own = range(len(movies))[share[0] :: share[1]]
        self._encode(
            [index for index in own if movies[index].frames is not None and not self._path(index).exists()], workers
        )

    def _path(self, movie: int) -> Path:
        frames = self.movies[movie].frames
        if frames is None:
            raise ScenevizError(f"training movie {self.movies[movie].name!r} has no frames")
        shown = (self.recipe.frames_per_shot, self.recipe.frame_size, self.recipe.shot_ids, self.first(movie))
        name = fingerprint(self._tower, frames.fingerprint, self.movies[movie].shots, *shown)
        return self.folder / f"{name}.safetensors"

    def _encode(self, movies: Sequence[int], workers: int) -> None:
        """Write the features of these movies."""
        from safetensors.torch import save_file

        marked = _Marked([self.movies[movie] for movie in movies], self.recipe, [self.first(movie) for movie in movies])
        read = iter(turns_from(marked, 0, len(marked.runs), workers))
        with tqdm(total=len(movies), desc="frame features", unit="movie", disable=None) as told:
            for place, runs in groupby(marked.runs, itemgetter(0)):
                bundles = [
                    self.model.encode(next(read)).unflatten(0, (len(run), -1)).to("cpu", torch.bfloat16)
                    for _, run in runs
                ]
                path = self._path(movies[place])
                part = path.with_suffix(f".{os.getpid()}.part")
                save_file({"features": torch.cat(bundles).contiguous()}, part)
                part.replace(path)
                told.update()

    def read(self, movie: int, shots: range, frames: Sequence[int]) -> Tensor:
        """`(shots * frames, tokens, …)`: features of these keyframes of a run of shots, in order."""
        from safetensors import safe_open

        with safe_open(self._path(movie), "pt") as file:
            held: Tensor = file.get_slice("features")[shots.start : shots.stop]
        chosen: Tensor = held[:, list(frames)].flatten(0, 1).to(self.model.dtype)
        return chosen

    def whole(self, movie: int) -> Tensor:
        """`(shots, K, tokens, …)`: all features of a movie."""
        count = len(self.movies[movie])
        held = self.read(movie, range(count), range(self.recipe.frames_per_shot))
        parted: Tensor = held.unflatten(0, (count, -1))
        return parted


class _Marked(Dataset[np.ndarray]):
    """Keyframes of runs of shots, each with its mark: `(shots * K, H, W, 3)` uint8.

    runs: the place of a movie in the list, and which of its shots, in order. first: what each movie's IDs count from.
    """

    def __init__(self, movies: Sequence[Movie], recipe: Recipe, first: Sequence[int]) -> None:
        self.movies, self.recipe, self.first = movies, recipe, first
        self.runs = [
            (place, range(start, min(start + RUN, len(movie))))
            for place, movie in enumerate(movies)
            for start in range(0, len(movie), RUN)
        ]

    def __getitem__(self, number: int) -> np.ndarray:
        place, run = self.runs[number]
        movie, recipe = self.movies[place], self.recipe
        assert movie.frames is not None
        shots = list(movie.shots[run.start : run.stop])
        pictures = list(movie.frames.read(shots, recipe.frames_per_shot, recipe.frame_size))
        return marked_frames(shots, pictures, recipe, self.first[place])
