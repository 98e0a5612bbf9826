"""Training: what a step sees, and that a killed run ends where an undisturbed one does."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small import RECIPE, noise_movie, random_model

from sceneviz._text import ScenevizError
from sceneviz.models import load_model
from sceneviz.movie import Movie
from sceneviz.training import TrainConfig, finetune
from sceneviz.training.stores import FeatureStore, FrameStore
from sceneviz.training.windows import Collator, TrainingWindows, training_loss

SMALL = replace(RECIPE, context=6, focus=4, frames_per_shot=2)


def labelled(n_shots: int) -> Movie:
    movie = noise_movie(n_shots)
    return replace(movie, labels=(np.arange(n_shots) % 5 == 4).astype(np.int8))


def test_windows_are_the_same_each_time_and_all_recipes_occur() -> None:
    config = TrainConfig(steps=50, batch_size=4, modality_dropout=0.3, single_frame=0.5, wide=0.5)
    movies = [labelled(30), labelled(12)]
    samples = [TrainingWindows(movies, SMALL, config)[i] for i in range(200)]
    assert samples == [TrainingWindows(movies, SMALL, config)[i] for i in range(200)]
    for sample in samples:
        assert len(sample.window.context) <= SMALL.context
        assert sample.window.focus.stop <= len(movies[sample.movie]) - 1
    assert {sample.recipe.visual for sample in samples} == {True, False}
    assert {sample.recipe.frames_per_shot for sample in samples} == {1, 2}
    assert {sample.frames for sample in samples} == {(0,), (1,), (0, 1)}
    for step in range(50):
        assert len({sample.recipe.frames_per_shot for sample in samples[4 * step : 4 * step + 4]}) == 1
    assert all(s.recipe.visual or s.recipe.subtitles or s.recipe.characters for s in samples)


def test_a_share_of_windows_shows_frames_alone_and_the_others_stay_as_they_are() -> None:
    movies = [labelled(30), replace(labelled(12), frames=None)]
    config = TrainConfig(steps=100, batch_size=4, modality_dropout=0.3)
    plain, silent = (TrainingWindows(movies, SMALL, replace(config, silent=share)) for share in (0.0, 0.4))
    alone = 0
    for before, after in ((plain[i], silent[i]) for i in range(400)):
        quiet = replace(before.recipe, visual=True, subtitles=False, characters=False)
        assert after.recipe == before.recipe or (after.recipe == quiet and before.movie == 0)
        alone += after.recipe == quiet != before.recipe
    assert 0.3 < alone / sum(plain[i].movie == 0 for i in range(400)) < 0.45
    assert TrainingWindows(movies, SMALL, replace(config, silent=1.0))[0].recipe.subtitles == (plain[0].movie == 1)


def test_a_batch_holds_the_truth_where_answers_stand(tmp_path: Path) -> None:
    model, movies = random_model(), [labelled(30)]
    windows = TrainingWindows(movies, SMALL, TrainConfig(batch_size=3, modality_dropout=0.0, template_weight=0.1))
    samples = [windows[i] for i in range(3)]
    batch = Collator(model, windows, FrameStore(movies, SMALL, tmp_path))(samples)
    decided = batch["weights"] == 1
    for row, sample in enumerate(samples):
        words = batch["targets"][decided & (batch["rows"] == row)].tolist()
        truth = [movies[0].labels[0, shot] == 1 for shot in sample.window.focus]  # type: ignore[index]
        assert words == [model.encoder.yes if yes else model.encoder.no for yes in truth]
    assert set(batch["weights"].unique().tolist()) <= {0.0, float(np.float32(0.1)), 1.0}
    assert batch["frames"].shape == (sum(len(s.window.context) for s in samples) * 2, 56, 84, 3)


def test_padding_does_not_change_the_loss(tmp_path: Path) -> None:
    model, movies = random_model(), [labelled(30)]
    windows = TrainingWindows(movies, SMALL, TrainConfig(batch_size=3, modality_dropout=0.4, template_weight=1.0))
    collate = Collator(model, windows, FrameStore(movies, SMALL, tmp_path))
    samples = [windows[i] for i in range(3)]
    sizes = [collate([sample])["weights"].sum() for sample in samples]
    with torch.no_grad():
        alone = [training_loss(model, collate([sample]))[0] for sample in samples]
        together, _ = training_loss(model, collate(samples))
    assert len({collate([sample])["ids"].shape for sample in samples}) > 1
    torch.testing.assert_close(together, sum(a * n for a, n in zip(alone, sizes, strict=True)) / sum(sizes))


def test_kept_features_are_what_the_frozen_tower_makes_of_the_marked_frames(tmp_path: Path) -> None:
    model, movies = random_model(), [labelled(30), labelled(12)]
    config = TrainConfig(batch_size=6, freeze_vision=True, single_frame=0.5)
    windows = TrainingWindows(movies, SMALL, config)
    frames = FrameStore(movies, SMALL, tmp_path / "frames")
    features = FeatureStore(model, movies, SMALL, first=windows.first, folder=tmp_path / "features")
    samples = [windows[i] for i in range(12)]
    assert len({sample.first for sample in samples}) == 2  # one for each movie
    for step in (samples[:6], samples[6:]):
        kept = Collator(model, windows, features)(step)["features"]
        fresh = model.encode(Collator(model, windows, frames)(step)["frames"].numpy())
        torch.testing.assert_close(kept, fresh, rtol=2**-7, atol=0)  # kept in bfloat16
    files = {path.stat().st_mtime_ns for path in (tmp_path / "features").iterdir()}
    FeatureStore(model, movies, SMALL, first=windows.first, folder=tmp_path / "features")
    assert {path.stat().st_mtime_ns for path in (tmp_path / "features").iterdir()} == files  # encoded once


def test_unlabelled_movies_are_refused() -> None:
    with pytest.raises(ScenevizError, match="no labels"):
        TrainingWindows([noise_movie(9)], SMALL, TrainConfig())


@pytest.mark.parametrize(
    ("changes", "said"), [({"steps": 0}, "steps"), ({"wide": 2.0}, "wide"), ({"schedule": "x"}, "schedule")]
)
def test_impossible_settings_are_named(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ScenevizError, match=said):
        TrainConfig(**changes)  # type: ignore[arg-type]


def test_a_killed_training_ends_where_an_undisturbed_one_does(tmp_path: Path) -> None:
    movies, config = [labelled(20)], TrainConfig(steps=4, batch_size=2, warmup=1, checkpoint_every=2)

    def train(out: Path) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        finetune(movies, random_model(), config, out=out, recipe=SMALL)
        trained = load_model(str(out), device="cpu")
        assert trained.recipe == SMALL
        return {name: weight.clone() for name, weight in trained.module.state_dict().items()}

    whole = train(tmp_path / "whole")
    shutil.copytree(tmp_path / "whole" / "checkpoints", tmp_path / "killed" / "checkpoints")
    shutil.rmtree(tmp_path / "killed" / "checkpoints" / "checkpoint-4")
    again = train(tmp_path / "killed")
    before = random_model().module.state_dict()
    assert any(not torch.equal(whole[name], before[name]) for name in whole)
    for name, weight in whole.items():
        torch.testing.assert_close(again[name], weight, atol=1e-6, rtol=0)


def test_a_training_goes_on_only_from_its_own_models_checkpoints(tmp_path: Path) -> None:
    movies, config = [labelled(12)], TrainConfig(steps=2, batch_size=1, warmup=1, checkpoint_every=1)
    model = random_model()
    finetune(movies, model, config, out=tmp_path, recipe=SMALL)
    made = (tmp_path / "model.safetensors").read_bytes()
    other = random_model(spread=1.0)
    before = {name: weight.clone() for name, weight in other.module.state_dict().items()}
    with pytest.raises(ScenevizError, match="another model than this one"):
        finetune(movies, other, config, out=tmp_path, recipe=SMALL)
    assert all(torch.equal(weight, before[name]) for name, weight in other.module.state_dict().items())
    for same in (random_model(), model):  # a cell is run twice: with the model as it began, and as it ended
        finetune(movies, same, config, out=tmp_path, recipe=SMALL)
        assert (tmp_path / "model.safetensors").read_bytes() == made
    (tmp_path / "checkpoints" / "began.json").unlink()  # a folder of an older version
    finetune(movies, random_model(), config, out=tmp_path, recipe=SMALL)
    assert (tmp_path / "model.safetensors").read_bytes() == made


def test_after_training_in_bfloat16_the_forward_is_the_models_own(tmp_path: Path) -> None:
    model, config = random_model(), TrainConfig(steps=1, batch_size=2, autocast=True, checkpoint_activations=True)
    finetune([labelled(12)], model, config, out=tmp_path, recipe=SMALL)
    assert not {"forward", "_original_forward"} & set(vars(model.module))
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.module.modules())
    assert not model.module.training
    assert all(weight.requires_grad for weight in model.module.parameters())
