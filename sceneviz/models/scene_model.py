"""A vision-language model made ready to read windows of a movie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sceneviz._text import ScenevizError, fingerprint
from sceneviz.models.family import Family
from sceneviz.models.prefix import Prefix
from sceneviz.models.reading import Answers, Reading
from sceneviz.movie import Movie
from sceneviz.prompt import Encoder, Prompt, TokenLayout, build_prompt, lay_out
from sceneviz.recipe import Recipe, Window


@dataclass(eq=False)
class SceneModel:
    """Model, tokenizer and what the checkpoint says of itself; made by `load_model`.

    module: the transformers model, in eval mode.
    recipe: how movies were shown to it in training; threshold: the confidence that served best on validation.
    embedded: it is the small model that comes with this package, and no claim about the paper.
    adapter: the peft model around the module, where it carries an adapter.
    """

    module: Any
    tokenizer: Any
    family: Family
    name: str
    recipe: Recipe
    threshold: float = 0.5
    embedded: bool = False
    adapter: Any = None

    @cached_property
    def encoder(self) -> Encoder:
        """Tokenises prompts, and knows the Yes, No and placeholder tokens."""
        return Encoder(self.tokenizer, self.family.placeholder, self.family.opening, self.token_pixels)

    @cached_property
    def token_pixels(self) -> int:
        """The side, in pixels, of the square that one visual token covers."""
        return self.family.token_pixels(self.module)

    @property
    def device(self) -> torch.device:
        """Where inputs go: the device of the input embeddings."""
        weight: Tensor = self.module.get_input_embeddings().weight
        return weight.device

    @property
    def dtype(self) -> torch.dtype:
        """What activations are computed in."""
        return self.module.dtype  # type: ignore[no-any-return]

    @property
    def pad(self) -> int:
        """The token that fills up a batch; masked out everywhere."""
        pad = self.tokenizer.pad_token_id
        return int(self.tokenizer.eos_token_id if pad is None else pad)

    @cached_property
    def fingerprint(self) -> str:
        """A short name for the weights (up to 64 values of every tensor) and the shape of the model."""
        parts: list[object] = [self.module.config.model_type]
        for name, tensor in sorted(self.module.state_dict().items()):
            flat = tensor.detach().reshape(-1)
            sample = flat[:: max(1, flat.numel() // 64)][:64].float().cpu().numpy()
            parts += [name, tuple(tensor.shape), sample.tobytes()]
        return fingerprint(*parts)

    def __repr__(self) -> str:
        millions = sum(parameter.numel() for parameter in self.module.parameters()) / 1e6
        dtype = str(self.dtype).removeprefix("torch.")
        return f"SceneModel({self.name!r}: {millions:,.1f} M parameters, {dtype} on {self.device})"

    def check(self, recipe: Recipe) -> None:
        """Raise ScenevizError where a recipe shows frames at a size that is not one of whole visual tokens."""
        side, size = self.token_pixels, recipe.frame_size
        if recipe.visual and any(n % side for n in size):
            nearest = tuple(max(side, round(n / side) * side) for n in size)
            raise ScenevizError(
                f"recipe: frame_size for {self.name!r} must be in multiples of {side} pixels, got {size}; use {nearest}"
            )

    def layout(self, prompt: Prompt) -> TokenLayout:
        """Which token is which: shot, modality, frame and place in the frame."""
        self.check(prompt.recipe)
        layout = lay_out(prompt, self.encoder)
        reach = self.module.config.get_text_config().max_position_embeddings
        if len(layout) > reach:
            context = prompt.window.context
            raise ScenevizError(
                f"shots {context.start} to {context.stop - 1} make {len(layout):,} tokens, and {self.name!r} reads "
                f"{reach:,} at once; use fewer or smaller frames, or a smaller context, and look whether the subtitles "
                "are those of the film"
            )
        return layout

    def windows_that_fit(self, movie: Movie, windows: Sequence[Window], recipe: Recipe) -> int:
        """How many windows to compute together, so that their cache and activations fit, counted from the longest.

        Half of what is free on a GPU; on the CPU 64 MiB, where larger batches take memory and gain nothing. At most 16.
        """
        text = self.module.config.get_text_config()
        longest = max(
            windows, key=lambda window: sum(len(movie.shots[i].subtitle) for i in window.context), default=None
        )
        if longest is None:
            return 1
        tokens = len(self.layout(build_prompt(movie.shots, longest, recipe)))
        width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
        heads = text.num_key_value_heads * width
        # Keys and values of all layers, and the widest activations that live at once in one layer.
        values = tokens * (2 * heads * text.num_hidden_layers + 6 * text.hidden_size + 3 * text.intermediate_size)
        free = torch.cuda.mem_get_info(self.device)[0] // 2 if self.device.type == "cuda" else 2**26
        return int(min(16, max(1, free // (values * self.dtype.itemsize))))

    def wait(self) -> None:
        """Wait for what a GPU still has to do, before a clock is read."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def release_memory(self) -> None:
        """Give cached GPU memory back after running out of it."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    @torch.no_grad()
    def encode(self, frames: np.ndarray) -> Tensor:
        """Frames `(n, H, W, 3)` uint8, marked as the recipe wants, to their features `(n, tokens, …)`."""
        return self.family.encode(self.module, torch.from_numpy(np.ascontiguousarray(frames)).to(self.device))

    def prefill(
        self, layouts: Sequence[TokenLayout], features: Tensor | None, answers: Answers | None = None
    ) -> tuple[Prefix, Reading | None]:
        """Compute prompts once, so that they can answer any number of suffixes.

        features: of all frames of all prompts, in order; None where the prompts have none.
        answers: a draft, read in the same forward; the reading is None without one.
        """
        prefix = Prefix(self, layouts, features)
        return prefix, prefix.fill(answers)

    def forward(
        self,
        ids: Tensor,
        *,
        mask: Tensor,
        positions: Tensor,
        keep: np.ndarray,
        past: Any = None,
        vision: dict[str, Any] | None = None,
    ) -> tuple[Tensor, Any]:
        """One forward: logits `(batch, len(keep), vocabulary)` at the places kept, and the cache behind them.

        ids: `(batch, length)`. mask: `(batch, cached + length)`. positions: `(3, batch, length)`, always explicit,
        since the model's own memory of the last prompt's positions is state that would leak from one call into another.
        """
        output = self.module(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            use_cache=True,
            logits_to_keep=torch.from_numpy(np.asarray(keep, np.int64)).to(ids.device),
            **{self._cache: past},
            **(vision or {}),
        )
        return output.logits, output[self._cache]

    @cached_property
    def _cache(self) -> str:
        """What the library calls the cache: renamed in transformers 5.24, and the old name goes in 5.40."""
        return "cache" if "cache" in signature(self.module.forward).parameters else "past_key_values"
