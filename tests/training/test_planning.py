"""Before the first step: tokens are counted rightly, and what cannot work is refused with what to change."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers
from small import RECIPE, noise_movie, random_model

import sceneviz as sv
from sceneviz._text import ScenevizError
from sceneviz.cli import main
from sceneviz.models import SceneModel
from sceneviz.movie import Movie
from sceneviz.prompt import build_prompt
from sceneviz.recipe import plan_windows
from sceneviz.training import PAPER, TrainConfig, finetune, planning
from sceneviz.training.lengths import lengths_of
from sceneviz.training.planning import planned_windows
from sceneviz.training.samples import TrainingWindows

SMALL = replace(RECIPE, context=6, focus=4, frames_per_shot=2)


def labelled(n_shots: int, frames: bool = True) -> Movie:
    return replace(noise_movie(n_shots, frames), labels=(np.arange(n_shots) % 5 == 4).astype(np.int8))


@pytest.fixture(scope="module")
def model() -> SceneModel:
    """Read-only."""
    return random_model(1.0)


def test_lengths_are_those_of_the_layouts(model: SceneModel) -> None:
    config = TrainConfig(steps=20, batch_size=5, modality_dropout=0.4, single_frame=0.4, wide=0.5)
    windows = TrainingWindows([labelled(30), labelled(9, frames=False)], SMALL, config)
    counts = [lengths_of(model, movie, SMALL) for movie in windows.movies]
    for sample in (windows[index] for index in range(100)):
        shots = windows.movies[sample.movie].shots
        layout = model.layout(build_prompt(shots, sample.window, sample.recipe, first=sample.first))
        assert counts[sample.movie].window(sample.window, sample.recipe) == len(layout)


def test_an_epoch_shows_every_window_once(model: SceneModel) -> None:
    movies = [labelled(30), labelled(9, frames=False)]
    for bucket in (False, True):
        config = TrainConfig(epochs=2, batch_size=3, bucket=bucket, modality_dropout=0.0)
        windows = planned_windows(movies, model, SMALL, config)
        planned = [(n, window) for n, movie in enumerate(movies) for window in plan_windows(len(movie), SMALL)]
        assert windows.steps == -(-2 * len(planned) // 3)
        shown = [(sample.movie, sample.window) for sample in (windows[index] for index in range(len(windows)))]
        assert all(shown.count(window) >= 2 for window in planned)
        assert len(shown) - 2 * len(planned) < 3
        assert shown[: len(planned)] != planned


def test_buckets_waste_less_padding(model: SceneModel) -> None:
    movies = [labelled(60), labelled(40, frames=False)]

    def padding(bucket: bool) -> int:
        windows = planned_windows(movies, model, SMALL, TrainConfig(steps=32, batch_size=4, bucket=bucket))
        assert windows.length is not None
        steps = [[windows.length(windows[4 * step + i]) for i in range(4)] for step in range(32)]
        return sum(4 * max(step) - sum(step) for step in steps)

    assert padding(True) < padding(False) / 4


def test_a_boundary_may_count_for_more() -> None:
    from sceneviz.training.stores import DirectFrames
    from sceneviz.training.windows import Collator

    model, movies = random_model(), [labelled(30)]
    windows = TrainingWindows(movies, SMALL, TrainConfig(batch_size=4, boundary_weight=3.0, template_weight=0.5))
    batch = Collator(model, windows, DirectFrames(movies, SMALL))([windows[i] for i in range(4)])
    said = {model.encoder.yes: 3.0, model.encoder.no: 1.0}
    for target, weight in zip(batch["targets"].tolist(), batch["weights"].tolist(), strict=True):
        assert weight == said.get(target, 0.5)


def test_a_window_that_is_too_long_names_its_shots(model: SceneModel, tmp_path: Path) -> None:
    movie = labelled(30)
    shots = [replace(shot, subtitle="river " * 300 if shot.index == 17 else "") for shot in movie.shots]
    config = TrainConfig(steps=2, batch_size=2, max_tokens=700)
    with pytest.raises(ScenevizError, match=r"6 windows would not fit into 700.*shots \d+ to \d+ of.*shot 17, \d+\)"):
        finetune([replace(movie, shots=tuple(shots))], model, config, out=tmp_path, recipe=SMALL)


def test_what_cannot_fit_is_refused_with_what_would(
    model: SceneModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TrainConfig(steps=2, batch_size=8)
    needs = planning.plan([labelled(30)], model, config, recipe=SMALL).needs
    less = planning.plan([labelled(30)], model, replace(config, at_once=1), recipe=SMALL).needs
    assert less.peak < needs.peak / 2
    monkeypatch.setattr(planning, "_free", lambda _: (needs.peak + less.peak) // 2 - needs.weights)
    with pytest.raises(ScenevizError, match=r"training needs .* MiB on a device.* set at_once=1: \d+ MiB"):
        finetune([labelled(30)], model, config, out=tmp_path, recipe=SMALL)
    monkeypatch.setattr(planning, "_free", lambda _: -needs.weights + 1)
    with pytest.raises(ScenevizError, match="make frame_size, frames_per_shot or context"):
        finetune([labelled(30)], model, config, out=tmp_path, recipe=SMALL)


def test_the_plan_says_what_will_be_done(model: SceneModel) -> None:
    said = str(sv.train.plan([labelled(30)], model, replace(PAPER, batch_size=4), recipe=SMALL, devices=2))
    assert "1 movie, 4 times 8 windows: 8 steps of 4 windows (2 x 1 at once, 2 turns)" in said
    assert "LoRA of rank 8, vision tower as it is" in said
    for line in ("tokens", "memory", "time"):
        assert f"\n{line} " in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["synthetic"], "--out"),
        (["synthetic", "--out", "x", "--frame-size", "big"], "height,width"),
        (["synthetic", "--out", "x", "--model", "tiny", "--lora", "-1"], "lora must not be negative"),
        (["nothing", "--out", "x"], "nothing"),
    ],
)
def test_mistakes_on_the_line_are_told_in_one(words: list[str], said: str, capsys: Any) -> None:
    assert main(["train", *words]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("name", ["tyni", "./nowhere", "no/such-model"])
def test_a_mistyped_model_is_told_before_any_movie_is_read(
    name: str, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sceneviz.data.own import Rendered

    monkeypatch.setattr(Rendered, "read", lambda *_: pytest.fail("a movie was read"))
    assert main(["train", "synthetic", "--out", "x", "--model", name]) == 2
    said = capsys.readouterr().err
    assert f"model {name!r}" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("lora", [0, 8])
def test_the_plan_knows_what_checkpoints_take(
    lora: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    config = TrainConfig(steps=5, batch_size=1, lora=lora, checkpoint_every=1)
    movie, recipe = labelled(6, frames=False), replace(SMALL, visual=False)
    found = planning.plan([movie], random_model(), config, recipe=recipe)
    assert found.checkpoints == 3
    stands = []  # when a checkpoint is written, and the oldest not yet taken away
    monkeypatch.setattr(transformers.trainer, "rotate_checkpoints", lambda *_, **__: stands.append(_bytes(tmp_path)))
    finetune([movie], random_model(), replace(config, steps=3), out=tmp_path / "out", recipe=recipe)
    each = _bytes(tmp_path / "out" / "checkpoints" / "checkpoint-3")
    # Names and headers of many small tensors count for something here.
    assert found.checkpoint == pytest.approx(each, rel=0.15)
    assert max(stands) == pytest.approx(3 * found.checkpoint, rel=0.15)
    assert f"3 checkpoints of {planning.size(found.checkpoint)} at the most" in str(found)
    assert "disk " in capsys.readouterr().out


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_disk_without_room_for_checkpoints_is_refused(
    model: SceneModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = planning.plan([labelled(30)], model, TrainConfig(steps=300, batch_size=1), recipe=SMALL)
    lean = planning.plan([labelled(30)], model, TrainConfig(steps=300, batch_size=1, lora=8), recipe=SMALL)
    assert whole.checkpoints == 3
    assert whole.checkpoint == 3 * whole.result
    assert lean.written < whole.written / 5
    out = tmp_path / "new" / "out"
    free = whole.written + whole.disk
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(planning.shutil, "disk_usage", lambda _: usage._replace(free=free))
    planning.refuse_impossible(whole, model, out, out)
    free -= 1
    with pytest.raises(ScenevizError, match=r"keeps up to .* MiB: frames .*, 3 checkpoints of .*; set lora=8 to train"):
        planning.refuse_impossible(whole, model, out, out)
    (out / "checkpoints").mkdir(parents=True)
    (out / "checkpoints" / "old").write_bytes(b"x")  # of an earlier run: room that is its own
    planning.refuse_impossible(whole, model, out, out)
    free = 1000
    with pytest.raises(ScenevizError, match=r"frames .*are free in .*; set keep='nothing'|give a folder"):
        planning.refuse_impossible(lean, model, out, out)


def test_the_line_plans_a_training(capsys: Any, tmp_path: Path) -> None:
    words = ["train", "synthetic", "--movies", "1", "--model", "tiny", "--out", str(tmp_path / "out"), "--plan"]
    assert main([*words, "--device", "cpu", "--steps", "3", "--batch-size", "2", "--no-subtitles"]) == 0
    said = capsys.readouterr().out
    assert "3 steps of 2 windows" in said
    assert "LoRA of rank 8" in said
    assert not (tmp_path / "out").exists()
