"""On a CUDA device everything says what it says on the CPU. Needs one; without, these tests are skipped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from small import RECIPE, noise_movie

import sceneviz as sv
from sceneviz.intervention import Force
from sceneviz.models import SceneModel, load_model
from sceneviz.movie import Movie
from sceneviz.results import Prediction
from sceneviz.tiny.build import tiny_config
from sceneviz.training import TrainConfig, align, finetune, plan

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, which is absent")


@pytest.fixture(scope="module")
def movie() -> Movie:
    return sv.render_movie(8_500_000, 40)


@pytest.fixture(scope="module")
def there() -> SceneModel:
    return load_model(device="cuda", dtype="float32")


@pytest.fixture(scope="module")
def here() -> SceneModel:
    return load_model(device="cpu")


@pytest.fixture(scope="module")
def told(movie: Movie, there: SceneModel) -> Prediction:
    return sv.predict(movie, there, progress=False)


def test_decisions_and_confidence(movie: Movie, here: SceneModel, told: Prediction) -> None:
    expected = sv.predict(movie, here, progress=False)
    np.testing.assert_array_equal(told.decision, expected.decision)
    np.testing.assert_allclose(told.confidence, expected.confidence, atol=1e-4)


def test_bfloat16_is_the_default_and_near(movie: Movie, told: Prediction) -> None:
    model = load_model()
    assert (model.device.type, model.dtype) == ("cuda", torch.bfloat16)
    found = sv.predict(movie, model, progress=False)
    assert np.nanmean(np.abs(found.confidence - told.confidence)) < 0.02
    assert (found.decision != told.decision).sum() <= 1


def test_attention(movie: Movie, here: SceneModel, there: SceneModel, told: Prediction) -> None:
    found, expected = (sv.attend(movie, model, told, frames=True).data for model in (there, here))
    np.testing.assert_allclose(found["mass"].values, expected["mass"].values, atol=5e-4)
    np.testing.assert_allclose(found["log_odds"].values, expected["log_odds"].values, atol=1e-3)


@pytest.mark.parametrize("method", ["gradient_x_input", "gradient_x_attention", "rollout"])
def test_attribution(method: str, movie: Movie, here: SceneModel, there: SceneModel, told: Prediction) -> None:
    found, expected = (sv.attribute(movie, model, told, shot=12, method=method).value for model in (there, here))
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())


def test_interventions(movie: Movie, here: SceneModel, there: SceneModel, told: Prediction) -> None:
    action = Force(11, answer=not bool(told.decision[11]))
    found, expected = (sv.intervene(movie, model, told, actions=action) for model in (there, here))
    pd.testing.assert_frame_equal(found, expected, atol=1e-3, check_exact=False)


def test_explanations(movie: Movie, here: SceneModel, there: SceneModel, told: Prediction) -> None:
    found, expected = (sv.explain(movie, model, told, shot=12) for model in (there, here))
    assert found.text == expected.text


@pytest.mark.parametrize("lora", [0, 4])
def test_a_training_is_the_same_again(lora: int, tmp_path: Path) -> None:
    film = noise_movie(24)
    film = replace(film, labels=(np.arange(24) % 5 == 4).astype(np.int8))
    recipe = replace(RECIPE, context=6, focus=4)
    config = TrainConfig(
        steps=6, batch_size=4, warmup=1, lora=lora, freeze_vision=True, autocast=True, workers=2, checkpoint_every=3
    )

    def trained(out: str) -> pd.DataFrame:
        model = load_model(device="cuda", dtype="float32")
        finetune([film], model, config, out=tmp_path / out, recipe=recipe)
        return pd.read_csv(tmp_path / out / "history.csv")

    whole, again = trained("whole"), trained("again")
    np.testing.assert_allclose(again["loss"], whole["loss"], rtol=1e-3)
    found = load_model(*[] if lora else [str(tmp_path / "whole")], adapter=tmp_path / "whole" if lora else None)
    base = replace(load_model(), recipe=found.recipe)
    before, after = (sv.predict(film, model, progress=False).confidence for model in (base, found))
    assert after.size == 24
    assert np.nanmax(np.abs(after - before)) > 0.01


def test_alignment(movie: Movie, tmp_path: Path) -> None:
    model = load_model(device="cuda", dtype="float32")
    config = TrainConfig(steps=3, batch_size=4, warmup=1, freeze_vision=True, autocast=True, workers=2)
    align([movie], model, config=config, out=tmp_path, recipe=replace(model.recipe, context=8, focus=4))
    assert (tmp_path / "sceneviz.json").is_file()


@pytest.mark.parametrize("checkpointing", [False, True])
def test_the_estimate_is_within_15_percent_of_the_measured_peak(checkpointing: bool, tmp_path: Path) -> None:
    base = load_model(device="cpu")
    torch.manual_seed(0)
    built = base.family.build(tiny_config(base.tokenizer, width=1024, layers=8, head=64, vision_width=64, depth=2))
    model = SceneModel(built.cuda(), base.tokenizer, base.family, "wide", base.recipe)
    film = sv.render_movie(8_500_000, 40)
    config = TrainConfig(
        steps=2, batch_size=4, warmup=1, modality_dropout=0.0, autocast=True, freeze_vision=True,
        checkpoint_activations=checkpointing,
    )  # fmt: skip
    needs = plan([film], model, config).needs
    torch.cuda.reset_peak_memory_stats()
    finetune([film], model, config, out=tmp_path)
    measured = torch.cuda.max_memory_allocated()
    tensors = needs.peak - needs.reserve  # CUDA's own part is not among what torch has allocated
    print(f"\nmeasured {measured / 2**30:.3f} GiB, estimated {tensors / 2**30:.3f}: {needs}")
    assert tensors == pytest.approx(measured, rel=0.15)
