"""How far heads of attention are from looking where they are told to (`questions.LOOKERS`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sceneviz.tiny.questions import LOOKERS, on_device


@dataclass(frozen=True)
class Layer:
    """Queries `(batch, heads, n, width)` and keys (heads may share them) of one layer's attention, and its scale."""

    query: Tensor
    key: Tensor
    scale: float

    def rows(self, head: int, places: np.ndarray, mask: Tensor | None = None) -> Tensor:
        """`(places, n)` float32: what one head gives to each token at these places, `(2, places)`, in order of rows.

        mask: what the model added to the scores, `(batch, 1, n, n)`; without, attention is causal.
        """
        head %= self.query.shape[1]
        keys = self.key[:, head * self.key.shape[1] // self.query.shape[1]].float()
        # Each prompt's places side by side: against the keys of all prompts would be too much, and each place's own
        # keys too many copies.
        beside = np.arange(places.shape[1]) - np.searchsorted(places[0], places[0])
        row, column, slot = (on_device(each, keys.device) for each in (*places, beside))
        taken = self.query[:, head].flatten(0, 1).index_select(0, row * keys.shape[1] + column).float()
        queries = taken.new_zeros(len(keys), int(beside.max()) + 1, taken.shape[1]).index_put((row, slot), taken)
        scores = (queries @ keys.mT)[row, slot] * self.scale
        if mask is None:
            later = torch.arange(scores.shape[1], device=keys.device) > column[:, None]
            return scores.masked_fill(later, -torch.inf).softmax(-1)
        return (scores + mask[row, 0, column]).softmax(-1)


def looking(layers: Sequence[Layer], looks: Sequence[tuple[np.ndarray, np.ndarray]], mask: Tensor | None) -> Tensor:
    """Mean negative logarithm of the attention that each of LOOKERS gives to what it is to look at.

    layers: of the model, all. looks: see `Questions`. mask: as for `Layer.rows`.
    """
    found = []
    for looker, (places, at) in zip(LOOKERS, looks, strict=True):
        if len(at):
            rows = layers[looker.layer(len(layers))].rows(looker.head, places, mask)
            found.append(-(rows.gather(1, on_device(at, rows.device)).sum(1) + 1e-4).log().mean())
    return torch.stack(found).mean()
