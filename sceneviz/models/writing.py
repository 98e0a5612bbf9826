"""Free text behind prompts that are already computed: greedy, one token at a time, each with its probability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from sceneviz.models.scene_model import SceneModel


@dataclass(frozen=True)
class Written:
    """What a model wrote.

    ids: the tokens, without the one that ends the turn. log_probability: of each of them among the whole vocabulary,
    and, where the model `ended` its turn, of the end.
    """

    ids: tuple[int, ...]
    log_probability: tuple[float, ...]
    ended: bool


@torch.no_grad()
def write_on(
    model: SceneModel, ids: Tensor, cache: Any, *, mask: Tensor, positions: Tensor, most: int
) -> list[Written]:
    """Read tokens `(rows, length)` behind a cache, and go on greedily until each row ends its turn, or `most` tokens.

    mask: `(rows, cached + length)`. positions: `(3, rows, length)`; what is written counts on from the last.
    """
    end = model.tokenizer.eos_token_id
    keep = np.array([ids.shape[1] - 1])
    logits, cache = model.forward(ids, mask=mask, positions=positions, keep=keep, past=cache)
    chosen: list[Tensor] = []
    chances: list[Tensor] = []
    ended = torch.zeros(len(ids), dtype=torch.bool, device=ids.device)
    for step in range(most):
        chance, token = torch.log_softmax(logits[:, -1].float(), -1).max(-1)
        chosen.append(token)
        chances.append(chance)
        ended |= token == end
        if bool(ended.all()) or step == most - 1:
            break
        mask = torch.cat((mask, torch.ones_like(mask[:, :1])), 1)
        place = positions[:, :, -1:] + step + 1
        logits, cache = model.forward(token[:, None], mask=mask, positions=place, keep=np.array([0]), past=cache)
    tokens, values = torch.stack(chosen, 1).tolist(), torch.stack(chances, 1).tolist()
    return [_cut(row, said, end) for row, said in zip(tokens, values, strict=True)]


def _cut(ids: Sequence[int], chances: Sequence[float], end: int) -> Written:
    """One row up to its end; rows that end early are computed on with the others."""
    if end not in ids:
        return Written(tuple(ids), tuple(chances), ended=False)
    length = list(ids).index(end)
    return Written(tuple(ids[:length]), tuple(chances[: length + 1]), ended=True)
