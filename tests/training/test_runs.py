"""Whole trainings on several devices: the curve of one. (That killed ones go on to it: `tests/hardening`.)"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from running import KINDS
from safetensors.torch import load_file

SCRIPT = Path(__file__).with_name("running.py")


def trained(out: Path, processes: int) -> str:
    """Every kind, one after the other, by so many processes; gives back what was said."""
    # Its --cpu starts processes by mpirun alone; --multi_gpu starts them itself, and these take the CPU, and gloo.
    launcher = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", str(processes)]
    launcher += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0", "--num_machines", "1"]
    words = [sys.executable, *(launcher if processes > 1 else []), str(SCRIPT), str(out), *KINDS]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    run = subprocess.run(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=1200
    )
    assert run.returncode == 0, run.stdout
    return run.stdout


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """What one process made, and what two did."""
    out = tmp_path_factory.mktemp("runs")
    assert trained(out / "one", 1).count("(1 x 1 at once, 4 turns)") == len(KINDS)
    assert trained(out / "two", 2).count("(2 x 1 at once, 2 turns)") == len(KINDS)
    return out / "one", out / "two"


def curve(out: Path) -> np.ndarray:
    """`(steps, 3)`: loss, norm of the gradient, learning rate."""
    with open(out / "history.csv", encoding="utf-8") as file:
        return np.array([[float(row[name]) for name in row if name != "step"] for row in csv.DictReader(file)])


def weights(out: Path) -> dict[str, np.ndarray]:
    found = load_file(next(out.glob("*.safetensors")))
    return {name: weight.numpy() for name, weight in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_give_the_curve_of_one_with_twice_the_turns(kind: str, runs: tuple[Path, Path]) -> None:
    first, second = (out / kind for out in runs)
    one, two = curve(first), curve(second)
    assert one.shape == (6, 3)
    assert np.ptp(one[:, 0]) > 0.01  # it learns: equal constants would prove nothing
    np.testing.assert_allclose(two, one, rtol=1e-5)
    before, after = weights(first), weights(second)
    assert before.keys() == after.keys()
    for name, weight in before.items():
        np.testing.assert_allclose(after[name], weight, atol=1e-5, err_msg=name)
