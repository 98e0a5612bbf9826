"""What can be asked of a pass of answer tokens over cached prompts, besides what it decides.

Only the answer tokens are computed (70 for ten decisions), so only *their* attention is seen, cut or differentiated:
the direct edges of the answer. What prompt tokens took from one another lies in the cache, and stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.prompt import TokenLayout

# A token is a sink where every decision row gives it this many times the mass that it would get if all visible tokens
# got the same (see `kernel.sinks`).
SINK_LIFT = 30.0


@dataclass(frozen=True, eq=False)
class Cut:
    """Attention edges that answer tokens do without; what they give the rest is renormalised.

    rows: for each prompt, `(answer tokens,)` bool: which tokens of the answer look past
    keys: for each prompt, `(tokens,)` bool over prompt and answer: these tokens.
    layers, heads: indices; None takes all.
    """

    rows: tuple[np.ndarray, ...]
    keys: tuple[np.ndarray, ...]
    layers: tuple[int, ...] | None = None
    heads: tuple[int, ...] | None = None


@dataclass(frozen=True, eq=False)
class Probe:
    """What to watch, and what to cut, in one pass.

    groups: for each prompt, `(tokens,)` int over prompt and answer: the group that each token's mass is counted to.
    count: how many groups there are.
    layers: which layers to watch; None takes all.
    cuts: edges to leave out.
    token_heads: keep the mass on every single token too, as the mean over the watched layers and these heads; an
        empty tuple takes all heads, None keeps nothing.
    gradient: differentiate each decision's log-odds by its own row's attention, group by group.
    """

    groups: tuple[np.ndarray, ...]
    count: int
    layers: tuple[int, ...] | None = None
    cuts: tuple[Cut, ...] = ()
    token_heads: tuple[int, ...] | None = None
    gradient: bool = False

    def checked(self, layouts: Sequence[TokenLayout], n_layers: int, n_heads: int) -> None:
        """Raise ScenevizError unless the probe fits these prompts and this model."""
        for group, layout in zip(self.groups, layouts, strict=True):
            if group.shape != (len(layout),) or group.min() < 0 or group.max() >= self.count:
                raise ScenevizError(
                    f"probe: expected a group from 0 to {self.count - 1} for each of {len(layout)} tokens, got "
                    f"{group.min()} to {group.max()} for {group.shape}"
                )
        for cut in self.cuts:
            for rows, keys, layout in zip(cut.rows, cut.keys, layouts, strict=True):
                if (rows.shape, keys.shape) != ((len(layout) - layout.prompt_length,), (len(layout),)):
                    raise ScenevizError(
                        f"cut: expected {len(layout) - layout.prompt_length} rows and {len(layout)} keys, got "
                        f"{rows.shape} and {keys.shape}"
                    )
        for layers in (self.layers, *(cut.layers for cut in self.cuts)):
            inside("layer", layers, n_layers)
        for heads in (self.token_heads, *(cut.heads for cut in self.cuts)):
            inside("head", heads, n_heads)


@dataclass(frozen=True, eq=False)
class Capture:
    """What a probe saw, an array for each prompt.

    layers: the layers watched.
    mass: `(layers, heads, focus, groups)` float32: the share of a decision row's attention that went to a group; over
        all groups it sums to 1. Sinks are in it.
    sink: the same shape: how much of `mass` went to the group's sinks.
    sink_tokens: the same shape, int32: how many sinks the group holds.
    visible: `(focus, groups)` int32: how many tokens of the group the decision row could see.
    tokens: `(focus, tokens)` float32 mass on every token of the layout, or None where not asked for.
    gradient: the shape of `mass`: attention times the log-odds' gradient by it, summed over the group; or None.
    """

    layers: tuple[int, ...]
    mass: list[np.ndarray]
    sink: list[np.ndarray]
    sink_tokens: list[np.ndarray]
    visible: list[np.ndarray]
    tokens: list[np.ndarray] | None
    gradient: list[np.ndarray] | None


def inside(what: str, chosen: Sequence[int] | None, count: int) -> tuple[int, ...]:
    """The chosen indices (all where None), or a ScenevizError that says what is there."""
    for index in chosen or ():
        if not 0 <= index < count:
            raise ScenevizError(f"no {what} {index}; there are {what}s 0 to {count - 1}")
    return tuple(range(count)) if chosen is None else tuple(chosen)
