"""Training is the same call for both families, with frames or without."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small import BALANCED, RECIPES, noise_movie, random_model

from sceneviz.models import SceneModel, load_model
from sceneviz.movie import Movie
from sceneviz.prediction import predict
from sceneviz.training import TrainConfig, finetune
from sceneviz.training.loop import save_model
from sceneviz.training.stores import FeatureStore
from sceneviz.training.windows import Collator, TrainingWindows

CONFIG = TrainConfig(steps=4, batch_size=2, warmup=1, checkpoint_every=2)
Weights = dict[str, torch.Tensor]


def labelled(n_shots: int, frames: bool = True) -> Movie:
    return replace(noise_movie(n_shots, frames), labels=(np.arange(n_shots) % 5 == 4).astype(np.int8))


def fresh(family: str) -> SceneModel:
    model = random_model(1.0, BALANCED[family], family=family)
    model.recipe = replace(RECIPES[family], context=6, focus=4, frames_per_shot=2)
    return model


def weights_of(model: SceneModel) -> Weights:
    return {name: weight.clone() for name, weight in model.module.state_dict().items()}


def changed(before: Weights, after: Weights) -> set[str]:
    """Which parts of a model have other weights."""
    names = {name for name, weight in before.items() if not torch.equal(weight, after[name])}
    return {"visual" if ".visual." in name else "language" for name in names}


def trained(family: str, movies: list[Movie], out: Path, config: TrainConfig = CONFIG) -> Weights:
    torch.manual_seed(0)
    model = fresh(family)
    if config.lora:
        save_model(model, out / "base")
    finetune(movies, model, config, out=out)
    base, adapter = (out / "base", out) if config.lora else (out, None)
    return weights_of(load_model(str(base), adapter=adapter, device="cpu"))


@pytest.mark.parametrize(
    "lora", [pytest.param(0, marks=pytest.mark.slow, id="all weights"), pytest.param(4, id="LoRA")]
)
def test_a_killed_training_of_qwen3vl_ends_where_an_undisturbed_one_does(lora: int, tmp_path: Path) -> None:
    movies, config = [labelled(20)], replace(CONFIG, lora=lora, freeze_vision=bool(lora))
    whole = trained("qwen3_vl", movies, tmp_path / "whole", config)
    shutil.copytree(tmp_path / "whole" / "checkpoints", tmp_path / "killed" / "checkpoints")
    shutil.rmtree(tmp_path / "killed" / "checkpoints" / "checkpoint-4")
    again = trained("qwen3_vl", movies, tmp_path / "killed", config)
    if lora:
        assert {name.split(".")[-2] for name in whole if "lora_B" in name and whole[name].any()} == {"default"}
        assert all("language_model" in name for name in whole if "lora_" in name)
    else:
        assert changed(weights_of(fresh("qwen3_vl")), whole) == {"visual", "language"}
    for name, weight in whole.items():
        torch.testing.assert_close(again[name], weight, atol=1e-6, rtol=0)


def test_a_frozen_tower_of_qwen3vl_keeps_its_deepstack_features(tmp_path: Path) -> None:
    model, movies = fresh("qwen3_vl"), [labelled(14)]
    config = replace(CONFIG, freeze_vision=True, modality_dropout=0.0)
    windows = TrainingWindows(movies, model.recipe, config)
    store = FeatureStore(model, movies, model.recipe, first=windows.first, folder=tmp_path / "features")
    kept = Collator(model, windows, store)([windows[0]])["features"]
    assert kept.shape[1:] == (6, 3, 128)
    after = trained("qwen3_vl", movies, tmp_path / "out", config)
    assert changed(weights_of(model), after) == {"language"}


@pytest.mark.parametrize(("family", "frozen"), [("qwen2_5_vl", True), ("qwen3_vl", False)])
def test_movies_without_frames_train_with_the_others_and_predict(family: str, frozen: bool, tmp_path: Path) -> None:
    movies = [labelled(14, frames=False), labelled(12)]
    config = replace(CONFIG, freeze_vision=frozen)
    kinds = {TrainingWindows(movies, fresh(family).recipe, config)[i].movie for i in range(8)}
    assert kinds == {0, 1}, "else one of them is not put to the test"
    after = trained(family, movies, tmp_path, config)
    assert "language" in changed(weights_of(fresh(family)), after)
    with pytest.warns(UserWarning, match="no frames"):
        prediction = predict(movies[0], load_model(str(tmp_path), device="cpu"), progress=False)
    assert np.isfinite(prediction.confidence[:-1]).all()


@pytest.mark.parametrize("family", BALANCED)
def test_movies_without_any_frames_train_the_language_model_alone(family: str, tmp_path: Path) -> None:
    before, after = weights_of(fresh(family)), trained(family, [labelled(14, frames=False)], tmp_path)
    assert "language" in changed(before, after)
    for name, weight in before.items():
        if ".visual." in name:  # decayed, as in steps that show frames, and no more
            torch.testing.assert_close(after[name], weight, rtol=1e-5, atol=0)
