"""The vision tower over many frames at once: the same as the library's, in less time.

Without flash attention the library goes through frames, and through the windows in them, one by one in Python, and a
GPU waits for it; frames are alike, so their windows fill one batch. And it cuts patches out by a convolution that
moves by whole patches, which are cut out already: a product says the same, several times as fast on a CPU.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

NAME = "sceneviz_flash_frames"  # by the word "flash" the library hands over all windows at once, and where each begins

SHORT = 64  # patches of a window up to which a CPU's kernel takes longer than plain products, backward most of all


def all_at_once(module: Any) -> None:
    """From now on the tower of this model reads all frames it is given together; what comes out is the same."""
    attend_at_once(module)
    multiply_patches(module)


def attend_at_once(module: Any) -> None:
    """From now on the tower of this model attends to all frames it is given together; what comes out is the same."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, _attention)
    module.config.vision_config._attn_implementation = NAME


def multiply_patches(module: Any) -> None:
    """From now on this model's tower embeds patches by one product, where its convolution is a plain one."""
    convolution = module.model.visual.patch_embed.proj
    if type(convolution) is nn.Conv3d and convolution.stride == convolution.kernel_size:
        convolution.__class__ = WholePatches


class WholePatches(nn.Conv3d):
    """A convolution that is given patches of its kernel's size, and moves nowhere."""

    def forward(self, patches: Tensor) -> Tensor:
        """`(n, channels, frames, rows, columns)` to `(n, width, 1, 1, 1)`."""
        return linear(patches.flatten(1), self.weight.flatten(1), self.bias)[..., None, None, None]


def _attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    cu_seq_lens_q: Tensor | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """What transformers calls: `(1, heads, patches, width)` each, and where windows begin, the end included."""
    assert cu_seq_lens_q is not None
    begin, length = cu_seq_lens_q[:-1].long(), cu_seq_lens_q.diff()
    places = torch.arange(int(length.max()), device=query.device)
    there = places < length[:, None]
    taken = torch.where(there, begin[:, None] + places, begin[:, None])
    query, key, value = (states[0].transpose(0, 1)[taken].transpose(1, 2) for states in (query, key, value))
    mask = None if bool(there.all()) else there[:, None, None]
    if query.device.type == "cpu" and mask is None and len(places) <= SHORT:
        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        mixed = (query @ key.mT).mul(scale).softmax(-1, dtype=torch.float32).to(value.dtype) @ value
    else:
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scaling)
    return mixed.transpose(1, 2)[there][None], None
