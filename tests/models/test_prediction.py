"""Prediction equals writing one token at a time, however it is batched, cached or interrupted."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference import generated
from small import RECIPE, noise_movie, random_model

from sceneviz._text import ScenevizError
from sceneviz.models import FrameFeatures, SceneModel
from sceneviz.movie import Movie
from sceneviz.prediction import predict
from sceneviz.prompt import build_prompt
from sceneviz.recipe import plan_windows
from sceneviz.results import Prediction


def quiet(*args: Any, **options: Any) -> Prediction:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return predict(*args, progress=False, **options)


@pytest.mark.parametrize(
    ("family", "seed"),
    [
        pytest.param("qwen2_5_vl", 0, id="half Yes"),
        pytest.param("qwen2_5_vl", 1, id="rarely Yes"),
        pytest.param("qwen2_5_vl", 2, id="mostly Yes"),
        pytest.param("qwen3_vl", 3, id="qwen3_vl, half Yes"),
        pytest.param("qwen3_vl", 5, id="qwen3_vl, rarely Yes", marks=pytest.mark.slow),
        pytest.param("qwen3_vl", 12, id="qwen3_vl, mostly Yes", marks=pytest.mark.slow),
    ],
)
def test_decisions_equal_generate(family: str, seed: int) -> None:
    model, movie = random_model(1.0, seed, family=family), noise_movie(25)
    prediction = quiet(movie, model)
    for window in plan_windows(25, RECIPE):
        written = generated(model, movie, window, model.recipe)
        focus = list(window.focus)
        assert prediction.decision[focus].astype(bool).tolist() == written.decisions
        np.testing.assert_allclose(prediction.confidence[focus], written.confidence, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_decisions_equal_generate_on_fifty_windows_and_more(seed: int) -> None:
    model, movie = random_model(1.0, seed), noise_movie(140 + seed)
    prediction = quiet(movie, model, batch_size=4)
    windows = plan_windows(len(movie), RECIPE)
    assert len(windows) * 4 >= 50
    for window in windows:
        written = generated(model, movie, window, RECIPE)
        focus = list(window.focus)
        assert prediction.decision[focus].astype(bool).tolist() == written.decisions
        np.testing.assert_allclose(prediction.confidence[focus], written.confidence, atol=1e-4)


@given(st.data())
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_reading_does_not_depend_on_the_draft_before(either: SceneModel, data: st.DataObject) -> None:
    """What stands before the first changed answer is taken from the draft's pass: as if all had been read anew."""
    movie = noise_movie(25)
    windows = plan_windows(25, RECIPE)[1:]
    layouts = [either.layout(build_prompt(movie.shots, window, either.recipe)) for window in windows]
    features = FrameFeatures(either, movie, either.recipe)
    bundle = torch.cat([features.window(window.context) for window in windows])
    answers = st.tuples(
        *[st.lists(st.booleans(), min_size=n, max_size=n) for n in map(len, (w.focus for w in windows))]
    )
    draft, written = data.draw(answers), data.draw(answers)
    prefix, _ = either.prefill(layouts, bundle, draft)
    seen: list[int] = []
    honest = either.forward
    either.forward = lambda ids, **options: seen.append(ids.shape[1]) or honest(ids, **options)  # type: ignore
    try:
        again = prefix.read(written)
    finally:
        del either.forward  # type: ignore[method-assign]
    _, anew = either.prefill(layouts, bundle, written)
    assert anew is not None
    for row in range(len(windows)):
        np.testing.assert_allclose(again.yes[row], anew.yes[row], atol=2e-4)
        np.testing.assert_allclose(again.no[row], anew.no[row], atol=2e-4)
    # From the first Yes or No that changed up to the last line's colon, and nothing where no decision follows it.
    places = [layout.answer_places for layout in layouts]
    starts = [
        int(place[np.not_equal(a, b).argmax()] - layout.prompt_length)
        for place, layout, a, b in zip(places, layouts, draft, written, strict=True)
        if list(a) != list(b)
    ]
    last = max(int(place[-1]) - layout.prompt_length for place, layout in zip(places, layouts, strict=True))
    assert seen == ([last - min(starts)] if starts and min(starts) < last else [])


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_positions_are_those_of_the_models_own_rule(either: SceneModel, data: st.DataObject) -> None:
    """Words and frames in any order, with padding before, between and behind."""
    rows, columns = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 4)))
    word, frame = [5], [either.encoder.placeholder] * (rows * columns) + [6]
    parts = st.lists(st.sampled_from((word, frame)), min_size=1, max_size=8)
    texts = [[token for part in data.draw(parts) for token in part] for _ in range(3)]
    longest = max(map(len, texts)) + 4
    ids, mask = torch.full((3, longest), 7), torch.zeros((3, longest), dtype=torch.int64)
    for row, text in enumerate(texts):
        start = data.draw(st.integers(0, longest - len(text)))
        ids[row, start : start + len(text)] = torch.tensor(text)
        mask[row, start : start + len(text)] = 1
    visual = (ids == either.encoder.placeholder).int()
    merge = either.module.config.vision_config.spatial_merge_size
    grids = torch.tensor([[1, rows * merge, columns * merge]]).expand(int(visual.sum()) // (rows * columns), 3)
    expected = either.module.model.get_rope_index(
        ids, mm_token_type_ids=visual, image_grid_thw=grids, attention_mask=mask
    )[0]
    found = either.family.positions(either.module, ids, mask, (rows, columns))
    assert torch.equal(found, expected)


def test_history_matters_here(either: SceneModel) -> None:
    """Else the equality above would say little."""
    movie = noise_movie(25)
    together, alone = quiet(movie, either), quiet(movie, either, replace(either.recipe, sequential=False))
    first = [window.focus[0] for window in plan_windows(len(movie), RECIPE)]
    np.testing.assert_allclose(together.confidence[first], alone.confidence[first], atol=1e-5)
    assert np.nanmax(np.abs(together.confidence - alone.confidence)) > 1e-3


def test_a_pointwise_decision_sees_no_other_answer(model: SceneModel, movie: Movie) -> None:
    """Each line alone behind the prompt: what a prompt that is read with only that line would say."""
    recipe = replace(RECIPE, sequential=False)
    alone = quiet(movie, model, recipe)
    window = plan_windows(len(movie), recipe)[1]
    for place in (0, 4, 9):
        written = generated(model, movie, window, recipe, lines=[place])
        np.testing.assert_allclose(alone.confidence[window.focus[place]], written.confidence, atol=1e-4)


@pytest.mark.parametrize("batch_size", [2, 5])
def test_batches_do_not_matter(either: SceneModel, movie: Movie, batch_size: int) -> None:
    one, many = quiet(movie, either, batch_size=1), quiet(movie, either, batch_size=batch_size)
    np.testing.assert_allclose(one.confidence, many.confidence, atol=1e-5)
    np.testing.assert_array_equal(one.decision, many.decision)


def test_every_shot_but_the_last_is_decided(model: SceneModel) -> None:
    for n_shots in (1, 2, 3, 19, 20, 21):
        prediction = quiet(noise_movie(n_shots), model)
        assert np.isfinite(prediction.confidence[:-1]).all()
        assert np.isnan(prediction.confidence[-1])


def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path: Path, model: SceneModel, movie: Movie) -> None:
    whole = quiet(movie, model, batch_size=2)
    quiet(movie, model, batch_size=2, resume=tmp_path)
    stored = sorted(tmp_path.glob("*/windows_*.json"))
    assert len(stored) == 3
    for path in stored[1:]:
        path.unlink()
    again = noise_movie(47)
    rest = quiet(again, model, batch_size=4, resume=tmp_path)
    np.testing.assert_array_equal(rest.confidence, whole.confidence)
    assert min(again.frames.reads) >= 8, "frames of finished batches are not read again"  # type: ignore[union-attr]


