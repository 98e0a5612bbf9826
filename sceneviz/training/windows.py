"""Training windows: labelled movies to batches of tokens, frames and answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from sceneviz._text import ScenevizError, fingerprint
from sceneviz.models.batch import Batch
from sceneviz.models.scene_model import SceneModel
from sceneviz.movie import Movie
from sceneviz.prompt import build_prompt, draw_mark, shot_id
from sceneviz.recipe import Recipe, Window
from sceneviz.training.config import TrainConfig


@dataclass(frozen=True)
class Sample:
    """One training window: whose, which, shown how, and what its shot IDs count from."""

    movie: int
    window: Window
    recipe: Recipe
    first: int


class TrainingWindows(Dataset[Sample]):
    """Windows drawn at random, the i-th one always the same: from all movies alike, at any place.

    movies: labelled. Uncertain labels (-1) count as the end of a scene, as in the `bassl` metric.
    """

    def __init__(self, movies: Sequence[Movie], recipe: Recipe, config: TrainConfig) -> None:
        for movie in movies:
            if movie.labels is None or len(movie) < 2:
                raise ScenevizError(f"training movie {movie.name!r} has no labels, or only one shot")
        self.movies, self.recipe, self.config = list(movies), recipe, config

    def __len__(self) -> int:
        return self.config.steps * self.config.batch_size

    def __getitem__(self, index: int) -> Sample:
        rng = np.random.default_rng((self.config.seed, index))
        place = int(rng.integers(len(self.movies)))
        recipe = self._varied(rng, index // self.config.batch_size, has_frames=self.movies[place].frames is not None)
        return Sample(place, self._window(rng, len(self.movies[place])), recipe, int(rng.integers(100)))

    def _window(self, rng: np.random.Generator, n_shots: int) -> Window:
        context, focus = self.recipe.context, self.recipe.focus
        if rng.random() < self.config.wide:
            start = int(rng.integers(max(1, n_shots - context + 1)))
            stop = min(n_shots, start + context)
            return Window(range(start, stop), range(start, min(stop, n_shots - 1)))
        start = int(rng.integers(max(1, n_shots - focus)))
        stop = min(start + focus, n_shots - 1)
        before = (context - focus) // 2
        return Window(range(max(0, start - before), min(n_shots, stop + context - focus - before)), range(start, stop))

    def _varied(self, rng: np.random.Generator, step: int, has_frames: bool) -> Recipe:
        wanted = {"visual": self.recipe.visual and has_frames}
        wanted |= {name: getattr(self.recipe, name) for name in ("subtitles", "characters")}
        kept = {name: on and rng.random() >= self.config.modality_dropout for name, on in wanted.items()}
        if not any(kept.values()):
            kept = wanted
        # One draw a step: a batch is as long as its longest prompt.
        single = np.random.default_rng((self.config.seed, step, 1)).random() < self.config.single_frame
        frames = 1 if single else self.recipe.frames_per_shot
        return replace(
            self.recipe,
            frames_per_shot=frames,
            visual=kept["visual"],
            subtitles=kept["subtitles"],
            characters=kept["characters"],
        )


class FrameStore:
    """All keyframes of the training movies at the model's size, decoded once and kept on disk."""

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


class Collator:
    """Samples to what one training step takes in."""

    def __init__(self, model: SceneModel, windows: TrainingWindows, store: FrameStore) -> None:
        self.model, self.movies, self.store = model, windows.movies, store
        self.template_weight = windows.config.template_weight

    def __call__(self, samples: Sequence[Sample]) -> dict[str, Any]:
        """ids, mask, positions; frames `(n, H, W, 3)` uint8; labels and weights `(batch, answer)`; layouts."""
        prompts = [build_prompt(self.movies[s.movie].shots, s.window, s.recipe, first=s.first) for s in samples]
        layouts = [self.model.layout(prompt) for prompt in prompts]
        batch = Batch.of(layouts, self.model.pad)
        truth = [self._truth(sample) for sample in samples]
        words = (self.model.encoder.no, self.model.encoder.yes)
        ids = batch.written([labels != 0 for labels in truth], range(len(samples)), words)
        weights = self.template_weight * batch.mask[:, batch.length :].float()
        for row, places in enumerate(batch.places):
            weights[row, places] = 1.0
        pictures = [self._pictures(sample) for sample in samples if sample.recipe.visual]
        return {
            "ids": ids,
            "mask": batch.mask,
            "positions": self.model.family.positions(self.model.module, batch.ids, batch.mask, batch.grid),
            "frames": torch.from_numpy(np.concatenate(pictures)) if pictures else None,
            "labels": ids[:, batch.length :],
            "weights": weights,
            "layouts": layouts,
        }

    def _truth(self, sample: Sample) -> np.ndarray:
        labels = self.movies[sample.movie].labels
        assert labels is not None
        chosen = labels[0, list(sample.window.focus)]
        return np.where(chosen == -2, 0, chosen)

    def _pictures(self, sample: Sample) -> np.ndarray:
        """The marked frames of a window; where fewer are shown, those nearest to where they would have been taken."""
        held, count = self.store[sample.movie], sample.recipe.frames_per_shot
        places = [(2 * k + 1) * held.shape[1] // (2 * count) for k in range(count)]
        shown = [held[index][places] for index in sample.window.context]
        if sample.recipe.shot_ids:
            shown = [
                draw_mark(frames, shot_id(index, sample.first))
                for index, frames in zip(sample.window.context, shown, strict=True)
            ]
        return np.concatenate(shown)


def training_loss(model: SceneModel, batch: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Weighted next-token loss on the answer's tokens, with gradients through language model and vision tower.

    Also returns the last hidden states `(batch, length, hidden)`.
    """
    device = model.device
    vision = {}
    if batch["frames"] is not None:
        vision = model.family.vision(model.family.encode(model.module, batch["frames"].to(device)))
    hidden = model.module.model(
        input_ids=batch["ids"].to(device),
        attention_mask=batch["mask"].to(device),
        position_ids=batch["positions"].to(device),
        use_cache=False,
        **vision,
    ).last_hidden_state
    labels, weights = batch["labels"].to(device), batch["weights"].to(device)
    logits = model.module.lm_head(hidden[:, -labels.shape[1] - 1 : -1])
    losses = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), reduction="none")
    return (losses * weights.flatten()).sum() / weights.sum(), hidden
