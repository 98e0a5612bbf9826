"""Attention followed through all layers of one pass over a decision's whole input, without ever making it explicit.

The attention of every row is a matrix of length squared in each layer and head. But what a matrix A does to a few
columns R, the product A R, is what attention kernels compute: R takes the place of the values. With one column a
group of tokens, R starts as membership; after a layer, a row holds how much of each group flows into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention

from sceneviz.models.decision import Decision, inputs_only
from sceneviz.models.switching import register, using

NAME = "sceneviz_flow"
See = Callable[[Tensor, Tensor, Tensor, float], None]  # query, key, value of a layer, and the scale of its scores
_see: ContextVar[See | None] = ContextVar("_see", default=None)


@dataclass
class _Shares:
    """What the decision row, the last one, draws from each group.

    rolled: `(n, groups)` float32, what has flowed into each row from each group, up to the last layer seen.
    direct: `(groups,)` float64, the decision row's own attention, summed over layers (mean over heads).
    """

    rolled: Tensor
    members: Tensor
    direct: Tensor
    layers: int = field(default=0)

    @torch.no_grad()
    def see(self, query: Tensor, key: Tensor, _: Tensor, scale: float) -> None:
        query, key = query[0].float(), key[0].float()
        # Layers may lie on several devices.
        self.rolled, self.members = self.rolled.to(query.device), self.members.to(query.device)
        shared = query.shape[0] // key.shape[0]
        drawn = torch.zeros_like(self.rolled)
        for kv, keys in enumerate(key):
            own = query[kv * shared : (kv + 1) * shared]
            drawn += _drawn(own, keys, self.rolled, scale)
            rows = (own[:, -1] @ keys.T * scale).softmax(-1)
            self.direct += (rows @ self.members).sum(0).double().to(self.direct.device) / query.shape[0]
        self.rolled = 0.5 * self.rolled + 0.5 * drawn / query.shape[0]
        self.layers += 1


def _drawn(query: Tensor, keys: Tensor, columns: Tensor, scale: float) -> Tensor:
    """`(n, groups)`: the causal attention of queries `(heads, n, width)`, summed over heads, times the columns."""
    heads, n, width = query.shape
    parts = []
    # In strips as wide as a head: kernels that never make the matrix want values of the width of keys.
    for start in range(0, columns.shape[1], width):
        strip = columns[:, start : start + width]
        values = pad(strip, (0, width - strip.shape[1]))
        same = (1, heads, n, width)
        out = scaled_dot_product_attention(
            query[None], keys.expand(same), values.expand(same), is_causal=True, scale=scale
        )
        parts.append(out[0].sum(0)[:, : strip.shape[1]])
    return torch.cat(parts, 1)


def shares(decision: Decision, member: np.ndarray, n_groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Two ways in which attention shares a decision out: `(n_groups + 1,)` float64 each, summing to 1.

    member: `(n,)` the group of each token, -1 for none; the last share is that of none.
    First: the decision row's attention, mean over layers and heads. Second: attention rollout (Abnar and Zuidema
    2020), the product over layers of (A + I) / 2, A the mean over heads, its decision row.
    """
    index = torch.from_numpy(np.where(member < 0, n_groups, member)).to(decision.embeddings.device)
    members = torch.nn.functional.one_hot(index, n_groups + 1).float()
    found = _Shares(members.clone(), members, torch.zeros(n_groups + 1, dtype=torch.float64, device=index.device))
    with torch.no_grad(), seeing(decision.model.module, found.see):
        decision.read(decision.embeddings[None])
    direct = found.direct / found.layers
    return direct.cpu().numpy(), found.rolled[-1].double().cpu().numpy()


def attention_gradients(decision: Decision) -> np.ndarray:
    """`(n,)` float64: attention to each token times the log-odds' gradient by it, summed over rows, heads and layers.

    With out = A v, the sum over rows of A * dA is v . dv: values and their gradients say it all.
    """
    values: list[Tensor] = []
    with inputs_only(decision.model), seeing(decision.model.module, lambda _, __, value, ___: values.append(value)):
        odds = decision.read(decision.embeddings[None].clone().requires_grad_())
        slopes = torch.autograd.grad(odds.sum(), values)
    each = [(value * slope).double().sum((0, 1, 3)) for value, slope in zip(values, slopes, strict=True)]
    return torch.stack([one.cpu() for one in each]).sum(0).detach().numpy()


@contextmanager
def seeing(module: Any, see: See) -> Iterator[None]:
    """For the time of one pass, text attention shows its queries, keys and values, and runs in torch's kernel.

    see: called by each layer in turn with `(batch, heads, n, width)` queries, keys and values, rotated, and the scale.
    """
    from transformers.masking_utils import sdpa_mask

    register(NAME, _attention, sdpa_mask)
    with using(module, NAME):
        token = _see.set(see)
        try:
            yield
        finally:
            _see.reset(token)


def _attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """What transformers calls."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    see = _see.get()
    if see is not None:
        see(query, key, value, query.shape[-1] ** -0.5 if scaling is None else scaling)
    return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **options)
