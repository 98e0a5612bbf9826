"""The attention of one watched pass: decision rows explicit in fp32, all other rows by torch's own kernel.

transformers calls attention by a name in the text config. For the time of one forward that name is ours; the model's
weights, hooks and modules are not touched. The vision tower has a config of its own, and keeps its attention.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from sceneviz._text import ScenevizError
from sceneviz.models.probe import SINK_LIFT
from sceneviz.models.switching import register, using

NAME = "sceneviz_probe"
_FEW = 32  # rows that torch's kernel for the CPU takes at a time
Pairs = list[tuple[Tensor, Tensor]]
_running: ContextVar[Watch | None] = ContextVar("_running", default=None)


@dataclass
class Edges:
    """A `Cut` in a batch. rows: `(batch, suffix)` bool; keys: `(batch, prompt + suffix)` bool."""

    rows: Tensor
    keys: Tensor
    layers: tuple[int, ...] | None
    heads: tuple[int, ...] | None


@dataclass
class Watch:
    """One pass of `suffix` answer tokens over cached prompts, and what was seen in it.

    past: keys and values of the prompts, `(batch, kv heads, prompt, width)` a layer.
    rows: `(batch, decisions)` int64 places in the suffix that are made explicit, all different in a row.
    real: `(batch, decisions)` bool: which of them decide; the rest fills up.
    members: `(batch, prompt + suffix, groups)` float32: 1 where a token belongs to a group.
    layers: those that are watched.
    gates: for each watched layer `(batch, heads, decisions, groups)` ones that the mass is multiplied with, to be
        differentiated by; none where no gradient is asked for.
    token_heads: whose mass to keep token by token; None for nobody's.
    """

    past: Pairs
    rows: Tensor
    real: Tensor
    members: Tensor
    layers: frozenset[int]
    cuts: list[Edges] = field(default_factory=list)
    gates: dict[int, Tensor] = field(default_factory=dict)
    token_heads: tuple[int, ...] | None = None
    mass: dict[int, Tensor] = field(default_factory=dict)
    sink: dict[int, Tensor] = field(default_factory=dict)
    sink_tokens: dict[int, Tensor] = field(default_factory=dict)
    tokens: Tensor | None = None

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, seen: Tensor, scale: float) -> Tensor:
        """Attention of the suffix `(batch, heads, suffix, width)` over prompt and suffix.

        One key-value head at a time, with the query heads that share it: so neither are keys repeated for them, nor
        is the cache copied, and what is explicit at any time is one key-value head's rows.
        """
        keys, values = self.past[layer]
        kv_heads = keys.shape[1]
        shared = query.shape[1] // kv_heads
        cuts = [cut for cut in self.cuts if cut.layers is None or layer in cut.layers]
        captured: list[tuple[Tensor, Tensor, Tensor]] = []
        parts = []
        for kv in range(kv_heads):
            heads = range(kv * shared, (kv + 1) * shared)
            own = query[:, heads.start : heads.stop]
            k = torch.cat((keys[:, kv], key[:, kv]), 1)
            v = torch.cat((values[:, kv], value[:, kv]), 1)
            allowed = _without(seen, cuts, heads)
            same = (-1, shared, -1, -1)
            part = _by_kernel(own, k[:, None].expand(*same), v[:, None].expand(*same), allowed, scale)
            if layer in self.layers or cuts:
                explicit = self._explicit(own, k, allowed, scale)
                if layer in self.layers:
                    explicit = self._captured(layer, heads, explicit, allowed, captured)
                rows = explicit.flatten(1, 2).to(v.dtype) @ v
                index = self.rows.to(v.device)[:, None, :, None].expand(*part.shape[:2], -1, part.shape[3])
                part = part.scatter(2, index, rows.view(index.shape))
                del explicit, rows, index  # before those of the next heads are made
            parts.append(part)
        if captured:
            self.mass[layer], self.sink[layer], self.sink_tokens[layer] = (
                torch.cat(each, 1) for each in zip(*captured, strict=True)
            )
        return torch.cat(parts, 1)

    def _explicit(self, query: Tensor, key: Tensor, allowed: Tensor, scale: float) -> Tensor:
        """Attention `(batch, heads, decisions, prompt + suffix)` float32 of the decision rows."""
        rows = self.rows.to(query.device)
        batch, heads, _, width = query.shape
        chosen = query.gather(2, rows[:, None, :, None].expand(batch, heads, -1, width)).float() * scale
        scores = (chosen.flatten(1, 2) @ key.float().transpose(1, 2)).view(batch, heads, rows.shape[1], -1)
        return scores.masked_fill_(~self._at_rows(allowed), float("-inf")).softmax(-1)

    def _at_rows(self, allowed: Tensor) -> Tensor:
        rows = self.rows.to(allowed.device)[:, None, :, None]
        return allowed.gather(2, rows.expand(*allowed.shape[:2], -1, allowed.shape[3]))

    def _captured(
        self, layer: int, heads: range, attention: Tensor, allowed: Tensor, into: list[tuple[Tensor, Tensor, Tensor]]
    ) -> Tensor:
        """Sum the rows by groups, and give them back, by way of the gates where there are some."""
        members = self.members.to(attention.device)
        if layer in self.gates:
            # Every token belongs to one group, so this hands each token its group's gate.
            gates = self.gates[layer][:, heads.start : heads.stop].to(attention.device)
            attention = attention * (gates.flatten(1, 2) @ members.transpose(1, 2)).view(attention.shape)
        with torch.no_grad():
            flat = attention.detach().flatten(1, 2)
            into.append(((flat @ members).view(*attention.shape[:3], -1), *self._sinks(attention, allowed, members)))
            if self.token_heads is not None:
                kept = [head - heads.start for head in heads if head in self.token_heads]
                mass = attention.detach()[:, kept].sum(1)
                self.tokens = mass if self.tokens is None else self.tokens + mass.to(self.tokens.device)
        return attention

    def _sinks(self, attention: Tensor, allowed: Tensor, members: Tensor) -> tuple[Tensor, Tensor]:
        """Mass on sinks `(batch, heads, decisions, groups)`, and how many there are `(batch, heads, groups)`."""
        prompt = attention.shape[3] - allowed.shape[2]
        found = sinks(attention[..., :prompt], self._at_rows(allowed)[:, 0].sum(-1), self.real.to(attention.device))
        some = found.any(0).nonzero()[:, 0]
        chosen = found[:, some, None] * members[:, some]
        mass = (attention[..., some].flatten(1, 2) @ chosen).view(*attention.shape[:3], -1)
        return mass, chosen.sum(1, keepdim=True).expand(-1, attention.shape[1], -1)


def _by_kernel(query: Tensor, key: Tensor, value: Tensor, allowed: Tensor, scale: float) -> Tensor:
    """torch's own attention.

    In half precision on a CPU it packs keys and values anew for every query head that shares them, more than all else
    that a watched pass needs; but not where rows are few. So it gets as many as it would take at a time.
    """
    rows = query.shape[2]
    few = _FEW if query.device.type == "cpu" and query.dtype.itemsize == 2 else rows
    parts = [
        scaled_dot_product_attention(
            query[:, :, start : start + few], key, value, attn_mask=allowed[:, :, start : start + few], scale=scale
        )
        for start in range(0, rows, few)
    ]
    return parts[0] if len(parts) == 1 else torch.cat(parts, 2)


def sinks(attention: Tensor, visible: Tensor, real: Tensor) -> Tensor:
    """`(batch, tokens)` bool: tokens that take much from every decision, whatever it is about.

    attention: `(batch, heads, decisions, tokens)` of the query heads that share a key-value head, since a sink is a
    key. visible: `(batch, decisions)` how many tokens a row could see. real: `(batch, decisions)` which rows count.
    The rule: every decision row of the window, mean over those heads, gives the token more than SINK_LIFT times the
    uniform share 1 / visible. Only prompt tokens can be one: an answer token isn't seen by every row. A window that
    decides a single shot has one row, and a token that mattered to that shot alone is then a sink too.
    """
    least = (attention.mean(1) * visible[..., None]).masked_fill(~real[..., None], float("inf")).amin(1)
    return least > SINK_LIFT


def _without(seen: Tensor, cuts: list[Edges], heads: range) -> Tensor:
    """Which edges are left: `(batch, 1, suffix, keys)`, or a mask a head where cuts ask for some heads only."""
    allowed = seen
    for cut in cuts:
        edges = (cut.rows[:, None, :, None] & cut.keys[:, None, None, :]).to(seen.device)
        if cut.heads is not None:
            chosen = torch.tensor([head in cut.heads for head in heads], device=seen.device)
            edges = edges & chosen[None, :, None, None]
        allowed = allowed & ~edges
    if cuts and not allowed.any(-1).all():
        raise ScenevizError("the cut leaves an answer token nothing to attend to; cut fewer groups")
    return allowed


def borrowed(past: Pairs) -> Any:
    """A cache that knows the prompt's length but hands out new keys alone; `Watch` holds the prompt's own."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    class Borrowed(DynamicLayer):
        """Keys and values of the prompt, never copied and never grown."""

        def __init__(self, keys: Tensor, values: Tensor) -> None:
            super().__init__()  # type: ignore[no-untyped-call]
            self.lazy_initialization(keys, values)
            self.keys, self.values = keys, values

        def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
            """The new states as they are."""
            return key_states, value_states

    cache = DynamicCache()
    cache.layers = [Borrowed(keys, values) for keys, values in past]
    return cache


@contextmanager
def watching(module: Any, watch: Watch) -> Iterator[None]:
    """For the time of one forward, text attention of this module goes through `watch`; afterwards all is as before."""
    register(NAME, _attention, _mask)
    with using(module, NAME):
        token = _running.set(watch)
        try:
            yield
        finally:
            _running.reset(token)


def _attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """What transformers calls; gives `(batch, suffix, heads, width)`."""
    watch = _running.get()
    # Only the watched pass hands over fewer keys than its mask covers. Whatever else runs on the model meanwhile (in
    # another thread, or from inside a hook) gets plain attention.
    if watch is None or attention_mask is None or attention_mask.shape[-1] == key.shape[-2]:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **options)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    output = watch.attend(module.layer_idx, query, key, value, attention_mask, scale)
    return output.transpose(1, 2).contiguous(), None


def _mask(*arguments: Any, **options: Any) -> Tensor | None:
    """The mask that belongs to it: boolean, and always there."""
    from transformers.masking_utils import sdpa_mask

    return sdpa_mask(*arguments, **options | {"allow_is_causal_skip": False})
