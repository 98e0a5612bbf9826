"""Adapters: trained, saved, loaded and merged; also those that other trainers bring back."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from small import RECIPE, noise_movie, random_model

import sceneviz as sv
from sceneviz._text import ScenevizError
from sceneviz.models import SceneModel
from sceneviz.models.adapters import CONFIG, WEIGHTS
from sceneviz.movie import Movie
from sceneviz.tiny.build import tiny_config
from sceneviz.training import TrainConfig, finetune, merge
from sceneviz.training.loop import save_model

SMALL = replace(RECIPE, context=6, focus=4, frames_per_shot=1)
LORA = TrainConfig(
    steps=3, batch_size=2, warmup=0, learning_rate=1e-2, lora=4, lora_alpha=32, freeze_vision=True, keep="nothing"
)


def labelled(n_shots: int, frames: bool = True) -> Movie:
    return replace(noise_movie(n_shots, frames), labels=(np.arange(n_shots) % 5 == 4).astype(np.int8))


def confidence(model: SceneModel) -> np.ndarray:
    model.recipe = SMALL
    return sv.predict(noise_movie(9), model, SMALL, batch_size=1, progress=False).confidence[:-1]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[SceneModel, Path, Path]:
    """A model with its adapter, the folder of the plain one, and the adapter's."""
    base, out = tmp_path_factory.mktemp("base"), tmp_path_factory.mktemp("adapter")
    save_model(random_model(1.0), base)
    model = finetune([labelled(12)], sv.load_model(str(base), device="cpu"), LORA, out=out, recipe=SMALL)
    return model, base, out


def test_an_adapter_is_all_that_changed_and_all_that_is_saved(trained: tuple[SceneModel, Path, Path]) -> None:
    model, base, out = trained
    assert not list(out.glob("model*.safetensors"))
    before = sv.load_model(str(base), device="cpu").module.state_dict()
    after = {name.replace(".base_layer", ""): weight for name, weight in model.module.state_dict().items()}
    assert all(torch.equal(after[name], weight) for name, weight in before.items())
    carriers = {name.split(".lora_")[0] for name in after if ".lora_B" in name}
    assert carriers
    assert all(".language_model.layers." in name for name in carriers)
    assert all(after[name].abs().max() > 0 for name in after if "lora_B" in name)
    card = json.loads((out / "sceneviz.json").read_text())
    assert card["training"]["config"]["lora"] == 4


def test_a_loaded_and_a_merged_adapter_answer_as_the_trained_model(trained: tuple[SceneModel, Path, Path]) -> None:
    model, base, out = trained
    wanted = confidence(model)
    assert not np.allclose(confidence(sv.load_model(str(base), device="cpu")), wanted, atol=1e-3)
    loaded = sv.load_model(str(base), adapter=out, device="cpu")
    assert (loaded.recipe, loaded.threshold) == (SMALL, 0.5)
    np.testing.assert_allclose(confidence(loaded), wanted, atol=1e-6)
    merged = merge(loaded)
    assert not any("lora_" in name for name, _ in merged.module.named_parameters())
    np.testing.assert_allclose(confidence(merged), wanted, atol=1e-4)
    save_model(merged, out.parent / "merged")
    np.testing.assert_allclose(confidence(sv.load_model(str(out.parent / "merged"), device="cpu")), wanted, atol=1e-4)


def older(key: str) -> str:
    """As transformers before 4.52 called it."""
    return key.replace("model.model.language_model.layers", "model.model.layers").replace(
        "model.model.visual", "visual"
    )


@pytest.mark.parametrize(
    ("rename", "targets"),
    [
        # LLaMA-Factory's and ms-swift's patterns, which would miss, or hit the tower too, under today's names.
        (older, r"^(?!.*visual).*(?:q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj).*"),
        (older, r"^(model)(?!.*(lm_head|output|emb|wte|shared)).*"),
        (lambda key: key, ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]),
        (lambda key: f"module.{key}".replace(".weight", ".default.weight"), ["q_proj"]),
        (lambda key: key.replace("layers.1.", "layers.1._checkpoint_wrapped_module."), ["q_proj"]),
    ],
    ids=["LLaMA-Factory, older names", "ms-swift, older names", "today's", "DDP", "checkpoint wrapper"],
)
def test_adapters_of_other_trainers_take_their_places(
    rename: Any, targets: Any, trained: tuple[SceneModel, Path, Path], tmp_path: Path
) -> None:
    model, base, out = trained
    save_file({rename(key): weight for key, weight in load_file(out / WEIGHTS).items()}, tmp_path / WEIGHTS)
    config = json.loads((out / CONFIG).read_text())
    (tmp_path / CONFIG).write_text(json.dumps({**config, "target_modules": targets}))
    loaded = sv.load_model(str(base), adapter=tmp_path, device="cpu")
    np.testing.assert_allclose(confidence(loaded), confidence(model), atol=1e-6)


