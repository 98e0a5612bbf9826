"""`attend`: the decisions that were predicted, and where each looked."""

from __future__ import annotations

import warnings
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from probes import Case, Shapes
from small import RECIPE, noise_movie, random_model

from sceneviz._text import ScenevizError
from sceneviz.attention import attend, attention_frames
from sceneviz.models import SceneModel
from sceneviz.models.prefix import Prefix
from sceneviz.movie import Movie
from sceneviz.prediction import predict
from sceneviz.recipe import plan_windows
from sceneviz.results import AttentionMap, Prediction


@pytest.fixture(scope="module")
def prediction(model: SceneModel, movie: Movie) -> Prediction:
    return predict(movie, model, progress=False)


@pytest.fixture(scope="module")
def attention(model: SceneModel, movie: Movie, prediction: Prediction) -> AttentionMap:
    return attend(movie, model, prediction, frames=True)


def told(movie: Movie, model: SceneModel, **changes: Any) -> Prediction:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return predict(movie, model, replace(RECIPE, **changes), progress=False)


def test_the_decisions_are_those_predicted(attention: AttentionMap, prediction: Prediction) -> None:
    assert attention.data["decision"].values.tolist() == list(range(46))
    confidence = 1 / (1 + np.exp(-attention.data["log_odds"].values))
    np.testing.assert_allclose(confidence, prediction.confidence[:-1], atol=1e-5)


def test_all_of_it_sums_to_one(attention: AttentionMap) -> None:
    data = attention.data
    total = data["mass"].sum(("slot", "modality")) + data["sink"].sum(("slot", "modality"))
    np.testing.assert_allclose(total + data["instruction"] + data["instruction_sink"], 1, atol=1e-5)


def test_groups_hold_what_eager_attention_gives_their_tokens(
    attention: AttentionMap, model: SceneModel, movie: Movie, prediction: Prediction
) -> None:
    """Summed in another way, from the library's own rows."""
    case = Case(model, movie, RECIPE)
    window = case.windows[2]
    case.__dict__["answers"] = [(prediction.decision[list(each.focus)] == 1).tolist() for each in case.windows]
    rows, table = case.eager(2), case.layouts[2].to_frame()
    ours = attention.data.sel(decision=list(window.focus))
    for (shot, name), tokens in table[table["shot"] >= 0].groupby(["shot", "modality"], observed=True)["token"]:
        wanted = rows[..., tokens.to_numpy()].sum(-1)
        one = ours.isel(slot=shot - window.context.start).sel(modality=name)
        np.testing.assert_allclose(one["mass"] + one["sink"], wanted, atol=1e-5)
        decides = case.layouts[2].decision_rows[:, None] >= tokens.to_numpy()
        np.testing.assert_array_equal(one["tokens"], decides.sum(1))
    grid = attention.frames(window.focus[3])
    visual = table[table["frame"] >= 0]
    merged = visual.merge(grid, on=["shot", "frame", "row", "column"], validate="one_to_one")
    np.testing.assert_allclose(merged["mass"], rows[:, :, 3, merged["token"]].mean((0, 1)), atol=1e-6)


