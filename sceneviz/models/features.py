"""Frame features of a movie, each frame decoded once and encoded once, windows walking forward."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from sceneviz._text import ScenevizError
from sceneviz.movie import Movie, Shot
from sceneviz.prompt import draw_mark, shot_id
from sceneviz.recipe import Recipe

if TYPE_CHECKING:
    from sceneviz.models.scene_model import SceneModel

# Shots that go through the vision tower together. Chunks are cut at multiples of it, wherever reading starts, so that
# a resumed run encodes each frame in the same company, and so to the same bits, as an undisturbed one.
CHUNK = 8


def marked_frames(shots: list[Shot], pictures: list[np.ndarray], recipe: Recipe, first: int = 0) -> np.ndarray:
    """`(shots * K, H, W, 3)` uint8: the pictures `(K, H, W, 3)` of each shot, with its ID drawn on where asked."""
    if recipe.shot_ids:
        pictures = [draw_mark(frames, shot_id(shot.index, first)) for shot, frames in zip(shots, pictures, strict=True)]
    return np.concatenate(pictures)


class FrameFeatures:
    """Features of a movie's shots under a recipe, held for as long as a window that moves forward needs them."""

    def __init__(self, model: SceneModel, movie: Movie, recipe: Recipe) -> None:
        if movie.frames is None:
            raise ScenevizError(
                f"movie {movie.name!r} has no frames; use a recipe with visual=False, or give it a video"
            )
        self.model, self.movie, self.recipe = model, movie, recipe
        self._held: dict[int, Tensor] = {}
        self._next: int | None = None
        self._pictures: Iterator[np.ndarray] = iter(())

    def window(self, context: range) -> Tensor:
        """`(shots * K, tokens, …)` features of the frames of these shots, in order."""
        self._advance(context)
        return torch.cat([self._held[index] for index in context])

    def forget(self, before: int) -> None:
        """Drop what no later window needs: all shots before this one."""
        for index in [index for index in self._held if index < before]:
            del self._held[index]

    def _advance(self, context: range) -> None:
        missing = [index for index in context if index not in self._held]
        if not missing:
            return
        if self._next is None or missing[0] < self._next:
            self._next = missing[0] // CHUNK * CHUNK
            assert self.movie.frames is not None
            self._pictures = self.movie.frames.read(
                self.movie.shots[self._next :], self.recipe.frames_per_shot, self.recipe.frame_size
            )
        while self._next <= missing[-1]:
            shots = list(self.movie.shots[self._next : self._next + CHUNK])
            pictures = [next(self._pictures) for _ in shots]
            features = self.model.encode(marked_frames(shots, pictures, self.recipe))
            for shot, bundle in zip(shots, features.split(self.recipe.frames_per_shot), strict=True):
                self._held[shot.index] = bundle
            self._next += CHUNK
