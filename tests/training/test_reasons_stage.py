"""The embedded model's last stage: it learns to say why, once, and is measured by what it says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small import random_model

import sceneviz as sv
from sceneviz.models import load_model
from sceneviz.movie import Movie
from sceneviz.tiny import reasons, stages
from sceneviz.tiny.evaluate import freely
from sceneviz.tiny.reading import EVERY
from sceneviz.tiny.stages import RECIPE, SEEDS, SMALLER, STAGES, VISION, Run, Stage


@pytest.fixture
def movies() -> list[Movie]:
    return [sv.render_movie(seed, 24, pace="quick") for seed in (20_000, 20_001)]


def test_reasons_are_learned_last_and_from_no_test_movie() -> None:
    assert [stage.reasons for stage in STAGES] == sorted(stage.reasons for stage in STAGES)
    assert STAGES[-1].reasons
    assert STAGES[-1].recipe == RECIPE
    assert all(set(stage.seeds) <= set(SEEDS[stage.pace]) for stage in STAGES)
    assert all(max(seeds) < 8_500_000 for seeds in SEEDS.values())
    assert [stage.config.freeze_vision for stage in STAGES] == [True, True, False]  # others take features kept on disk


@pytest.mark.slow
def test_the_whole_training_in_miniature_is_the_same_however_it_is_run(
    movies: list[Movie], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shrunk(stage: Stage) -> Stage:  # the last of so many turns has reasons
        return replace(stage, context=5, focus=4, config=replace(stage.config, steps=EVERY, batch_size=2))

    small = tuple(map(shrunk, STAGES))
    monkeypatch.setattr(stages, "STAGES", small)
    monkeypatch.setattr(stages, "SHORTENED", shrunk(stages.SHORTENED))
    monkeypatch.setattr(stages, "VISION", replace(VISION, steps=2, batch_size=2))
    monkeypatch.setattr(stages, "rendered", lambda *_: movies)

    def weights(run: Run) -> dict[str, torch.Tensor]:
        run.train()
        sizes = {name: load_model(str(folder), device="cpu").module for name, folder in run.results.items()}
        return {f"{size}: {name}": weight for size in sizes for name, weight in sizes[size].state_dict().items()}

    alone = weights(Run(tmp_path / "alone", "cpu"))
    beside = weights(Run(tmp_path / "beside", "cpu", workers=2))
    # Killed behind the second stage, and begun again.
    for name in (*(each.name for each in small[1:]), *SMALLER):
        (tmp_path / "alone" / name / "sceneviz.json").unlink()
    again = weights(Run(tmp_path / "alone", "cpu"))
    for name, weight in alone.items():
        assert torch.equal(weight, beside[name]), name
        assert torch.equal(weight, again[name]), name


def test_what_it_scores_is_measured_on_movies_filmed_freely_too(movies: list[Movie]) -> None:
    model = random_model(spread=1.0)
    model.recipe = replace(model.recipe, context=5, focus=4, frames_per_shot=1)
    table = freely(model, movies[:2]).set_index(["filmed", "condition"])["AP (micro)"]
    assert len(table) == 21
    assert table.between(0, 1).all()
    baseline = table.xs("colour histogram", level="condition")
    assert baseline.nunique() == len(baseline)


def test_what_it_says_is_measured(movies: list[Movie]) -> None:
    model = random_model(spread=1.0)
    model.recipe = replace(model.recipe, context=5, focus=4, frames_per_shot=1)
    tables = reasons.measured(model, movies, boundaries=3)
    facts = tables["explanations"].query("subject == 'explanations' and measure == 'read'")
    assert facts["of"].tolist() == [3]
    assert set(tables["faithfulness"]["subject"]) == {"explanations", "known reasons"}
    assert tables["faithfulness"].query("modality == 'visual'")[["named_of", "not_named_of"]].sum(axis=1).tolist() == [
        3,
        3,
    ]
