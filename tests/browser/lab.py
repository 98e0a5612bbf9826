"""A real JupyterLab in a real browser, for tests and for the picture in the README."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync "
    "--no-first-run --disable-dev-shm-usage"
).split()
WAIT_MS = 300_000  # a bound for a busy machine; each step goes on as soon as the page shows it
LOST_S = 10  # a kernel that has been idle for so long, with a cell that waits for it, was never asked
IDLE = '.jp-Notebook-ExecutionIndicator[data-status="idle"]'
HERE = Path(__file__).resolve().parent


@contextmanager
def lab(folder: Path) -> Iterator[str]:
    """A JupyterLab of its own, for this machine alone, on a folder; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {f"JUPYTER_{name}": str(folder / f".{name.lower()}") for name in ("CONFIG_DIR", "RUNTIME_DIR")}
    places |= {"JUPYTERLAB_SETTINGS_DIR": str(folder / ".s"), "JUPYTERLAB_WORKSPACES_DIR": str(folder / ".w")}
    places["PYTHONPATH"] = os.pathsep.join([str(HERE.parents[1]), str(HERE)])
    environment = os.environ | places
    environment.pop("MPLBACKEND", None)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--IdentityProvider.token="]
    command += [f"--ServerApp.port={port}", "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={folder}"]
    command += ["--LabApp.extension_manager=readonly", "--LabApp.news_url=None"]
    with (folder / "lab.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _answers(f"{address}/api/status", server))
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


@contextmanager
def chromium() -> Iterator[Any]:
    """Debian's browser, without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def open_notebook(browser: Any, address: str, folder: Path, name: str, sources: Sequence[str], **view: Any) -> Any:
    """A page with a notebook of these cells, nothing run yet.

    `page.trouble` lists the errors of the page's console; `page.received` counts bytes from the kernel.
    """
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source.strip()) for source in sources])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / f"{name}.ipynb")
    page = browser.new_page(**({"viewport": {"width": 1500, "height": 1300}} | view))
    page.set_default_timeout(WAIT_MS)
    page.trouble, page.received = [], 0

    def count(payload: str | bytes) -> None:
        page.received += len(payload)

    page.on("pageerror", lambda error: page.trouble.append(str(error)))
    page.on("console", lambda told: page.trouble.append(told.text) if told.type == "error" else None)
    page.on("websocket", lambda socket: socket.on("framereceived", count))
    page.goto(f"{address}/lab/tree/{name}.ipynb?reset", wait_until="domcontentloaded")
    page.locator(".jp-Notebook .jp-Cell").nth(len(sources) - 1).wait_for()
    page.locator(IDLE).first.wait_for()
    return page


def run_cell(page: Any, place: int, *, wait: bool = True) -> str:
    """Run a cell, and give back the text it prints; without waiting, nothing."""
    cell = page.locator(".jp-Notebook .jp-Cell").nth(place)
    prompt = cell.locator(".jp-InputPrompt")
    before = prompt.inner_text()

    def ask() -> float:
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
        return time.monotonic()

    def answered() -> bool:
        nonlocal asked
        if prompt.inner_text() not in (before, "[*]:"):
            return True
        # What is asked of a kernel that is only starting can be lost, and the cell then waits for ever: ask again.
        if not page.locator(IDLE).count():
            asked = time.monotonic()
        elif time.monotonic() - asked > LOST_S:
            asked = ask()
        return False

    asked = ask()
    if not wait:
        return ""
    until(answered)
    return "\n".join(cell.locator(".jp-OutputArea-output").all_inner_texts())


def until(true: Callable[[], bool]) -> None:
    """Wait for something to come true."""
    end = time.monotonic() + WAIT_MS / 1000
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.1)
