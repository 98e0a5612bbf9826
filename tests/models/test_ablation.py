"""A sweep of conditions equals separate predictions, costs no second decoding, and survives what goes wrong."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small import noise_movie, random_model

import sceneviz as sv
from sceneviz._text import ScenevizError
from sceneviz.ablation import GRIDS, Sweep, conditions_of, sweep
from sceneviz.ablation.conditions import ONE
from sceneviz.models import SceneModel
from sceneviz.models.features import CHUNK, SharedFeatures
from sceneviz.movie import Movie
from sceneviz.prediction import predict
from sceneviz.recipe import Recipe
from sceneviz.run import Run

SMALL = Recipe(context=8, focus=4, frames_per_shot=2, frame_size=(28, 56))
FEW = {"full": SMALL, "no shot-ID": replace(SMALL, shot_ids=False), "no visual": replace(SMALL, visual=False)}
PAPER = "full, no visual, no shot-ID, no subtitles, no characters, visual only, subtitles only, characters only"


def model_of(seed: int = 0, recipe: Recipe = SMALL) -> SceneModel:
    """A random model that says it was trained with a recipe."""
    made = random_model(1.0, seed)
    made.recipe = recipe
    return made


@pytest.fixture(scope="module")
def model() -> SceneModel:
    """Read-only: windows of eight shots, two tokens a frame."""
    return model_of()


def labelled(n_shots: int, **changes: Any) -> Movie:
    """A movie of noise with boundaries drawn at random."""
    movie = noise_movie(n_shots)
    labels = (np.random.default_rng(n_shots).random(n_shots) < 0.3).astype(np.int8)
    return replace(movie, labels=labels, **changes)


def alone(movie: Movie, model: SceneModel, recipe: Recipe, **options: Any) -> sv.Prediction:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return predict(movie, model, recipe, progress=False, **options)


def swept(movies: list[Movie], model: SceneModel, recipes: Any = "modalities", **options: Any) -> Sweep:
    conditions = conditions_of({ONE: model}, recipes)
    return sweep(movies, {ONE: model}, conditions, progress=False, **options)


def ablate(*args: Any, **options: Any) -> pd.DataFrame:
    return sv.ablate(*args, **{"progress": False, "resamples": 50} | options)


@pytest.mark.parametrize(("grid", "batch_size"), [("modalities", 1), ("windows", 3), ("frames", 2)])
def test_a_sweep_equals_separate_predictions(model: SceneModel, grid: str, batch_size: int) -> None:
    movies = [labelled(23), labelled(7)]
    found = swept(movies, model, grid, batch_size=batch_size)
    assert [each.condition.name for each in found.answers] == list(GRIDS[grid])
    for each in found.answers:
        recipe = replace(SMALL, **GRIDS[grid][each.condition.name])
        assert each.recipe == recipe
        for movie, prediction in zip(movies, each.predictions, strict=True):
            expected = alone(movie, model, recipe, batch_size=batch_size)
            np.testing.assert_array_equal(prediction.confidence, expected.confidence)
            np.testing.assert_array_equal(prediction.decision, expected.decision)
            assert prediction.recipe == expected.recipe
            prediction.check(movie)


def test_frames_are_decoded_once_and_encoded_twice(model: SceneModel, monkeypatch: pytest.MonkeyPatch) -> None:
    movie, encoded = labelled(23), []
    honest = SceneModel.encode

    def counting(self: SceneModel, frames: np.ndarray) -> Any:
        encoded.append(len(frames))
        return honest(self, frames)

    monkeypatch.setattr(SceneModel, "encode", counting)
    swept([movie], model, "modalities", batch_size=1)
    assert movie.frames.reads == list(range(23))  # type: ignore[union-attr]
    assert sum(encoded) == 2 * 23 * SMALL.frames_per_shot, "with and without marks"
    movie = labelled(23)
    swept([movie], model, "windows", batch_size=2)
    assert movie.frames.reads == list(range(23))  # type: ignore[union-attr]
    movie = labelled(23)
    swept([movie], model, "frames", batch_size=2)
    assert Counter(movie.frames.reads) == dict.fromkeys(range(23), 3), "1, 2 and 3 frames are other frames"  # type: ignore[union-attr]


def test_what_is_held_of_a_long_movie_is_a_few_windows(model: SceneModel, monkeypatch: pytest.MonkeyPatch) -> None:
    held, honest = [], SharedFeatures.features

    def watching(self: SharedFeatures, *args: Any) -> Any:
        found = honest(self, *args)
        held.append(max(len(shots) for shots in self._held.values()))
        return found

    monkeypatch.setattr(SharedFeatures, "features", watching)
    conditions = {f"{focus}": replace(SMALL, focus=focus) for focus in (2, 4, 8)}
    swept([labelled(90)], model, conditions | {"unmarked": replace(SMALL, shot_ids=False)}, batch_size=1)
    assert max(held) <= 2 * SMALL.context + CHUNK


def test_equal_conditions_are_read_once(model: SceneModel, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, honest = [], Run.__init__

    def counting(self: Run, *args: Any, **options: Any) -> None:
        runs.append(args)
        honest(self, *args, **options)

    monkeypatch.setattr(Run, "__init__", counting)
    found = swept([labelled(9)], model, {"a": SMALL, "b": replace(SMALL), "c": replace(SMALL, focus=2)})
    assert len(runs) == 2
    assert found.answers[0].predictions == found.answers[1].predictions


def test_the_table(model: SceneModel) -> None:
    movies = [labelled(13), labelled(14), labelled(15)]
    table = ablate(movies, model)
    assert ", ".join(table["condition"].unique()) == PAPER
    assert set(table["pooling"]) == {"micro", "macro"}
    assert set(table["protocol"]) == {"test time"}
    assert set(table["reference"]) == {"full"}
    assert table.attrs["failed"] == {}
    assert not table.duplicated(["condition", "pooling", "measure"]).any()
    changes = table.groupby("condition")["changes"].first()
    assert changes["full"] == ""
    assert changes["subtitles only"] == "visual True -> False, characters True -> False"
    full = table.query("condition == 'full'").set_index(["pooling", "measure"])
    assert (full["difference"].dropna() == 0).all()
    rows = table.query("condition == 'no subtitles'").set_index(["pooling", "measure"])
    pd.testing.assert_series_equal(rows["difference"], rows["value"] - full["value"], check_names=False)
    micro = rows.loc["micro", "AP"]
    assert micro["difference_low"] <= micro["difference"] <= micro["difference_high"]
    assert 0 < micro["prevalence"] < 1
    recipe = replace(SMALL, subtitles=False)
    scores = sv.score(movies, [alone(movie, model, recipe) for movie in movies], resamples=50)
    expected = scores.query("pooling == 'micro' and measure == 'AP'").iloc[0]
    assert (micro["value"], micro["low"], micro["high"]) == tuple(expected[["value", "low", "high"]])
    assert (table["seconds"] > 0).all()


def test_a_killed_run_goes_on_to_the_same_table(
    model: SceneModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    movies = [labelled(19), labelled(13)]
    whole = ablate(movies, model, FEW, batch_size=2)
    honest, steps = Run.step, []

    def killed(self: Run) -> int:
        steps.append(1)
        if len(steps) > 7:
            raise KeyboardInterrupt
        return honest(self)

    monkeypatch.setattr(Run, "step", killed)
    with pytest.raises(KeyboardInterrupt):
        ablate(movies, model, FEW, batch_size=2, resume=tmp_path)
    monkeypatch.setattr(Run, "step", honest)
    stored = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/windows_*.json")}
    assert len(stored) == 7
    again = ablate(movies, model, FEW, batch_size=5, resume=tmp_path)
    # Batches of the runs that had begun keep their size, others take the new one: equal up to rounding.
    numbers = ["value", "low", "high", "difference", "difference_low", "difference_high"]
    np.testing.assert_allclose(again[numbers], whole[numbers], atol=1e-5)
    same = ablate(movies, model, FEW, batch_size=2, resume=tmp_path)
    pd.testing.assert_frame_equal(same, again)
    assert {path: path.stat().st_mtime_ns for path in stored} == stored


def test_the_same_bytes_with_the_same_batches(
    model: SceneModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    movies = [labelled(19), labelled(13)]
    whole = ablate(movies, model, FEW, batch_size=2)
    ablate(movies, model, FEW, batch_size=2, resume=tmp_path)
    for path in sorted(tmp_path.glob("*/windows_*.json"))[::3]:
        path.unlink()
    again = ablate(movies, model, FEW, batch_size=2, resume=tmp_path)
    pd.testing.assert_frame_equal(again.drop(columns="seconds"), whole.drop(columns="seconds"), check_exact=True)


class Torn:
    """Frames that end in the middle."""

    fingerprint, size = "torn", (56, 84)

    def read(self, shots: Any, count: int, size: Any = None) -> Any:
        for shot in shots:
            if shot.index == 9:
                raise OSError(5, "Input/output error", "torn.mp4")
            yield np.zeros((count, *(size or self.size), 3), np.uint8)


def test_a_bad_movie_is_left_out_and_listed(model: SceneModel) -> None:
    good = [labelled(13), labelled(14)]
    torn = labelled(20, frames=Torn(), name="torn")
    blind = labelled(11, frames=None, name="blind")
    unlabelled = noise_movie(25)
    with pytest.warns(
        UserWarning, match="3 movies left out of every condition: 'torn' .*; 'noise-25' .no labels"
    ) as caught:
        table = ablate([torn, good[0], unlabelled, good[1], blind], model, FEW)
    assert len([each for each in caught if each.category is UserWarning]) == 1
    assert list(table.attrs["failed"]) == ["torn", "noise-25", "blind"]
    assert "Input/output error" in table.attrs["failed"]["torn"]
    assert "visual=False" in table.attrs["failed"]["blind"]
    pd.testing.assert_frame_equal(table.drop(columns="seconds"), ablate(good, model, FEW).drop(columns="seconds"))
    with pytest.raises(ScenevizError, match=r"no movie could be read; the first of 2, 'torn': .*Input/output error"):
        ablate([torn, unlabelled], model, FEW)


def test_a_model_for_each_condition_is_another_protocol(model: SceneModel) -> None:
    movies = [labelled(13), labelled(14)]
    other = model_of(1, replace(SMALL, subtitles=False))
    other.name = "another"
    table = ablate(movies, {"full": model, "no subtitles": other})
    micro = table.query("pooling == 'micro' and measure == 'AP'").set_index("condition")
    assert micro["protocol"].to_dict() == {"full": "retrained", "no subtitles": "retrained"}
    assert micro["model"].to_dict() == {"full": "random", "no subtitles": "another"}
    assert (micro["changes"] == "").all()
    wrong = ablate(movies, {"full": model, "no subtitles": model_of(2)})
    assert wrong.groupby("condition")["protocol"].first()["no subtitles"] == "test time"
    sizes = ablate(movies, {"small": model, "other": other}, "size", reference="other")
    assert sizes["condition"].unique().tolist() == ["small", "other"]
    assert set(sizes["reference"]) == {"other"}
    expected = [alone(movie, other, other.recipe) for movie in movies]
    scores = sv.score(movies, expected, resamples=0).query("pooling == 'micro'").set_index("measure")["value"]
    found = sizes.query("condition == 'other' and pooling == 'micro'").set_index("measure")["value"]
    pd.testing.assert_series_equal(found, scores)


def test_thresholds_are_tuned_for_each_condition(model: SceneModel) -> None:
    movies, validation = [labelled(13), labelled(14)], [labelled(12), labelled(11)]
    table = ablate(movies, model, {"2": replace(SMALL, focus=2), "4": SMALL}, validation=validation)
    assert set(table["reference"]) == {"4"}, "the one that the model was trained with"
    rows = table.query("measure == 'F1@val' and pooling == 'micro'").set_index("condition")
    assert rows["threshold"].between(0, 1).all()
    assert rows["value"].notna().all()
    difference = rows["value"] - rows.loc["4", "value"]
    pd.testing.assert_series_equal(rows["difference"], difference, check_names=False)
    recipe = replace(SMALL, focus=2)
    answers = [[alone(movie, model, recipe) for movie in part] for part in (movies, validation)]
    scores = sv.score(movies, answers[0], validation=(validation, answers[1]), resamples=0)
    expected = scores.query("measure == 'F1@val' and pooling == 'micro'").iloc[0]
    assert rows.loc["2", ["value", "threshold"]].tolist() == expected[["value", "threshold"]].tolist()


def test_the_bar_counts_every_shot_of_every_condition(model: SceneModel, tmp_path: Path) -> None:
    class Bar:
        n = 0

        def update(self, count: int) -> None:
            self.n += count

    from sceneviz.ablation.sweep import _read

    for _ in range(2):  # computed, and then found
        bar = Bar()
        conditions = conditions_of({ONE: model}, FEW)
        _read(labelled(13), model, conditions, bar, batch_size=2, resume=tmp_path)
        assert bar.n == 12 * 3


def test_mistakes_are_one_clear_line(model: SceneModel) -> None:
    movies = [labelled(9)]
    for recipes, options, line in (
        ("modality", {}, "must be one of 'modalities', .* did you mean 'modalities'"),
        ("size", {}, "compares models; give them by name"),
        ({}, {}, "recipes are empty"),
        ({"a": {"focus": 5}}, {}, "a grid's name or {name: Recipe}, got {'focus': 5} for 'a'"),
        ("windows", {"reference": "20/10"}, "did you mean '20 / 10'"),
    ):
        with pytest.raises(ScenevizError, match=line):
            ablate(movies, model, recipes, **options)
    with pytest.raises(ScenevizError, match="did you mean 'no visual'"):
        ablate(movies, {"full": model, "no visuals": model})
    blind = model_of(0, replace(SMALL, visual=False, subtitles=False))
    with pytest.raises(ScenevizError, match="at least one on"):
        ablate(movies, blind)


def test_the_grids_are_the_rows_of_the_paper(model: SceneModel) -> None:
    for grid, rows in GRIDS.items():
        if rows:
            published = sv.tables.paper(grid)["configuration"].unique().tolist()
            assert list(rows) == published
    table = ablate([labelled(13), labelled(14)], model, FEW)
    beside = sv.tables.beside_paper(table, data="noise").set_index(["configuration", "metric"])
    ours = table.query("condition == 'no visual' and pooling == 'micro' and measure == 'AP'")["value"].item()
    assert beside.loc[("no visual", "AP"), "ours"] == pytest.approx(100 * ours)
    ax = sv.plot.ablation(table)
    assert [label.get_text() for label in ax.get_yticklabels()] == list(FEW)
