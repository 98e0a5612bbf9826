"""Loading: folders with their cards, adapters, the real shapes, and what is said when something is missing."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from reference import pixels
from safetensors.torch import load_file, save_file
from small import RECIPE, noise_movie, random_model

from sceneviz._text import ScenevizError
from sceneviz.models import SceneModel, load_model
from sceneviz.models.family import family_of
from sceneviz.models.loading import EMBEDDED, write_card
from sceneviz.prediction import predict
from sceneviz.prompt import build_prompt
from sceneviz.recipe import Recipe, Window, plan_windows
from sceneviz.training.loop import save_model


def test_the_embedded_sizes_differ_in_depth_and_are_light() -> None:
    sizes = {name: load_model(name, device="cpu") for name in EMBEDDED}
    assert [each.module.config.text_config.num_hidden_layers for each in sizes.values()] == [6, 4, 2]
    assert all(each.embedded and each.recipe == sizes["tiny"].recipe for each in sizes.values())
    towers = [each.module.model.visual.state_dict() for each in sizes.values()]
    for name, weight in towers[0].items():  # the smaller ones are kept in bfloat16
        assert all(torch.allclose(weight, other[name], rtol=2**-7, atol=1e-6) for other in towers)
    bytes_of = [(folder / "model.safetensors").stat().st_size for folder in EMBEDDED.values()]
    assert max(bytes_of) <= 25e6
    assert sum(bytes_of) <= 40e6


def test_a_saved_model_comes_back_with_its_recipe_and_threshold(tmp_path: Path, either: SceneModel) -> None:
    saved = replace(either, recipe=replace(either.recipe, focus=8), threshold=0.31)
    save_model(saved, tmp_path)
    loaded = load_model(str(tmp_path), device="cpu")
    assert loaded.fingerprint == either.fingerprint
    assert (loaded.recipe, loaded.threshold) == (saved.recipe, 0.31)
    assert not loaded.embedded
    assert not list(tmp_path.glob("*.bin"))


def test_a_checkpoint_of_others_gets_the_papers_recipe(tmp_path: Path, either: SceneModel) -> None:
    save_model(either, tmp_path)
    (tmp_path / "sceneviz.json").unlink()
    loaded = load_model(str(tmp_path), device="cpu")
    assert replace(loaded.recipe, frame_size=Recipe().frame_size) == Recipe()
    assert [size // loaded.token_pixels for size in loaded.recipe.frame_size] == [9, 16]


def test_fingerprints_tell_weights_apart(model: SceneModel) -> None:
    assert random_model(1.0).fingerprint == model.fingerprint
    assert random_model(1.0, seed=5).fingerprint != model.fingerprint


def test_an_adapter_is_attached_and_brings_its_recipe(tmp_path: Path, model: SceneModel) -> None:
    from peft import LoraConfig, get_peft_model

    save_model(model, tmp_path / "base")
    wrapped = get_peft_model(
        random_model(1.0).module, LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    )
    wrapped.save_pretrained(tmp_path / "lora")
    write_card(tmp_path / "lora", replace(RECIPE, focus=6), 0.4)
    adapted = load_model(str(tmp_path / "base"), adapter=tmp_path / "lora", device="cpu")
    assert (adapted.recipe.focus, adapted.threshold) == (6, 0.4)
    movie = noise_movie(22)
    plain = predict(movie, model, progress=False).confidence
    with pytest.warns(UserWarning, match="focus"):
        changed = predict(movie, adapted, RECIPE, progress=False).confidence
    assert np.nanmax(np.abs(plain - changed)) > 1e-4


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("/no/such/folder", "no model '/no/such/folder'"),
        ("tinny", "no model 'tinny'"),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "hf download Qwen/Qwen2.5-VL-7B-Instruct"),
    ],
)
def test_a_model_that_is_not_here_says_what_to_do(name: str, said: str) -> None:
    with pytest.raises(ScenevizError, match=said) as caught:
        load_model(name)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenevizError, match=r"no config\.json"):
        load_model(str(tmp_path))


def test_a_model_that_lacks_a_weight_is_refused_not_filled_with_noise(tmp_path: Path, model: SceneModel) -> None:
    save_model(model, tmp_path)
    file = tmp_path / "model.safetensors"
    weights = load_file(file)
    name = next(key for key in weights if "layers.1.self_attn.q_proj.weight" in key)
    save_file({key: weight for key, weight in weights.items() if key != name}, file, {"format": "pt"})
    with pytest.raises(ScenevizError, match=r"lacks 1 weight, the first of them .*q_proj\.weight; copy it again"):
        load_model(str(tmp_path), device="cpu")


def test_a_library_that_would_ignore_the_frames_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def forward(self: Any, input_ids: Any = None, **others: Any) -> Any:
        """As before transformers 5.18."""

    monkeypatch.setattr("transformers.Qwen2_5_VLForConditionalGeneration.forward", forward)
    with pytest.raises(ScenevizError, match=r"transformers \S+ would ignore all frames: .*; pip install --upgrade"):
        load_model(device="cpu")


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("model.safetensors", lambda data: data[:-100]),
        ("model.safetensors", lambda data: data[:4] + b"\xff" * 8 + data[12:]),
        ("config.json", lambda data: data[:-20]),
        ("config.json", lambda data: re.sub(b'"text_config": {', b'"text_config": [], "x": {', data)),
        ("config.json", lambda data: re.sub(rb'"num_hidden_layers": \d+', b'"num_hidden_layers": 999999999', data)),
        ("config.json", lambda data: re.sub(rb'"hidden_size": \d+', b'"hidden_size": 999999999', data)),
        ("tokenizer.json", lambda data: data[:-20]),
    ],
)
def test_a_damaged_model_is_one_line(file: str, change: Any, tmp_path: Path, model: SceneModel) -> None:
    save_model(model, tmp_path)
    data = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(change(data))
    assert change(data) != data
    with pytest.raises(ScenevizError, match=re.escape(str(tmp_path))) as caught:
        load_model(str(tmp_path), device="cpu")
    assert len(str(caught.value).splitlines()) == 1


def test_a_damaged_card_is_named(tmp_path: Path, model: SceneModel) -> None:
    save_model(model, tmp_path)
    (tmp_path / "sceneviz.json").write_text('{"recipe": {"fokus": 3}}')
    with pytest.raises(ScenevizError, match=r"sceneviz\.json"):
        load_model(str(tmp_path), device="cpu")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"device": "gpu"}, "device must be one of"),
        ({"dtype": "fp8"}, "dtype must be one of"),
        ({"quantize": "4bit", "device": "cpu"}, "needs a CUDA GPU"),
    ],
)
def test_options_are_checked(tmp_path: Path, model: SceneModel, options: dict[str, Any], said: str) -> None:
    save_model(model, tmp_path)
    with pytest.raises(ScenevizError, match=said):
        load_model(str(tmp_path), **options)


def test_patches_equal_the_librarys_image_processor(either: SceneModel) -> None:
    movie = noise_movie(5)
    window = Window(range(5), range(4))
    recipe = replace(either.recipe, shot_ids=False)
    wanted = pixels(either, movie, window, recipe, torch.zeros(1, 1, dtype=torch.long))
    assert movie.frames is not None
    frames = np.concatenate(list(movie.frames.read(movie.shots, 3, recipe.frame_size)))
    got = family_of(either.module.config.model_type).patches(torch.from_numpy(frames), either.token_pixels // 2)  # type: ignore[attr-defined]
    torch.testing.assert_close(got, wanted["pixel_values"], atol=1e-5, rtol=0)


@pytest.fixture(scope="module")
def qwen(shared_data: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(shared_data / "qwen25vl")


@pytest.mark.parametrize("size", ["3B", "7B"])
def test_the_published_shapes_build_without_memory(shared_data: Path, size: str) -> None:
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(shared_data / "qwen25vl" / size)
    with torch.device("meta"):
        module = family_of(config.model_type).build(config)
    billions = sum(parameter.numel() for parameter in module.parameters()) / 1e9
    assert {"3B": 3.5, "7B": 8}[size] < billions < {"3B": 4.2, "7B": 8.6}[size]


@pytest.mark.slow
@pytest.mark.parametrize("size", ["3B", "7B"])
def test_the_published_widths_run_with_two_layers(shared_data: Path, qwen: Any, size: str) -> None:
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(shared_data / "qwen25vl" / size)
    config.text_config.num_hidden_layers = 2
    config.text_config.layer_types = config.text_config.layer_types[:2]
    config.vision_config.depth, config.vision_config.fullatt_block_indexes = 2, [1]
    config.dtype = torch.bfloat16
    family = family_of(config.model_type)
    torch.set_default_dtype(torch.bfloat16)
    try:
        module = family.build(config).eval()
    finally:
        torch.set_default_dtype(torch.float32)
    recipe = Recipe(context=6, focus=4, frames_per_shot=1, frame_size=(84, 140))
    model = SceneModel(module, qwen, family, f"{size}, two layers", recipe)
    movie = noise_movie(9)
    prediction = predict(movie, model, progress=False)
    assert np.isfinite(prediction.confidence[:-1]).all()
    layout = model.layout(build_prompt(movie.shots, plan_windows(9, recipe)[0], recipe))
    assert len(layout) == layout.to_frame()["modality"].notna().sum()
