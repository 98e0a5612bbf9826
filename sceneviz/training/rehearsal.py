"""A training step on torch's meta device: every shape, no memory, and each allocation entered in a ledger.

What a step needs depends on what autograd keeps, which changes with the adapter, the dtype and activation
checkpointing. So nothing is derived here: the real classes run forward and backward on tensors without content.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from sceneviz.models.scene_model import SceneModel
from sceneviz.training.config import TrainConfig
from sceneviz.training.hollow import vision_inputs
from sceneviz.training.ledger import Ledger, rehearsing
from sceneviz.training.windows import training_loss


class Rehearsal(NamedTuple):
    """Bytes and counts of one part of the model (language model or vision tower), in one forward and backward.

    weights, gradients, layer: bytes of all weights, of the gradients of those that are trained, and of one layer's
    weights. kept: from forward to backward, and of it logits. forward: the most while going forward; late: the most
    until the way back reaches the first layer; early: from there on. parameters, trained: numbers of weights.
    operations: of forward and backward.
    """

    weights: int
    gradients: int
    layer: int
    kept: int
    logits: int
    forward: int
    late: int
    early: int
    parameters: int
    trained: int
    operations: int


def language_step(
    model: SceneModel, shape: tuple[int, int], answers: int, frames: int, *, config: TrainConfig, times: int
) -> Rehearsal:
    """The language model with the loss on its answers.

    shape: windows and tokens of each. answers: tokens that are judged. frames: whose features are handed over.
    times: turns before the weights change: from the second on, the gradients of those before are there.
    """
    module = model.module
    layers = module.model.language_model.layers
    height, width = (side // model.token_pixels for side in model.recipe.frame_size)
    deep = len(getattr(module.config.vision_config, "deepstack_visual_indexes", ()))
    bundle = (frames, height * width, *([1 + deep] if deep else []), layers[0].hidden_size)
    judged = [0, 0]  # bytes before the output layer, and after the loss

    def numbers(*size: int) -> Tensor:
        return torch.empty(size, dtype=torch.int64, device="meta")

    def forward() -> Tensor:
        # From the second layer on activations carry gradients anyway; features do where the tower is trained.
        seen = torch.empty(bundle, dtype=model.dtype, device="meta", requires_grad=not config.freeze_vision)
        batch = {
            "ids": numbers(*shape),
            "positions": numbers(3, *shape),
            "frames": None,
            "features": seen if frames else None,
            **{name: numbers(answers) for name in ("rows", "columns", "targets")},
            "weights": torch.empty(answers, device="meta"),
        }
        loss = training_loss(model, batch)  # with the output, which is still there
        judged[1] = ledger.now
        return loss[0]

    with rehearsing(module, autocast=config.autocast) as ledger:
        handle = module.lm_head.register_forward_pre_hook(lambda *_: judged.__setitem__(0, ledger.now))
        kept, ahead, late, early = _run(ledger, forward, layers[0], times)
        handle.remove()
    tokens, length = shape[0] * shape[1], shape[1]
    inner = sum(
        weight.numel() for name, weight in layers.named_parameters() if weight.ndim == 2 and "lora_" not in name
    )
    attention = 2 * length * layers[0].hidden_size * len(layers)  # scores and mix, of which the mask leaves a half
    once = tokens * (2 * inner + attention)
    turns = 1 + (1 if config.lora else 2) + config.checkpoint_activations
    own = [item for item in module.named_parameters() if ".visual." not in f".{item[0]}"]
    return Rehearsal(
        *_weights(own, layers[0]), kept, judged[1] - judged[0], ahead, late, early, *_counts(own), turns * once
    )


def vision_step(model: SceneModel, frames: int, *, config: TrainConfig) -> Rehearsal:
    """The vision tower on so many frames; 0 where their features are on disk."""
    tower, shape = model.module.model.visual, model.module.config.vision_config
    family: Any = model.family
    own = [(name, weight) for name, weight in tower.named_parameters()]
    sizes, counts = _weights(own, tower.blocks[0]), _counts(own)
    if not frames:
        return Rehearsal(*sizes, 0, 0, 0, 0, 0, *counts, 0)
    height, width = model.recipe.frame_size
    grid = (height // shape.patch_size, width // shape.patch_size)
    cut = (shape.patch_size, shape.spatial_merge_size, shape.temporal_patch_size)

    def run(count: int) -> np.ndarray:
        def forward() -> Tensor:
            pictures = torch.empty(count, height, width, 3, dtype=torch.uint8, device="meta")
            pixels = family.patches(pictures, *cut).to(model.dtype)
            with torch.set_grad_enabled(not config.freeze_vision):
                seen: Tensor = tower(pixels, **vision_inputs(shape, count, grid)).pooler_output
            return seen.sum()

        with rehearsing(model.module, autocast=config.autocast) as ledger:
            kept, ahead, late, early = _run(ledger, forward, tower.blocks[0], 1)
        tower.zero_grad()
        return np.array([kept, 0, ahead, late, early])

    # Frames are alike: two and three say what all of them need.
    two, three = run(2), run(3)
    memory: list[int] = (two + (three - two) * (frames - 2)).tolist()
    kept, _, ahead, late, early = memory
    inner = sum(weight.numel() for _, weight in own if weight.ndim > 1)
    once = 2 * inner * frames * grid[0] * grid[1]
    turns = 1 if config.freeze_vision else 3 + config.checkpoint_activations
    return Rehearsal(*sizes, kept, 0, ahead, late, early, *counts, turns * once)


def _run(ledger: Ledger, forward: Callable[[], Tensor], first: nn.Module, times: int) -> tuple[int, int, int, int]:
    """Bytes kept by the forward, the most while it ran, and the most of the way back, late and early."""
    reached: list[int] = []

    def turn(_: Tensor) -> None:
        reached.append(ledger.peak)
        ledger.peak = ledger.now

    def watch(_: nn.Module, __: Any, output: Any) -> None:
        hidden = output[0] if isinstance(output, tuple) else output
        if hidden.requires_grad:
            hidden.register_hook(turn)

    handle = first.register_forward_hook(watch)
    for _ in range(times):
        before, ledger.peak = ledger.now, ledger.now
        loss = forward()
        kept, ahead = ledger.now - before, ledger.peak
        if loss.requires_grad:
            loss.backward()
        del loss
    handle.remove()
    return kept, ahead, reached[-1] if reached else ahead, ledger.peak if reached else 0


def _weights(named: list[tuple[str, Tensor]], layer: nn.Module) -> tuple[int, int, int]:
    own = [weight for _, weight in named]
    trained = [weight for weight in own if weight.requires_grad]
    return _bytes(own), _bytes(trained), _bytes(list(layer.parameters()))


def _counts(named: list[tuple[str, Tensor]]) -> tuple[int, int]:
    return sum(w.numel() for _, w in named), sum(w.numel() for _, w in named if w.requires_grad)


def _bytes(tensors: list[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
