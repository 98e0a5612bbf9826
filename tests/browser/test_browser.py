"""A real JupyterLab in a real browser: pick shots, move the threshold, flip an answer, and read what changed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync "
    "--no-first-run --disable-dev-shm-usage"
).split()
WAIT_MS = 180_000  # a bound for a busy machine; each step goes on as soon as the page shows it

OPEN = """
import warnings
from dataclasses import replace
import sceneviz as sv
evil = "<img src=x onerror=\\"window.hacked='image'\\"><script>window.hacked='script'</script>"
film = sv.render_movie(9_000_003, 24)
shots = [replace(shot, subtitle=evil, characters=(evil, *shot.characters)) for shot in film.shots]
film = replace(film, name="film " + evil, shots=shots)
model = sv.load_model()
prediction = sv.predict(film, model, progress=False)
"""
SHOW = "explorer = sv.browse(film, prediction, model=model)\nexplorer"
WRITE = "print('STATE', explorer.shot, explorer.threshold, len(explorer.state.tried))"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The notebook in JupyterLab, opened in the browser, nothing run yet; `page.trouble` lists the console's errors."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright for Python")
    if CHROMIUM is None:
        pytest.skip("needs Debian's chromium, which is not installed")
    folder = tmp_path_factory.mktemp("lab")
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in (OPEN, SHOW, WRITE)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "explorer.ipynb")
    with _lab(folder) as address, sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = chromium.new_page(viewport={"width": 1500, "height": 1300})
        page.set_default_timeout(WAIT_MS)
        page.trouble = []
        page.on("pageerror", lambda error: page.trouble.append(str(error)))
        page.on("console", lambda told: page.trouble.append(told.text) if told.type == "error" else None)
        page.goto(f"{address}/lab/tree/explorer.ipynb?reset", wait_until="domcontentloaded")
        page.locator(".jp-Notebook .jp-Cell").nth(len(cells) - 1).wait_for()
        yield page
        chromium.close()


@contextmanager
def _lab(folder: Path) -> Iterator[str]:
    """A JupyterLab of its own on this machine alone; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    root = Path(__file__).resolve().parents[2]
    places = {f"JUPYTER_{name}": str(folder / f".{name.lower()}") for name in ("CONFIG_DIR", "RUNTIME_DIR")}
    places |= {"JUPYTERLAB_SETTINGS_DIR": str(folder / ".s"), "JUPYTERLAB_WORKSPACES_DIR": str(folder / ".w")}
    environment = os.environ | places | {"PYTHONPATH": str(root)}
    environment.pop("MPLBACKEND", None)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--IdentityProvider.token="]
    command += [f"--ServerApp.port={port}", "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={folder}"]
    with (folder / "lab.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        _until(lambda: _answers(f"{address}/api/status", server))
        yield address
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def _answers(address: str, server: subprocess.Popen[bytes]) -> bool:
    assert server.poll() is None, "JupyterLab ended at its start"
    try:
        with urllib.request.urlopen(address, timeout=5) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_MS / 1000
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.2)


def _run_next(page: Any) -> None:
    page.keyboard.press("Shift+Enter")


def _state(page: Any) -> tuple[int, float, int]:
    """What the kernel says of the explorer, by running the last cell once more."""
    cell = page.locator(".jp-Notebook .jp-Cell").nth(2)
    before = cell.locator(".jp-InputPrompt").inner_text()
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    _until(lambda: cell.locator(".jp-InputPrompt").inner_text() not in (before, "[*]:"))
    words = cell.locator(".jp-OutputArea-output").inner_text().split()
    return int(words[1]), float(words[2]), int(words[3])


@pytest.mark.slow
def test_the_explorer_works_in_a_real_browser(page: Any) -> None:
    cell = page.locator(".jp-Notebook .jp-Cell").nth(0)
    cell.locator(".cm-content").click()
    _run_next(page)
    _run_next(page)
    page.locator(".sv-film .sv-cell img").first.wait_for()
    page.locator(".sv-shot h3").wait_for()
    page.locator(".sv-by-shot .sv-mini img").first.wait_for()
    title = page.locator(".sv-shot h3")
    verdict = page.locator(".sv-verdict")

    # A click picks a shot, and an arrow key the next; the page and the kernel agree.
    page.locator('.sv-cell[data-shot="4"]').scroll_into_view_if_needed()
    page.locator('.sv-cell[data-shot="4"]').click()
    _until(lambda: title.inner_text() == "Shot 4")
    page.keyboard.press("ArrowRight")
    _until(lambda: title.inner_text() == "Shot 5")
    page.keyboard.press("Home")
    _until(lambda: title.inner_text() == "Shot 0")
    assert page.locator('.sv-cell[aria-selected="true"]').get_attribute("data-shot") == "0"
    page.keyboard.press("ArrowRight")
    _until(lambda: title.inner_text() == "Shot 1")
    page.locator(".sv-by-shot .sv-mini").first.wait_for()
    assert _state(page)[0] == 1

    # The threshold regroups the scenes.
    counts = page.locator(".sv-look .widget-label", has_text="scene")
    before = counts.inner_text()
    handle = page.locator(".sv-look .noUi-handle")
    handle.focus()
    page.keyboard.press("Home")
    _until(lambda: counts.inner_text() == "24 scenes")
    assert "A scene ends here" in verdict.inner_text()
    page.keyboard.press("End")
    _until(lambda: counts.inner_text() == "1 scene")
    _until(lambda: "The scene goes on" in verdict.inner_text())
    assert before not in ("",)
    assert _state(page)[1] == 1.0

    # An answer flipped: the decisions behind it are read again.
    page.locator(".sv-try button", has_text="flip its answer").click()
    page.locator(".sv-tried .sv-move").first.wait_for()
    tried = page.locator(".sv-tried")
    assert "answer of shot 1 flipped" in tried.inner_text()
    assert "decisions read again" in tried.inner_text()
    assert _state(page)[2] == 1
    page.locator(".sv-try button", has_text="reset").click()
    _until(lambda: not tried.is_visible())

    # A modality cut, of all the window.
    page.locator(".sv-try select").first.select_option("of all shots in its window")
    page.locator(".sv-try button", has_text="frames").click()
    _until(lambda: "frames of all shots in the window of shot 1 hidden" in tried.inner_text())
    if picture := os.environ.get("SCENEVIZ_SCREENSHOT"):
        page.locator(".jp-Notebook .jp-Cell").nth(1).locator(".jp-OutputArea").screenshot(path=picture)

    # Texts from the file are text.
    assert "<img src=x onerror=" in page.locator(".sv-said").inner_text()
    assert "<script>" in page.locator(".sv-head strong").inner_text()
    assert "<img src=x" in page.locator(".sv-cast li").first.inner_text()
    assert page.locator('.sv img[src="x"], .sv script').count() == 0
    assert page.evaluate("window.hacked === undefined")
    assert page.trouble == []
