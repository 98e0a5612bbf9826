"""A training that stops halfway leaves the model as it found it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from sceneviz.models.scene_model import SceneModel
from sceneviz.training.config import TrainConfig
from sceneviz.training.trainable import checkpoint_activations


@contextmanager
def undone_on_failure(model: SceneModel, config: TrainConfig) -> Iterator[None]:
    """Whatever ends the block early, an interrupt too: weights, adapters, recipe and threshold are those of before.

    The same call then goes on from the last checkpoint, and without one begins from the same weights, to the same end.
    Weights that will be trained are kept beside the model, in main memory; those that are frozen are not. An adapter
    that is there before is what will be trained; else one that comes goes again.
    """
    module = model.module
    before = (model.name, model.recipe, model.threshold, model.adapter)
    learns = {name: weight.requires_grad for name, weight in module.named_parameters()}
    kept = {
        name: weight.detach().to("cpu", copy=True)
        for name, weight in module.named_parameters()
        if _trained(name, config, adapted=model.adapter is not None)
    }
    try:
        yield
    except BaseException:
        model.module = module if before[-1] is not None else _without_adapters(module)
        model.name, model.recipe, model.threshold, model.adapter = before
        with torch.no_grad():
            for name, weight in model.module.named_parameters():
                if name in kept:
                    weight.copy_(kept[name])
        checkpoint_activations(model.module, False)
        model.module.zero_grad(set_to_none=True)
        model.module.eval()
        for name, weight in model.module.named_parameters():
            weight.requires_grad_(learns.get(name, True))
        vars(model).pop("fingerprint", None)
        raise


def _trained(name: str, config: TrainConfig, *, adapted: bool) -> bool:
    if adapted:
        return "lora_" in name
    return not config.lora and not (config.freeze_vision and ".visual." in f".{name}")


def _without_adapters(module: Any) -> Any:
    """The module with the layers that adapters were put around, as they were."""
    for name, layer in list(module.named_modules()):
        if hasattr(layer, "lora_A"):
            parent = module.get_submodule(name.rpartition(".")[0])
            setattr(parent, name.rpartition(".")[2], layer.get_base_layer())
    vars(module).pop("peft_config", None)
    return module
