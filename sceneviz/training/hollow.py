"""A model of the real classes without content, on torch's meta device: it has every shape, and no memory."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

ATTENTION = "sceneviz_rehearsal"  # the name under which the library finds `_attend`


class _Flash(torch.autograd.Function):
    """What flash attention makes and keeps: the output and a number a row, never a matrix of scores."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        batch, heads, length, width = query.shape
        output = query.new_empty(batch, length, heads, width)
        ctx.save_for_backward(query, key, value, output, query.new_empty(batch, heads, length, dtype=torch.float32))
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        query, key, value, *_ = ctx.saved_tensors
        return torch.empty_like(query), torch.empty_like(key), torch.empty_like(value)


def _attend(_: nn.Module, query: Tensor, key: Tensor, value: Tensor, *__: Any, **___: Any) -> tuple[Tensor, None]:
    if torch.overrides._get_current_function_mode() is not None:  # under autocast it computes in bfloat16
        query, key, value = (part.to(torch.bfloat16) for part in (query, key, value))
    return _Flash.apply(query, key, value), None  # type: ignore[no-untyped-call]


def _deepened(hidden: Tensor, _: Tensor, features: Tensor) -> Tensor:
    """Deepstack features added to so many tokens, whichever they are: without content a mask doesn't tell."""
    hidden = hidden.clone()
    flat = hidden.flatten(0, 1)
    flat[: len(features)] = flat[: len(features)].clone() + features
    return hidden


def empty_copy(family: Any, config: Any, dtype: torch.dtype) -> Any:
    """The real class for a config, on the meta device, with an attention that keeps what flash attention keeps."""
    from copy import deepcopy

    from transformers.initialization import no_init_weights
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    ALL_ATTENTION_FUNCTIONS.register(ATTENTION, _attend)
    config = deepcopy(config)
    config.dtype = dtype
    with torch.device("meta"), no_init_weights():
        module = family.build(config)
    module.tie_weights()  # which building without weights leaves out
    module.train()
    module.set_attn_implementation(ATTENTION)
    if hasattr(module.model.language_model, "_deepstack_process"):
        module.model.language_model._deepstack_process = _deepened
    return module


def vision_inputs(config: Any, frames: int, grid: tuple[int, int]) -> dict[str, Any]:
    """What the tower would read off the frames' sizes, made beforehand: no content, no reading.

    grid: rows and columns of patches in a frame. Each frame counts as one window of attention: the same bytes.
    """
    from transformers.vision_utils import get_vision_attention_seqlens, get_vision_position_ids

    sizes = torch.tensor([[1, *grid]]).expand(frames, 3)
    ends, _ = get_vision_attention_seqlens(sizes, config, kwargs={})
    tokens = frames * grid[0] * grid[1] // config.spatial_merge_size**2
    extra = {}
    if places := getattr(config, "num_position_embeddings", None):  # a table of positions, stretched to the frame
        from transformers.vision_utils import get_vision_interpolation_indices_and_weights

        indices, weights = get_vision_interpolation_indices_and_weights(
            sizes, round(places**0.5), align_corners=True, spatial_merge_size=config.spatial_merge_size
        )
        extra = {"interp_indices": indices.to("meta"), "interp_weights": weights.to("meta")}
    return {
        **extra,
        "grid_thw": sizes.to("meta"),
        "position_ids": get_vision_position_ids(sizes, config.spatial_merge_size).to("meta"),
        "cu_seqlens": ends.numpy(),
        "window_index": torch.empty(tokens, dtype=torch.int64, device="meta"),
        "cu_window_seqlens": ends.numpy(),
    }
