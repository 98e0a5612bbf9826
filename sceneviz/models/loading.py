"""From a name to a SceneModel: the embedded model, a folder, or a model of the hub, with or without an adapter."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sceneviz._text import ScenevizError, choice, plain, whole
from sceneviz.recipe import Recipe
from sceneviz.results.prediction import checked_threshold

if TYPE_CHECKING:
    import torch

    from sceneviz.models.scene_model import SceneModel

CARD = "sceneviz.json"  # beside config.json: the recipe and threshold that a checkpoint was trained and tuned with
_TINY = Path(__file__).parent.parent / "tiny"
# Of 6 layers; the smaller sizes are that model with fewer of them, trained on.
EMBEDDED = {"tiny": _TINY, "tiny-4": _TINY / "tiny-4", "tiny-2": _TINY / "tiny-2"}
DTYPES = ("auto", "float32", "bfloat16", "float16")
# A damaged config would have the memory filled, or go on making layers.
SIZES = ("num_", "depth", "hidden_size", "intermediate_size", "vocab_size", "out_hidden_size", "max_position")
MOST_LAYERS, MOST_WIDE = 1_000, 2**21
QUANTIZE = ("4bit", "8bit")


def load_model(
    name: str = "tiny",
    *,
    adapter: str | Path | None = None,
    device: str = "auto",
    dtype: str = "auto",
    quantize: str | None = None,
) -> SceneModel:
    """Load a model, and what its checkpoint says about the recipe it was trained with.

    name: "tiny" (the embedded model; "tiny-4" and "tiny-2" are smaller), a local folder, or a hub name such as
        "Qwen/Qwen2.5-VL-7B-Instruct".
    adapter: a peft adapter (a LoRA, say) to attach, ours or another trainer's, a folder or a hub name; its recipe and
        threshold then count.
    device: "auto" takes CUDA, then MPS, then the CPU; "cuda:1" or "cpu" name one; "balanced" spreads the layers over
        all GPUs.
    dtype: "auto" is bfloat16 on a GPU and float32 on the CPU; or float32, bfloat16, float16.
    quantize: "4bit" or "8bit" by bitsandbytes (the extra `sceneviz[quantize]`), on CUDA.
    """
    import torch
    from transformers import AutoTokenizer
    from transformers.utils import logging

    from sceneviz.models.adapters import attach_adapter
    from sceneviz.models.family import family_of
    from sceneviz.models.scene_model import SceneModel
    from sceneviz.models.vision_tower import all_at_once

    source = _source(name)
    family = family_of(_config(source, name).model_type)
    target = _device(device)
    options: dict[str, Any] = {
        "dtype": _dtype(dtype, target),
        "attn_implementation": _attention(target),
        "trust_remote_code": False,
        "use_safetensors": True,
    }
    if device == "balanced":
        options["device_map"] = "balanced"
    if quantize is not None:
        options["quantization_config"] = _quantization(quantize, target, options["dtype"])
        options.setdefault("device_map", {"": target})
    try:
        if not sys.stderr.isatty():
            logging.disable_progress_bar()
        module: Any = family.load(source, **options)
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    except ScenevizError:
        raise
    except Exception as error:  # the libraries raise whatever a damaged file makes them run into
        raise _not_loaded(name, error) from error
    if "device_map" not in options:
        module = module.to(torch.device(target))
    if target != "mps" and options["attn_implementation"] == "sdpa":
        all_at_once(module)
    card = read_card(Path(source))
    wrapped = None
    if adapter is not None:
        wrapped, folder = attach_adapter(module, str(adapter))
        card = read_card(folder) or card
    return SceneModel(
        module=module.eval(),
        tokenizer=tokenizer,
        family=family,
        name=name if adapter is None else f"{name} + {Path(adapter).name}",
        recipe=Recipe(**card.get("recipe", {"frame_size": family.frame_size})),
        threshold=float(card.get("threshold", 0.5)),
        embedded=name in EMBEDDED and adapter is None,
        adapter=wrapped,
    )


def read_card(folder: Path) -> dict[str, Any]:
    """What a checkpoint folder says of its recipe and threshold; empty for a checkpoint that others made."""
    path = folder / CARD
    if not path.is_file():
        return {}
    try:
        card: dict[str, Any] = json.loads(path.read_text("utf-8"))
        Recipe(**card.get("recipe", {}))
        checked_threshold(float(card.get("threshold", 0.5)))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ScenevizError(f"{path}: expected a recipe and a threshold in JSON ({plain(error, 300)})") from error
    return card


def write_card(folder: Path, recipe: Recipe, threshold: float, **more: object) -> None:
    """Leave the recipe and threshold beside a checkpoint's weights."""
    card = {"format": 1, "recipe": asdict(recipe), "threshold": threshold, **more}
    (folder / CARD).write_text(json.dumps(card, indent=2) + "\n", "utf-8")


