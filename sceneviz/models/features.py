"""Frame features of a movie, each frame decoded once and encoded once, windows walking forward."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakSet

import numpy as np
import torch
from torch import Tensor

from sceneviz._ahead import Ahead
from sceneviz._text import ScenevizError
from sceneviz.movie import Movie, Shot
from sceneviz.prompt import draw_mark, shot_id
from sceneviz.recipe import Recipe

if TYPE_CHECKING:
    from sceneviz.models.scene_model import SceneModel

# Shots that go through the vision tower together. Chunks are cut at multiples of it, wherever reading starts, so that
# a resumed run encodes each frame in the same company, and so to the same bits, as an undisturbed one.
CHUNK = 8
# Shots that are decoded ahead while the model is at work. Enough that it seldom waits; each holds K small pictures.
AHEAD = 2 * CHUNK


def marked_frames(shots: list[Shot], pictures: list[np.ndarray], recipe: Recipe, first: int = 0) -> np.ndarray:
    """`(shots * K, H, W, 3)` uint8: the pictures `(K, H, W, 3)` of each shot, with its ID drawn on where asked."""
    if recipe.shot_ids:
        pictures = [draw_mark(frames, shot_id(shot.index, first)) for shot, frames in zip(shots, pictures, strict=True)]
    return np.concatenate(pictures)


class SharedFeatures:
    """Features of a movie's shots, for several readers that walk forward through it side by side.

    Each frame is decoded once, and encoded once with its mark and once without, as far as some reader wants it. A shot
    is held from when the first reader gets there until the last has passed, so readers should keep together.
    count, size: keyframes a shot, and (height, width) in pixels; the same for all readers.
    """

    def __init__(self, model: SceneModel, movie: Movie, count: int, size: tuple[int, int]) -> None:
        if movie.frames is None:
            raise ScenevizError(
                f"movie {movie.name!r} has no frames; use a recipe with visual=False, or give it a video"
            )
        self.model, self.movie, self.count, self.size = model, movie, count, size
        self.readers: WeakSet[FrameFeatures] = WeakSet()
        self._held: dict[bool, dict[int, Tensor]] = {True: {}, False: {}}
        self._next: int | None = None
        self._pictures: Ahead[np.ndarray] = Ahead(iter(()), AHEAD)

    def features(self, context: range, recipe: Recipe) -> Tensor:
        """`(shots * K, tokens, …)` features of the frames of these shots, in order."""
        held = self._held[recipe.shot_ids]
        self._advance([index for index in context if index not in held])
        return torch.cat([held[index] for index in context])

    def drop(self) -> None:
        """Let go of the shots that all readers have passed."""
        for marked, held in self._held.items():
            passed = min((reader.needs for reader in self.readers if reader.recipe.shot_ids is marked), default=0)
            for index in [index for index in held if index < passed]:
                del held[index]

    def _advance(self, missing: list[int]) -> None:
        if not missing:
            return
        if self._next is None or missing[0] < self._next:
            self._next = missing[0] // CHUNK * CHUNK
            assert self.movie.frames is not None
            self._pictures.close()
            read = self.movie.frames.read(self.movie.shots[self._next :], self.count, self.size)
            self._pictures = Ahead(iter(read), AHEAD)
        while self._next <= missing[-1]:
            shots = list(self.movie.shots[self._next : self._next + CHUNK])
            pictures = [next(self._pictures) for _ in shots]
            self._next += CHUNK
            wanting = {reader.recipe.shot_ids: reader.recipe for reader in self.readers if reader.needs < self._next}
            for marked, recipe in wanting.items():
                features = self.model.encode(marked_frames(shots, pictures, recipe))
                for shot, bundle in zip(shots, features.split(self.count), strict=True):
                    self._held[marked][shot.index] = bundle


class FrameFeatures:
    """Features of a movie's shots under a recipe, held for as long as a window that moves forward needs them.

    store: what is shared with other recipes of the same frames; its own by default.
    needs: the first shot that may still be asked for.
    """

    def __init__(self, model: SceneModel, movie: Movie, recipe: Recipe, store: SharedFeatures | None = None) -> None:
        self.recipe, self.needs = recipe, 0
        self._store = store or SharedFeatures(model, movie, recipe.frames_per_shot, recipe.frame_size)
        self._store.readers.add(self)

    def window(self, context: range) -> Tensor:
        """`(shots * K, tokens, …)` features of the frames of these shots, in order."""
        return self._store.features(context, self.recipe)

    def forget(self, before: int) -> None:
        """Say that no later window needs the shots before this one."""
        self.needs = before
        self._store.drop()
