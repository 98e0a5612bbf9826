"""Whole trainings in processes of their own: on several devices, and killed at any moment."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

SCRIPT = Path(__file__).with_name("running.py")
SETTINGS = {"steps": 6, "batch_size": 4, "at_once": 1, "warmup": 1, "learning_rate": 3e-4, "checkpoint_every": 2}
KINDS = {
    "all weights": {},
    "adapter": {"lora": 4, "freeze_vision": True, "checkpoint_activations": True},
    "adapter, tower too": {"lora": 4, "bucket": True, "keep": "nothing"},
}


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


def started(out: Path, settings: dict[str, object], processes: int = 1) -> subprocess.Popen[str]:
    # Its --cpu starts processes by mpirun alone; --multi_gpu starts them itself, and these take the CPU, and gloo.
    launcher = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", str(processes)]
    launcher += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0", "--num_machines", "1"]
    words = [sys.executable, *(launcher if processes > 1 else []), str(SCRIPT), str(out), json.dumps(settings)]
    return subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def trained(out: Path, settings: dict[str, object], processes: int = 1) -> str:
    run = started(out, settings, processes)
    said, _ = run.communicate(timeout=1200)
    assert run.returncode == 0, said
    return said


def curve(out: Path) -> np.ndarray:
    """`(steps, 3)`: loss, norm of the gradient, learning rate."""
    with open(out / "history.csv", encoding="utf-8") as file:
        return np.array([[float(row[name]) for name in row if name != "step"] for row in csv.DictReader(file)])


def weights(out: Path) -> dict[str, np.ndarray]:
    found = load_file(next(out.glob("*.safetensors")))
    return {name: weight.numpy() for name, weight in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_give_the_curve_of_one_with_twice_the_turns(kind: str, tmp_path: Path) -> None:
    settings = SETTINGS | KINDS[kind]
    assert "(1 x 1 at once, 4 turns)" in trained(tmp_path / "one", settings)
    assert "(2 x 1 at once, 2 turns)" in trained(tmp_path / "two", settings, processes=2)
    one, two = curve(tmp_path / "one"), curve(tmp_path / "two")
    assert one.shape == (6, 3)
    assert np.ptp(one[:, 0]) > 0.01  # it learns: equal constants would prove nothing
    np.testing.assert_allclose(two, one, rtol=1e-5)
    before, after = weights(tmp_path / "one"), weights(tmp_path / "two")
    for name, weight in before.items():
        np.testing.assert_allclose(after[name], weight, atol=1e-5, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_any_moment_it_goes_on_to_the_same_curve(kind: str, tmp_path: Path) -> None:
    settings = SETTINGS | KINDS[kind] | {"evaluate_every": 2}
    start = time.monotonic()
    trained(tmp_path / "whole", settings)
    length, moments, kills = time.monotonic() - start, random.Random(kind), 0
    for _ in range(3):
        run = started(tmp_path / "killed", settings)
        try:
            # Rather late, when checkpoints are being written; the libraries alone take half of the time.
            run.wait(timeout=length * moments.uniform(0.5, 0.95))
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)
            kills += 1
        run.communicate()
    assert kills
    trained(tmp_path / "killed", settings)
    np.testing.assert_array_equal(curve(tmp_path / "killed"), curve(tmp_path / "whole"))
    for name in ("validation.json", "sceneviz.json"):
        assert (tmp_path / "killed" / name).read_text() == (tmp_path / "whole" / name).read_text()
    for name, weight in weights(tmp_path / "whole").items():
        np.testing.assert_array_equal(weights(tmp_path / "killed")[name], weight, err_msg=name)
