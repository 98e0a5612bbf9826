"""What the explorer shows and what moves it, without a widget."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import scripted_movie, scripted_prediction

from sceneviz import ScenevizError
from sceneviz.browser import State, WhatIf
from sceneviz.intervention import Cut, Force, Remove


def _state(n_shots: int = 30, confidence: list[float] | None = None) -> State:
    movie = scripted_movie(n_shots)
    return State(movie, scripted_prediction(movie, confidence))


def test_picking_stays_inside_the_movie() -> None:
    state = _state(30)
    assert [state.pick(shot) for shot in (4, -3, 30, 10**9)] == [4, 0, 29, 29]
    assert not state.decided
    assert state.window is None
    assert state.facts()["confidence"] is None
    state.pick(28)
    assert state.decided
    assert state.window is not None
    assert 28 in state.window.focus


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0, 1))
def test_the_threshold_regroups_the_scenes_as_the_prediction_does(confidence: list[float], threshold: float) -> None:
    state = _state(len(confidence) + 1, confidence)
    state.regroup(threshold)
    scenes = state.prediction.scenes(threshold)
    for row in scenes.itertuples():
        for shot in (row.first_shot, row.last_shot):
            assert state.scene(shot) == (row.scene, len(scenes), row.first_shot, row.last_shot)
    assert state.ends.tolist() == [shot in set(scenes["last_shot"][:-1]) for shot in range(len(state))]


def test_a_threshold_is_a_share() -> None:
    state = _state()
    for wrong in (1.5, -0.1, float("nan"), True):
        with pytest.raises(ScenevizError, match="a threshold is a number from 0 to 1"):
            state.regroup(wrong)


def test_the_next_end_of_a_scene() -> None:
    state = _state(6, [0.1, 0.9, 0.2, 0.8, 0.1])
    assert [state.next_end(shot) for shot in range(6)] == [1, 1, 3, 3, 4, 5]


def test_facts_tell_of_the_shot_in_the_words_of_the_file() -> None:
    state = _state(30)
    state.pick(13)
    facts = state.facts()
    shot = state.movie.shots[13]
    assert (facts["subtitle"], facts["names"]) == (shot.subtitle, list(shot.characters))
    assert facts["confidence"] == pytest.approx(state.prediction.confidence[13])
    assert facts["ends"] is bool(state.prediction.confidence[13] >= 0.5)
    assert facts["label"] == "a scene ends here"
    assert (facts["place"], facts["focus"]) == (4, 10)
    assert facts["after"] is None


def test_a_prediction_of_another_movie_is_refused() -> None:
    with pytest.raises(ScenevizError, match="not on"):
        State(scripted_movie(20), scripted_prediction(scripted_movie(21)))


def test_changes_as_actions() -> None:
    state = _state(40)
    assert WhatIf("flip", 12).actions(range(0)) == (Force(12, redecide=True),)
    assert WhatIf("cut", 12, "visual").actions(range(5, 9)) == (Cut(shot=12, modality="visual"),)
    assert WhatIf("cut", 12, "answer", "window").actions(range(5, 8)) == (Cut(shot=(5, 6, 7), modality="answer"),)
    assert WhatIf("remove", 12, "subtitle", "window").actions(range(5, 7)) == (
        Remove(5, "subtitle"),
        Remove(6, "subtitle"),
    )
    state.toggle(WhatIf("flip", 12))
    state.toggle(WhatIf("remove", 12, "visual", "window"))
    context = state.windows[int(state.prediction.window[12])].context
    assert state.actions() == (Force(12, redecide=True), *(Remove(shot, "visual") for shot in context))


@pytest.mark.parametrize(
    ("given_", "told"),
    [
        (("push", 1), "kind must be one of"),
        (("cut", 1, "music"), "did you mean|must be one of"),
        (("remove", 1, "answer"), "what to remove must be one of"),
        (("cut", 1, "visual", "film"), "scope must be one of"),
    ],
)
def test_a_change_that_there_is_not(given_: tuple[object, ...], told: str) -> None:
    with pytest.raises(ScenevizError, match=told):
        WhatIf(*given_)  # type: ignore[arg-type]


def test_the_last_answer_cannot_be_flipped() -> None:
    state = _state(12)
    with pytest.raises(ScenevizError, match="there is no such decision"):
        state.toggle(WhatIf("flip", 11))
    assert state.toggle(WhatIf("cut", 11, "visual"))


def test_toggling_twice_is_as_if_nothing_was_done() -> None:
    state = _state(12)
    assert state.toggle(WhatIf("flip", 3)) is True
    assert state.toggle(WhatIf("flip", 3)) is False
    assert state.tried == ()
    assert state.changes() == {"tried": [], "rows": [], "summary": ""}


def test_what_moved_moves_the_scenes() -> None:
    state = _state(8, [0.1, 0.9, 0.2, 0.4, 0.1, 0.6, 0.1])
    assert state.after is None
    assert state.ends_after is None
    state.toggle(WhatIf("flip", 1))
    state.moved = pd.DataFrame({"decision": [2, 3, 5], "delta_confidence": [0.1, 0.4, -0.7]})
    after, ends = state.after, state.ends_after
    assert after is not None
    assert ends is not None
    assert after[:-1] == pytest.approx([0.1, 0.9, 0.3, 0.8, 0.1, 0.0, 0.1])
    assert np.flatnonzero(ends).tolist() == [1, 3]
    assert np.flatnonzero(state.ends).tolist() == [1, 5]
    told = state.changes(most=2)
    assert told["tried"] == ["answer of shot 1 flipped"]
    assert [row["shot"] for row in told["rows"]] == [3, 5]
    assert told["rows"][0] == {"shot": 3, "before": 0.4, "after": pytest.approx(0.8), "crossed": True}
    assert told["summary"] == "3 decisions read again, 2 of them on the other side of 0.50 now"
    state.clear()
    assert state.after is None
