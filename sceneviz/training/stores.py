"""What training sees of its movies again and again, computed once and kept on disk: keyframes, and their features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from sceneviz._text import ScenevizError, fingerprint
from sceneviz.models.features import CHUNK, marked_frames
from sceneviz.models.scene_model import SceneModel
from sceneviz.movie import Movie
from sceneviz.recipe import Recipe


class FrameStore:
    """All keyframes of the training movies at the model's size, decoded once."""

    def __init__(self, movies: Sequence[Movie], recipe: Recipe, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._arrays = [self._opened(movie, recipe, folder) for movie in movies]

    def _opened(self, movie: Movie, recipe: Recipe, folder: Path) -> np.ndarray | None:
        if movie.frames is None or not recipe.visual:
            return None
        name = fingerprint(movie.frames.fingerprint, movie.shots, recipe.frames_per_shot, recipe.frame_size)
        path = folder / f"{name}.npy"
        if not path.exists():
            pictures = movie.frames.read(movie.shots, recipe.frames_per_shot, recipe.frame_size)
            part = path.with_suffix(".part.npy")
            np.save(part, np.stack(list(pictures)))
            part.replace(path)
        return np.load(path, mmap_mode="r")  # type: ignore[no-any-return]

    def __getitem__(self, movie: int) -> np.ndarray:
        """`(shots, K, H, W, 3)` uint8."""
        frames = self._arrays[movie]
        if frames is None:
            raise KeyError(f"training movie {movie} has no frames")
        return frames


class FeatureStore:
    """What a vision tower that stays as it is makes of those keyframes, each with its mark, encoded once.

    A mark is part of the picture, so all windows of a movie must count its shot IDs from the same number, `first`.
    """

    def __init__(
        self, model: SceneModel, movies: Sequence[Movie], recipe: Recipe, *, first: Callable[[int], int], folder: Path
    ) -> None:
        self.model, self.movies, self.recipe, self.first = model, movies, recipe, first
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        weights = model.module.model.visual.state_dict()
        parts = [part for name, weight in sorted(weights.items()) for part in (name, weight.float().cpu().numpy())]
        self._tower = fingerprint(*[part if isinstance(part, str) else part.tobytes() for part in parts])
        for index in tqdm(range(len(movies)), desc="frame features", unit="movie", disable=None):
            if movies[index].frames is not None and not self._path(index).exists():
                self._encode(index)

    def _path(self, movie: int) -> Path:
        frames = self.movies[movie].frames
        if frames is None:
            raise ScenevizError(f"training movie {self.movies[movie].name!r} has no frames")
        shown = (self.recipe.frames_per_shot, self.recipe.frame_size, self.recipe.shot_ids, self.first(movie))
        name = fingerprint(self._tower, frames.fingerprint, self.movies[movie].shots, *shown)
        return self.folder / f"{name}.safetensors"

    def _encode(self, movie: int) -> None:
        from safetensors.torch import save_file

        source, shots = self.movies[movie].frames, list(self.movies[movie].shots)
        assert source is not None
        pictures = source.read(shots, self.recipe.frames_per_shot, self.recipe.frame_size)
        bundles = []
        for start in range(0, len(shots), 8 * CHUNK):
            some = shots[start : start + 8 * CHUNK]
            frames = marked_frames(some, [next(pictures) for _ in some], self.recipe, self.first(movie))
            bundle = self.model.encode(frames)
            bundles.append(bundle.unflatten(0, (len(some), -1)).to("cpu", torch.bfloat16))
        path = self._path(movie)
        part = path.with_suffix(".part")
        save_file({"features": torch.cat(bundles).contiguous()}, part)
        part.replace(path)

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
