"""The public surface: which names, in which order, how they are called, and that each says what it does."""

from __future__ import annotations

import ast
import importlib
import inspect
from types import ModuleType

import pytest

import sceneviz as sv

# In the order of the flow: the movie, the model, the result.
MODULES = ["tables", "train", "plot", "data"]
VERBS = (
    "read_movie read_movies render_movie Movie Recipe load_model predict Prediction attend AttentionMap intervene "
    "attribute explain score ablate export browse"
)
NAMES = [*VERBS.split(), *MODULES]
CALLABLES = [name for name in NAMES if name not in MODULES]


def test_the_public_names_are_these() -> None:
    assert sv.__all__ == NAMES
    assert set(NAMES) < set(dir(sv))


@pytest.mark.parametrize("name", CALLABLES)
def test_a_public_name_is_a_documented_callable(name: str) -> None:
    value = getattr(sv, name)
    assert callable(value)
    assert inspect.getdoc(value)
    assert value.__doc__ is not None
    assert not value.__doc__.startswith(f"{name}(")  # a dataclass without its own words


@pytest.mark.parametrize("name", [name for name in CALLABLES if name[0].islower()])
def test_at_most_three_positional_arguments(name: str) -> None:
    assert _positional(getattr(sv, name)) <= 3


def test_plots_take_an_axis_by_name() -> None:
    assert isinstance(sv.plot, ModuleType)
    assert sv.plot.__all__
    for name in sv.plot.__all__:
        plot = getattr(sv.plot, name)
        assert inspect.getdoc(plot), name
        assert _positional(plot) <= 3, name
        if name not in ("panels", "redraw", "save"):
            assert inspect.signature(plot).parameters["ax"].kind is inspect.Parameter.KEYWORD_ONLY, name


def test_a_module_never_takes_the_place_of_a_public_name() -> None:
    for name in CALLABLES:
        importlib.import_module(getattr(sv, name).__module__)
        assert not isinstance(getattr(sv, name), ModuleType), name


def test_editors_see_the_names_that_load_lazily(sources: dict[str, ast.Module]) -> None:
    imports = [node for node in ast.walk(sources["sceneviz"]) if isinstance(node, ast.ImportFrom)]
    seen = {alias.asname for node in imports for alias in node.names if alias.asname}
    assert seen == set(NAMES)


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(AttributeError, match="did you mean 'predict'"):
        sv.predcit  # noqa: B018
    assert not hasattr(sv, "torch")


def test_every_module_class_and_function_says_what_it_does(sources: dict[str, ast.Module]) -> None:
    mute = [
        f"{module}.{getattr(node, 'name', '')}"
        for module, tree in sources.items()
        for node in [tree, *_public(tree.body)]
        if not ast.get_docstring(node)
    ]
    assert not mute


def _positional(function: object) -> int:
    assert callable(function)
    kinds = [parameter.kind for parameter in inspect.signature(function).parameters.values()]
    return sum(kind is not inspect.Parameter.KEYWORD_ONLY for kind in kinds)


def _public(body: list[ast.stmt]) -> list[ast.ClassDef | ast.FunctionDef]:
    """Classes and functions without an underscore, and the methods of those classes."""
    found: list[ast.ClassDef | ast.FunctionDef] = []
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            found += [node, *(_public(node.body) if isinstance(node, ast.ClassDef) else [])]
    return found
