"""What a step of `finetune` costs beside the bare forward, backward and optimiser step of the same batch, as a ratio.

Ours holds all there is to a step: windows drawn, tokens and frames laid out, clipping, logs. The bare step gets its
batches ready made. Seconds are of one processor, so that whatever else the machine has to do stays out.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small import WORDS, noise_movie
from torch.optim.optimizer import register_optimizer_step_post_hook

from sceneviz.models import SceneModel
from sceneviz.models.family import family_of
from sceneviz.recipe import Recipe
from sceneviz.tiny.build import tiny_config, train_tokenizer
from sceneviz.training import TrainConfig, finetune
from sceneviz.training.stores import FrameStore
from sceneviz.training.trainable import checkpoint_activations
from sceneviz.training.windows import Collator, TrainingWindows, training_loss

MOST = 1.15
STEPS, WARM = 6, 2
RECIPE = Recipe(context=8, focus=4, frame_size=(56, 84))


def model() -> SceneModel:
    torch.manual_seed(0)
    lines = 'Shot 0: Yes\nShot 1: No\n<shot id="2">\n</shot>\n'
    tokenizer = train_tokenizer([" ".join(WORDS), lines] * 50, 320)
    family = family_of("qwen2_5_vl")
    return SceneModel(family.build(tiny_config(tokenizer, width=256, layers=6)), tokenizer, family, "random", RECIPE)


def bare(config: TrainConfig, movies: list, folder: Path) -> list[float]:
    """Seconds of each step, nothing around it."""
    made = model()
    windows = TrainingWindows(movies, RECIPE, config)
    collate = Collator(made, windows, FrameStore(movies, RECIPE, folder))
    batches = [collate([windows[4 * step + i] for i in range(4)]) for step in range(STEPS)]
    optimiser = torch.optim.AdamW(made.module.parameters(), lr=1e-4, fused=True)
    made.module.train()
    if config.checkpoint_activations:
        checkpoint_activations(made.module)
    seconds = []
    for batch in batches:
        start = time.process_time()
        loss, _ = training_loss(made, batch)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        seconds.append(time.process_time() - start)
    return seconds


@pytest.mark.benchmark
@pytest.mark.parametrize("checkpoint", [False, True], ids=["all kept", "checkpointed"])
def test_a_step_beside_the_bare_one(checkpoint: bool, tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    movie = noise_movie(60)
    movies = [replace(movie, labels=(np.arange(60) % 5 == 4).astype(np.int8))]
    config = TrainConfig(steps=STEPS, batch_size=4, modality_dropout=0.0, checkpoint_activations=checkpoint)
    marks: list[float] = []
    handle = register_optimizer_step_post_hook(lambda *_: marks.append(time.process_time()))
    try:
        finetune(movies, model(), config, out=tmp_path / "out", recipe=RECIPE, frames=tmp_path / "frames")
        ours = np.diff(marks)
    finally:
        handle.remove()
    try:
        lowest = bare(config, movies, tmp_path / "frames")[1:]
    finally:
        torch.set_num_threads(threads)
    ratios = [one / other for one, other in zip(ours[WARM - 1 :], lowest[WARM - 1 :], strict=True)]
    ratio = statistics.median(ratios)
    each = ", ".join(f"{one:.2f}" for one in ratios)
    took, least = statistics.median(ours), statistics.median(lowest)
    print(f"\nfinetune {took:.2f} s a step, bare {least:.2f} s; ratio {ratio:.2f}, {each}")
    assert ratio <= MOST
