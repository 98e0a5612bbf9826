"""Attributions equal slow references, add up, and leave the model as it was found."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small import RECIPE, noise_movie, random_model

from sceneviz._text import ScenevizError
from sceneviz.attention import attend
from sceneviz.attribution import METHODS, Attribution, attribute, survey
from sceneviz.attribution.groups import grouped, shown
from sceneviz.attribution.methods import Game
from sceneviz.attribution.verb import _decisions
from sceneviz.models import SceneModel
from sceneviz.models.decision import Decision
from sceneviz.models.flow import attention_gradients, shares
from sceneviz.movie import Movie
from sceneviz.prediction import predict
from sceneviz.recipe import Recipe
from sceneviz.results import Prediction

SMALL = replace(RECIPE, context=6, focus=4, frames_per_shot=1, frame_size=(28, 56))
N_SHOTS = 11  # three windows of different length, the first and the last clipped


def predicted(movie: Movie, model: SceneModel, recipe: Recipe = SMALL) -> Prediction:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return predict(movie, model, recipe, progress=False)


@pytest.fixture(scope="module")
def exact() -> SceneModel:
    """The random model in float64 throughout, where differences are not rounding."""
    model = random_model(1.0)
    for parent in list(model.module.modules()):
        for name, norm in list(parent.named_children()):
            if "RMSNorm" in type(norm).__name__:  # transformers' own computes in float32, whatever it is given
                ours = torch.nn.RMSNorm(norm.weight.shape, eps=norm.variance_epsilon)
                ours.load_state_dict(norm.state_dict())
                setattr(parent, name, ours)
    model.module.double()
    return model


def brief_movie(frames: bool = True) -> Movie:
    """At most two words a subtitle, so that windows are short."""
    movie = noise_movie(N_SHOTS, frames=frames)
    return replace(
        movie, shots=tuple(replace(shot, subtitle=" ".join(shot.subtitle.split()[:2])) for shot in movie.shots)
    )


@pytest.fixture(scope="module")
def film() -> Movie:
    return brief_movie()


@pytest.fixture(scope="module")
def prediction(film: Movie, exact: SceneModel) -> Prediction:
    return predicted(film, exact)


def decision_of(movie: Movie, model: SceneModel, prediction: Prediction, shot: int) -> tuple[Any, Decision]:
    ((_, window, decision),) = _decisions(movie, model, prediction, [shot])
    return window, decision


def log_odds(prediction: Prediction, shot: int) -> float:
    confidence = prediction.confidence[shot]
    return float(np.log(confidence) - np.log1p(-confidence))


def off(attribution: Attribution, **kept: Any) -> float:
    """The value of the one group that is like this."""
    (value,) = [
        value
        for group, value in zip(attribution.groups, attribution.value, strict=True)
        if all(getattr(group, name) == wanted for name, wanted in kept.items())
    ]
    return float(value)


@pytest.mark.parametrize(
    ("recipe", "frames"),
    [
        (SMALL, True),
        (replace(SMALL, sequential=False), True),
        (replace(SMALL, visual=False), False),
        (replace(SMALL, subtitles=False, characters=False), True),
        (replace(SMALL, context=20, focus=10), True),  # the movie is shorter than a window
        (replace(SMALL, focus=1), True),
    ],
    ids=["as trained", "alone", "text only", "visual only", "one window", "point-wise"],
)
def test_with_everything_there_it_is_the_decision_that_was_made(
    recipe: Recipe, frames: bool, exact: SceneModel
) -> None:
    movie = brief_movie(frames)
    made = predicted(movie, exact, recipe)
    assert np.ptp(made.confidence[:-1]) > 0.01
    for shot in range(N_SHOTS - 1):
        window, decision = decision_of(movie, exact, made, shot)
        assert window.focus[decision.place] == shot
        everything = np.ones((1, len(decision)), bool)
        assert decision.log_odds(everything)[0] == pytest.approx(log_odds(made, shot), abs=1e-5)
        groups, member = grouped(decision, window, recipe, per="shot")
        assert {group.modality for group in groups} <= set(shown(recipe))
        assert sum(group.tokens for group in groups) == (member >= 0).sum()
        assert all((member == number).sum() == group.tokens for number, group in enumerate(groups))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_runs_at_the_edges_of_a_movie(method: str, model: SceneModel) -> None:
    movie = brief_movie(frames=False)
    made = predicted(movie, model, replace(SMALL, visual=False, sequential=False))
    for shot in (0, N_SHOTS - 2):
        found = attribute(movie, model, made, shot=shot, method=method, progress=False, samples=1, repeats=2, steps=4)
        assert {group.modality for group in found.groups} == {"shot_id", "subtitle", "character"}
        assert found.log_odds == pytest.approx(log_odds(made, shot), rel=1e-5, abs=1e-5)
        assert np.abs(found.value).max() > 0


def eager_log_odds(model: SceneModel, decision: Decision, present: np.ndarray) -> float:
    """With every token computed, by explicit attention under an explicit mask."""
    n = len(decision)
    seen = torch.ones(n, n).tril().bool() & torch.from_numpy(present)[None] | torch.eye(n).bool()
    mask = torch.zeros(n, n, dtype=model.dtype).masked_fill(~seen, torch.finfo(model.dtype).min)
    return float(eager(model, decision, mask)[0])


def eager(model: SceneModel, decision: Decision, mask: torch.Tensor, **options: Any) -> tuple[torch.Tensor, Any]:
    before = model.module.config.get_text_config()._attn_implementation
    model.module.set_attn_implementation("eager")
    try:
        output = model.module(
            inputs_embeds=decision.embeddings[None],
            attention_mask=mask[None, None],
            position_ids=decision._positions[:, None],
            use_cache=False,
            **options,
        )
    finally:
        model.module.set_attn_implementation(before)
    odds = output.logits[0, -1, model.encoder.yes] - output.logits[0, -1, model.encoder.no]
    return odds[None], output


def test_off_is_masked_out_for_every_later_token(film: Movie, exact: SceneModel, prediction: Prediction) -> None:
    rng = np.random.default_rng(3)
    for shot in (2, 6, 9):
        window, decision = decision_of(film, exact, prediction, shot)
        groups, member = grouped(decision, window, prediction.recipe, per="shot")
        switches = rng.random((5, len(groups))) < 0.5
        switches[0] = False
        present = np.append(switches, np.ones((5, 1), bool), axis=1)[:, member]
        wanted = [eager_log_odds(exact, decision, row) for row in present]
        np.testing.assert_allclose(decision.log_odds(present), wanted, atol=1e-5)
        assert np.ptp(wanted) > 0.1


def test_embeddings_are_what_the_model_reads(film: Movie, exact: SceneModel, prediction: Prediction) -> None:
    _, decision = decision_of(film, exact, prediction, 5)
    with torch.no_grad():
        odds = float(decision.read(decision.embeddings[None]))
    assert odds == pytest.approx(log_odds(prediction, 5), abs=1e-6)


def coalition_values(
    film: Movie, model: SceneModel, prediction: Prediction, shot: int, **options: Any
) -> dict[tuple[int, ...], float]:
    window, decision = decision_of(film, model, prediction, shot)
    groups, member = grouped(decision, window, prediction.recipe, **options)
    every = list(itertools.product((0, 1), repeat=len(groups)))
    present = np.append(np.array(every, bool), np.ones((len(every), 1), bool), axis=1)[:, member]
    return dict(zip(every, decision.log_odds(present).tolist(), strict=True))


def shapley_by_definition(worth: dict[tuple[int, ...], float]) -> np.ndarray:
    n = len(next(iter(worth)))
    values = np.zeros(n)
    for there, value in worth.items():
        for player in range(n):
            others = sum(there) - there[player]
            weight = math.factorial(others) * math.factorial(n - others - 1) / math.factorial(n)
            values[player] += weight * value * (1 if there[player] else -1)
    return values


def test_shapley_values_of_few_groups_are_exact(film: Movie, exact: SceneModel, prediction: Prediction) -> None:
    found = attribute(film, exact, prediction, shot=6, method="shapley", groups="modality", progress=False)
    worth = coalition_values(film, exact, prediction, 6, per="modality")
    np.testing.assert_allclose(found.value, shapley_by_definition(worth), atol=1e-5)
    assert (found.standard_error == 0).all()
    assert abs(found.residual) < 1e-5
    assert found.forwards == len(worth) == 32
    assert (found.log_odds, found.log_odds_off) == pytest.approx((worth[(1,) * 5], worth[(0,) * 5]))


def test_sampled_shapley_values_lie_within_their_error_and_sum_up(
    film: Movie, exact: SceneModel, prediction: Prediction
) -> None:
    options: dict[str, Any] = {"modalities": ["visual", "subtitle"]}
    call = {"shot": 6, "method": "shapley", "samples": 3, "repeats": 10, "progress": False, **options}
    found = attribute(film, exact, prediction, **call)
    truth = shapley_by_definition(coalition_values(film, exact, prediction, 6, per="side", **options))
    assert len(found.groups) == 6
    assert (found.standard_error > 0).all()
    assert (np.abs(found.value - truth) < 4.5 * found.standard_error).all()  # t of 9 degrees: 1 in 700
    assert abs(found.residual) < 1e-5
    assert 40 < found.forwards <= 64
    np.testing.assert_array_equal(found.value, attribute(film, exact, prediction, **call).value)
    other = attribute(film, exact, prediction, **call | {"seed": 100})
    assert not np.array_equal(found.value, other.value)


def test_ablation_is_what_is_lost_and_nothing_without_tokens(exact: SceneModel, film: Movie) -> None:
    silent = replace(film, shots=tuple(replace(shot, subtitle="") for shot in film.shots))
    made = predicted(silent, exact)
    found = attribute(silent, exact, made, shot=6, groups="shot", progress=False)
    table = found.to_frame()
    assert (table.loc[table["modality"] == "subtitle", ["value", "tokens"]] == 0).all(axis=None)
    assert (table["modality"] == "subtitle").sum() == 6
    window, decision = decision_of(silent, exact, made, 6)
    without = (decision.layout.shot[decision.tokens] != 5) | (
        decision.layout.modality[decision.tokens] != 2  # visual
    )
    lost = decision.log_odds(np.stack([np.ones(len(decision), bool), without]))
    assert off(found, modality="visual", shot=5) == pytest.approx(lost[0] - lost[1], abs=1e-6)
    assert set(table["offset"]) == set(range(window.context.start - 6, window.context.stop - 6))


def test_an_earlier_answer_is_its_word_alone(film: Movie, exact: SceneModel, prediction: Prediction) -> None:
    """With it off, it makes no difference which it was."""
    window, decision = decision_of(film, exact, prediction, 6)
    groups, member = grouped(decision, window, prediction.recipe, per="shot", modalities=["answer"])
    assert [(group.shot, group.tokens) for group in groups] == [(4, 1), (5, 1)]
    other = Decision(
        exact, decision.layout, None, place=decision.place, history=[not a for a in decision.history or []]
    )
    other.embeddings = torch.where(
        torch.from_numpy(member >= 0)[:, None], other.embeddings, decision.embeddings
    )  # with the frames, which were not encoded again
    without = (member < 0)[None]
    assert other.log_odds(without) == pytest.approx(decision.log_odds(without), abs=1e-9)
    everything = np.ones_like(without)
    assert abs(other.log_odds(everything) - decision.log_odds(everything)) > 1e-4


def test_gradients_match_finite_differences(film: Movie, exact: SceneModel, prediction: Prediction) -> None:
    found = attribute(film, exact, prediction, shot=6, method="gradient_x_input", progress=False)
    window, decision = decision_of(film, exact, prediction, 6)
    groups, member = grouped(decision, window, prediction.recipe, per="side")
    step = 1e-5
    for number in range(len(groups)):
        inside = torch.from_numpy(member == number)[:, None].double()
        with torch.no_grad():
            ends = decision.read(torch.stack([decision.embeddings * (1 + sign * step * inside) for sign in (1, -1)]))
        assert found.value[number] == pytest.approx(float(ends[0] - ends[1]) / (2 * step), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("baseline", ["mean", "zero"])
def test_integrated_gradients_are_complete(
    baseline: str, film: Movie, exact: SceneModel, prediction: Prediction
) -> None:
    coarse, fine = (
        attribute(
            film, exact, prediction, shot=6, method="integrated_gradients", progress=False, baseline=baseline, steps=n
        )
        for n in (2, 100)
    )
    assert abs(fine.residual) < abs(coarse.residual)
    assert abs(fine.residual) < 0.02 * np.abs(fine.value).sum()
    assert fine.residual == pytest.approx(fine.value.sum() - (fine.log_odds - fine.log_odds_off))
    assert fine.forwards == 102
    # Groups are summed, so finer groups sum up to coarser ones.
    options = {"shot": 6, "method": "integrated_gradients", "steps": 2, "baseline": baseline, "progress": False}
    by_shot = attribute(film, exact, prediction, groups="shot", **options).to_frame()
    by_side = attribute(film, exact, prediction, groups="side", **options).to_frame()
    keys = ["modality", "side"]
    sums = by_shot.groupby(keys)["value"].sum()
    np.testing.assert_allclose(by_side.set_index(keys)["value"].reindex(sums.index), sums, atol=1e-9)


def test_attention_and_rollout_equal_explicit_matrices(film: Movie, exact: SceneModel, prediction: Prediction) -> None:
    window, decision = decision_of(film, exact, prediction, 6)
    groups, member = grouped(decision, window, prediction.recipe, per="shot")
    mask = torch.full((len(decision),) * 2, torch.finfo(torch.float64).min, dtype=torch.float64).triu(1)
    with torch.no_grad():
        _, output = eager(exact, decision, mask, output_attentions=True)
    means = [layer[0].mean(0).double() for layer in output.attentions]
    assert len(means) == 2
    flow = torch.eye(len(decision), dtype=torch.float64)
    for matrix in means:
        flow = (matrix + torch.eye(len(decision))) / 2 @ flow
    direct, rolled = shares(decision, member, len(groups))
    where = np.where(member < 0, len(groups), member)
    for got, row in ((direct, torch.stack(means)[:, -1].mean(0)), (rolled, flow[-1])):
        np.testing.assert_allclose(got, np.bincount(where, row.numpy(), len(groups) + 1), atol=1e-6)
        assert got.sum() == pytest.approx(1, abs=1e-6)
    found = attribute(film, exact, prediction, shot=6, method="rollout", groups="shot", progress=False)
    np.testing.assert_array_equal(found.value, rolled[:-1])


def test_attention_is_that_of_an_attention_map(film: Movie, exact: SceneModel, prediction: Prediction) -> None:
    seen = attend(film, exact, prediction).data.sel(decision=6)
    found = attribute(film, exact, prediction, shot=6, method="attention", groups="shot", progress=False)
    mass = (seen["mass"] + seen["sink"]).mean(["layer", "head"])
    compared = 0
    for group, value in zip(found.groups, found.value, strict=True):
        if group.modality != "answer":  # there a map counts the whole line, and an attribution the word
            (slot,) = np.flatnonzero(seen["shot"] == group.shot)
            assert value == pytest.approx(float(mass.sel(modality=group.modality)[slot]), abs=1e-6)
            compared += value > 0
    assert compared > 10


def test_gradients_by_attention_equal_explicit_ones(film: Movie, exact: SceneModel, prediction: Prediction) -> None:
    _, decision = decision_of(film, exact, prediction, 6)
    mask = torch.full((len(decision),) * 2, torch.finfo(torch.float64).min, dtype=torch.float64).triu(1)
    odds, output = eager(exact, decision, mask, output_attentions=True)
    slopes = torch.autograd.grad(odds.sum(), output.attentions)
    each = sum((layer * slope).sum((0, 1, 2)) for layer, slope in zip(output.attentions, slopes, strict=True))
    np.testing.assert_allclose(attention_gradients(decision), each.detach().numpy(), atol=1e-6)


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
        ({"sample": 3}, "did you mean 'samples'"),
    ],
)
def test_what_is_not_there_is_named(
    changes: dict[str, Any], said: str, film: Movie, exact: SceneModel, prediction: Prediction
) -> None:
    options: dict[str, Any] = {"shot": 6, "progress": False} | changes
    with pytest.raises(ScenevizError, match=said) as caught:
        attribute(film, exact, prediction, **options)
    assert "\n" not in str(caught.value)


def test_another_movie_or_model_is_refused(film: Movie, exact: SceneModel, prediction: Prediction) -> None:
    with pytest.raises(ScenevizError, match="made on 'noise-11'"):
        attribute(noise_movie(12), exact, prediction, shot=6)
    with pytest.raises(ScenevizError, match="made by 'random'"):
        attribute(film, random_model(1.0, seed=3), prediction, shot=6)
