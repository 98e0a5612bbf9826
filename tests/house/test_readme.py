"""What the README tells to type exists: every name, argument and option in its examples."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sceneviz as sv
from sceneviz._text import ScenevizError
from sceneviz.cli.entry import _parser

# What the examples call their values.
KINDS = {"movie": sv.Movie, "prediction": sv.Prediction, "attention": sv.AttentionMap}


@pytest.fixture(scope="module")
def readme(root: Path) -> str:
    return (root / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def examples(readme: str) -> list[ast.Module]:
    return [ast.parse(code) for code in re.findall(r"^```python\n(.*?)^```", readme, re.M | re.S)]


def _found(node: ast.expr) -> Any:
    """What an expression such as `sv.plot.pr` or `prediction.scenes` names; None where it isn't known to us."""
    match node:
        case ast.Name("sv"):
            return sv
        case ast.Name(name):
            return KINDS.get(name)
        case ast.Attribute(value, name):
            owner = _found(value)
            if owner is None or isinstance(owner, property) or name in getattr(owner, "__dataclass_fields__", ()):
                return None
            return getattr(owner, name)
    return None


def _calls(tree: ast.Module) -> Iterator[tuple[ast.Call, Any]]:
    """Calls of ours, and what they call."""
    local = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            local |= {name.name: getattr(importlib.import_module(str(node.module)), name.name) for name in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = local.get(node.func.id) if isinstance(node.func, ast.Name) else _found(node.func)
            if called is not None:
                yield node, called


def test_names_and_arguments_of_the_examples_exist(examples: list[ast.Module]) -> None:
    checked = 0
    for tree in examples:
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                _found(node)
        for call, called in _calls(tree):
            method = isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") in KINDS
            given = [None] * (len(call.args) + method)
            try:
                inspect.signature(called).bind(*given, **{str(each.arg): None for each in call.keywords})
            except TypeError as error:
                raise AssertionError(f"{ast.unparse(call)}: {error}") from error
            checked += 1
    assert checked > 40


def test_commands_of_the_examples_are_understood(readme: str) -> None:
    lines = re.findall(r"^    \.venv/bin/.*\bsceneviz (.+)$", readme, re.M)
    assert len(lines) > 8
    for line in set(lines) - {"--help"}:
        try:
            _parser().parse_args(shlex.split(line))
        except ScenevizError as error:
            raise AssertionError(f"sceneviz {line}: {error}") from error
