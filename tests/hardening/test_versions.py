"""The oldest and the newest versions that pyproject admits of what moves fastest, each in an environment of its own.

torch stays as it is (one CPU build) and is seen through a .pth file, like everything else that isn't asked about.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("numpy", "pandas", "transformers")
TESTS = (
    "tests/test_results.py tests/output/test_attention_map.py tests/output/test_tables.py tests/models/test_loading.py"
)
TESTS += " tests/models/test_prediction.py tests/data/test_library.py"


def wanted() -> dict[str, str]:
    """The requirement of each name, as in `numpy>=2.0`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = {re.split(r"[<>=\[ ]", line)[0]: line for line in project["dependencies"]}
    return {name: lines[name] for name in NAMES}


def pip(*words: str) -> str:
    """pip's output; the test is skipped where nothing can be fetched."""
    command = [sys.executable, "-m", "pip", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"pip cannot fetch: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout


def versions(which: str) -> dict[str, str]:
    """The version of each name."""
    if which == "oldest":
        return {name: re.findall(r">=([0-9.]+)", line)[0] for name, line in wanted().items()}
    report = json.loads(
        pip("install", "-q", "--dry-run", "--no-deps", "--ignore-installed", "--report", "-", *wanted().values())
    )
    return {each["metadata"]["name"]: each["metadata"]["version"] for each in report["install"]}


def environment(which: str, chosen: dict[str, str]) -> Path:
    """The interpreter of an environment with these versions, made once."""
    folder = Path(sys.prefix) / f"sceneviz-{which}"
    python = folder / "bin" / "python"
    stamp = folder / "versions.json"
    if stamp.is_file() and json.loads(stamp.read_text()) == chosen:
        return python
    venv.create(folder, clear=True, symlinks=True)
    pinned = {name: f"{name}=={number}" for name, number in chosen.items()}
    into = ("--python", str(python), "install", "-q")
    pip(*into, pinned["numpy"], pinned["pandas"])  # that they fit one another is part of the question
    pip(*into, "--no-deps", pinned["transformers"])
    site = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    (site / "rest.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    stamp.write_text(json.dumps(chosen))
    return python


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="environments are laid out as on Linux and macOS")
@pytest.mark.parametrize("which", ["oldest", "newest"])
def test_the_line_works_with_other_versions(which: str) -> None:
    chosen = versions(which)
    if chosen == {name: version(name) for name in NAMES}:
        pytest.skip(f"this environment has the {which} versions already: {chosen}")
    python = environment(which, chosen)
    code = "import json, numpy, pandas, transformers as t; "
    code += "print(json.dumps([numpy.__version__, pandas.__version__, t.__version__]))"
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert [*map(Version, json.loads(found.splitlines()[-1]))] == [Version(chosen[name]) for name in NAMES]
    command = [str(python), "-m", "pytest", "-q", "-x", "-m", "not slow and not benchmark", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, *TESTS.split()], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    print(which, chosen, done.stdout.splitlines()[-1])
