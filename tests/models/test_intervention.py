"""`intervene`: what is cut has no effect, what is left alone stays, and what is not there is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small import RECIPE, noise_movie

from sceneviz._text import ScenevizError
from sceneviz.attention import attend
from sceneviz.intervention import Cut, Force, Remove, Replace, Shuffle, Swap, intervene
from sceneviz.intervention.inputs import Showing
from sceneviz.intervention.trust import trust
from sceneviz.models import SceneModel
from sceneviz.models.prefix import Prefix
from sceneviz.movie import Movie
from sceneviz.prediction import predict
from sceneviz.recipe import Window
from sceneviz.results import Prediction

EVERYTHING = (Cut(shot=tuple(range(5, 25)), rows="decision"), Cut(modality="instruction", rows="decision"))
SHOT = 12  # third of the second window's focus, 10 to 19


@pytest.fixture(scope="module")
def movie() -> Movie:
    return noise_movie(31)


@pytest.fixture(scope="module")
def prediction(model: SceneModel, movie: Movie) -> Prediction:
    return predict(movie, model, progress=False)


@pytest.fixture(scope="module")
def act(model: SceneModel, movie: Movie, prediction: Prediction) -> Any:
    """`act(actions)`: the table."""
    return lambda actions, **options: intervene(movie, model, prediction, actions=actions, **options)


def test_the_baseline_is_what_was_predicted(act: Any, prediction: Prediction) -> None:
    table = act(Remove(SHOT, "subtitle"))
    known = prediction.confidence[table["decision"]]
    np.testing.assert_allclose(1 / (1 + np.exp(-table["baseline"])), known, atol=1e-5)
    np.testing.assert_allclose(table["confidence"] - table["delta_confidence"], known, atol=1e-5)
    np.testing.assert_allclose(table["log_odds"] - table["baseline"], table["delta_log_odds"])


def test_answers_reach_the_decisions_after_them_and_shots_all_of_their_windows(act: Any) -> None:
    assert act(Force(SHOT))["decision"].tolist() == list(range(13, 20))
    assert act(Cut(shot=SHOT, modality="answer"))["decision"].tolist() == list(range(13, 20))
    assert act(Cut(shot=SHOT, modality="visual"))["decision"].tolist() == list(range(20))  # windows 0-14 and 5-24
    assert act(Cut(offset=-1, modality="answer"))["decision"].tolist() == [i for i in range(30) if i % 10]
    near = act(Cut(offset=(-1, 1), modality="visual"), decisions=[3, 14])
    assert near["decision"].tolist() == [3, 14]
    assert near["shot"].isna().all()


def test_forcing_what_was_decided_changes_nothing(act: Any, prediction: Prediction) -> None:
    same = bool(prediction.decision[SHOT])
    for redecide in (False, True):
        assert not act(Force(SHOT, answer=same, redecide=redecide))["delta_log_odds"].any()
    other = act(Force(SHOT, answer=not same))
    pd.testing.assert_frame_equal(other.drop(columns="action"), act(Force(SHOT)).drop(columns="action"))
    assert other["delta_log_odds"].abs().max() > 1e-4


def test_a_cut_answer_has_no_effect_from_later_rows(act: Any) -> None:
    """Whatever was answered there, later decisions say the same; cut from decision rows alone, some of it leaks."""
    for rows, exact in (("later", True), ("decision", False)):
        cut = Cut(shot=SHOT, modality="answer", rows=rows)
        kept, flipped = act([cut, (cut, Force(SHOT))]).groupby("action", sort=False)["log_odds"]
        assert np.array_equal(kept[1], flipped[1]) is exact
    whole = act(Cut(shot=SHOT, modality="answer"))
    assert (whole["tokens"] > 0).all()
    assert whole["delta_log_odds"].abs().min() > 0


def test_several_answers_are_cut_each_from_behind_itself(act: Any) -> None:
    cut = Cut(shot=(11, 14), modality="answer")
    kept = act([cut, (cut, Force(11)), (cut, Force(14))], decisions=[15, 16]).groupby("action", sort=False)["log_odds"]
    for _, other in list(kept)[1:]:
        np.testing.assert_array_equal(other, next(iter(kept))[1])


def test_a_cut_of_nothing_changes_nothing(act: Any, movie: Movie) -> None:
    silent = next(shot.index for shot in movie.shots if not shot.subtitle)
    table = act(Cut(shot=silent, modality="subtitle"))
    assert (table["tokens"] == 0).all()
    np.testing.assert_allclose(table["delta_log_odds"], 0, atol=1e-6)


def test_layers_and_heads_of_a_cut_add_up_to_all_of_it(act: Any) -> None:
    everywhere = act(Cut(shot=SHOT, modality="visual"), decisions=[15])["log_odds"]
    named = act(Cut(shot=SHOT, modality="visual", layers=(0, 1), heads=(0, 1, 2, 3)), decisions=[15])["log_odds"]
    np.testing.assert_allclose(named, everywhere, atol=1e-5)
    some = act(Cut(shot=SHOT, modality="visual", layers=1, heads=(2,)), decisions=[15])["log_odds"]
    assert abs(some[0] - everywhere[0]) > 1e-4


def test_redeciding_lets_the_answers_between_follow(act: Any) -> None:
    """The end is a history that is consistent with itself: forced upon the model as it is, it reads the same."""
    cut = Cut(shot=SHOT, modality=("visual", "subtitle"))
    held, free = act([(cut, Force(10)), (cut, Force(10, redecide=True))]).groupby("action", sort=False)
    one, other = held[1].set_index("decision"), free[1].set_index("decision").loc[11:19]
    one = one.loc[11:19]
    answers = other["log_odds"] > 0
    changed = answers[answers != (one["baseline"] > 0)].index
    assert len(changed), "else nothing had to follow"
    np.testing.assert_array_equal(other["log_odds"].loc[: changed[0]], one["log_odds"].loc[: changed[0]])
    history = tuple(Force(shot, answer=bool(answer)) for shot, answer in answers.items())
    same = act([(cut, Force(10), *history)]).set_index("decision").loc[11:19]
    np.testing.assert_array_equal(same["log_odds"], other["log_odds"])
    assert np.abs(other["log_odds"] - one["log_odds"]).max() > 1e-5


@pytest.mark.parametrize("modality", ["visual", "subtitle", "character"])
def test_replacing_equals_a_movie_with_the_other_shots_input(
    act: Any, model: SceneModel, movie: Movie, prediction: Prediction, modality: str
) -> None:
    by = 27
    table = act(Replace(SHOT, modality, by), decisions=[15])
    other, shots = movie, list(movie.shots)
    if modality == "visual":
        other = replace(movie, frames=Borrowed(movie, {SHOT: by}))
    else:
        field = {"subtitle": "subtitle", "character": "characters"}[modality]
        shots[SHOT] = replace(shots[SHOT], **{field: getattr(movie.shots[by], field)})
        other = replace(movie, shots=tuple(shots))
    # The same history behind the changed prompt.
    told = replace_movie(prediction, other)
    changed = intervene(other, model, told, actions=Force(11, answer=bool(prediction.decision[11])), decisions=[15])
    np.testing.assert_allclose(table["log_odds"], changed["log_odds"], atol=1e-4)
    assert abs(table["delta_log_odds"][0]) > 1e-4


def test_removing_equals_a_movie_without(act: Any, model: SceneModel, movie: Movie, prediction: Prediction) -> None:
    spoken = next(shot.index for shot in movie.shots[11:] if shot.subtitle)
    shots = list(movie.shots)
    shots[spoken] = replace(shots[spoken], subtitle="")
    other = replace(movie, shots=tuple(shots))
    table = act(Remove(spoken, "subtitle"), decisions=[16])
    told = replace_movie(prediction, other)
    changed = intervene(other, model, told, actions=Force(11, answer=bool(prediction.decision[11])), decisions=[16])
    np.testing.assert_allclose(table["log_odds"], changed["log_odds"], atol=1e-4)


def test_a_removed_shot_has_no_frames_and_a_shot_without_mark_keeps_them(
    act: Any, model: SceneModel, movie: Movie, monkeypatch: Any
) -> None:
    layouts: list[Any] = []
    honest = Prefix.__init__

    def noted(self: Prefix, model: SceneModel, given: Any, features: Any) -> None:
        layouts.append((given[0], None if features is None else len(features)))
        honest(self, model, given, features)

    monkeypatch.setattr(Prefix, "__init__", noted)
    table = act([Remove(SHOT, "visual"), Remove(SHOT, "shot_id")], decisions=[15])
    (whole, frames), (without, fewer), (unmarked, same) = layouts
    assert (fewer, same) == (frames - 3, frames)
    table_of = without.to_frame()
    assert not ((table_of["shot"] == SHOT) & (table_of["modality"] == "visual")).any()
    np.testing.assert_array_equal(unmarked.ids, whole.ids)
    assert (table["delta_log_odds"].abs() > 1e-5).all()
    everything = tuple(Remove(shot, "visual") for shot in range(5, 25))
    act(everything, decisions=[15])
    assert layouts[-1][1] is None


def test_swapping_twice_and_shuffling_by_seed() -> None:
    window = Window(range(5, 25), range(10, 20))
    once = Showing.after([Swap(6, 30, "subtitle")], window).source["subtitle"]
    assert (once[6], 30 in once) == (30, False)
    twice = Showing.after([Swap(6, 9, "visual"), Swap(6, 9, "visual")], window).source["visual"]
    assert twice == {shot: shot for shot in window.context}
    dealt = [Showing.after([Shuffle("subtitle", seed)], window).source["subtitle"] for seed in (0, 0, 1)]
    assert dealt[0] == dealt[1] != dealt[2]
    assert sorted(dealt[0].values()) == list(window.context)  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (Cut(shot=31), "there is no shot 31; the movie has shots 0 to 30"),
        (Remove(-1, "visual"), "there is no shot -1"),
        (Replace(3, "visual", 99), "there is no shot 99"),
        (Cut(offset=25), "no window has offset 25; its context is 20 shots"),
        (Cut(shot=3, layers=(7,)), "no layer 7; there are layers 0 to 1"),
        (Cut(shot=3, heads=(4,)), "no head 4; there are heads 0 to 3"),
        (Force(30), "no decision on shot 30; there are decisions on shots 0 to 29"),
        (Force(9), "no decision is reached by force shot 9"),
        (EVERYTHING, "nothing to attend to"),
        ("cut", "expected Cut, Force, Remove"),
        ([], "expected Cut, Force, Remove"),
    ],
)
def test_what_is_not_there_is_named(act: Any, action: Any, said: str) -> None:
    with pytest.raises(ScenevizError, match=said) as caught:
        act(action, decisions=[15] if action is EVERYTHING else None)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Cut(), "a shot or an offset"),
        (lambda: Cut(shot=1, offset=2), "a shot or an offset"),
        (lambda: Cut(shot=1, modality="sound"), "modality must be one of"),
        (lambda: Cut(shot=1, modality="instruction"), "belongs to no shot"),
        (lambda: Cut(shot=1, rows="all"), "rows must be one of 'later', 'decision'"),
        (lambda: Force(offset=1), "below 0"),
        (lambda: Remove(1, "answer"), "modality must be one of"),
        (lambda: Swap(1, 2, "shot_id"), "modality must be one of"),
    ],
)
def test_actions_are_checked_when_made(make: Any, said: str) -> None:
    with pytest.raises(ScenevizError, match=said):
        make()


def test_what_the_recipe_does_not_show_cannot_be_acted_on(model: SceneModel, movie: Movie) -> None:
    with pytest.warns(UserWarning, match="not the recipe"):
        prediction = predict(movie, model, replace(RECIPE, subtitles=False), progress=False)
    with pytest.raises(ScenevizError, match="does not show subtitle; it shows visual, character"):
        intervene(movie, model, prediction, actions=Remove(3, "subtitle"))
    with pytest.warns(UserWarning, match="not the recipe"):
        alone = predict(movie, model, replace(RECIPE, sequential=False), progress=False)
    with pytest.raises(ScenevizError, match="no decision sees an earlier answer"):
        intervene(movie, model, alone, actions=Force(3))
    table = intervene(movie, model, alone, actions=Cut(offset=0, modality="visual", rows="decision"), decisions=[3])
    np.testing.assert_allclose(1 / (1 + np.exp(-table["baseline"])), alone.confidence[3], atol=1e-5)


@pytest.mark.filterwarnings("ignore:not the recipe:UserWarning")
def test_the_trust_table_has_both_sides_by_distance(model: SceneModel) -> None:
    recipe, movies = replace(RECIPE, context=8, focus=4, frames_per_shot=1), [noise_movie(9), noise_movie(7)]
    predictions = [predict(movie, model, recipe, progress=False) for movie in movies]
    table = trust(movies, model, predictions, distances=[1, 2])
    cells = table.set_index(["subject", "measure", "distance"])
    assert {each[:2] for each in cells.index} == {
        *(("answer", name) for name in ("mass", "lift", "cut", "flip", "flip signed", "flip confidence")),
        *((subject, name) for subject in ("decided shot", "following shot") for name in ("mass", "lift", "cut")),
    }
    # Two windows with a focus of four, and one that decides six shots.
    assert cells.loc[("answer", "flip", 1), "decisions"] == 3 + 3 + 5
    assert cells.loc[("decided shot", "cut", 2), "decisions"] == 2 + 2 + 4
    assert cells.loc[("answer", "mass", 2), "decisions"] == 2 + 2 + 4
    pairs = list(zip(movies, predictions, strict=True))
    flips = pd.concat([intervene(movie, model, told, actions=Force(offset=-2)) for movie, told in pairs])
    wanted = flips["delta_log_odds"].abs().mean()
    np.testing.assert_allclose(cells.loc[("answer", "flip", 2), "value"], wanted, rtol=1e-6)
    mass = pd.concat([attend(movie, model, told).share() for movie, told in pairs])
    wanted = mass[(mass["modality"] == "answer") & (mass["offset"] == -2)]["value"].mean()
    np.testing.assert_allclose(cells.loc[("answer", "mass", 2), "value"], wanted, rtol=1e-5)
    assert (cells["low"] <= cells["value"] + 1e-9).all()
    assert (cells["value"] <= cells["high"] + 1e-9).all()
    with pytest.raises(ScenevizError, match="distances are 1 to 7"):
        trust(movies, model, predictions, distances=[0])
    with pytest.raises(ScenevizError, match="a prediction for each movie"):
        trust(movies, model, predictions[:1])


class Borrowed:
    """A movie's frames, some shots showing another's."""

    def __init__(self, movie: Movie, shown: dict[int, int]) -> None:
        assert movie.frames is not None
        self.movie, self.shown = movie, shown
        self.fingerprint, self.size = f"borrowed {shown}", movie.frames.size

    def read(self, shots: Any, count: int, size: Any = None) -> Any:
        for shot in shots:
            yield from self.movie.frames.read([self.movie.shots[self.shown.get(shot.index, shot.index)]], count, size)  # type: ignore[union-attr]


def replace_movie(prediction: Prediction, movie: Movie) -> Prediction:
    """The same answers, as if given on another movie."""
    return replace(prediction, movie=movie.fingerprint, shots=movie.shots)
