"""What of a model is trained: all weights, or adapters of low rank (LoRA, Hu et al. 2021) through peft."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

from sceneviz._text import ScenevizError
from sceneviz.models.scene_model import SceneModel
from sceneviz.training.config import TrainConfig

# All matrices of the language model's layers, as full paths: the vision tower has some of the same names.
LANGUAGE = r".*\blanguage_model\.layers\..*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"
VISION = r".*\bvisual\.blocks\..*\.(qkv|proj|gate_proj|up_proj|down_proj|linear_fc1|linear_fc2)"


def made_trainable(module: Any, config: TrainConfig) -> Any:
    """What the Trainer is given: the module with all its weights, or a peft model around it, adapters in place."""
    from peft import LoraConfig, get_peft_model

    if any(hasattr(layer, "lora_A") for layer in module.modules()):
        raise ScenevizError("this model carries an adapter already; `sv.train.merge` it before training again")
    if not config.lora:
        module.requires_grad_(True)
        module.model.visual.requires_grad_(not config.freeze_vision)
        return module
    settings = LoraConfig(
        r=config.lora,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=LANGUAGE if config.freeze_vision else f"({LANGUAGE})|({VISION})",
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing", FutureWarning)  # peft asks by the old name
        torch.manual_seed(config.seed)
        return get_peft_model(module, settings)


def merge(model: SceneModel) -> SceneModel:
    """The adapter of a model worked into its weights, in place: the same answers, a little faster, one folder.

    Afterwards it can be saved with `save_model`, or trained again. A model without an adapter stays as it is.
    """
    if model.adapter is not None:
        model.module = model.adapter.merge_and_unload(safe_merge=True)
        model.adapter = None
        vars(model).pop("fingerprint", None)
    return model


def load_adapter(wrapped: Any, folder: Path) -> None:
    """The weights of a saved adapter into a peft model of the same shape."""
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    result: Any = set_peft_model_state_dict(wrapped, load_file(folder / "adapter_model.safetensors"))
    missing = [name for name in result.missing_keys if "lora_" in name]
    if result.unexpected_keys or missing:
        odd = (result.unexpected_keys or missing)[0]
        raise ScenevizError(f"{folder}: not an adapter of this shape ({odd}); start with another `out`")


def checkpoint_activations(module: Any, on: bool = True, **options: Any) -> None:
    """Keep one activation a layer from forward to backward, or all again. options: of torch's `checkpoint`."""
    # Renamed in transformers 5.24; the old names go in 6.
    name = "activation" if hasattr(module, "activation_checkpointing_enable") else "gradient"
    if on:
        settings = {f"{name}_checkpointing_kwargs": {"use_reentrant": False, **options}}
        getattr(module, f"{name}_checkpointing_enable")(**settings)
    else:
        getattr(module, f"{name}_checkpointing_disable")()
        module.disable_input_require_grads()  # the library puts these hooks in, and leaves them
