"""Each method equals a slow reference, and adds up where it should."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from decided import (
    N_SHOTS,
    SMALL,
    brief_movie,
    check_gradients,
    coalition_values,
    decision_of,
    eager,
    eager_log_odds,
    log_odds,
    predicted,
    shapley_by_definition,
)

from sceneviz.attention import attend
from sceneviz.attribution import METHODS, Attribution, attribute
from sceneviz.attribution.groups import grouped, shown
from sceneviz.models import SceneModel
from sceneviz.models.decision import Decision
from sceneviz.models.flow import attention_gradients, shares
from sceneviz.movie import Movie
from sceneviz.recipe import Recipe
from sceneviz.results import Prediction


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


@pytest.mark.filterwarnings("ignore:integrated gradients")
@pytest.mark.parametrize("method", METHODS)
def test_every_method_runs_at_the_edges_of_a_movie(method: str, model: SceneModel) -> None:
    movie = brief_movie(frames=False)
    made = predicted(movie, model, replace(SMALL, visual=False, sequential=False))
    for shot in (0, N_SHOTS - 2):
        found = attribute(movie, model, made, shot=shot, method=method, progress=False, samples=1, repeats=2, steps=4)
        assert {group.modality for group in found.groups} == {"shot_id", "subtitle", "character"}
        assert found.log_odds == pytest.approx(log_odds(made, shot), rel=1e-5, abs=1e-5)
        assert np.abs(found.value).max() > 0


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
    check_gradients(film, exact, prediction, shot=6)


def test_integrated_gradients_are_complete(film: Movie, exact: SceneModel, prediction: Prediction) -> None:
    call: dict[str, Any] = {"shot": 6, "method": "integrated_gradients", "progress": False}
    fine = attribute(film, exact, prediction, steps=32, **call)
    assert abs(fine.residual) < 1e-3 < 1 < np.abs(fine.value).sum()
    assert fine.residual == pytest.approx(fine.value.sum() - (fine.log_odds - fine.log_odds_off))
    assert fine.forwards == 34
    # Groups are summed, so finer groups sum up to coarser ones.
    keys = ["modality", "side"]
    by_shot = (
        attribute(film, exact, prediction, steps=32, groups="shot", **call).to_frame().groupby(keys)["value"].sum()
    )
    by_side = fine.to_frame().set_index(keys)["value"].reindex(by_shot.index)
    np.testing.assert_allclose(by_side, by_shot, atol=1e-9)


@pytest.mark.parametrize("baseline", ["mean", "zero"])
def test_too_few_steps_are_told(baseline: str, film: Movie, exact: SceneModel, prediction: Prediction) -> None:
    with pytest.warns(UserWarning, match="miss completeness by .*; take more steps than 2"):
        coarse = attribute(
            film, exact, prediction, shot=6, method="integrated_gradients", baseline=baseline, steps=2, progress=False
        )
    assert abs(coarse.residual) > 1


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