@pytest.mark.parametrize("reduce", ["decision", "offset"])
def test_a_batch_is_gone_before_the_next_is_computed(
    reduce: str, model: SceneModel, movie: Movie, prediction: Prediction, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[weakref.ref[Prefix]] = []
    fill = Prefix.fill

    def filled(prefix: Prefix, answers: Any = None) -> Any:
        assert [each for each in made if each() is not None] == []
        made.append(weakref.ref(prefix))
        return fill(prefix, answers)

    monkeypatch.setattr(Prefix, "fill", filled)
    monkeypatch.setattr(SceneModel, "windows_that_fit", lambda *_: 1)
    attend(movie, model, prediction, reduce=reduce)
    assert len(made) == len(plan_windows(len(movie), RECIPE))


def test_verified_against_eager_attention(model: SceneModel) -> None:
    movie = noise_movie(24)
    module = model.module
    hooks = [len(each._forward_hooks) for each in module.modules()]
    seen = attend(movie, model, predict(movie, model, progress=False), verify=True)
    assert seen.verified is not None
    assert 0 < seen.verified < 1e-5
    assert "of eager attention" in repr(seen)
    assert [len(each._forward_hooks) for each in module.modules()] == hooks
    assert module.config.text_config._attn_implementation == "sdpa"


def test_adding_up_by_offset_on_the_way_gives_the_same_tables(
    attention: AttentionMap, model: SceneModel, movie: Movie, prediction: Prediction
) -> None:
    summed = attend(movie, model, prediction, reduce="offset")
    assert summed.reduce == "offset"
    assert len(summed) == len(attention) == 46
    for per in ("mass", "token", "lift"):
        for name in ("by_offset", "by_layer", "by_head", "by_modality"):
            one, other = getattr(summed, name)(per), getattr(attention, name)(per)
            pd.testing.assert_frame_equal(one, other, rtol=1e-4)


def test_the_aggregate_does_not_grow_with_the_movie(model: SceneModel) -> None:
    sizes = []
    for shots in (40, 60):
        movie = noise_movie(shots)
        sizes.append(attend(movie, model, predict(movie, model, progress=False), reduce="offset").data.nbytes)
    assert sizes[0] == sizes[1]


def test_offsets_are_averaged_over_the_decisions_that_have_them(attention: AttentionMap) -> None:
    table = attention.by_offset()
    assert (table["offset"].min(), table["offset"].max()) == (-14, 14)
    windows = plan_windows(47, RECIPE)
    counts = table[table["modality"] == "visual"].set_index("offset")["decisions"]
    answers = table[table["modality"] == "answer"].set_index("offset")["decisions"]
    for offset in range(-14, 15):
        has = sum(shot + offset in window.context for window in windows for shot in window.focus)
        written = sum(shot + offset in window.focus for window in windows for shot in window.focus)
        assert counts[offset] == has
        assert answers.get(offset, 0) == (written if offset < 0 else 0)
    share = attention.share()
    visual = share[(share["modality"] == "visual") & (share["offset"] == 3)]["value"]
    expected = table[(table["modality"] == "visual") & (table["offset"] == 3)]["value"]
    np.testing.assert_allclose(visual.sum() / counts[3], expected, rtol=1e-5)


def test_layers_are_chosen_or_said_to_be_missing(model: SceneModel, movie: Movie, prediction: Prediction) -> None:
    one = attend(movie, model, prediction, layers=[1])
    assert one.data["layer"].values.tolist() == [1]
    with pytest.raises(ScenevizError, match="no layer 5; there are layers 0 to 1"):
        attend(movie, model, prediction, layers=[1, 5])


def test_single_decisions_can_be_looked_at_alone(
    attention: AttentionMap, model: SceneModel, movie: Movie, prediction: Prediction
) -> None:
    alone = attention_frames(movie, model, prediction, shot=27)
    pd.testing.assert_frame_equal(alone, attention.frames(27), rtol=1e-4, atol=1e-6)
    some = attention_frames(movie, model, prediction, shot=27, layers=[0], heads=[1, 2])
    heads = [attention_frames(movie, model, prediction, shot=27, layers=[0], heads=[head]) for head in (1, 2)]
    np.testing.assert_allclose(some["mass"], (heads[0]["mass"] + heads[1]["mass"]) / 2, atol=1e-6)
    for options, said in (
        ({"shot": 46}, "no decision on shot 46; there are decisions on shots 0 to 45"),
        ({"shot": 3, "heads": [7]}, "no head 7; there are heads 0 to 3"),
    ):
        with pytest.raises(ScenevizError, match=said):
            attention_frames(movie, model, prediction, **options)


def test_points_wise_predictions_have_no_earlier_answers(model: SceneModel) -> None:
    movie = noise_movie(22)
    prediction = told(movie, model, sequential=False)
    seen = attend(movie, model, prediction)
    confidence = 1 / (1 + np.exp(-seen.data["log_odds"].values))
    np.testing.assert_allclose(confidence, prediction.confidence[:-1], atol=1e-5)
    assert set(seen.share()["modality"]) >= {"line", "visual"}
    assert "answer" not in set(seen.share()["modality"])
    with pytest.raises(ScenevizError, match="sequential=False"):
        attend(movie, model, prediction, verify=True)


def test_texts_alone_have_attention_but_no_frames(model: SceneModel) -> None:
    movie = noise_movie(22, frames=False)
    prediction = told(movie, model, visual=False)
    seen = attend(movie, model, prediction, frames=True)
    assert "visual" not in set(seen.share()["modality"])
    with pytest.raises(ScenevizError, match="holds no frames"):
        seen.frames(3)


def test_another_model_or_movie_is_refused(model: SceneModel, movie: Movie, prediction: Prediction) -> None:
    with pytest.raises(ScenevizError, match="made by 'random'"):
        attend(movie, random_model(1.0, seed=5), prediction)
    with pytest.raises(ScenevizError, match="was made on 'noise-47'"):
        attend(noise_movie(46), model, prediction)
    with pytest.raises(ScenevizError, match="frames by decision"):
        attend(movie, model, prediction, reduce="offset", frames=True)
    with pytest.raises(ScenevizError, match="reduce must be one of 'decision', 'offset'"):
        attend(movie, model, prediction, reduce="shots")
    single = noise_movie(1)
    with pytest.raises(ScenevizError, match="no decision to look into"):
        attend(single, model, predict(single, model, progress=False))


def test_the_model_is_as_found(model: SceneModel, movie: Movie, prediction: Prediction, monkeypatch: Any) -> None:
    from sceneviz.models.kernel import Watch

    calls = []
    honest = Watch.attend

    def broken(self: Watch, *given: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return honest(self, *given)

    monkeypatch.setattr(Watch, "attend", broken)
    with pytest.raises(KeyboardInterrupt):
        attend(movie, model, prediction)
    monkeypatch.undo()
    again = predict(movie, model, progress=False)
    np.testing.assert_array_equal(again.confidence, prediction.confidence)
    attend(movie, model, prediction)
    np.testing.assert_array_equal(predict(movie, model, progress=False).confidence, prediction.confidence)


def test_a_window_alone_makes_nothing_of_the_size_of_full_attention(model: SceneModel) -> None:
    """The whole call; of padded windows the library makes a boolean mask of that size, in `predict` as well."""
    movie = noise_movie(20)
    prediction = predict(movie, model, progress=False)
    layouts = Case(model, movie, RECIPE).layouts
    with Shapes() as shapes:
        attend(movie, model, prediction, frames=True)
    assert len(layouts) == 2
    assert not [shape for shape in shapes.square(max(layout.prompt_length for layout in layouts)) if shape[1] > 1]


def test_a_saved_map_comes_back(tmp_path: Path, attention: AttentionMap) -> None:
    for each in (attention, attention.by_movie()):
        loaded = AttentionMap.load(each.save(tmp_path / "map.nc"))
        assert loaded.data.identical(each.data)
        assert repr(loaded) == repr(each)
        assert (loaded.recipe, loaded.model, loaded.movies) == (each.recipe, each.model, each.movies)
    assert not torch.is_tensor(loaded.data["mass"].values)
