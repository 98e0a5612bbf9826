"""The optimiser steps of a training loop of our own, what they are fed, and what a killed one goes on from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Steps:
    """Weights that are trained, and how many steps they have gone.

    weights: by name. decay: of their weights.
    muon: trains the matrices of the layers by Muon (Jordan 2024) at so many times the rate of all else, which AdamW
        trains; 0 leaves them to AdamW too. muon_decay: of those matrices.
    visual: the vision tower's weights train at so many times the rate of all else.
    """

    def __init__(
        self,
        weights: dict[str, nn.Parameter],
        *,
        decay: float,
        muon: float = 0.0,
        muon_decay: float = 0.0,
        visual: float = 1.0,
    ) -> None:
        self.weights, self.done = weights, 0
        inner = {name for name, weight in weights.items() if muon and weight.ndim == 2 and "layers." in name}
        tower = {name for name in weights if ".visual." in name and visual != 1.0}
        self._optimisers: list[tuple[torch.optim.Optimizer, float]] = []
        for names, times in ((weights.keys() - inner - tower, 1.0), (tower, visual)):
            if names:
                some = [weight for name, weight in weights.items() if name in names]
                self._optimisers.append((torch.optim.AdamW(some, betas=(0.9, 0.98), weight_decay=decay), times))
        if inner:
            matrices = [weight for name, weight in weights.items() if name in inner]
            by_muon = torch.optim.Muon(matrices, weight_decay=muon_decay, adjust_lr_fn="match_rms_adamw")
            self._optimisers.append((by_muon, muon))

    def take(self, rate: float) -> None:
        """One step along the gradients that were gathered, at this learning rate."""
        nn.utils.clip_grad_norm_(self.weights.values(), 1.0)
        for optimiser, times in self._optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate * times
            optimiser.step()
            optimiser.zero_grad()
        self.done += 1

    def save(self, path: Path) -> None:
        """Write weights, optimisers and the count, whole or not at all."""
        part = path.with_suffix(".part")
        weights = {name: weight.detach() for name, weight in self.weights.items()}
        optimisers = [optimiser.state_dict() for optimiser, _ in self._optimisers]
        torch.save({"weights": weights, "optimisers": optimisers, "step": self.done}, part)
        part.replace(path)

    def load(self, path: Path) -> None:
        """Go on from what was saved, where there is such a file."""
        if not path.is_file():
            return
        saved: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        with torch.no_grad():
            for name, weight in self.weights.items():
                weight.copy_(saved["weights"][name])
        for (optimiser, _), state in zip(self._optimisers, saved["optimisers"], strict=True):
            optimiser.load_state_dict(state)
        self.done = saved["step"]


class Turns(Dataset[Any]):
    """What a training takes in, turn by turn: so many items of a data set together, made into a batch."""

    def __init__(self, items: Dataset[Any], collate: Callable[[Sequence[Any]], Any], together: int) -> None:
        self.items, self.collate, self.together = items, collate, together

    def __getitem__(self, turn: int) -> Any:
        return self.collate([self.items[turn * self.together + i] for i in range(self.together)])


def turns_from(turns: Dataset[Any], start: int, stop: int, workers: int) -> DataLoader[Any]:
    """Turns `start` to `stop` in order; with workers, so many processes prepare them beside the training."""
    return DataLoader(turns, batch_size=None, sampler=range(start, stop), collate_fn=_as_it_is, num_workers=workers)


def _as_it_is(turn: Any) -> Any:
    return turn
