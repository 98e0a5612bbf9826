"""The vision tower's attention over many frames in one call.

Without flash attention the library goes through frames, and through the windows in them, one by one in Python, and a
GPU waits for it. Frames are alike, so their windows fill one batch.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

NAME = "sceneviz_flash_frames"  # by the word "flash" the library hands over all windows at once, and where each begins


def attend_at_once(module: Any) -> None:
    """From now on the tower of this model attends to all frames it is given together; what comes out is the same."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, _attention)
    module.config.vision_config._attn_implementation = NAME


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
    mixed = scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scaling)
    return mixed.transpose(1, 2)[there][None], None
