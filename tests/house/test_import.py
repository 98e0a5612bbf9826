"""`import sceneviz` is cheap: no heavy library, well under a second."""

from __future__ import annotations

import subprocess
import sys

HEAVY = "torch transformers pandas matplotlib seaborn decord av cv2 scenedetect PIL sklearn captum xarray".split()

SCRIPT = f"""
import sys, time
start = time.perf_counter()
import sceneviz
print(time.perf_counter() - start, *[name for name in {HEAVY} if name in sys.modules])
"""


def test_import_is_cheap_and_brings_nothing_heavy() -> None:
    lines = [
        subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(3)
    ]
    assert [line[1:] for line in lines] == [[]] * 3
    assert min(float(line[0]) for line in lines) < 0.5
