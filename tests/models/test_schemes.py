"""Boundaries in free form equal the library's `generate`; repeated draws have the probabilities that they should."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from reference import pixels, tokens
from small import noise_movie, random_model

from sceneviz._text import ScenevizError
from sceneviz.ablation import conditions_of, sweep
from sceneviz.ablation.conditions import ONE
from sceneviz.ablation.table import compare
from sceneviz.models import FrameFeatures, SceneModel
from sceneviz.movie import Movie
from sceneviz.prompt import build_prompt
from sceneviz.recipe import Recipe, plan_windows
from sceneviz.results import Prediction
from sceneviz.run import Run
from sceneviz.schemes import Boundaries, Samples, boundary_prompt, named, write

SMALL = Recipe(context=8, focus=3, frames_per_shot=1, frame_size=(28, 56))


@pytest.fixture(scope="module")
def model() -> SceneModel:
    made = random_model(1.0)
    made.recipe = SMALL
    return made


def by(scheme: Samples | Boundaries, movie: Movie, model: SceneModel, batch_size: int = 2) -> Prediction:
    run = Run(movie, model, SMALL, batch_size=batch_size, scheme=scheme)
    while not run.done:
        run.step()
    return run.prediction()


@pytest.mark.parametrize("visual", [True, False], ids=["seen", "read"])
def test_free_writing_equals_generate(model: SceneModel, visual: bool) -> None:
    recipe = replace(SMALL, frame_size=(56, 84), visual=visual)  # the library's processor enlarges smaller frames
    movie = noise_movie(11)
    windows = plan_windows(11, recipe)[1:3]
    prompts = [boundary_prompt(build_prompt(movie.shots, window, recipe)) for window in windows]
    bundle = None
    if recipe.visual:
        features = FrameFeatures(model, movie, recipe)
        bundle = torch.cat([features.window(window.context) for window in windows])
    written = write(model, prompts, bundle)
    for window, prompt, text in zip(windows, prompts, written, strict=True):
        ids = tokens(model, prompt)
        output = model.module.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            **pixels(model, movie, window, recipe, ids),
            max_new_tokens=8 * len(window.focus),
            do_sample=False,
            pad_token_id=model.pad,
        )
        assert text == model.tokenizer.decode(output[0, ids.shape[1] :], skip_special_tokens=True)
        assert text


def test_boundaries_are_asked_for() -> None:
    movie = noise_movie(11)
    window = plan_windows(11, SMALL)[1]
    text = boundary_prompt(build_prompt(movie.shots, window, SMALL)).text()
    assert 'Of the shots from 03 to 05, list only those with which a scene ends, as "Shot ID"' in text
    assert "For each shot" not in text
    assert text.count("<shot id=") == len(window.context)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Shot 07\nShot 09\n", [True, False, True]),
        ("Shot 7, Shot 8", [True, True, False]),
        ("None", [False, False, False]),
        ("", [False, False, False]),
        ("Shot 07: Yes\nShot 08: No\nShot 09: no", [True, False, False]),
        ("Shot 06\nShot 10\nShot 70\n0809", [False, False, False]),
    ],
)
def test_a_free_answer_is_read(text: str, expected: list[bool]) -> None:
    assert named(text, ("07", "08", "09")) == expected


def test_boundaries_are_certain_and_rank_nothing(model: SceneModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sceneviz.schemes.write", lambda _, prompts, __: [f"Shot {p.answer_ids[0]}" for p in prompts])
    prediction = by(Boundaries(), noise_movie(11), model)
    firsts = [window.focus[0] for window in plan_windows(11, SMALL)]
    assert np.flatnonzero(prediction.confidence == 1).tolist() == firsts
    assert np.flatnonzero(prediction.decision == 1).tolist() == firsts
    assert (np.delete(prediction.confidence, [*firsts, 10]) == 0).all()
    assert (prediction.mass[:-1] == 1).all()


def test_draws_have_the_probabilities_of_the_sequence(model: SceneModel) -> None:
    """Of all ways to answer a window, how often each should be drawn follows from reading each of them."""
    movie = noise_movie(7)
    window = plan_windows(7, SMALL)[0]
    layout = model.layout(build_prompt(movie.shots, window, SMALL))
    prefix, _ = model.prefill([layout], FrameFeatures(model, movie, SMALL).window(window.context))
    expected = np.zeros(len(window.focus))
    for answers in product((False, True), repeat=len(window.focus)):
        yes = prefix.read([answers]).confidence[0]
        expected += math.prod(np.where(answers, yes, 1 - yes)) * np.array(answers)
    count = 400
    prediction = by(Samples(count), movie, model)
    drawn = prediction.confidence[window.focus.start : window.focus.stop]
    assert (abs(drawn - expected) < 4 * np.sqrt(expected * (1 - expected) / count) + 1e-9).all()
    assert ((expected > 0.02) & (expected < 0.98)).any(), "else chance has no part in it"


def test_draws_depend_on_the_window_and_not_on_its_batch(model: SceneModel) -> None:
    movie = noise_movie(11)
    one, two = by(Samples(8), movie, model, 1), by(Samples(8), movie, model, 4)
    np.testing.assert_array_equal(one.confidence, two.confidence)
    assert (one.confidence != by(Samples(8, seed=1), movie, model, 1).confidence)[:-1].any()


def test_a_cold_draw_is_the_greedy_answer(model: SceneModel) -> None:
    movie = noise_movie(11)
    run = Run(movie, model, SMALL, batch_size=2)
    while not run.done:
        run.step()
    cold = by(Samples(1, temperature=1e-6), movie, model)
    np.testing.assert_array_equal(cold.decision, run.prediction().decision)


def test_the_grid_of_schemes(model: SceneModel) -> None:
    movies = [replace(noise_movie(n), labels=(np.arange(n) % 3 == 0).astype(np.int8)) for n in (9, 10)]
    models = {ONE: model}
    found = sweep(movies, models, conditions_of(models, "scheme"), progress=False)
    table = compare(found, resamples=20)
    assert table["scheme"].unique().tolist() == ["full list", "boundaries", "samples 10 1.0 0"]
    assert set(table["reference"]) == {"full list"}
    micro = table.query("pooling == 'micro'").set_index(["condition", "measure"])
    for measure in ("AP", "AUC", "F1@oracle", "ECE"):
        assert micro.loc[("boundaries only", measure), ["value", "low", "high", "difference"]].isna().all()
        assert not np.isnan(micro.loc[("repeated sampling", measure), "value"])
    assert micro["value"].xs("F1@.5", level="measure").notna().all()
    assert (table.groupby("condition")["seconds"].first() > 0).all()


def test_mistakes_are_one_clear_line(model: SceneModel) -> None:
    with pytest.raises(ScenevizError, match="count from 1 up and a temperature above 0, got 0"):
        Samples(0)
    with pytest.raises(ScenevizError, match="sequential=True"):
        Run(noise_movie(7), model, replace(SMALL, sequential=False), scheme=Samples()).step()
