"""How time and memory grow with a film's length, as ratios: 4,000 shots (MovieNet's longest film) beside 400.

Each run has a process of its own. Seconds are of the processor; memory is the process's peak beyond what it held when
libraries and model were loaded. Frames are scripted, and the model is small: what grows here is what this package
does, and not what a forward costs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SHORT, LONG = 400, 4_000
MOST_TIME, MOST_MEMORY = 10.5, 1.15
PROGRAM = """
import json, sys, time, warnings
from dataclasses import replace
warnings.simplefilter("ignore")
import numpy as np, torch
torch.set_num_threads(1)
from small import noise_movie, random_model
from sceneviz.attention import attend
from sceneviz.prediction import predict

def status(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))

verb, shots = sys.argv[1], int(sys.argv[2])
model = random_model(1.0, seed=1)
model.recipe = replace(model.recipe, frames_per_shot=1)
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the peak counts from here
before = status("VmRSS")
brief = predict(noise_movie(60), model, batch_size=2, progress=False)

def work(movie):
    if verb == "predict":
        predict(movie, model, batch_size=2, progress=False)
    else:
        # What was decided is of no importance here: No everywhere.
        no, place = np.zeros(len(movie)), np.arange(len(movie) - 1)
        no[-1] = np.nan
        made = replace(
            brief, movie=movie.fingerprint, shots=movie.shots, confidence=no, mass=no + 1,
            decision=np.nan_to_num(no, nan=-1),
            window=np.append(place // 10, -1), position=np.append(place % 10, -1),
        )
        attend(movie, model, made, reduce="offset")

work(noise_movie(200))
# The long film is the short one over and over, so that its longest prompts are no longer by chance.
short = noise_movie(400)
movie = replace(short, shots=tuple(
    replace(short.shots[i % 400], index=i, start=10 * i, end=10 * i + 10, start_s=float(i), end_s=i + 1.0)
    for i in range(shots)
))
start = time.process_time()
work(movie)
print(json.dumps({"seconds": time.process_time() - start, "bytes": status("VmHWM") - before}))
"""


def measured(verb: str, shots: int) -> dict[str, float]:
    """Seconds and bytes of one run in a process of its own."""
    root = Path(__file__).resolve().parents[2]
    path = f"{root}:{root / 'tests' / 'models'}"
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM, verb, str(shots)],
        env={"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return dict(json.loads(found.stdout))


@pytest.mark.benchmark
@pytest.mark.parametrize("verb", ["predict", "attend"])
def test_ten_times_the_film_is_ten_times_the_time_and_the_same_memory(verb: str) -> None:
    short, long = measured(verb, SHORT), measured(verb, LONG)
    time, memory = long["seconds"] / short["seconds"], long["bytes"] / short["bytes"]
    print(
        f"\n{verb}: {LONG:,} shots / {SHORT} shots = {time:.2f} in time ({short['seconds']:.1f} s, "
        f"{long['seconds']:.1f} s), {memory:.2f} in memory ({short['bytes'] / 2**20:.0f} MiB)"
    )
    assert time <= MOST_TIME
    assert memory <= MOST_MEMORY