def test_an_adapter_that_does_not_fit_is_refused(trained: tuple[SceneModel, Path, Path], tmp_path: Path) -> None:
    _, base, out = trained
    (tmp_path / CONFIG).write_text((out / CONFIG).read_text())
    with pytest.raises(ScenevizError, match="safetensors"):
        sv.load_model(str(base), adapter=tmp_path, device="cpu")
    weights = load_file(out / WEIGHTS)
    save_file({key.replace("layers.1", "layers.7"): weight for key, weight in weights.items()}, tmp_path / WEIGHTS)
    with pytest.raises(ScenevizError, match=r"layers\.7.*no place in this model"):
        sv.load_model(str(base), adapter=tmp_path, device="cpu")
    save_file({key: torch.zeros(2, 2) for key in weights}, tmp_path / WEIGHTS)
    with pytest.raises(ScenevizError, match="does not fit"):
        sv.load_model(str(base), adapter=tmp_path, device="cpu")
    (tmp_path / WEIGHTS).write_bytes((out / WEIGHTS).read_bytes()[:1000])
    with pytest.raises(ScenevizError, match=r"is damaged \(.*copy it again"):
        sv.load_model(str(base), adapter=tmp_path, device="cpu")


def test_of_an_adapters_config_only_what_is_known_is_taken(
    trained: tuple[SceneModel, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, base, out = trained
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "brought_along.py").write_text("raise SystemExit('ran')")
    monkeypatch.syspath_prepend(tmp_path / "code")
    (tmp_path / WEIGHTS).write_bytes((out / WEIGHTS).read_bytes())
    config = json.loads((out / CONFIG).read_text())

    def loaded(**changes: Any) -> SceneModel:
        (tmp_path / CONFIG).write_text(json.dumps(config | changes))
        return sv.load_model(str(base), adapter=tmp_path, device="cpu")

    odd = {"megatron_config": {"a": 1}, "megatron_core": "brought_along", "r": 10**9}
    # The rank in the config is only the usual one of the layers; too large a one would fill the memory.
    with pytest.raises(ScenevizError, match=r"does not fit|damaged"):
        loaded(**odd, rank_pattern=[1])
    found = loaded(**odd)
    assert "brought_along" not in sys.modules
    assert found.adapter.peft_config["default"].r == config["r"]
    assert found.adapter.peft_config["default"].megatron_config is None
    np.testing.assert_allclose(confidence(found), confidence(model), atol=1e-6)
    with pytest.raises(ScenevizError, match="sets use_qalora, which is not read here"):
        loaded(use_qalora=True)


def test_training_an_adapted_model_again_needs_a_merge(trained: tuple[SceneModel, Path, Path], tmp_path: Path) -> None:
    model, base, out = trained
    loaded = sv.load_model(str(base), adapter=out, device="cpu")
    with pytest.raises(ScenevizError, match="merge"):
        finetune([labelled(12)], loaded, LORA, out=tmp_path, recipe=SMALL)
    np.testing.assert_allclose(confidence(loaded), confidence(model), atol=1e-6)  # its adapter is still there


@pytest.mark.slow
def test_at_the_widths_of_7b_it_trains_saves_loads_and_merges(tmp_path: Path) -> None:
    """The real classes, two layers deep, in bfloat16 as on a GPU; the vocabulary alone is small."""
    small = random_model(1.0)
    module: Any = small.family.build(wide_config(small.tokenizer))
    assert sum(weight.numel() for weight in module.model.language_model.layers.parameters()) > 460_000_000
    with torch.no_grad():  # neither answer is out of the question
        words = module.get_input_embeddings().weight
        words[small.encoder.yes] = words[small.encoder.no] + 0.02 * torch.randn(words.shape[1])
    save_model(SceneModel(module.to(torch.bfloat16), small.tokenizer, small.family, "wide", SMALL), tmp_path / "base")
    del module, words
    model = sv.load_model(str(tmp_path / "base"), device="cpu", dtype="bfloat16")
    config = replace(LORA, steps=2, batch_size=1, checkpoint_activations=True, autocast=True, lora=8, lora_alpha=16)
    before = confidence(model)
    finetune([labelled(12)], model, config, out=tmp_path / "lora", recipe=SMALL)
    wanted = confidence(model)
    assert np.abs(wanted - before).max() > 0.01
    del model
    loaded = sv.load_model(str(tmp_path / "base"), adapter=tmp_path / "lora", device="cpu", dtype="bfloat16")
    assert sum(w.numel() for name, w in loaded.module.named_parameters() if "lora_" in name) == 2 * 8 * (
        4 * 3584 + 2 * (3584 + 512) + 3 * (3584 + 18944)
    )
    np.testing.assert_array_equal(confidence(loaded), wanted)
    np.testing.assert_allclose(confidence(merge(loaded)), wanted, atol=0.05)  # weights in bfloat16


def wide_config(tokenizer: Any) -> Any:
    """Qwen2.5-VL-7B's widths, two layers of each kind."""
    config = tiny_config(tokenizer, width=3584, layers=2, head=128, vision_width=1280, depth=2)
    config.text_config.num_key_value_heads = 4
    config.text_config.intermediate_size = 18_944
    config.vision_config.num_heads = 16
    config.vision_config.intermediate_size = 3_420
    return config
