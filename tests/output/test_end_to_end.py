"""The whole line, nothing scripted: real files, the real model classes with random weights, every output read back."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

import sceneviz as sv
from sceneviz import cli

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint folder with random weights."""
    import torch
    from transformers import Qwen2_5_VLForConditionalGeneration

    from sceneviz.models.loading import write_card
    from sceneviz.tiny.build import tiny_config, train_tokenizer

    torch.manual_seed(0)
    tokenizer = train_tokenizer(["Shot 0: Yes\nShot 1: No\nthe river and the garden"] * 20, 320)
    config = tiny_config(tokenizer, width=128, layers=2, vision_width=64, depth=2)
    folder = tmp_path_factory.mktemp("untrained")
    Qwen2_5_VLForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_card(folder, sv.Recipe(frame_size=(56, 84)), 0.5)
    return folder


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered film of 14 shots, as files."""
    from sceneviz.synthetic import write_movie

    return write_movie(sv.render_movie(9_000_007, 14), tmp_path_factory.mktemp("film"), (64, 112))


def test_segment(untrained: Path, film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["segment", str(film), "--shots", str(film.with_suffix(".shots.txt")), "--out", str(tmp_path)]
    words += ["--characters", str(film.with_suffix(".characters.json")), "--model", str(untrained), "--device", "cpu"]
    assert cli.main(words) == 0
    assert "embedded" not in capsys.readouterr().out
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    prediction = sv.Prediction.load(tmp_path / "prediction.json")
    assert len(prediction) == 14
    assert set(prediction.decision[:-1].tolist()) <= {0, 1}
    assert any(shot.subtitle for shot in prediction.shots)
    assert any(shot.characters for shot in prediction.shots)
    assert len(pd.read_csv(tmp_path / "shots.csv")) == 14
    with av.open(str(tmp_path / "chapters.txt"), format="ffmetadata") as container:
        assert len(container.chapters()) == len(pd.read_csv(tmp_path / "scenes.csv"))

    for name in made:
        (tmp_path / name).unlink()
    assert cli.main(words) == 0  # from the finished batches
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == made


def test_demo(untrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sv.render_movie
    monkeypatch.setitem(vars(sv), "render_movie", lambda seed: whole(seed, 14))
    assert cli.main(["demo", "--model", str(untrained), "--device", "cpu", "--out", str(tmp_path)]) == 0
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert scores["model"].unique().tolist()[1:] == ["colour histogram", "constant"]
    assert np.ptp(scores["prevalence"]) == 0
    assert (tmp_path / "timeline.png").stat().st_size > 10_000
