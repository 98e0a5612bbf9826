"""`import sceneviz` is cheap: no heavy library, and under half a second of a processor (whatever else it has to do)."""

from __future__ import annotations

import subprocess
import sys

HEAVY = "torch transformers pandas matplotlib seaborn decord av cv2 scenedetect PIL sklearn captum xarray".split()

SCRIPT = f"""
import sys, time
start = time.process_time()
import sceneviz
print(time.process_time() - start, *[name for name in {HEAVY} if name in sys.modules])
"""


HELP = """
import contextlib, io, sys, time
start = time.process_time()
from sceneviz.cli import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main(["--help"])
print(time.process_time() - start)
"""


def test_help_takes_less_than_a_second_of_a_processor() -> None:
    times = [
        float(subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    ]
    assert min(times) < 1.0


def test_import_is_cheap_and_brings_nothing_heavy() -> None:
    lines = [
        subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(3)
    ]
    assert [line[1:] for line in lines] == [[]] * 3
    assert min(float(line[0]) for line in lines) < 0.5