def test_a_frame_is_read_once(model: SceneModel) -> None:
    movie = noise_movie(47)
    quiet(movie, model, batch_size=1)
    assert movie.frames.reads == list(range(47))  # type: ignore[union-attr]


def test_runs_out_of_memory_gracefully(monkeypatch: pytest.MonkeyPatch, model: SceneModel, movie: Movie) -> None:
    whole = quiet(movie, model, batch_size=1)
    honest = SceneModel.prefill

    def cramped(self: SceneModel, layouts: Any, *rest: Any) -> Any:
        if len(layouts) > 1:
            raise torch.OutOfMemoryError("scripted")
        return honest(self, layouts, *rest)

    monkeypatch.setattr(SceneModel, "prefill", cramped)
    np.testing.assert_array_equal(quiet(movie, model, batch_size=4).confidence, whole.confidence)


def test_modalities_can_be_left_out_and_it_is_said(model: SceneModel, movie: Movie) -> None:
    with pytest.warns(UserWarning, match="subtitles True -> False"):
        predict(movie, model, replace(RECIPE, subtitles=False), progress=False)


def test_a_movie_without_frames_is_read_by_its_texts(either: SceneModel) -> None:
    movie = noise_movie(25, frames=False)
    with pytest.warns(UserWarning, match="no frames"):
        prediction = predict(movie, either, progress=False)
    assert not prediction.recipe.visual
    for window in plan_windows(25, prediction.recipe):
        written = generated(either, movie, window, prediction.recipe)
        np.testing.assert_allclose(prediction.confidence[list(window.focus)], written.confidence, atol=1e-4)
    with pytest.raises(ScenevizError, match="visual=False"):
        predict(movie, either, either.recipe)


def test_frames_of_a_size_that_the_family_does_not_take_are_refused(either: SceneModel, movie: Movie) -> None:
    side = 28 if either.recipe is RECIPE else 32
    wrong = replace(either.recipe, frame_size=(50, 100))
    said = rf"multiples of {side} pixels, got \(50, 100\); use \({2 * side}, "
    with pytest.raises(ScenevizError, match=said) as caught:
        quiet(movie, either, wrong)
    assert "\n" not in str(caught.value)
    assert np.isfinite(quiet(movie, either, replace(wrong, visual=False)).confidence[:-1]).all()


def test_a_bad_batch_size_is_named(model: SceneModel, movie: Movie) -> None:
    with pytest.raises(ScenevizError, match="at least 1"):
        predict(movie, model, batch_size=0)
