"""The explorer's picture for the README: `make pictures`, taken in a real JupyterLab."""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from lab import CHROMIUM, chromium, lab, open_notebook, run_cell
from PIL import Image, ImageOps

OPEN = """
import sceneviz as sv
from sceneviz.browser import WhatIf
movie = sv.render_movie(9_000_001, 60)
model = sv.load_model()
prediction = sv.predict(movie, model, progress=False)
explorer = sv.browse(movie, prediction, model=model)
explorer.what_if(WhatIf("remove", explorer.shot, "visual", "window"))
"""
# Every shot of the window has its picture, however many the window has.
ALL_SEEN = """() => {
    const shots = [...document.querySelectorAll(".sv-by-shot .sv-mini")];
    return shots.length > 0 && shots.every((shot) => shot.querySelector("img"));
}"""
MARGIN = 12
COLORS = 255  # of its palette: half the bytes, and to the eye the same


def main(path: Path) -> None:
    """Write the picture."""
    if CHROMIUM is None:
        sys.exit("needs Debian's chromium, which is not installed")
    with tempfile.TemporaryDirectory() as name, lab(Path(name)) as address, chromium() as browser:
        view = {"viewport": {"width": 1560, "height": 1700}}
        page = open_notebook(browser, address, Path(name), "explorer", [OPEN, "explorer"], **view)
        run_cell(page, 0)
        run_cell(page, 1)
        page.locator(".sv-film .sv-cell img").first.wait_for()
        page.wait_for_function(ALL_SEEN)
        page.locator(".sv-tried .sv-move").first.wait_for()
        page.wait_for_timeout(500)  # pictures fade in
        shot = page.locator(".jp-Notebook .jp-Cell").nth(1).locator(".jp-OutputArea-output").first.screenshot()
    path.parent.mkdir(parents=True, exist_ok=True)
    framed = ImageOps.expand(Image.open(io.BytesIO(shot)).convert("RGB"), MARGIN, "white")
    framed.quantize(COLORS).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
