"""attribute: what it shares, what it leaves alone, and what it says of mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from decided import N_SHOTS, brief_movie, decision_of, predicted
from small import RECIPE, noise_movie, random_model

from sceneviz._text import ScenevizError
from sceneviz.attribution import METHODS, Attribution, attribute, survey
from sceneviz.attribution.groups import grouped
from sceneviz.attribution.methods import Game
from sceneviz.models import SceneModel
from sceneviz.models.flow import attention_gradients, shares
from sceneviz.movie import Movie
from sceneviz.results import Prediction


class Largest(torch.utils._python_dispatch.TorchDispatchMode):
    """Notes the largest tensor that any operation makes."""

    values = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = function(*args, **kwargs or {})
        for each in made if isinstance(made, tuple) else (made,):
            if isinstance(each, torch.Tensor):
                self.values = max(self.values, each.numel())
        return made


def test_no_square_of_the_length_is_ever_made(model: SceneModel) -> None:
    movie = noise_movie(20)
    made = predicted(movie, model, replace(RECIPE, context=20, focus=10))
    _, decision = decision_of(movie, model, made, 9)
    member = np.arange(len(decision)) % 40
    widest = len(decision) * model.module.config.get_text_config().intermediate_size
    assert widest < len(decision) ** 2
    with Largest() as seen:
        shares(decision, member, 40)
        attention_gradients(decision)
        decision.log_odds(np.ones((1, len(decision)), bool))
    assert seen.values <= widest


@pytest.fixture
def watched(model: SceneModel) -> Iterator[SceneModel]:
    """The model, with some weights frozen by its owner; afterwards everything must be as before."""
    weights = list(model.module.parameters())
    weights[3].requires_grad_(False)
    movie = brief_movie()
    before = [each.requires_grad for each in weights]
    named = [each._attn_implementation for each in (model.module.config, model.module.config.get_text_config())]
    state, first = torch.get_rng_state(), predicted(movie, model)
    hooks = sum(len(each._forward_hooks) + len(each._forward_pre_hooks) for each in model.module.modules())
    yield model
    assert [each.requires_grad for each in weights] == before
    assert all(each.grad is None for each in weights)
    assert [each._attn_implementation for each in (model.module.config, model.module.config.get_text_config())] == named
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.is_grad_enabled()
    assert hooks == sum(len(each._forward_hooks) + len(each._forward_pre_hooks) for each in model.module.modules())
    np.testing.assert_array_equal(predicted(movie, model).confidence, first.confidence)
    weights[3].requires_grad_(True)


@pytest.mark.filterwarnings("ignore:integrated gradients")
@pytest.mark.parametrize("method", METHODS)
def test_the_model_is_left_as_it_was_found(method: str, watched: SceneModel) -> None:
    movie = brief_movie()
    made = predicted(movie, watched)
    options: dict[str, Any] = {"shot": 6, "method": method, "samples": 1, "repeats": 2, "steps": 3, "progress": False}
    found = attribute(movie, watched, made, **options)
    layer = watched.module.model.language_model.layers[1]
    for error in (KeyboardInterrupt, RuntimeError):

        def broken(*_: Any, error: type[BaseException] = error) -> None:
            raise error

        handle = layer.mlp.register_forward_hook(broken)
        try:
            with pytest.raises(error):
                attribute(movie, watched, made, **options)
        finally:
            handle.remove()
    np.testing.assert_array_equal(attribute(movie, watched, made, **options).value, found.value)


def test_a_survey_shares_what_it_computes(film: Movie, exact: SceneModel, prediction: Prediction) -> None:
    options: dict[str, Any] = {"groups": "modality", "progress": False}
    found = list(survey(film, exact, prediction, shots=[7, 2], methods=["shapley", "ablation"], **options))
    assert [(each.shot, each.method) for each in found] == [
        (2, "shapley"), (2, "ablation"), (7, "shapley"), (7, "ablation")
    ]  # fmt: skip
    assert found[1].forwards == 0
    alone = attribute(film, exact, prediction, shot=7, **options)
    np.testing.assert_allclose(alone.value, found[3].value, atol=1e-9)
    assert alone.forwards == 7


@pytest.mark.filterwarnings("ignore:integrated gradients")
def test_batches_change_nothing(film: Movie, exact: SceneModel, prediction: Prediction) -> None:
    quick: dict[str, Any] = {"shot": 6, "progress": False, "steps": 5, "samples": 1, "repeats": 2}
    for method in ("ablation", "shapley", "integrated_gradients"):
        one, many = (attribute(film, exact, prediction, method=method, batch=n, **quick) for n in (1, 7))
        np.testing.assert_allclose(one.value, many.value, atol=1e-5)


def test_a_known_input_is_not_computed_again(film: Movie, exact: SceneModel, prediction: Prediction) -> None:
    window, decision = decision_of(film, exact, prediction, 6)
    groups, member = grouped(decision, window, prediction.recipe, per="modality")
    game = Game(decision, member, len(groups), 4)
    switches = torch.tensor([[1.0] * 5, [0.0] * 5, [1.0] * 5])
    game(switches)
    game(switches)
    assert game.forwards == 2


def test_it_comes_back_from_disk(tmp_path: Path, film: Movie, exact: SceneModel, prediction: Prediction) -> None:
    found = attribute(film, exact, prediction, shot=6, progress=False)
    again = Attribution.load(found.save(tmp_path / "found.json"))
    assert again.to_frame().equals(found.to_frame())
    assert (again.recipe, again.settings, again.forwards) == (found.recipe, found.settings, found.forwards)
    (tmp_path / "other.json").write_text("{}")
    for name, said in (("none.json", "no attribution to read"), ("other.json", "written by Attribution.save")):
        with pytest.raises(ScenevizError, match=said):
            Attribution.load(tmp_path / name)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shot": N_SHOTS - 1}, "no decision on shot 10; there are decisions on shots 0 to 9"),
        ({"shot": -1}, "no decision on shot -1"),
        ({"method": "shaply"}, "did you mean 'shapley'"),
        ({"groups": "shots"}, "did you mean 'shot'"),
        ({"modalities": ["subtitles"]}, "did you mean 'subtitle'"),
        ({"modalities": []}, "got none"),
        ({"shot": 4, "modalities": "answer"}, "no answer stands before shot 4"),
        ({"baseline": "median"}, "baseline must be one of 'mean', 'zero'"),
        ({"repeats": 1}, "at least 2, got 1"),
    ],
)
def test_what_is_not_there_is_named(
    changes: dict[str, Any], said: str, film: Movie, exact: SceneModel, prediction: Prediction
) -> None:
    options: dict[str, Any] = {"shot": 6, "progress": False} | changes
    with pytest.raises(ScenevizError, match=said) as caught:
        attribute(film, exact, prediction, **options)
    assert "\n" not in str(caught.value)


def test_a_setting_that_is_not_there_is_named(film: Movie, exact: SceneModel, prediction: Prediction) -> None:
    with pytest.raises(ScenevizError, match="did you mean 'samples'"):
        survey(film, exact, prediction, shots=[6], sample=3)


def test_another_movie_or_model_is_refused(film: Movie, exact: SceneModel, prediction: Prediction) -> None:
    with pytest.raises(ScenevizError, match="made on 'noise-11'"):
        attribute(noise_movie(12), exact, prediction, shot=6)
    with pytest.raises(ScenevizError, match="made by 'random'"):
        attribute(film, random_model(1.0, seed=3), prediction, shot=6)
