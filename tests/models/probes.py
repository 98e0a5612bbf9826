"""What tests of probes share: windows prefilled together, answers written behind them, and the eager reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from small import RECIPE, random_model
from torch.utils._python_dispatch import TorchDispatchMode

from sceneviz.models import FrameFeatures, SceneModel
from sceneviz.models.prefix import Prefix
from sceneviz.models.probe import Probe
from sceneviz.movie import Movie
from sceneviz.prompt import TokenLayout, build_prompt
from sceneviz.recipe import Recipe, Window, plan_windows
from sceneviz.tiny.build import tiny_config


@dataclass(frozen=True)
class Case:
    """Windows of a movie with random answers."""

    model: SceneModel
    movie: Movie
    recipe: Recipe

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        return plan_windows(len(self.movie), self.recipe)

    @cached_property
    def layouts(self) -> list[TokenLayout]:
        return [self.model.layout(build_prompt(self.movie.shots, window, self.recipe)) for window in self.windows]

    @cached_property
    def answers(self) -> list[list[bool]]:
        rng = np.random.default_rng(0)
        return [(rng.random(len(window.focus)) < 0.5).tolist() for window in self.windows]

    def prefix(self, windows: Sequence[int]) -> Prefix:
        """These windows, prefilled together."""
        bundle = torch.cat(
            [FrameFeatures(self.model, self.movie, self.recipe).window(self.windows[i].context) for i in windows]
        )
        return self.model.prefill([self.layouts[i] for i in windows], bundle)[0]

    def every_token(self, windows: Sequence[int], **options: object) -> Probe:
        """A probe whose groups are the single tokens."""
        layouts = [self.layouts[i] for i in windows]
        return Probe(
            tuple(np.arange(len(layout)) for layout in layouts),
            max(map(len, layouts)),
            **options,  # type: ignore[arg-type]
        )

    def eager(self, window: int) -> np.ndarray:
        """`(layers, heads, focus, tokens)` by the library's own eager attention: one prompt, no cache, no padding."""
        module, prefix, layout = self.model.module, self.prefix([window]), self.layouts[window]
        before = module.config.text_config._attn_implementation
        module.set_attn_implementation({"text_config": "eager"})
        try:
            with torch.no_grad():
                output = module(
                    input_ids=prefix._written([self.answers[window]], [0]),
                    attention_mask=prefix._mask,
                    position_ids=prefix._positions,
                    output_attentions=True,
                    **prefix._vision,
                )
        finally:
            module.set_attn_implementation({"text_config": before})
        return np.stack([layer[0][:, layout.decision_rows].float().numpy() for layer in output.attentions])


def wide_model(dtype: torch.dtype = torch.float32) -> SceneModel:
    """Qwen2.5-VL-7B's attention (3,584 wide, 28 query and 4 key-value heads of 128), two layers of it.

    What attention does not depend on is small: the vocabulary, the MLP, the vision tower.
    """
    base = random_model(1.0)
    config = tiny_config(base.tokenizer, width=128, layers=2, vision_width=64, depth=1)
    text = config.text_config
    text.hidden_size, text.intermediate_size, text.num_attention_heads, text.num_key_value_heads = 3584, 512, 28, 4
    text.rope_parameters = text.rope_parameters | {"mrope_section": [16, 24, 24]}
    config.vision_config.out_hidden_size = 3584
    torch.manual_seed(0)
    module = base.family.build(config).eval().to(dtype)
    return SceneModel(module, base.tokenizer, base.family, "7B attention, two layers", RECIPE)


class Shapes(TorchDispatchMode):
    """Notes the shape of every tensor that torch makes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[tuple[int, ...]] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = function(*args, **(kwargs or {}))
        for each in made if isinstance(made, tuple | list) else [made]:
            if isinstance(each, torch.Tensor):
                self.seen.add(tuple(each.shape))
        return made

    def square(self, length: int) -> list[tuple[int, ...]]:
        """Shapes that hold a value for every pair of so many tokens."""
        return [shape for shape in self.seen if sum(size >= length for size in shape) >= 2]
