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
from sceneviz.tiny import reasons
from sceneviz.tiny.stages import REASONS, SEEDS, STAGES
from sceneviz.training.loop import save_model


@pytest.fixture
def movies(monkeypatch: pytest.MonkeyPatch) -> list[Movie]:
    some = [sv.render_movie(seed, 24, pace="quick") for seed in (20_000, 20_001)]
    monkeypatch.setattr(reasons, "rendered", lambda pace: some)
    return some


def test_the_stage_stands_last_and_learns_from_no_test_movie() -> None:
    assert all(stage.reasons for stage in REASONS)
    assert not any(stage.reasons for stage in STAGES)
    assert REASONS[-1].recipe == STAGES[-1].recipe
    assert all(max(SEEDS[stage.pace]) < 8_500_000 for stage in REASONS)
    assert all(stage.config.freeze_vision for stage in REASONS)


def test_the_stage_runs_by_itself_and_once(
    movies: list[Movie], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    short = tuple(
        replace(each, context=5, focus=4, config=replace(each.config, steps=2, batch_size=2)) for each in REASONS
    )
    monkeypatch.setattr(reasons, "REASONS", short)
    save_model(random_model(spread=1.0), tmp_path / "start")
    monkeypatch.setattr("sys.argv", ["reasons", str(tmp_path / "start"), str(tmp_path / "out")])
    assert reasons.main() == 0
    result = Path(capsys.readouterr().out.splitlines()[-1])
    assert result == tmp_path / "out" / REASONS[-1].name
    before, after = (load_model(str(each)).module.state_dict() for each in (tmp_path / "start", result))
    moved = {name for name in after if not torch.equal(after[name], before[name])}
    assert moved
    assert not any(".visual." in name for name in moved)
    monkeypatch.setattr(reasons, "learn_reasons", None)  # what is finished is not done again
    assert reasons.main() == 0


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
