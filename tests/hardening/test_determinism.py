"""The same seeds give the same bytes; on another number of threads, what is stated and measured."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sceneviz as sv

TOLERANCE = 1e-5  # of a confidence, between one thread and two

SCRIPT = """
import hashlib, json, sys, warnings
warnings.simplefilter("ignore")
sys.path[:0] = [sys.argv[1]]
import torch
from small import noise_movie, random_model
import sceneviz as sv
torch.set_num_threads(int(sys.argv[2]))
movie, model = noise_movie(24), random_model(1.0)
prediction = sv.predict(movie, model, batch_size=2, progress=False)
attention = sv.attend(movie, model, prediction, reduce="offset")
rendered = sv.render_movie(5, 6)
frames = hashlib.sha256(b"".join(each.tobytes() for each in rendered.frames.read(rendered.shots, 2, (56, 84))))
found = {"prediction": prediction.to_json(), "attention": attention.by_offset().to_csv(), "frames": frames.hexdigest()}
print(json.dumps(found | {"confidence": prediction.confidence[:-1].tolist()}))
"""


def run(threads: int, **environment: str) -> dict:
    """The same work in a fresh process."""
    import json

    root = Path(sv.__file__).parents[1]
    settings = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": str(threads), **environment}
    models = str(Path(__file__).parents[1] / "models")
    command = [sys.executable, "-c", SCRIPT, models, str(threads)]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=True)
    found: dict = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.slow
def test_the_same_bytes_in_every_process_and_nearly_on_two_threads() -> None:
    one = run(1, PYTHONHASHSEED="1")
    assert run(1, PYTHONHASHSEED="2") == one
    two = run(2, PYTHONHASHSEED="3")
    assert two["frames"] == one["frames"]
    apart = max(abs(a - b) for a, b in zip(one["confidence"], two["confidence"], strict=True))
    assert apart <= TOLERANCE
    equal = all(two[name] == one[name] for name in ("prediction", "attention"))
    print(f"one thread and two: {'equal bytes' if equal else f'confidences within {apart:.1g}'}")


def test_what_is_written_names_no_moment(tmp_path: Path) -> None:
    from handmade import attention, attribution, prediction

    for make in (prediction, attention, attribution):
        sums = [hashlib.sha256(make().save(tmp_path / f"{k}").read_bytes()).hexdigest() for k in range(2)]
        assert sums[0] == sums[1]
