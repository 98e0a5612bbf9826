"""The package's own source, parsed once."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's top folder."""
    return ROOT


@pytest.fixture(scope="session")
def sources() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name, as syntax."""
    paths = sorted((ROOT / "sceneviz").rglob("*.py"))
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    return {
        name: ast.parse(path.read_text(encoding="utf-8"), str(path)) for name, path in zip(names, paths, strict=True)
    }
