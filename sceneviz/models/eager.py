"""The reference that watched attention must equal: the library's eager attention over the whole prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sceneviz._text import ScenevizError
from sceneviz.models.switching import text_attention, using

if TYPE_CHECKING:
    from sceneviz.models.prefix import Prefix

MOST_GIB = 8.0


@torch.no_grad()
def eager_rows(prefix: Prefix, answers: Sequence[bool], layers: Sequence[int]) -> np.ndarray:
    """`(layers, heads, focus, tokens)` float32: what the decision rows of a single prompt attend to.

    One forward of prompt and answer, without a cache. The weights of each layer, `heads * tokens²` of them, exist
    while it runs; those of the decision rows are kept. They are what `output_attentions=True` gives, which would keep
    all, and leave hooks in the model.
    """
    if len(prefix.layouts) != 1:
        raise ScenevizError(f"eager attention is for one prompt at a time, got {len(prefix.layouts)}")
    (layout,), module = prefix.layouts, prefix.model.module
    heads = module.config.get_text_config().num_attention_heads
    need = 3 * 4 * heads * len(layout) ** 2 / 2**30  # scores, softmax and weights
    if need > MOST_GIB:
        raise ScenevizError(
            f"verify would hold {need:.0f} GiB for one layer of {len(layout):,} tokens; it is for prompts that need at "
            f"most {MOST_GIB:.0f} GiB: take a smaller context, frame_size or frames_per_shot"
        )
    rows: dict[int, torch.Tensor] = {}

    def keep(part: Any, _: Any, output: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, None]:
        if part.layer_idx in layers:
            rows[part.layer_idx] = output[1][0, :, layout.decision_rows].float().cpu()
        return output[0], None

    hooks: list[Any] = []
    try:
        with using(module, "eager"):
            hooks += [part.register_forward_hook(keep) for part in text_attention(module)]
            prefix.whole([list(answers)])
    finally:
        for hook in hooks:
            hook.remove()
    return np.stack([rows[layer].numpy() for layer in layers])
