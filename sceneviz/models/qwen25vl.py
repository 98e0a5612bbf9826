"""The Qwen2.5-VL family."""

from __future__ import annotations

from copy import deepcopy
from inspect import signature
from typing import Any, cast

import torch
import transformers
from torch import Tensor, nn
from transformers import vision_utils

from sceneviz._text import ScenevizError, counted, plain
from sceneviz.prompt import OPENING


class Qwen25VL:
    """Qwen2.5-VL: one placeholder a merged 2 x 2 block of 14-pixel patches, 3-D rotary positions, plain features."""

    model_type = "qwen2_5_vl"
    kind = "Qwen2_5_VLForConditionalGeneration"  # the class in transformers
    placeholder = "<|image_pad|>"
    opening = OPENING
    frame_size = (252, 448)
    # CLIP's pixel statistics, as in the published preprocessor_config.json.
    mean = (0.48145466, 0.4578275, 0.40821073)
    std = (0.26862954, 0.26130258, 0.27577711)

    def build(self, config: Any) -> nn.Module:
        """A randomly initialised model for a config, which may be that of a loaded model."""
        # A loaded model's names an attention of our own, which the library would look for in its hub.
        module: nn.Module = getattr(transformers, self.kind)._from_config(deepcopy(config), attn_implementation="sdpa")
        return module

    def load(self, folder: str, **options: Any) -> nn.Module:
        """A model with its weights; options go to `from_pretrained`.

        Raises ScenevizError where weights are missing, or the library is too old to be handed features.
        """
        kind = getattr(transformers, self.kind)
        if "mm_encoder_outputs" not in signature(kind.forward).parameters:  # it would take them, and see nothing
            raise ScenevizError(
                f"transformers {transformers.__version__} would ignore all frames: its {self.kind} takes no features; "
                "pip install --upgrade transformers"
            )
        module: nn.Module
        module, found = kind.from_pretrained(folder, output_loading_info=True, **options)
        if missing := sorted(found["missing_keys"]):  # the library fills them with noise, and says so on the side
            raise ScenevizError(
                f"model {plain(folder, 300)} lacks {counted(len(missing), 'weight')}, the first of them {missing[0]}; "
                "copy it again"
            )
        return module

    def token_pixels(self, module: Any) -> int:
        """Pixels along a side of what one visual token covers: a patch's, times the patches merged."""
        config = module.config.vision_config
        return int(config.patch_size * config.spatial_merge_size)

    def patches(self, frames: Tensor, patch: int = 14, merge: int = 2, temporal: int = 2) -> Tensor:
        """Frames `(n, H, W, 3)` uint8 to rows of pixels `(n * patches, 3 * temporal * patch²)` float32.

        The same values, in the same order, as `Qwen2VLImageProcessor` makes for sizes that need no resizing, for all
        frames at once: each still is repeated `temporal` times, and patches go by merged blocks.
        """
        n, height, width, _ = frames.shape
        rows, columns = height // (patch * merge), width // (patch * merge)
        scale = torch.tensor(self.std, device=frames.device) * 255
        shift = torch.tensor(self.mean, device=frames.device) * 255
        pixels = (frames.float() - shift) / scale
        blocks = pixels.reshape(n, rows, merge, patch, columns, merge, patch, 3)
        ordered = blocks.permute(0, 1, 4, 2, 5, 7, 3, 6).unsqueeze(6)
        return ordered.expand(*ordered.shape[:6], temporal, patch, patch).reshape(
            n * rows * columns * merge * merge, 3 * temporal * patch * patch
        )

    def encode(self, module: Any, frames: Tensor) -> Tensor:
        """Frames `(n, H, W, 3)` uint8 to features `(n, tokens, hidden)`."""
        return torch.stack(tuple(self.tower(module, frames).pooler_output))

    def tower(self, module: Any, frames: Tensor) -> Any:
        """What the vision tower says to frames `(n, H, W, 3)` uint8."""
        config = module.config.vision_config
        n, height, width, _ = frames.shape
        pixels = self.patches(frames, config.patch_size, config.spatial_merge_size, config.temporal_patch_size)
        grid = torch.tensor([[1, height // config.patch_size, width // config.patch_size]], device=frames.device)
        return module.model.get_image_features(
            pixels, grid.expand(n, 3), return_dict=True, **self.places(config, grid, n)
        )

    def places(self, config: Any, grid: Tensor, n: int) -> dict[str, Tensor]:
        """Where the patches of n frames lie, and their windows, as the tower reckons them: it would for each anew."""
        rows, columns = grid[0, 1:].tolist()
        index, ends = vision_utils.get_vision_window_index(
            grid, config.spatial_merge_size, config.window_size, config.patch_size
        )
        number = torch.arange(n)[:, None]
        following = (ends[1:] + number.to(ends) * rows * columns).flatten()
        return {
            "position_ids": vision_utils.get_vision_position_ids(grid, config.spatial_merge_size).repeat(n, 1),
            "window_index": (index + number.to(index) * len(index)).flatten(),
            "cu_window_seqlens": torch.cat((ends[:1], following)),
        }

    def positions(self, module: Any, ids: Tensor, mask: Tensor, grid: tuple[int, int]) -> Tensor:
        """`(3, batch, length)` positions by the model's own rule (`get_rope_index`, a loop in Python); padding gets 0.

        A word is one further on than the last; all tokens of a frame begin where it begins, and go on by row and by
        column; behind it, counting goes on past its longer side.
        """
        there = mask.bool()
        visual = (ids == module.config.image_token_id) & there
        place = (visual.cumsum(1) - 1) % (grid[0] * grid[1])
        steps = torch.where(visual, (place == grid[0] * grid[1] - 1) * max(grid), 1) * there
        base = steps.cumsum(1) - steps
        inside = torch.stack((torch.zeros_like(place), place // grid[1], place % grid[1]))
        positions: Tensor = (base + inside * visual) * there
        return positions

    def embed(self, module: Any, ids: Tensor, bundle: Tensor | None) -> Tensor:
        """`(batch, length, hidden)`: words from the embedding table, and features in order where placeholders stand."""
        words: Tensor = module.get_input_embeddings()(ids)
        if bundle is None:
            return words
        visual = (ids == module.config.image_token_id).unsqueeze(-1).expand_as(words)
        return words.masked_scatter(visual, bundle.to(words.device, words.dtype))

    def read(self, module: Any, embedded: Tensor, mask: Tensor, positions: Tensor) -> Tensor:
        """`(batch, vocabulary)` logits behind the last token of what `embed` gave."""
        output = module(
            inputs_embeds=embedded, attention_mask=mask, position_ids=positions, use_cache=False, logits_to_keep=1
        )
        logits: Tensor = output.logits[:, -1]
        return logits

    def vision(self, bundle: Tensor) -> dict[str, Any]:
        """Hand features to the model's forward as if its vision tower had just made them."""
        from transformers.modeling_outputs import BaseModelOutputWithPooling

        # Annotated as one tensor, but the model makes, and takes, a tuple: with all frames in one it is quicker.
        output = BaseModelOutputWithPooling(pooler_output=cast(Tensor, (bundle.flatten(0, 1),)))
        return {"mm_encoder_outputs": {"image": output}}
