"""Training windows: labelled movies to batches of tokens, frames and answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from sceneviz._text import ScenevizError
from sceneviz.models.features import marked_frames
from sceneviz.models.scene_model import SceneModel
from sceneviz.movie import Movie
from sceneviz.prompt import TokenLayout, build_prompt
from sceneviz.recipe import Recipe, Window
from sceneviz.training.config import TrainConfig
from sceneviz.training.stores import FeatureStore, FrameStore


@dataclass(frozen=True)
class Sample:
    """One training window: whose, which, shown how, and what its shot IDs count from.

    frames: which of a shot's keyframes are shown.
    """

    movie: int
    window: Window
    recipe: Recipe
    first: int
    frames: tuple[int, ...]


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
        frames = self._frames(rng, index // self.config.batch_size)
        recipe = self._varied(rng, len(frames), has_frames=self.movies[place].frames is not None)
        window = self._window(rng, len(self.movies[place]))
        # A frame's mark is part of its features, which are kept only where the vision tower stays as it is.
        first = self.first(place) if self.config.freeze_vision else int(rng.integers(100))
        return Sample(place, window, recipe, first, frames)

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
        start = int(rng.integers(max(1, n_shots - focus)))
        stop = min(start + focus, n_shots - 1)
        before = (context - focus) // 2
        return Window(range(max(0, start - before), min(n_shots, stop + context - focus - before)), range(start, stop))

    def _varied(self, rng: np.random.Generator, frames: int, has_frames: bool) -> Recipe:
        wanted = {"visual": self.recipe.visual and has_frames}
        wanted |= {name: getattr(self.recipe, name) for name in ("subtitles", "characters")}
        kept = {name: on and rng.random() >= self.config.modality_dropout for name, on in wanted.items()}
        shown = kept if any(kept.values()) else wanted
        return replace(
            self.recipe,
            frames_per_shot=frames,
            visual=shown["visual"],
            subtitles=shown["subtitles"],
            characters=shown["characters"],
        )


class Collator:
    """Samples to what one training step takes in.

    store: of frames, or of features where the vision tower stays as it is.
    """

    def __init__(self, model: SceneModel, windows: TrainingWindows, store: FrameStore | FeatureStore) -> None:
        self.model, self.movies, self.store = model, windows.movies, store
        self.template_weight = windows.config.template_weight

    def __call__(self, samples: Sequence[Sample]) -> dict[str, Any]:
        """Prompts with their true answers flush left, and what is to be learned from them.

        ids `(batch, length)`, positions `(3, batch, length)`; frames `(n, H, W, 3)` uint8 or features `(n, tokens, …)`,
        None without; rows, columns, targets, weights: for each token of an answer, the place whose output has to say
        it, its ID, and what it counts for; layouts.
        """
        prompts = [build_prompt(self.movies[s.movie].shots, s.window, s.recipe, first=s.first) for s in samples]
        layouts = [self.model.layout(prompt) for prompt in prompts]
        lengths = torch.tensor([len(layout) for layout in layouts])
        ids = torch.full((len(samples), int(lengths.max())), self.model.pad)
        judged = []
        for row, (layout, sample) in enumerate(zip(layouts, samples, strict=True)):
            ids[row, : len(layout)] = torch.from_numpy(self._answered(layout, self._truth(sample)))
            answer = np.arange(layout.prompt_length, len(layout))
            weights = np.where(np.isin(answer, layout.answer_places), 1.0, self.template_weight)
            judged.append(np.stack([np.full(len(answer), row), answer - 1, weights]))
        rows, columns, weights = np.concatenate(judged, 1)
        rows, columns = torch.from_numpy(rows).long(), torch.from_numpy(columns).long()
        mask = (torch.arange(ids.shape[1]) < lengths[:, None]).long()
        return {
            "ids": ids,
            "positions": self.model.family.positions(self.model.module, ids, mask, self._grid(samples[0].recipe)),
            **self._shown([sample for sample in samples if sample.recipe.visual]),
            "rows": rows,
            "columns": columns,
            "targets": ids[rows, columns + 1],
            "weights": torch.from_numpy(weights).float(),
            "layouts": layouts,
        }

    def _grid(self, recipe: Recipe) -> tuple[int, int]:
        height, width = recipe.frame_size
        return height // self.model.token_pixels, width // self.model.token_pixels

    def _answered(self, layout: TokenLayout, truth: np.ndarray) -> np.ndarray:
        ids = layout.ids.copy()
        ids[layout.answer_places] = np.where(truth, self.model.encoder.yes, self.model.encoder.no)
        return ids

    def _truth(self, sample: Sample) -> np.ndarray:
        labels = self.movies[sample.movie].labels
        assert labels is not None
        chosen = labels[0, list(sample.window.focus)]
        return np.isin(chosen, (1, -1))

    def _shown(self, samples: Sequence[Sample]) -> dict[str, Tensor | None]:
        if isinstance(self.store, FeatureStore):
            kept = [self.store.read(sample.movie, sample.window.context, sample.frames) for sample in samples]
            return {"features": torch.cat(kept) if kept else None, "frames": None}
        pictures = [self._pictures(self.store, sample) for sample in samples]
        return {"features": None, "frames": torch.from_numpy(np.concatenate(pictures)) if pictures else None}

    def _pictures(self, store: FrameStore, sample: Sample) -> np.ndarray:
        """The marked frames of a window."""
        held = store[sample.movie]
        shots = [self.movies[sample.movie].shots[index] for index in sample.window.context]
        shown = [held[shot.index][list(sample.frames)] for shot in shots]
        return marked_frames(shots, shown, sample.recipe, sample.first)


def training_loss(model: SceneModel, batch: dict[str, Any], *, inner: bool = False) -> tuple[Tensor, Any]:
    """Weighted next-token loss on the answer's tokens, with gradients through language model and vision tower.

    Also returns what the model put out; with `inner`, the hidden states of every layer (the embeddings first) are in
    it.
    """
    device = model.device
    features = batch["features"]
    if batch["frames"] is not None:
        features = model.family.encode(model.module, batch["frames"].to(device))
    output = model.module.model(
        input_ids=batch["ids"].to(device),
        # Padding stands behind everything, where causal attention never looks: no mask, and so the fastest kernel.
        attention_mask=None,
        position_ids=batch["positions"].to(device),
        use_cache=False,
        output_hidden_states=inner,
        **({} if features is None else model.family.vision(features.to(device))),
    )
    weights = batch["weights"].to(device)
    logits = model.module.lm_head(output.last_hidden_state[batch["rows"], batch["columns"]])
    losses = torch.nn.functional.cross_entropy(logits.float(), batch["targets"].to(device), reduction="none")
    return (losses * weights).sum() / weights.sum(), output
