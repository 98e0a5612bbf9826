"""Adapters (LoRA through peft), also those that other trainers made under other versions' names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sceneviz._text import ScenevizError, plain

if TYPE_CHECKING:
    from torch import Tensor

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
# What wrappers (peft, DDP, FSDP, compile, checkpointing) put into names, and into which no version agrees.
_WRAPPING = re.compile(
    r"^(?:base_model\.model\.|module\.)+|\b(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\."
)
_DOWN = re.compile(r"lora_(?:embedding_)?A\b")  # the first of an adapter's two matrices: as many rows as its rank
# Of an adapter's config: what is taken over, and what mattered when it was trained, or stands in its weights.
_TAKEN = (
    "r", "lora_alpha", "rank_pattern", "alpha_pattern", "lora_dropout", "use_rslora", "use_dora", "fan_in_fan_out",
    "bias", "lora_bias", "modules_to_save", "task_type", "base_model_name_or_path", "revision",
)  # fmt: skip
_PASSED = (
    "peft_type", "peft_version", "auto_mapping", "inference_mode", "target_modules", "exclude_modules",
    "layers_to_transform", "layers_pattern", "init_lora_weights", "loftq_config", "eva_config", "corda_config",
    "lora_ga_config", "megatron_core", "megatron_config", "runtime_config", "ensure_weight_tying", "qalora_group_size",
)  # fmt: skip
_PART = re.compile(r"(?P<path>.+?)\.(?P<part>(?:lora_\w+|weight|bias)\b.*)")


def attach_adapter(module: Any, name: str) -> tuple[Any, Path]:
    """A peft model around a module, with the adapter in a folder or on the hub; and the folder it was read from.

    Its keys may be those of transformers before 4.52 (`model.layers.…`, `visual.…`) or after
    (`model.language_model.layers.…`), with whatever a launcher put before them. Which layers carry an adapter is taken
    from its weights, since its config's pattern was written for the other names.
    Raises ScenevizError where a weight has no place in this model, or a wrong shape.
    """
    from peft import LoraConfig, PeftConfig, PeftModel, get_peft_model, set_peft_model_state_dict
    from safetensors.torch import load_file

    folder = _folder(name)
    if not (folder / WEIGHTS).is_file():
        raise ScenevizError(f"{folder}: expected an adapter's weights in {WEIGHTS}; other formats are not read")
    try:
        config = PeftConfig.from_pretrained(str(folder))
        weights = load_file(folder / WEIGHTS)
    except Exception as error:  # the readers raise whatever a damaged file makes them run into
        raise ScenevizError(f"adapter {name} is damaged ({plain(error, 300)}); copy it again") from error
    try:
        if not isinstance(config, LoraConfig):
            return PeftModel.from_pretrained(module, str(folder)), folder
        found = dict(_placed(weights, module, folder))
        wrapped: Any = get_peft_model(module, _plain_config(config, found, module))
        state = {f"base_model.model.{path}.{part}": weight for (path, part), weight in found.items()}
        result: Any = set_peft_model_state_dict(wrapped, state)
    except ScenevizError:
        raise
    except Exception as error:  # what peft runs into where config and weights don't belong together
        raise ScenevizError(f"adapter {name} does not fit this model: {plain(error, 300)}") from error
    left = [*result.unexpected_keys, *(key for key in result.missing_keys if "lora_" in key)]
    if left:
        raise ScenevizError(f"adapter {name} does not fit this model: {left[0]} has no counterpart")
    return wrapped, folder


def _plain_config(config: Any, found: dict[tuple[str, str], Tensor], module: Any) -> Any:
    """A fresh config of what the weights are. Of the file's others, one names a module that peft would import.

    Raises ScenevizError where the file asks for a kind of adapter that is not read here.
    """
    usual = type(config)()
    asked = {field.name: getattr(config, field.name) for field in fields(config)}
    odd = [name for name, value in asked.items() if value and value != getattr(usual, name)]
    odd = [name for name in odd if name not in _TAKEN + _PASSED]
    if odd:
        raise ScenevizError(f"the adapter's {CONFIG} sets {plain(odd[0])}, which is not read here; merge it elsewhere")
    taken: dict[str, Any] = {name: getattr(config, name) for name in _TAKEN if hasattr(config, name)}
    # No layer has a rank that none of the weights has, and a damaged number would fill the memory.
    most = max((each.shape[0] for (_, part), each in found.items() if _DOWN.match(part)), default=1)
    taken["r"] = min(config.r, most)
    taken["rank_pattern"] = {key: min(rank, most) for key, rank in _renamed(config.rank_pattern, module).items()}
    taken["alpha_pattern"] = _renamed(config.alpha_pattern, module)
    carriers = sorted({path for (path, part) in found if part.startswith("lora_")})
    return type(config)(**taken, target_modules=carriers, inference_mode=True)


def _folder(name: str) -> Path:
    """Where the adapter is; fetched from the hub where the name is no folder."""
    local = Path(name)
    if local.is_dir() or local.is_file():
        if not (local / CONFIG).is_file():
            raise ScenevizError(f"{name}: expected a peft adapter with {CONFIG}; found none")
        return local
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise ScenevizError(f"no adapter at {name}; expected a folder with {CONFIG}")
    from transformers.utils.hub import cached_file

    from sceneviz.models.loading import CARD

    try:
        cached_file(name, CARD, _raise_exceptions_for_missing_entries=False)
        cached_file(name, WEIGHTS)
        return Path(str(cached_file(name, CONFIG))).parent
    except (OSError, ValueError) as error:
        raise ScenevizError(
            f"adapter {name!r} is not on this machine and could not be downloaded; fetch it where there is a network, "
            "and pass its folder instead"
        ) from error


def _placed(weights: dict[str, Tensor], module: Any, folder: Path) -> Iterator[tuple[tuple[str, str], Tensor]]:
    """(path of the layer in this model, rest of the key) and the weight, for each of an adapter's."""
    layers = {name for name, _ in module.named_modules()}
    for key, weight in weights.items():
        found = _PART.fullmatch(_WRAPPING.sub("", key).replace(".default.", "."))
        path = found and _home(found["path"], layers)
        if found is None or path is None:
            raise ScenevizError(f"adapter {folder}: {key} has no place in this model; was it made for another one?")
        yield (path, found["part"]), weight


def _home(path: str, layers: set[str]) -> str | None:
    """The layer of this model that a path of any version means."""
    moved = re.sub(r"^(?:model\.)?(?:language_model\.)?(?:model\.)?(layers|embed_tokens|norm)\b", r"\1", path)
    ways = (path, f"model.{path}", f"model.language_model.{moved}")
    return next((way for way in ways if way in layers), None)


def _renamed(pattern: dict[str, int] | None, module: Any) -> dict[str, int]:
    """Ranks or alphas by layer, under this model's names; a key that is a pattern stays one."""
    layers = {name for name, _ in module.named_modules()}
    return {_home(key, layers) or key: value for key, value in (pattern or {}).items()}
