"""A real JupyterLab in a real browser: pick shots, move the threshold, flip an answer, and read what changed."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab import CHROMIUM, chromium, lab, open_notebook, run_cell, until

pytestmark = pytest.mark.slow

OPEN = """
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
TELL = "print(explorer.shot, explorer.threshold, len(explorer.state.tried))"

LONG = """
import sceneviz as sv
from scripted import scripted_movie, scripted_prediction
film = scripted_movie(2_000)
prediction = scripted_prediction(film)
"""
SHOW_LONG = "explorer = sv.browse(film, prediction)\nexplorer"
TELL_LONG = "print(len(set(film.frames.reads)), explorer.shot)"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, str, Path]]:
    """A browser, a JupyterLab's address, and its folder."""
    pytest.importorskip("playwright.sync_api", reason="needs Playwright for Python")
    if CHROMIUM is None:
        pytest.skip("needs Debian's chromium, which is not installed")
    folder = tmp_path_factory.mktemp("lab")
    with lab(folder) as address, chromium() as browser:
        yield browser, address, folder


def test_the_explorer_works_in_a_real_browser(place: tuple[Any, str, Path]) -> None:
    page = open_notebook(*place, "explorer", [OPEN, SHOW, TELL])
    run_cell(page, 0)
    run_cell(page, 1)
    page.locator(".sv-film .sv-cell img").first.wait_for()
    page.locator(".sv-by-shot .sv-mini img").first.wait_for()
    title, verdict = page.locator(".sv-shot h3"), page.locator(".sv-verdict")

    def told() -> list[str]:
        return run_cell(page, 2).split()

    # A click picks a shot, and an arrow key the next; the page and the kernel agree, and no cell is left.
    page.locator('.sv-cell[data-shot="4"]').click()
    until(lambda: title.inner_text() == "Shot 4")
    page.keyboard.press("ArrowRight")
    until(lambda: title.inner_text() == "Shot 5")
    page.keyboard.press("ArrowDown")
    until(lambda: title.inner_text() == "Shot 6")
    page.keyboard.press("Home")
    until(lambda: title.inner_text() == "Shot 0")
    assert page.locator('.sv-cell[aria-selected="true"]').get_attribute("data-shot") == "0"
    page.keyboard.press("ArrowRight")
    until(lambda: title.inner_text() == "Shot 1")
    assert told()[0] == "1"

    # A shot of the window is picked below, with the keyboard too.
    page.locator('.sv-mini[data-shot="3"]').focus()
    page.keyboard.press("Enter")
    until(lambda: title.inner_text() == "Shot 3")
    until(lambda: page.locator(".sv-mini:focus").get_attribute("data-shot") == "3")
    page.locator('.sv-mini[data-shot="1"]').click()
    until(lambda: title.inner_text() == "Shot 1")

    # The threshold regroups the scenes.
    counts = page.locator(".sv-look .widget-label", has_text="scene")
    page.locator(".sv-look .noUi-handle").focus()
    page.keyboard.press("Home")
    until(lambda: counts.inner_text() == "24 scenes")
    assert "A scene ends here" in verdict.inner_text()
    page.keyboard.press("End")
    until(lambda: counts.inner_text() == "1 scene")
    until(lambda: "The scene goes on" in verdict.inner_text())
    assert told()[1] == "1.0"

    # Attention, by another measure.
    bars = page.locator(".sv-by-modality")
    assert "%" in bars.inner_text()
    page.locator(".sv-look select").first.select_option("attention over uniform")
    until(lambda: "attention over uniform" in bars.inner_text() and "%" not in bars.inner_text())

    # An answer flipped: the decisions behind it are read again.
    tried = page.locator(".sv-tried")
    assert not tried.is_visible()
    page.locator(".sv-try button", has_text="flip its answer").click()
    page.locator(".sv-tried .sv-move").first.wait_for()
    assert "answer of shot 1 flipped" in tried.inner_text()
    assert re.search(r"\d+ decisions read again", tried.inner_text())
    assert told()[2] == "1"
    page.locator(".sv-try button", has_text="reset").click()
    until(lambda: not tried.is_visible())

    # A modality cut, of all the window.
    page.locator(".sv-try select").first.select_option("of its whole window")
    page.locator(".sv-try button", has_text="frames").click()
    until(lambda: "frames of all shots in the window of shot 1 hidden" in tried.inner_text())
    assert told()[2] == "1"

    # Where the page is narrow, the rows' names stand above them, and the picked shot stays in sight.
    assert not page.locator(".sv-key").is_visible()
    page.locator('.sv-cell[data-shot="5"]').click()
    page.set_viewport_size({"width": 760, "height": 1300})
    page.locator(".sv-key", has_text="predicted").wait_for()
    page.locator('.sv-cell[data-shot="5"][aria-selected="true"]').wait_for()
    page.set_viewport_size({"width": 1500, "height": 1300})
    page.locator(".sv-key").wait_for(state="hidden")
    page.locator('.sv-cell[data-shot="1"]').click()
    until(lambda: title.inner_text() == "Shot 1")

    # Texts from the file are text, in the film strip too.
    assert "<img src=x onerror=" in page.locator(".sv-said").inner_text()
    assert "<script>" in page.locator(".sv-head strong").inner_text()
    assert "<img src=x" in page.locator(".sv-cast li").first.inner_text()
    assert "<script>" in page.locator('.sv-cell[data-shot="1"]').get_attribute("title")
    assert page.locator('.sv img[src="x"], .sv script').count() == 0
    assert page.evaluate("window.hacked === undefined")
    assert page.trouble == []
    page.close()


def test_a_long_movie_opens_at_once_and_light(place: tuple[Any, str, Path]) -> None:
    page = open_notebook(*place, "long", [LONG, SHOW_LONG, TELL_LONG])
    run_cell(page, 0)
    before, start = page.received, time.monotonic()
    run_cell(page, 1, wait=False)
    page.locator(".sv-film .sv-cell img").first.wait_for()
    page.locator(".sv-shot .sv-frame img").first.wait_for()
    seconds = time.monotonic() - start
    page.wait_for_timeout(2_000)  # whatever else might still come
    received = page.received - before
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    print(f"2,000 shots: seen after {seconds:.1f} s, {received / 1e6:.2f} MB received; load {load:.1f} a core")
    assert received < 3e6
    assert seconds < 3.0 * max(1.0, 2.0 * load)  # three seconds on a machine that has nothing else to do
    assert int(run_cell(page, 2).split()[0]) < 100

    # What comes into sight comes then, and no more than that.
    page.locator(".sv-scroller").focus()
    page.keyboard.press("End")
    page.locator('.sv-cell[data-shot="1999"] img').wait_for()
    until(lambda: page.locator(".sv-shot h3").inner_text() == "Shot 1999")
    reads, shot = run_cell(page, 2).split()
    assert int(reads) < 150
    assert shot == "1999"
    assert page.locator(".sv-cell").count() < 40
    assert page.trouble == []
    page.close()
