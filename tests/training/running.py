"""A training as a process of its own: under a launcher, to be killed, or to be measured.

    python tests/training/running.py out '{"lora": 4}' [threads]

trains a small random model on two scripted movies, one without frames, with a config of these settings.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "models"), str(Path(__file__).parents[2])]


def main(out: str, settings: str) -> None:
    """Train, and leave the result in `out`."""
    import numpy as np
    import torch
    from small import RECIPE, noise_movie, random_model

    from sceneviz.training import TrainConfig, finetune

    torch.set_num_threads(1)
    movies = [
        replace(movie, labels=(np.arange(len(movie)) % 5 == 4).astype(np.int8))
        for movie in (noise_movie(20), noise_movie(14, frames=False), noise_movie(11))
    ]
    config = TrainConfig(**json.loads(settings))
    finetune(
        movies[:2],
        random_model(1.0, spread=1.0),
        config,
        out=out,
        recipe=replace(RECIPE, context=6, focus=4, frames_per_shot=1),
        validation=movies[2:] if config.evaluate_every else None,
    )


if __name__ == "__main__":
    main(*sys.argv[1:3])
