"""One list of requirements: conda's says the same as pip's, and it covers all that the package imports."""

from __future__ import annotations

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_conda_and_pip_get_the_same(root: Path, project: dict[str, Any]) -> None:
    environment = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))
    *conda, pip = environment["dependencies"]
    assert conda == ["python=3.11", "pip"]
    assert project["requires-python"] == ">=3.11"
    *listed, package = pip["pip"]
    assert package == "-e ."
    assert listed == project["dependencies"]


def test_requirements_are_sorted_ranges_with_a_lower_end(project: dict[str, Any]) -> None:
    wanted = [Requirement(line) for line in project["dependencies"]]
    assert [each.name for each in wanted] == sorted(each.name for each in wanted)
    for each in wanted:
        assert {clause.operator for clause in each.specifier} in ({">="}, {">=", "<"}), each


def test_every_import_is_required_by_name(sources: dict[str, ast.Module], project: dict[str, Any]) -> None:
    extras = [line for group in project["optional-dependencies"].values() for line in group]
    required = {Requirement(line).name.lower() for line in [*project["dependencies"], *extras]}
    imported = {
        name.split(".")[0]
        for tree in sources.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    providers = packages_distributions()
    foreign = imported - sys.stdlib_module_names - {"sceneviz", "bitsandbytes"}  # an extra, not always installed
    assert not [name for name in foreign if not required & {each.lower() for each in providers.get(name, [])}]
