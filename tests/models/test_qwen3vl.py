"""What Qwen3-VL has of its own, deepstack above all: a frame made once serves every verb as if made anew."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from decided import brief_movie, check_gradients, decision_of, exact_model, log_odds, predicted
from probes import Case
from reference import pixels
from small import RECIPES, random_model

from sceneviz.attention import attend
from sceneviz.attribution import METHODS, attribute
from sceneviz.attribution.groups import grouped
from sceneviz.intervention import Cut, Force, Remove, Replace, intervene
from sceneviz.models import FrameFeatures, SceneModel
from sceneviz.models.features import marked_frames
from sceneviz.movie import Movie
from sceneviz.results import Prediction

SMALL = replace(RECIPES["qwen3_vl"], context=6, focus=4, frames_per_shot=1, frame_size=(64, 64))


@pytest.fixture(scope="module")
def deep() -> SceneModel:
    """In float64, so that differences are not rounding."""
    return exact_model("qwen3_vl")


@pytest.fixture(scope="module")
def made(film: Movie, deep: SceneModel) -> Prediction:
    found = predicted(film, deep, SMALL)
    assert np.ptp(found.confidence[:-1]) > 0.1
    return found


def test_a_kept_bundle_is_what_the_library_makes_of_pixels(film: Movie, deep: SceneModel) -> None:
    case = Case(deep, film, SMALL)
    window, layout = case.windows[1], case.layouts[1]
    ids = torch.tensor(layout.ids)[None]
    shown = pixels(deep, film, window, SMALL, ids)
    bundle = FrameFeatures(deep, film, SMALL).window(window.context)
    assert bundle.shape == (6, 4, 3, 128)  # frames, tokens, what is read first and what is added behind two layers
    with torch.no_grad():
        wanted = deep.module(ids, attention_mask=torch.ones_like(ids), **shown).logits
        options = {"mask": torch.ones_like(ids), "keep": np.arange(len(layout))}
        positions = deep.family.positions(deep.module, ids, torch.ones_like(ids), (2, 2))
        got, _ = deep.forward(ids, positions=positions, vision=deep.family.vision(bundle), **options)
        bundle[:, :, 1:] = 0
        shallow, _ = deep.forward(ids, positions=positions, vision=deep.family.vision(bundle), **options)
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=0)
    assert float((shallow - wanted).abs().max()) > 0.1, "else deepstack is not put to the test"


def test_a_frame_is_the_same_alone_and_among_others(film: Movie, deep: SceneModel) -> None:
    assert film.frames is not None
    shots = list(film.shots[:5])
    frames = marked_frames(shots, list(film.frames.read(shots, 1, SMALL.frame_size)), SMALL)
    together = deep.encode(frames)
    for place in range(5):
        torch.testing.assert_close(deep.encode(frames[place : place + 1])[0], together[place], atol=1e-6, rtol=0)


def test_what_is_read_holds_what_is_added_later(film: Movie, deep: SceneModel, made: Prediction) -> None:
    _, decision = decision_of(film, deep, made, 5)
    assert decision.embeddings.shape == (len(decision), 3 * 128)
    visual = decision.layout.frame[decision.tokens] >= 0
    added = decision.embeddings[:, 128:]
    assert not added[~visual].any()
    assert added[visual].all(1).all()
    with torch.no_grad():
        odds = float(decision.read(decision.embeddings[None]))
    assert odds == pytest.approx(log_odds(made, 5), abs=1e-6)


def test_off_is_masked_out_for_every_later_token(film: Movie, deep: SceneModel, made: Prediction) -> None:
    """By the model's own way in, from tokens and features, under an explicit mask."""
    window, decision = decision_of(film, deep, made, 6)
    groups, member = grouped(decision, window, made.recipe, per="shot")
    switches = np.random.default_rng(3).random((4, len(groups))) < 0.5
    present = np.append(switches, np.ones((4, 1), bool), axis=1)[:, member]
    ids = decision.layout.ids.copy()
    history = np.where(decision.history, deep.encoder.yes, deep.encoder.no)
    ids[decision.layout.answer_places[: len(history)]] = history
    bundle = FrameFeatures(deep, film, made.recipe).window(window.context)
    wanted = []
    for row in present:
        n = len(decision)
        seen = torch.ones(n, n).tril().bool() & torch.from_numpy(row)[None] | torch.eye(n).bool()
        logits, _ = deep.forward(
            torch.from_numpy(ids[decision.tokens])[None],
            mask=torch.zeros(n, n, dtype=deep.dtype).masked_fill(~seen, -torch.inf)[None, None],
            positions=decision.positions[:, None],
            keep=np.array([n - 1]),
            vision=deep.family.vision(bundle),
        )
        logits = logits.detach()
        wanted.append(float(logits[0, 0, deep.encoder.yes] - logits[0, 0, deep.encoder.no]))
    np.testing.assert_allclose(decision.log_odds(present), wanted, atol=1e-5)
    assert np.ptp(wanted) > 0.1


def test_gradients_match_finite_differences(film: Movie, deep: SceneModel, made: Prediction) -> None:
    check_gradients(film, deep, made, shot=6)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_runs(method: str, film: Movie, deep: SceneModel, made: Prediction) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "integrated gradients")
        found = attribute(film, deep, made, shot=6, method=method, progress=False, samples=1, repeats=2, steps=8)
    assert found.log_odds == pytest.approx(log_odds(made, 6), abs=1e-5)
    assert np.abs(found.value).max() > 0
    if method in ("ablation", "shapley"):
        assert found.to_frame().query("modality == 'visual'")["value"].abs().max() > 1e-3


def test_attention_of_every_decision_is_eager_attention(film: Movie, deep: SceneModel, made: Prediction) -> None:
    seen = attend(film, deep, made, frames=True, verify=True)
    assert seen.verified is not None
    assert seen.verified < 1e-5
    np.testing.assert_allclose(1 / (1 + np.exp(-seen.data["log_odds"].values)), made.confidence[:-1], atol=1e-5)
    assert len(seen.frames(5)) == 6 * 4


def test_interventions(film: Movie, deep: SceneModel, made: Prediction) -> None:
    actions: list[Any] = [
        Force(5, answer=bool(made.decision[5])),
        Cut(shot=5, modality="answer"),
        Remove(6, "visual"),
        Replace(6, "visual", by=9),
    ]
    table = intervene(film, deep, made, actions=actions, decisions=[6, 7])
    change = table.groupby("action", sort=False)["delta_log_odds"].apply(lambda each: each.abs().max()).tolist()
    assert change[0] == pytest.approx(0, abs=1e-6)
    assert min(change[1:]) > 1e-4


def test_a_text_only_movie_goes_through_every_verb(deep: SceneModel) -> None:
    movie = brief_movie(frames=False)
    recipe = replace(SMALL, visual=False)
    made = predicted(movie, deep, recipe)
    assert attend(movie, deep, made, verify=True).verified < 1e-5  # type: ignore[operator]
    assert not intervene(movie, deep, made, actions=Force(5), decisions=[6]).empty
    found = attribute(movie, deep, made, shot=6, progress=False)
    assert "visual" not in {group.modality for group in found.groups}
    assert random_model(family="qwen3_vl").family.embed(deep.module, torch.tensor([[1, 2]]), None).shape == (1, 2, 128)
