"""What lies where: the top level, sizes, the licence, the verbs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = {"LICENSE", "Makefile", "README.md", "environment.yml", "notebooks", "pyproject.toml", "sceneviz", "tests"}
MOST_LINES = 320
MOST_BYTES = {".ipynb": 400_000, ".safetensors": 64_000_000}


@pytest.fixture(scope="module")
def tracked(root: Path) -> list[Path]:
    if not (root / ".git").exists() or shutil.which("git") is None:
        pytest.skip("needs a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in listed.split("\0") if name and (root / name).exists()]


def test_the_top_level_is_as_designed(tracked: list[Path]) -> None:
    assert {path.parts[0] for path in tracked if not path.parts[0].startswith(".")} <= TOP


def test_modules_stay_short(root: Path) -> None:
    files = [*(root / "sceneviz").rglob("*.py"), *(root / "tests").rglob("*.py")]
    lengths = {str(file.relative_to(root)): len(file.read_text(encoding="utf-8").splitlines()) for file in files}
    assert not {name: length for name, length in lengths.items() if length > MOST_LINES}


def test_files_stay_light(root: Path, tracked: list[Path]) -> None:
    sizes = {str(path): (root / path).stat().st_size for path in tracked}
    assert not {name: size for name, size in sizes.items() if size > MOST_BYTES.get(Path(name).suffix, 600_000)}


def test_the_licence_is_apache_2(root: Path) -> None:
    text = (root / "LICENSE").read_text(encoding="utf-8")
    assert re.search(r"Apache License\s+Version 2\.0, January 2004", text)
    assert "END OF TERMS AND CONDITIONS" in text
    assert 'license = "Apache-2.0"' in (root / "pyproject.toml").read_text(encoding="utf-8")


def test_the_readme_names_only_verbs_that_exist(root: Path) -> None:
    verbs = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(encoding="utf-8"), re.M))
    code = re.findall(r"`[^`\n]+`|^    .+$", (root / "README.md").read_text(encoding="utf-8"), re.M)
    named = {verb for text in code for verb in re.findall(r"\bmake ([a-z-]+)", text)}
    assert {"demo", "test"} <= named <= verbs


def test_the_readme_links_to_files_that_exist(root: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (root / "README.md").read_text(encoding="utf-8"))
    assert links
    assert not [link for link in links if not (root / link).exists()]


def test_ci_runs_the_two_verbs(root: Path) -> None:
    script = root / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    assert script.read_text(encoding="utf-8").splitlines()[-2:] == ["make test", "make test-all"]
