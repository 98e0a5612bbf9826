"""`python -m sceneviz.tiny`: train the embedded model again, measure it, and write its card."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sceneviz.models import load_model
from sceneviz.models.loading import CARD, EMBEDDED, write_card
from sceneviz.recipe import Recipe
from sceneviz.synthetic import render_movie
from sceneviz.tiny.evaluate import best_threshold, effect_of_a_flip, freely, results, sizes
from sceneviz.tiny.reasons import measured as explained
from sceneviz.tiny.stages import SEEDS, TEST, VALIDATION, Run

if TYPE_CHECKING:
    import torch

FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")


def main() -> int:
    """Train where nothing is trained yet, measure, and install the result into the package."""
    parser = argparse.ArgumentParser(prog="python -m sceneviz.tiny", description=main.__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs/tiny"), help="folder of checkpoints and frames")
    parser.add_argument("--device", default="auto", help="cuda, cuda:1 or cpu; a GPU where there is one")
    parser.add_argument("--workers", type=int, default=_spare(), help="processes that draw and lay out beside it")
    parser.add_argument("--measure", action="store_true", help="do not train; measure the installed model again")
    options = parser.parse_args()
    if not options.measure:
        start = time.perf_counter()
        run = Run(options.runs, options.device, options.workers)
        run.train()
        hours = (time.perf_counter() - start) / 3600
        validation = [render_movie(seed) for seed in VALIDATION]
        for name, folder in run.results.items():
            model = load_model(str(folder), device=options.device)
            trained = _circumstances(hours, run, model.device)
            install(folder, name, model.recipe, best_threshold(model, validation), trained)
    _measure(EMBEDDED["tiny"])
    return 0


def install(folder: Path, name: str, recipe: Recipe, threshold: float, trained: dict[str, Any]) -> None:
    """Put a trained model where the embedded one of this name lies.

    recipe, threshold, trained (the circumstances): for its card.
    """
    home = EMBEDDED[name]
    home.mkdir(exist_ok=True)
    for file in FILES:
        shutil.copyfile(folder / file, home / file)
    write_card(home, recipe, threshold, trained=trained)


def _spare() -> int:
    """Processors that a training leaves idle: all but two where there are many, on a laptop none."""
    there = os.cpu_count() or 1
    return there - 2 if there > 4 else 0


def _circumstances(hours: float, run: Run, device: torch.device) -> dict[str, Any]:
    import torch

    packages = {name: version(name) for name in ("torch", "transformers", "numpy")}
    return {
        "command": "make tiny",
        "hours in the last run": round(hours, 2),
        "machine": f"{platform.machine()}, {torch.cuda.get_device_name(device) if device.type == 'cuda' else 'CPU'}",
        "workers": run.workers,
        "versions": packages,
        "rendered seeds": {pace: [seeds.start, seeds.stop] for pace, seeds in SEEDS.items()},
        "validation seeds": [VALIDATION.start, VALIDATION.stop],
    }


def _measure(home: Path) -> None:
    """Score the installed models on the test movies, and write `results.json` and the tables of the card."""
    model = load_model(device="cpu")
    movies = [render_movie(seed) for seed in TEST]
    table = results(model, movies).round(3)
    flip = {name: round(value, 4) for name, value in effect_of_a_flip(model, movies[:5]).items()}
    measured = {
        "data": f"{len(movies)} rendered movies, seeds {TEST.start} to {TEST.stop - 1}",
        "threshold": json.loads((home / CARD).read_text("utf-8"))["threshold"],
        "scores": json.loads(table.to_json(orient="records")),
        "flip of the answer before, first 5 movies": flip,
    }
    for name, said in explained(model, movies).items():
        measured[f"{name} (100 boundaries)"] = json.loads(said.round(3).to_json(orient="records"))
        print(f"{name}\n{said.round(3).to_string(index=False)}")
    several, free = sizes(list(EMBEDDED), movies).round(3), freely(model, movies).round(3)
    measured["sizes"] = json.loads(several.to_json(orient="records"))
    measured["filmed freely"] = json.loads(free.to_json(orient="records"))
    (home / "results.json").write_text(json.dumps(measured, indent=1) + "\n", "utf-8")
    print(table.to_string(index=False))
    print(several.to_string(index=False))
    print(free.to_string(index=False))
    print(flip)


if __name__ == "__main__":
    sys.exit(main())
