"""Trainings as a process of their own: under a launcher, or to be killed.

    python tests/training/running.py out kind ...

trains a small random model on two scripted movies, one without frames, once for each kind, into `out/kind`.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1] / "models"), str(Path(__file__).parents[2])]

SETTINGS: dict[str, Any] = {
    **{"steps": 6, "batch_size": 4, "at_once": 1, "warmup": 1, "learning_rate": 3e-4, "checkpoint_every": 2}
}
KINDS: dict[str, dict[str, Any]] = {
    "all weights": {},
    "adapter": {"lora": 4, "freeze_vision": True, "checkpoint_activations": True},
    "adapter, tower too": {"lora": 4, "bucket": True, "keep": "nothing"},
}


def train(out: Path, kind: str, **more: Any) -> None:
    """Train, and leave the result in `out`. With `evaluate_every` it is validated on a third movie."""
    import numpy as np
    import torch
    from small import RECIPE, noise_movie, random_model

    from sceneviz.training import TrainConfig, finetune

    torch.set_num_threads(1)
    movies = [
        replace(movie, labels=(np.arange(len(movie)) % 5 == 4).astype(np.int8))
        for movie in (noise_movie(20), noise_movie(14, frames=False), noise_movie(11))
    ]
    config = TrainConfig(**SETTINGS | KINDS[kind] | more)
    finetune(
        movies[:2],
        random_model(1.0, spread=1.0),
        config,
        out=out,
        recipe=replace(RECIPE, context=6, focus=4, frames_per_shot=1),
        validation=movies[2:] if config.evaluate_every else None,
    )


if __name__ == "__main__":
    for kind in sys.argv[2:]:
        train(Path(sys.argv[1]) / kind, kind)
