"""Notebooks are short, hold no logic, are committed as executed, and say the same when executed again."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
TOLERANCE = 0.005  # tables show three digits, and another processor may round the last one otherwise

SMOKE = "00_quickstart"  # executed by the fast tests too

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
executed = pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=() if path.stem == SMOKE else pytest.mark.slow, id=path.stem) for path in NOTEBOOKS],
)


def test_there_are_notebooks() -> None:
    assert SMOKE in [path.stem for path in NOTEBOOKS]


@each_notebook
def test_cells_are_short_and_hold_no_logic(path: Path) -> None:
    code = _code(nbformat.read(path, as_version=4))
    for cell in code:
        assert len(cell.source.splitlines()) <= 15, cell.source
        tree = ast.parse(cell.source)
        kinds = ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.Try, ast.While
        assert not [node for node in ast.walk(tree) if isinstance(node, kinds)], cell.source
    assert "parameters" in code[0].metadata.get("tags", [])


@each_notebook
def test_it_says_what_is_claimed_and_how_to_read_it(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    told = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert told.startswith("# ")
    if path.stem not in (SMOKE, "10_your_movie"):  # the two that claim nothing
        assert "**The claim" in told
        assert "sv.tables.paper(" in told or path.stem in ("04_attention", "05_trust")  # which print no numbers
    if path.stem != SMOKE:
        assert "**How to read it.**" in told
        assert "**What it does not show.**" in told


@each_notebook
def test_it_is_committed_as_executed(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].cell_type == "markdown"
    assert [cell.execution_count for cell in _code(notebook)] == list(range(1, len(_code(notebook)) + 1))
    outputs = [output for cell in _code(notebook) for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    assert not re.search(r"(?<![\w./])/\w+/", "\n".join(_texts(notebook))), "a path of the machine it was executed on"


@executed
def test_executed_from_scratch_it_says_the_same(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The tests draw with Agg; a kernel that inherits that shows no figure.
    monkeypatch.delenv("MPLBACKEND", raising=False)
    notebook = nbformat.read(path, as_version=4)
    committed = _texts(notebook)
    for cell in _code(notebook):
        cell.outputs, cell.execution_count = [], None
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    again = _texts(notebook)
    assert [NUMBER.sub("#", text) for text in again] == [NUMBER.sub("#", text) for text in committed]
    for new, old in zip(again, committed, strict=True):
        assert _numbers(new) == pytest.approx(_numbers(old), abs=TOLERANCE)


def _code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _texts(notebook: nbformat.NotebookNode) -> list[str]:
    """What each cell prints, in one piece, and shows as text; but for those tagged `timing`."""
    texts = []
    for cell in _code(notebook):
        if "timing" not in cell.metadata.get("tags", []):
            texts.append("".join(output.text for output in cell.outputs if output.output_type == "stream"))
            texts += [output.data.get("text/plain", "") for output in cell.outputs if "data" in output]
    return [text for text in texts if text]


def _numbers(text: str) -> list[float]:
    return [float(number) for number in NUMBER.findall(text)]
