"""The flow is a straight line: a module imports only what stands above it, and what it must not see it does not."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

ORDER = (
    # data sets after the renderer, whose movies are one of them
    "_text _ahead movie recipe results reading synthetic data prompt models lock journal "
    "deciding run prediction schemes attention intervention attribution explanation metrics paper baselines training "
    "ablation tables export plot browser many cli __main__ tiny"
).split()

# Nothing reaches back: drawing and counting open saved results, so they need neither a model nor its libraries.
BLIND = {
    "_text": {"torch", "transformers"},
    "_ahead": {"torch", "transformers"},
    "movie": {"torch", "transformers"},
    "recipe": {"torch", "transformers"},
    "results": {"torch", "transformers"},
    "synthetic": {"torch", "transformers"},
    "data": {"torch", "transformers"},
    "prompt": {"torch"},
    "metrics": {"torch", "transformers", "prompt", "models", "run", "prediction"},
    "export": {"torch", "transformers", "prompt", "models", "run", "prediction"},
    "plot": {"torch", "transformers", "prompt", "models", "run", "prediction"},
}


def _imports(tree: ast.AST, views: bool = True) -> Iterator[str]:
    """Dotted names that the module imports anywhere; a view's own lazy imports only if `views`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import, line {node.lineno}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif views or not (isinstance(node, ast.FunctionDef) and node.name == "_repr_html_"):
            yield from _imports(node, views)


def _part(name: str) -> str:
    """`reading` for `sceneviz.reading.subtitles.read`, `torch` for `torch.nn`."""
    return name.removeprefix("sceneviz.").split(".")[0]


def test_every_module_has_its_place(sources: dict[str, ast.Module]) -> None:
    assert {_part(name) for name in sources} - {"sceneviz"} <= set(ORDER)


def test_imports_point_upwards(sources: dict[str, ast.Module]) -> None:
    wrong = [
        f"{name} imports {target}"
        for name, tree in sources.items()
        if name != "sceneviz"
        for target in _imports(tree, views=False)
        if target.startswith("sceneviz.")
        and _part(target) in ORDER
        and ORDER.index(_part(target)) > ORDER.index(_part(name))
    ]
    assert not wrong


@pytest.mark.parametrize("part", BLIND)
def test_blind_modules_stay_blind(part: str, sources: dict[str, ast.Module]) -> None:
    wrong = [
        f"{name} imports {target}"
        for name, tree in sources.items()
        if name.startswith("sceneviz.") and _part(name) == part
        for target in _imports(tree)
        if _part(target) in BLIND[part]
    ]
    assert not wrong
