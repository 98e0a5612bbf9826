"""Runs that are killed with -9 at random moments end with the bytes of an undisturbed one.

`SCENEVIZ_KILLS=50` asks for as many kills of each verb.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = os.environ.get("SCENEVIZ_KILLS", "4")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forks, which this system has not")
@pytest.mark.parametrize(
    "verb", ["segment", "ablate", "train all weights", "train adapter", "train adapter, tower too"]
)
def test_a_killed_run_ends_with_the_same_bytes(verb: str, tmp_path: Path) -> None:
    script = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("killing.py")), verb, KILLS, "0"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*script, str(tmp_path / "runs")], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    print(verb, done.stdout)