def read_config(name: str) -> Any:
    """The config of a model by name, without its weights."""
    return _config(_source(name), name)


def _source(name: str) -> str:
    """The folder a name stands for, or the name itself where the hub must be asked."""
    folder = EMBEDDED.get(name, Path(name))
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ScenevizError(f"{folder} is a folder, but holds no config.json; a model's folder is expected")
        return str(folder)
    looks_local = name.startswith((".", "/", "~")) or name.count("/") != 1
    if looks_local:
        raise ScenevizError(
            f"no model {name!r}: expected {', '.join(map(repr, EMBEDDED))}, a folder with config.json and safetensors, "
            "or a hub name such as 'Qwen/Qwen2.5-VL-7B-Instruct'"
        )
    return name


def _config(source: str, name: str) -> Any:
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(source, trust_remote_code=False)
    except Exception as error:  # as above
        raise _not_loaded(name, error) from error
    for part in (config, getattr(config, "text_config", None), getattr(config, "vision_config", None)):
        for key, value in vars(part).items() if part is not None else ():
            most = MOST_LAYERS if key in ("num_hidden_layers", "depth") else MOST_WIDE
            if key.startswith(SIZES) and whole(value) and value > most:
                raise ScenevizError(f"model {plain(name, 300)}: {key} is {plain(value)}, more than any model has")
    return config


def _not_loaded(name: str, error: Exception) -> ScenevizError:
    if Path(name).is_dir() or name in EMBEDDED:
        return ScenevizError(f"model folder {name} is damaged ({plain(str(error) or type(error).__name__, 300)})")
    if not isinstance(error, OSError | ValueError):
        return ScenevizError(f"model {name!r} could not be read ({type(error).__name__}: {plain(error, 300)})")
    return ScenevizError(
        f"model {name!r} is not on this machine and could not be downloaded; where there is a network, run "
        f"`hf download {name} --local-dir {Path(name).name}`, copy that folder here, and pass its path instead"
    )


def _device(device: str) -> str:
    import torch

    if device not in ("auto", "balanced"):
        kind = choice(device.split(":")[0], ("cpu", "cuda", "mps"), "device")
        present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        if not present[kind]:
            raise ScenevizError(f"device {device!r} is not available here; present: cpu, or device='auto'")
        return device
    if torch.cuda.is_available():
        return "cuda"
    if device == "balanced":
        raise ScenevizError("device='balanced' spreads a model over CUDA GPUs, and there is none here; use 'auto'")
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _dtype(dtype: str, device: str) -> torch.dtype:
    import torch

    choice(dtype, DTYPES, "dtype")
    if dtype == "auto":
        return torch.float32 if device == "cpu" else torch.bfloat16
    resolved: torch.dtype = getattr(torch, dtype)
    return resolved


def _attention(device: str) -> str:
    from transformers.utils.import_utils import is_flash_attn_2_available

    return "flash_attention_2" if device.startswith("cuda") and is_flash_attn_2_available() else "sdpa"


def _quantization(quantize: str, device: str, dtype: torch.dtype) -> Any:
    from transformers import BitsAndBytesConfig
    from transformers.utils.import_utils import is_bitsandbytes_available

    choice(quantize, QUANTIZE, "quantize")
    if not device.startswith("cuda"):
        raise ScenevizError(f"quantize={quantize!r} needs a CUDA GPU, and the device is {device!r}; leave it out")
    if not is_bitsandbytes_available():
        raise ScenevizError("quantize needs bitsandbytes: pip install 'sceneviz[quantize]'")
    if quantize == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=dtype, bnb_4bit_quant_type="nf4")
