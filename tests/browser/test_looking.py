"""Attention and interventions in the explorer, with the real classes at small size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from decided import SMALL, brief_movie, predicted
from small import random_model

import sceneviz as sv
from sceneviz import ScenevizError
from sceneviz.browser import WhatIf
from sceneviz.browser.looking import Looks, heat, look
from sceneviz.models import SceneModel
from sceneviz.movie import Movie
from sceneviz.results import AttentionMap, Prediction


@pytest.fixture(scope="module")
def model() -> SceneModel:
    return random_model(1.0)


@pytest.fixture(scope="module")
def movie() -> Movie:
    return brief_movie()


@pytest.fixture(scope="module")
def prediction(movie: Movie, model: SceneModel) -> Prediction:
    return predicted(movie, model)


@pytest.fixture(scope="module")
def attention(movie: Movie, model: SceneModel, prediction: Prediction) -> AttentionMap:
    return sv.attend(movie, model, prediction, frames=True)


def test_a_window_read_alone_is_the_map_of_all(
    movie: Movie, model: SceneModel, prediction: Prediction, attention: AttentionMap
) -> None:
    live, given = Looks(movie, prediction, None, model), Looks(movie, prediction, attention, None)
    for shot in range(len(movie) - 1):
        one, other = live.of(shot), given.of(shot)
        assert one is not None
        assert other is not None
        assert np.allclose(one.data["mass"], other.data["mass"], atol=1e-5)
        assert heat(one)[0]["shots"] == heat(other)[0]["shots"]
        assert heat(one)[0]["by_shot"] == pytest.approx(heat(other)[0]["by_shot"], abs=1e-5)
    assert live.of(len(movie) - 1) is None


def test_each_window_is_read_once(movie: Movie, model: SceneModel, prediction: Prediction) -> None:
    looks = Looks(movie, prediction, None, model)
    assert not looks.at_hand(0)
    first = looks.of(0)
    assert looks.at_hand(1)
    second = looks.of(1)
    assert first is not None
    assert second is not None
    assert first.data["mass"].shape == second.data["mass"].shape


@pytest.mark.parametrize("sinks", [False, True])
def test_a_look_adds_up(attention: AttentionMap, movie: Movie, prediction: Prediction, sinks: bool) -> None:
    one = Looks(movie, prediction, attention, None).of(5)
    assert one is not None
    found = look(one, sinks=sinks, part="answer")
    assert sum(each["value"] for each in found["modalities"]) == pytest.approx(1, abs=1e-4)
    by_name = {each["name"]: each["value"] for each in found["modalities"]}
    assert ("sink" in by_name) is not sinks
    for name in ("visual", "shot_id", "subtitle", "line"):
        assert sum(each["parts"].get(name, 0) for each in found["shots"]) == pytest.approx(
            by_name.get(name, 0), abs=1e-6
        )
    window = sv.browse(movie, prediction).film.window and range(*_context(prediction, movie, 5))
    assert [each["shot"] for each in found["shots"]] == list(window)
    grid = found["grid"]
    assert np.shape(grid["values"]) == (len(grid["layers"]), len(grid["heads"]))
    assert np.mean(grid["values"]) == pytest.approx(by_name["answer"], abs=1e-6)


@pytest.mark.parametrize("per", ["token", "lift"])
def test_other_measures_are_those_of_the_map(
    attention: AttentionMap, movie: Movie, prediction: Prediction, per: str
) -> None:
    one = Looks(movie, prediction, attention, None).of(5)
    assert one is not None
    table = one.by_modality(per).set_index("modality")["value"]
    for each in look(one, per=per)["modalities"]:
        assert each["value"] == pytest.approx(table[each["name"]])


def test_heat_is_the_maps_frames(attention: AttentionMap, movie: Movie, prediction: Prediction) -> None:
    one = Looks(movie, prediction, attention, None).of(6)
    assert one is not None
    facts, data = heat(one)
    table = attention.frames(6)
    assert facts["total"] == pytest.approx(table["mass"].sum(), abs=1e-5)
    assert facts["by_shot"] == pytest.approx(table.groupby("shot")["mass"].sum().tolist(), abs=1e-5)
    shown = np.frombuffer(data, np.uint8).reshape(len(facts["shots"]), *facts["shape"])
    wanted = np.minimum(table["mass"].to_numpy() / facts["most"], 1).reshape(shown.shape)
    assert np.abs(shown / 255 - wanted).max() <= 0.5 / 255 + 1e-6


def test_a_map_without_frames_has_no_heat(movie: Movie, model: SceneModel, prediction: Prediction) -> None:
    one = Looks(movie, prediction, sv.attend(movie, model, prediction), None).of(2)
    assert one is not None
    assert heat(one) == ({}, b"")


def test_maps_that_do_not_belong_are_refused(
    movie: Movie, model: SceneModel, prediction: Prediction, attention: AttentionMap
) -> None:
    with pytest.raises(ScenevizError, match="attend with reduce='decision'"):
        sv.browse(movie, prediction, attention.by_movie())
    other = predicted(movie, model, replace(SMALL, subtitles=False))
    with pytest.raises(ScenevizError, match="their recipes differ"):
        sv.browse(movie, other, attention)
    with pytest.raises(ScenevizError, match="predict with this model first"):
        sv.browse(movie, prediction, model=random_model(1.0, seed=5))


def test_flipping_an_answer_moves_the_decisions_behind_it(
    movie: Movie, model: SceneModel, prediction: Prediction
) -> None:
    explorer = sv.browse(movie, prediction, model=model)
    explorer.shot = 4  # the first of four in its window
    explorer.controls.flip.value = True
    assert explorer.state.tried == (WhatIf("flip", 4),)
    moved = explorer.state.moved
    assert moved is not None
    assert moved["decision"].tolist() == [5, 6, 7]
    table = sv.intervene(movie, model, prediction, actions=explorer.state.actions())
    assert moved["log_odds"].tolist() == pytest.approx(table["log_odds"].tolist())
    after = np.frombuffer(explorer.film.after, "<f4")
    change = after[:-1] - prediction.confidence[:-1]
    assert np.abs(change[[5, 6, 7]]).max() > 1e-4
    assert np.abs(np.delete(change, [5, 6, 7])).max() < 1e-6
    assert explorer.panel.changes["tried"] == ["answer of shot 4 flipped"]
    explorer.controls.reset.click()
    assert explorer.controls.flip.value is False
    assert explorer.film.after == b""
    assert explorer.panel.changes["tried"] == []


def test_toggles_show_what_is_tried_with_the_picked_shot(
    movie: Movie, model: SceneModel, prediction: Prediction
) -> None:
    explorer = sv.browse(movie, prediction, model=model)
    explorer.shot = 5
    explorer.controls.parts["visual"].value = True
    explorer.controls.how.value = "remove"
    assert explorer.controls.parts["visual"].value is False
    assert explorer.controls.parts["answer"].disabled
    explorer.controls.how.value = "cut"
    assert explorer.controls.parts["visual"].value is True
    explorer.shot = 6
    assert explorer.controls.parts["visual"].value is False
    assert explorer.state.tried == (WhatIf("cut", 5, "visual"),)
    assert explorer.controls.subject.value == "What if, shot 6:"


def test_what_reaches_no_decision_is_said_and_undone(movie: Movie, model: SceneModel, prediction: Prediction) -> None:
    explorer = sv.browse(movie, prediction, model=model)
    explorer.shot = 7  # the last decided in its window: no decision sees its answer
    explorer.controls.flip.value = True
    assert explorer.state.tried == ()
    assert "no decision is reached" in explorer.panel.status
    assert explorer.controls.flip.value is False
    with pytest.raises(ScenevizError, match="no decision is reached"):
        explorer.what_if(WhatIf("flip", 7))


def test_removing_all_frames_of_a_window(movie: Movie, model: SceneModel, prediction: Prediction) -> None:
    explorer = sv.browse(movie, prediction, model=model)
    explorer.what_if(WhatIf("remove", 5, "visual", "window"), WhatIf("flip", 5))
    assert len(explorer.state.tried) == 2
    assert explorer.panel.changes["rows"]
    assert (explorer.controls.how.value, explorer.controls.scope.value) == ("remove", "window")
    explorer.shot = 5
    assert explorer.controls.parts["visual"].value is True


def test_text_alone_is_explored_too(model: SceneModel) -> None:
    movie = brief_movie(frames=False)
    told = predicted(movie, model, replace(SMALL, visual=False))
    explorer = sv.browse(movie, told, model=model)
    assert explorer.panel.heat == {}
    assert explorer.panel.look["modalities"]
    assert "visual" not in explorer.controls.parts
    assert explorer.controls.part.value == "answer"


def test_the_model_is_as_it_was(movie: Movie, model: SceneModel, prediction: Prediction) -> None:
    before = model.fingerprint
    explorer = sv.browse(movie, prediction, model=model)
    explorer.what_if(WhatIf("cut", 3, "visual", "window"))
    explorer.shot = 9
    assert SceneModel.fingerprint.func(model) == before  # type: ignore[attr-defined]


def _context(prediction: Prediction, movie: Movie, shot: int) -> tuple[int, int]:
    from sceneviz.recipe import plan_windows

    context = plan_windows(len(movie), prediction.recipe)[int(prediction.window[shot])].context
    return context.start, context.stop
