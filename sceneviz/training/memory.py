"""What a training step will need: memory by part, and arithmetic, for any config and machine, before it is run."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from sceneviz._text import ScenevizError
from sceneviz.models.family import Family, family_of
from sceneviz.models.scene_model import SceneModel
from sceneviz.recipe import Recipe
from sceneviz.training.config import PAPER, TrainConfig
from sceneviz.training.hollow import empty_copy
from sceneviz.training.ledger import recompute_contexts
from sceneviz.training.rehearsal import Rehearsal, language_step, vision_step
from sceneviz.training.trainable import checkpoint_activations, made_trainable

if TYPE_CHECKING:
    import pandas as pd

GIB = 2**30
ANSWER_TOKENS = 7  # of `Shot 47: No` and its line's end, in the Qwen tokenizer
UTILISATION = 0.4  # share of a device's published speed that training is assumed to reach


class Machine(NamedTuple):
    """devices, memory of each in GiB, and its published speed in bfloat16, in operations a second."""

    devices: int
    gib: float
    speed: float


MACHINES = {
    "1x24GB": Machine(1, 23.6, 165e12),  # as an RTX 4090
    "1x80GB": Machine(1, 79.2, 312e12),  # as an A100
    "8x40GB": Machine(8, 39.4, 312e12),
}


@dataclass(frozen=True)
class Estimate:
    """Bytes that one device needs at its peak, part by part, and the arithmetic of one optimiser step.

    weights, gradients, optimizer: of the model; undo: trained weights as they were, to go back to if the training
    stops, where they are kept in the device's memory (on a CPU); activations: kept from forward to backward by the
    language model, logits and vision by those; passing: what is needed for a moment at the worst one; reserve: of the
    device, not of tensors (context, workspaces, fragments; an assumption, 0 on a CPU).
    parameters, trained: numbers of weights. tokens: of a window. operations: of one step, on all devices together.
    """

    weights: int
    gradients: int
    optimizer: int
    undo: int
    vision: int
    activations: int
    logits: int
    passing: int
    reserve: int
    parameters: int
    trained: int
    tokens: int
    operations: float

    @property
    def peak(self) -> int:
        """Bytes on one device at the worst moment."""
        return sum(self._parts().values())

    def hours(self, steps: int, speed: float) -> float:
        """Time for so many steps at `speed` operations a second, all devices together."""
        return steps * self.operations / speed / 3600

    def to_frame(self) -> pd.DataFrame:
        """A row a part: its name, and GiB."""
        import pandas as pd

        parts = self._parts() | {"peak": self.peak}
        return pd.DataFrame({"part": list(parts), "GiB": [part / GIB for part in parts.values()]})

    def __str__(self) -> str:
        shown = [f"{name} {size(part)}" for name, part in self._parts().items() if part > self.peak / 1000]
        return f"{size(self.peak)} on a device: {', '.join(shown)}"

    def _parts(self) -> dict[str, int]:
        names = [field.name for field in fields(self)]
        return {name: getattr(self, name) for name in names[: names.index("parameters")]}


def estimate(
    model: SceneModel | str | Path,
    config: TrainConfig | None = None,
    recipe: Recipe | None = None,
    *,
    text_tokens: int = 1_500,
    devices: int = 1,
    shard: bool = False,
    dtype: str | torch.dtype = "auto",
    reserve: int | None = None,
) -> Estimate:
    """What a training step needs, from the model's config alone: its weights need not be there.

    model: a `SceneModel`, a folder, or a hub name. config: `PAPER` by default; recipe: the model's, or the usual one.
    text_tokens: of a window, all but its frames' (a MovieNet window is thought to have up to 1,500).
    devices: how many share the batch. shard: weights, gradients and optimiser state are spread over them (FSDP,
        ZeRO-3; an upper bound: autocast's copies of weights are counted whole), else each device holds all.
    dtype: of the weights; "auto" is the model's own, or bfloat16 for LoRA and float32 for full training.
    reserve: bytes that a device needs beside tensors; by default 1 GiB, and 0 for a model on the CPU.

    The real classes run forward and backward on torch's meta device, two layers and three, and every allocation is
    counted; what the layers add is taken as many times as the model has layers. Not counted: what the allocator wastes,
    and the kernels that oneDNN compiles and keeps for every new shape in bfloat16 on a CPU (some ten MiB a shape).
    """
    config = config or PAPER
    family, shape, held = _shape(model)
    recipe = recipe or (model.recipe if isinstance(model, SceneModel) else Recipe(frame_size=family.frame_size))
    if dtype == "auto":
        dtype = held or (torch.bfloat16 if config.lora else torch.float32)
    narrow = getattr(torch, dtype) if isinstance(dtype, str) else dtype
    frames = recipe.context * recipe.frames_per_shot if recipe.visual else 0
    side = shape.vision_config.patch_size * shape.vision_config.spatial_merge_size
    tokens = text_tokens + frames * (recipe.frame_size[0] // side) * (recipe.frame_size[1] // side)
    together, turns = config.shares(devices)
    answers = together * min(tokens, ANSWER_TOKENS * recipe.focus)
    # Layers are alike but for those that deepstack features enter and leave: a depth and the next say it all.
    least = max(2, len(getattr(shape.vision_config, "deepstack_visual_indexes", ())))
    shallow = [
        _rehearsed(family, shape, depth, narrow, config, recipe, (together, tokens, answers, frames, turns))
        for depth in (least, least + 1)
    ]
    more = shape.get_text_config().num_hidden_layers - least, shape.vision_config.depth - least
    found = [_deeper([part[place] for part in shallow], more[place]) for place in (0, 1)]
    on_cpu = isinstance(model, SceneModel) and model.device.type == "cpu"
    whole = _put_together(found, devices if shard else 1, devices, turns, tokens)
    undo = sum(part.gradients for part in found) if on_cpu and not config.lora else 0
    return replace(whole, undo=undo, reserve=(0 if on_cpu else GIB) if reserve is None else reserve)


def _shape(model: SceneModel | str | Path) -> tuple[Family, Any, torch.dtype | None]:
    if isinstance(model, SceneModel):
        return model.family, model.module.config, model.dtype
    from sceneviz.models.loading import read_config

    shape = read_config(str(model))
    return family_of(shape.model_type), shape, None


def _rehearsed(
    family: Family,
    shape: Any,
    depth: int,
    dtype: torch.dtype,
    config: TrainConfig,
    recipe: Recipe,
    sizes: tuple[int, int, int, int, int],
) -> tuple[Rehearsal, Rehearsal]:
    """The language model and the tower at a small depth, apart: each runs while the other rests."""
    together, tokens, answers, frames, turns = sizes
    shape = deepcopy(shape)
    text = shape.get_text_config()
    text.num_hidden_layers = shape.vision_config.depth = depth
    if deep := getattr(shape.vision_config, "deepstack_visual_indexes", ()):
        shape.vision_config.deepstack_visual_indexes = list(range(len(deep)))
    if kinds := getattr(text, "layer_types", None):
        text.layer_types = [*kinds, *kinds[-1:] * depth][:depth]
    module = empty_copy(family, shape, dtype)
    made_trainable(module, config)
    if config.checkpoint_activations:
        checkpoint_activations(module, context_fn=recompute_contexts)
    model = SceneModel(module, None, family, "rehearsal", recipe)
    language = language_step(model, (together, tokens), answers, together * frames, config=config, times=min(turns, 2))
    return language, vision_step(model, 0 if config.keeps_features else together * frames, config=config)


def _deeper(shallow: list[Rehearsal], more: int) -> Rehearsal:
    """What two depths say of a larger one: every part grows by the same amount with each of `more` layers."""
    low, high = (np.array(part) for part in shallow)
    return Rehearsal(*(low + (high - low) * more).tolist())


def _put_together(
    found: list[Rehearsal],
    shards: int,
    devices: int,
    turns: int,
    tokens: int,
) -> Estimate:
    language, vision = found
    weights, trained = language.weights + vision.weights, language.gradients + vision.gradients
    optimizer = 2 * trained  # AdamW's two moments, in the dtype of the weights that they move
    there = trained if turns > 1 else 0  # gradients of earlier turns
    activations = language.kept - language.logits
    # The worst moment, as (gradients, vision, activations, logits, passing): the tower runs; the language model turns
    # back; it is back at its first layer; the tower is on its way back.
    back = max(vision.late, vision.early) - vision.kept
    late = language.late - language.kept - (language.gradients if turns > 1 else 0)
    early = language.early - language.gradients
    moments = [
        (there, 0, 0, 0, vision.forward),
        (there, vision.kept, activations, language.logits, late),
        (max(there, language.gradients), vision.kept, 0, 0, early),
        (max(there, language.gradients), vision.kept, 0, 0, back),
    ]
    gradients, seen, activations, logits, passing = max(moments, key=sum)
    if devices > 1:
        gradients += trained  # buckets that they are exchanged in
    if shards > 1:
        weights, gradients, optimizer = (part // shards for part in (weights, gradients, optimizer))
        weights += 2 * max(language.layer, vision.layer)  # gathered: the layer at work, and the next
    return Estimate(
        weights=weights,
        gradients=gradients,
        optimizer=optimizer,
        undo=0,
        vision=seen,
        activations=activations,
        logits=logits,
        passing=passing,
        reserve=0,
        parameters=language.parameters + vision.parameters,
        trained=language.trained + vision.trained,
        tokens=tokens,
        operations=devices * turns * (language.operations + vision.operations),
    )


def size(count: int) -> str:
    """Bytes in the unit that fits: `22.4 GiB`, `381 MiB`, `12 KiB`."""
    if count >= GIB:
        return f"{count / GIB:,.1f} GiB"
    return f"{count / 2**20:,.0f} MiB" if count >= 2**20 else f"{count / 2**10:,.0f} KiB"


def machine_named(name: str) -> Machine:
    """One of `MACHINES`."""
    if name not in MACHINES:
        raise ScenevizError(f"machine must be one of {', '.join(MACHINES)}, not {name!r}")
    return MACHINES[name]
