"""An interrupt at any moment leaves the model as found, and the same call then ends as if nothing had happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from small import RECIPE, noise_movie, random_model

import sceneviz as sv
from sceneviz.intervention import Force, Remove
from sceneviz.models import SceneModel
from sceneviz.movie import Movie
from sceneviz.results import Prediction
from sceneviz.training import Rationale, TrainConfig, align, alignment, finetune
from sceneviz.training.trainer import AnswerTrainer

SMALL = replace(RECIPE, context=6, focus=4, frames_per_shot=2)
MOMENTS = (0, 2, 9, 33)


@pytest.fixture(scope="module")
def model() -> SceneModel:
    return random_model(1.0)


@pytest.fixture(scope="module")
def movie() -> Movie:
    return noise_movie(14)


@pytest.fixture(scope="module")
def prediction(model: SceneModel, movie: Movie) -> Prediction:
    return sv.predict(movie, model, batch_size=1, progress=False)


@contextmanager
def interrupted_at(module: torch.nn.Module, moment: int) -> Iterator[list[int]]:
    """Ctrl-C when the given forward of any layer begins, counted from 0."""
    seen = [0]

    def count(*_: object) -> None:
        seen[0] += 1
        if seen[0] == moment + 1:
            raise KeyboardInterrupt

    handles = [layer.register_forward_pre_hook(count) for layer in module.modules()]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def as_it_is(model: SceneModel) -> tuple[object, ...]:
    """All that a verb could leave behind on a model: weights, modes, hooks, kernel, places of layers."""
    module = model.module
    weights = {name: weight.clone() for name, weight in module.state_dict().items()}
    hooks = [len(each._forward_hooks) + len(each._forward_pre_hooks) for each in module.modules()]
    modes = [each.training for each in module.modules()]
    needs = [weight.requires_grad for weight in module.parameters()]
    grads = [weight.grad is None for weight in module.parameters()]
    kinds = [type(each).__name__ for each in module.modules()]
    forwards = ["forward" in vars(each) for each in module.modules()]
    kernel = module.config._attn_implementation, module.config.get_text_config()._attn_implementation
    said = model.name, model.recipe, model.threshold, model.adapter, torch.is_grad_enabled()
    return weights, (hooks, modes, needs, grads, kinds, forwards, kernel, said)


def same(before: tuple[object, ...], after: tuple[object, ...]) -> bool:
    weights, others = before
    assert isinstance(weights, dict)
    assert isinstance(after[0], dict)
    assert after[1] == others
    return weights.keys() == after[0].keys() and all(torch.equal(weights[name], after[0][name]) for name in weights)


VERBS: dict[str, Callable[[Movie, SceneModel, Prediction, Path], object]] = {
    "predict": lambda movie, model, _, out: sv.predict(movie, model, batch_size=1, resume=out, progress=False),
    "attend": lambda movie, model, prediction, _: sv.attend(movie, model, prediction),
    "intervene": lambda movie, model, prediction, _: sv.intervene(
        movie, model, prediction, actions=[Force(3), Remove(3, "visual")]
    ),
    "attribute": lambda movie, model, prediction, _: sv.attribute(
        movie, model, prediction, shot=5, method="gradient_x_input"
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("verb", VERBS)
def test_the_model_is_as_found(
    verb: str, movie: Movie, model: SceneModel, prediction: Prediction, tmp_path: Path
) -> None:
    before, stopped = as_it_is(model), 0
    for moment in MOMENTS:
        try:
            with interrupted_at(model.module, moment):
                VERBS[verb](movie, model, prediction, tmp_path)
        except KeyboardInterrupt:
            stopped += 1
        assert same(before, as_it_is(model))
    assert stopped > 2
    VERBS[verb](movie, model, prediction, tmp_path)  # no lock is left, no cache half filled
    assert sv.predict(movie, model, batch_size=1, progress=False).to_json() == prediction.to_json()
    assert sv.predict(movie, model, resume=tmp_path, batch_size=1, progress=False).to_json() == prediction.to_json()


@pytest.mark.slow
@pytest.mark.parametrize("lora", [0, 2], ids=["all weights", "adapters"])
@pytest.mark.parametrize("step", [0, 3])
def test_a_training_that_is_interrupted_is_undone(
    lora: int, step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    movie = replace(noise_movie(12), labels=(np.arange(12) % 5 == 4).astype(np.int8))
    config = TrainConfig(steps=4, batch_size=1, warmup=1, checkpoint_every=2, lora=lora)

    def train(model: SceneModel, out: Path) -> SceneModel:
        torch.manual_seed(0)
        return finetune([movie], model, config, out=out, recipe=SMALL)

    whole = train(random_model(), tmp_path / "whole")
    model = random_model()
    before = as_it_is(model)
    compute = AnswerTrainer.compute_loss

    def interrupt(trainer: AnswerTrainer, *args: object, **options: object) -> object:
        if trainer.state.global_step == step:
            raise KeyboardInterrupt
        return compute(trainer, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(AnswerTrainer, "compute_loss", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(model, tmp_path / "stopped")
    monkeypatch.setattr(AnswerTrainer, "compute_loss", compute)
    assert same(before, as_it_is(model))
    again = train(model, tmp_path / "stopped")
    found, wanted = again.module.state_dict(), whole.module.state_dict()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize("kind", ["all weights", "an adapter comes", "an adapter is there"])
def test_an_alignment_that_is_interrupted_is_undone(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    movie = replace(noise_movie(12), labels=(np.arange(12) % 5 == 4).astype(np.int8))
    reasons = [Rationale(movie.name, 4, "New scene: the place changes."), Rationale(movie.name, 6, "Same scene.")]
    lora = 2 if kind == "an adapter comes" else 0
    config = TrainConfig(steps=4, batch_size=1, warmup=1, checkpoint_every=2, lora=lora, checkpoint_activations=True)

    def model() -> SceneModel:
        fresh = random_model()
        if kind == "an adapter is there":
            settings = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
            torch.manual_seed(1)
            fresh.adapter = get_peft_model(fresh.module, settings)
            fresh.module = fresh.adapter.get_base_model()
            fresh.module.eval().requires_grad_(False)
        return fresh

    def taught(model: SceneModel, out: Path) -> SceneModel:
        return align([movie], model, reasons, config=config, out=out, recipe=SMALL)

    whole, stopped = taught(model(), tmp_path / "whole"), model()
    before, losses, left = as_it_is(stopped), alignment.alignment_losses, iter([False, False, False, True])

    def interrupted(*given: object) -> object:
        if next(left):
            raise KeyboardInterrupt
        return losses(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(alignment, "alignment_losses", interrupted)
        with pytest.raises(KeyboardInterrupt):
            taught(stopped, tmp_path / "stopped")
    assert (tmp_path / "stopped" / "alignment.pt").is_file(), "it was stopped after a checkpoint"
    assert same(before, as_it_is(stopped))
    found, wanted = taught(stopped, tmp_path / "stopped").module.state_dict(), whole.module.state_dict()
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    start = dict(model().module.state_dict())
    assert found.keys() != start.keys() or any(not torch.equal(weight, found[name]) for name, weight in start.items())
