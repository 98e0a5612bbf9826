"""The Qwen3-VL family."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from torch.nn.functional import pad

from sceneviz.models.qwen25vl import Qwen25VL


class Qwen3VL(Qwen25VL):
    """Qwen3-VL: as Qwen2.5-VL, but for 16-pixel patches, other pixel statistics, no system message, and deepstack.

    Deepstack: features taken from within the vision tower are added to the visual tokens behind each of the first
    language layers. So what is made of a frame once, and kept, is a bundle of all of them: what the first layer reads,
    and then what is added behind it and the next ones.
    """

    model_type = "qwen3_vl"
    kind = "Qwen3VLForConditionalGeneration"
    opening = "<|im_start|>user\n"
    frame_size = (288, 512)  # as many visual tokens as Qwen2.5-VL makes of 252 x 448
    mean = std = (0.5, 0.5, 0.5)

    def encode(self, module: Any, frames: Tensor) -> Tensor:
        """Frames `(n, H, W, 3)` uint8 to bundles `(n, tokens, 1 + depth, hidden)`."""
        output = self.tower(module, frames)
        parts = (output.pooler_output, *output.deepstack_features)
        return torch.stack([torch.stack(tuple(part)) for part in parts], 2)

    def places(self, config: Any, grid: Tensor, n: int) -> dict[str, Tensor]:
        """Nothing: this tower has no windows, and reckons the rest itself."""
        return {}

    def embed(self, module: Any, ids: Tensor, bundle: Tensor | None) -> Tensor:
        """`(batch, length, (1 + depth) * hidden)`: the embeddings, and behind them what is added layer by layer.

        To words nothing is added, so there it is 0; without a bundle the embeddings stand alone.
        """
        words: Tensor = module.get_input_embeddings()(ids)
        if bundle is None:
            return words
        flat = bundle.flatten(2).to(words.device, words.dtype)
        wide = pad(words, (0, flat.shape[-1] - words.shape[-1]))
        visual = (ids == module.config.image_token_id).unsqueeze(-1).expand_as(wide)
        return wide.masked_scatter(visual, flat)

    def read(self, module: Any, embedded: Tensor, mask: Tensor, positions: Tensor) -> Tensor:
        """`(batch, vocabulary)` logits behind the last token of what `embed` gave."""
        words, *added = embedded.split(module.config.text_config.hidden_size, -1)
        # Whoever changes what is read may change it anywhere: the addition is offered to every token.
        everywhere = torch.ones(words.shape[:2], dtype=torch.bool, device=words.device)
        output = module.model.language_model(
            inputs_embeds=words,
            attention_mask=mask,
            position_ids=positions,
            use_cache=False,
            visual_pos_masks=everywhere,
            deepstack_visual_embeds=[part.flatten(0, 1) for part in added],
        )
        logits: Tensor = module.lm_head(output.last_hidden_state[:, -1])
        return logits

    def vision(self, bundle: Tensor) -> dict[str, Any]:
        """Hand features to the model's forward as if its vision tower had just made them."""
        from transformers.models.qwen3_vl.modeling_qwen3_vl import BaseModelOutputWithDeepstackFeatures

        first, *added = bundle.flatten(0, 1).unbind(1)
        # Annotated as tensors, but the model makes, and takes, tuples: with all frames in one it is quicker.
        output = BaseModelOutputWithDeepstackFeatures(
            pooler_output=cast(Tensor, (first,)), deepstack_features=[cast(Tensor, (part,)) for part in added]
        )
        return {"mm_encoder_outputs": {"image": output}}
