"""Peak memory of a training step in a fresh process, above what the process had before the model.

    python tests/training/measuring.py '{"width": 512, ...}'

prints the measured and the estimated bytes as JSON. Steps are the Trainer's own; the model has random weights.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1] / "models"), str(Path(__file__).parents[2])]


def peak() -> int:
    """Bytes: the most that this process ever had in memory."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def main(shape: dict[str, Any]) -> None:
    """Train two steps, and print what was needed and what was foretold."""
    import numpy as np
    import torch
    from small import WORDS, noise_movie

    from sceneviz.models import SceneModel
    from sceneviz.models.family import family_of
    from sceneviz.recipe import Recipe
    from sceneviz.tiny.build import tiny_config, train_tokenizer
    from sceneviz.training import TrainConfig, finetune, plan

    torch.set_num_threads(1)
    movie = noise_movie(40)
    movie = replace(movie, labels=(np.arange(40) % 5 == 4).astype(np.int8))
    size = tuple(shape.pop("frame_size"))
    recipe = Recipe(context=10, focus=5, frames_per_shot=1, frame_size=size)
    tokenizer = train_tokenizer([" ".join(WORDS), 'Shot 0: Yes\nShot 1: No\n<shot id="2">\n</shot>\n'] * 50, 320)
    build = {name: shape.pop(name) for name in ("width", "layers", "vision_width", "depth")}
    config = TrainConfig(steps=2, warmup=1, modality_dropout=0.0, keep="nothing", **shape)
    kind = family_of("qwen2_5_vl")

    def model(config: Any) -> SceneModel:
        return SceneModel(kind.build(config), tokenizer, kind, "random", recipe)

    # Once at small size, for all that is loaded or kept on first use.
    few = TrainConfig(**{**shape, "steps": 1, "batch_size": 1, "keep": "nothing"})
    with tempfile.TemporaryDirectory() as out:
        finetune([movie], model(tiny_config(tokenizer, width=64, layers=2, vision_width=32, depth=2)), few, out=out)
    before = peak()
    big = model(tiny_config(tokenizer, head=64, **build))
    needs = plan([movie], big, config).needs
    with tempfile.TemporaryDirectory() as out:
        finetune([movie], big, config, out=out)
    print(json.dumps({"measured": peak() - before, "estimated": needs.peak, "parts": str(needs)}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
