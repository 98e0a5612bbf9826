"""The estimate: against the peak of real steps in fresh processes, and what it must obey whatever the model."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small import random_model

from sceneviz._text import ScenevizError
from sceneviz.recipe import Recipe
from sceneviz.training import MACHINES, PAPER, TrainConfig, estimate
from sceneviz.training.memory import GIB, UTILISATION, Estimate

SCRIPT = Path(__file__).with_name("measuring.py")
SHAPES: dict[str, dict[str, Any]] = {
    "all weights": {"width": 512, "layers": 8, "vision_width": 256, "depth": 6, "batch_size": 2},
    "adapter, checkpointed, tower as it is": {
        **{"width": 1024, "layers": 4, "vision_width": 256, "depth": 2, "batch_size": 4, "lora": 8},
        **{"freeze_vision": True, "checkpoint_activations": True},
    },
    "two turns in bfloat16": {
        **{"width": 512, "layers": 8, "vision_width": 256, "depth": 4, "batch_size": 4, "at_once": 2},
        "autocast": True,
    },
}


def measured(shape: dict[str, Any]) -> dict[str, Any]:
    # Memory that is given back goes back at once, so that the peak is of what is held.
    environment = os.environ | {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "262144", "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-W", "ignore", str(SCRIPT), json.dumps(shape)]
    run = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")
@pytest.mark.parametrize("name", SHAPES)
def test_the_estimate_is_within_15_percent_of_the_measured_peak(name: str) -> None:
    found = measured({**SHAPES[name], "frame_size": [112, 168]})
    print(f"\n{name}: measured {found['measured'] / GIB:.3f} GiB, estimated {found['estimated'] / GIB:.3f}")
    assert found["estimated"] == pytest.approx(found["measured"], rel=0.15), found["parts"]


@pytest.fixture(scope="module")
def seven(shared_data: Path) -> dict[str, Estimate]:
    """Estimates of the real 7B shape."""
    folder = shared_data / "qwen25vl" / "7B"
    configs = {
        "paper": PAPER,
        "kept": replace(PAPER, checkpoint_activations=False),
        "two at once": replace(PAPER, at_once=2),
        "full": replace(PAPER, lora=0, autocast=True),
    }
    return {name: estimate(folder, config) for name, config in configs.items()}


def test_of_the_real_7b_weights_and_adapters_are_counted(seven: dict[str, Estimate]) -> None:
    paper = seven["paper"]
    assert paper.parameters - paper.trained == 8_292_166_656  # as published: 8.29 B
    assert paper.trained == 28 * 8 * (4 * 3584 + 2 * (3584 + 512) + 3 * (3584 + 18944))
    assert paper.weights == 2 * 8_292_166_656 + 4 * paper.trained
    assert paper.optimizer == 8 * paper.trained
    assert seven["full"].optimizer > 7 * GIB * 7  # two moments of 7.6 B weights in float32


def test_an_embedding_that_is_the_output_layer_too_counts_once() -> None:
    model = random_model()
    assert model.module.config.tie_word_embeddings
    assert estimate(model, TrainConfig()).parameters == sum(weight.numel() for weight in model.module.parameters())


def test_what_a_stopped_training_goes_back_to_counts_where_it_is_kept(seven: dict[str, Estimate]) -> None:
    model = random_model()
    full, frozen, adapter = (
        estimate(model, config)
        for config in (TrainConfig(), TrainConfig(freeze_vision=True), TrainConfig(lora=4, freeze_vision=True))
    )
    assert full.undo == full.weights
    assert 0 < frozen.undo < full.undo
    assert adapter.undo == 0  # an adapter goes, and the weights beneath are as they were
    assert seven["full"].undo == 0  # not in a GPU's memory


def test_checkpointing_saves_and_more_at_once_costs(seven: dict[str, Estimate]) -> None:
    assert seven["kept"].activations > 5 * seven["paper"].activations
    assert seven["two at once"].activations == pytest.approx(2 * seven["paper"].activations, rel=0.02)
    assert seven["two at once"].operations == pytest.approx(seven["paper"].operations, rel=0.02)
    assert seven["kept"].operations < seven["paper"].operations


def test_shared_out_weights_need_less_on_each_device(shared_data: Path) -> None:
    folder = shared_data / "qwen25vl" / "3B"
    config = replace(PAPER, lora=0)
    whole = estimate(folder, config, devices=8)
    shared = estimate(folder, config, devices=8, shard=True)
    assert shared.optimizer == whole.optimizer // 8
    assert shared.peak < whole.peak / 2
    assert whole.gradients > estimate(folder, config).gradients  # the buckets of data parallel


ROW = re.compile(r"\| 7B, (\d+) x (\d+)(.*?) \| ([\d,]+) \| ([\d.]+) GiB \| (.*) \| (.*) \| (.*) \|")


def test_the_table_of_the_readme_is_what_is_estimated(shared_data: Path) -> None:
    rows = ROW.findall((Path(__file__).parents[2] / "README.md").read_text("utf-8"))
    assert len(rows) == 4
    steps = math.ceil(PAPER.epochs * 29_012 / PAPER.batch_size)
    for height, width, flags, tokens, memory, *said in rows:
        config = replace(PAPER, checkpoint_activations="--no-checkpoint-activations" not in flags)
        recipe = Recipe(frame_size=(int(height), int(width)))
        found = estimate(shared_data / "qwen25vl" / "7B", config, recipe)
        assert (f"{found.tokens:,}", f"{found.peak / GIB:.1f}") == (tokens, memory)
        for machine, cell in zip(MACHINES.values(), said, strict=True):
            fits = found.peak < machine.gib * GIB
            assert fits == ("not fit" not in cell and cell != "-")
            if hours := re.search(r"([\d.]+) h", cell):
                # A step is spread over the devices, which share its windows.
                expected = found.hours(steps, machine.devices * machine.speed * UTILISATION)
                assert float(hours[1]) == pytest.approx(expected, abs=0.05 if "." in hours[1] else 0.5)


def test_longer_text_and_larger_frames_cost_more(shared_data: Path) -> None:
    folder = shared_data / "qwen25vl" / "3B"
    small = Recipe(frame_size=(112, 196))
    bare, long = (estimate(folder, PAPER, small, text_tokens=count) for count in (500, 3_000))
    assert (bare.tokens, long.tokens) == (500 + 60 * 28, 3_000 + 60 * 28)
    assert bare.peak < long.peak < estimate(folder, PAPER, text_tokens=3_000).peak


def test_unknown_models_and_shares_are_named(tmp_path: Path) -> None:
    with pytest.raises(ScenevizError, match="no model"):
        estimate(tmp_path / "nothing")
    with pytest.raises(ScenevizError, match="batch_size must be a multiple of 3 devices"):
        TrainConfig(batch_size=16, at_once=2).shares(3)
    assert MACHINES["8x40GB"].devices == 8
