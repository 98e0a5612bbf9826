"""Training windows: labelled movies to batches of tokens, frames and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from sceneviz.models.features import marked_frames
from sceneviz.models.scene_model import SceneModel
from sceneviz.movie import Shot
from sceneviz.prompt import TokenLayout, build_prompt
from sceneviz.recipe import Recipe
from sceneviz.training.samples import Sample, TrainingWindows
from sceneviz.training.stores import DirectFrames, FeatureStore, FrameStore

__all__ = ["Collator", "Sample", "TrainingWindows", "training_loss"]

Store: TypeAlias = FrameStore | DirectFrames | FeatureStore


class Collator:
    """Samples to what one training step takes in.

    store: of frames, or of features where the vision tower stays as it is.
    """

    def __init__(self, model: SceneModel, windows: TrainingWindows, store: Store) -> None:
        self.model, self.movies, self.store = model, windows.movies, store
        self.template_weight, self.boundary_weight = windows.config.template_weight, windows.config.boundary_weight

    def __call__(self, samples: Sequence[Sample]) -> dict[str, Any]:
        """Prompts with their true answers flush left, and what is to be learned from them.

        ids `(batch, length)`, positions `(3, batch, length)`; frames `(n, H, W, 3)` uint8 or features `(n, tokens, …)`,
        None without; rows, columns, targets, weights: for each token of an answer, the place whose output has to say
        it, its ID, and what it counts for; layouts.
        """
        prompts = [build_prompt(self.shots(s), s.window, s.recipe, first=s.first) for s in samples]
        layouts = [self.model.layout(prompt) for prompt in prompts]
        lengths = torch.tensor([len(layout) for layout in layouts])
        ids = torch.full((len(samples), int(lengths.max())), self.model.pad)
        judged = []
        for row, (layout, sample) in enumerate(zip(layouts, samples, strict=True)):
            truth = self._truth(sample)
            ids[row, : len(layout)] = torch.from_numpy(self._answered(layout, truth))
            answer = np.arange(layout.prompt_length, len(layout))
            weights = np.full(len(answer), self.template_weight)
            weights[layout.answer_places - layout.prompt_length] = np.where(truth, self.boundary_weight, 1.0)
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

    def shots(self, sample: Sample) -> tuple[Shot, ...]:
        """The shots of a sample's movie, with what is said in them."""
        return self.movies[sample.movie].shots

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
        pictures = [self._pictures(sample) for sample in samples]
        return {"features": None, "frames": torch.from_numpy(np.concatenate(pictures)) if pictures else None}

    def _pictures(self, sample: Sample) -> np.ndarray:
        """The marked frames of a window."""
        shots = [self.movies[sample.movie].shots[index] for index in sample.window.context]
        return marked_frames(shots, self.frames(sample), sample.recipe, sample.first)

    def frames(self, sample: Sample) -> list[np.ndarray]:
        """Of each shot of a sample's window, `(frames, H, W, 3)` uint8: those of its keyframes that are shown."""
        assert not isinstance(self.store, FeatureStore)
        return self.store.window(sample.movie, sample.window.context, sample.frames)


def training_loss(
    model: SceneModel, batch: dict[str, Any], *, total: Tensor | None = None, inner: bool = False
) -> tuple[Tensor, Any]:
    """Weighted next-token loss on the answer's tokens, with gradients through language model and vision tower.

    total: what the weighted sum is divided by, where the batch is a part of a step; its own weights by default.
    A `mask` in the batch is added to attention scores; without, attention is causal.
    Also returns what the model put out; with `inner`, the hidden states of every layer (the embeddings first) are in
    it.
    """
    device = model.device
    features = batch["features"]
    if batch["frames"] is not None:
        # With checkpointing the library asks for gradients at the tower's input, also where nothing in it is trained.
        trained = any(weight.requires_grad for weight in model.module.model.visual.parameters())
        with torch.set_grad_enabled(trained and torch.is_grad_enabled()):
            features = model.family.encode(model.module, batch["frames"].to(device))
    output = model.module.model(
        input_ids=batch["ids"].to(device),
        # Padding stands behind everything, where causal attention never looks: no mask, and so the fastest kernel.
        attention_mask=batch.get("mask"),
        position_ids=batch["positions"].to(device),
        use_cache=False,
        output_hidden_states=inner,
        **({} if features is None else model.family.vision(features.to(device))),
    )
    weights = batch["weights"].to(device)
    logits = model.module.lm_head(output.last_hidden_state[batch["rows"], batch["columns"]])
    losses = torch.nn.functional.cross_entropy(logits.float(), batch["targets"].to(device), reduction="none")
    return (losses * weights).sum() / (weights.sum() if total is None else total.to(device)), output
