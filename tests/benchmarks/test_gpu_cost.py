"""On a CUDA device: Qwen2.5-VL-7B's real shape, with random weights. Needs 40 GiB there, and the model's config.

Ratios: the vision tower over all frames at once beside frame by frame; a training step's memory beside its estimate.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import sceneviz as sv
from sceneviz.models import SceneModel
from sceneviz.models.family import family_of
from sceneviz.models.vision_tower import all_at_once
from sceneviz.movie import Movie
from sceneviz.recipe import Recipe
from sceneviz.training import PAPER, finetune, plan

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, which is absent"),
]
SIZE = (252, 448)


@pytest.fixture(scope="module")
def seven(shared_data: Path) -> SceneModel:
    from transformers import AutoConfig, AutoTokenizer

    folder = shared_data / "qwen25vl"
    torch.manual_seed(0)
    family = family_of("qwen2_5_vl")
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda"):
        module = family.build(AutoConfig.from_pretrained(folder / "7B"))
    torch.set_default_dtype(torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return SceneModel(module.to(torch.bfloat16).eval(), tokenizer, family, "7B, random", Recipe(frame_size=SIZE))


@pytest.fixture(scope="module")
def movie() -> Movie:
    return sv.render_movie(8_500_000, 36)


def seconds(work: Callable[[], object]) -> float:
    """The median of five turns, after two."""
    times = []
    for _ in range(7):
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[2:])


def test_all_frames_at_once(seven: SceneModel, movie: Movie) -> None:
    assert movie.frames is not None
    frames = np.concatenate(list(movie.frames.read(movie.shots[:8], 3, SIZE)))
    with torch.no_grad():
        one_by_one = seconds(lambda: seven.encode(frames))
        all_at_once(seven.module)
        at_once = seconds(lambda: seven.encode(frames))
    print(f"\nvision tower, 24 frames of 252 x 448: at once / one by one {at_once / one_by_one:.2f} ({at_once:.3f} s)")
    assert at_once < one_by_one


def test_prediction(seven: SceneModel, movie: Movie) -> None:
    torch.cuda.reset_peak_memory_stats()
    spent = seconds(lambda: sv.predict(movie, seven, progress=False))
    print(f"\npredict: {spent / len(movie):.3f} s a shot, peak {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")


def test_the_memory_of_the_papers_training(seven: SceneModel, movie: Movie, tmp_path: Path) -> None:
    config = replace(PAPER, epochs=0, steps=4, batch_size=2, warmup=1, workers=0, bucket=False, patience=0)
    needs = plan([movie], seven, config).needs
    torch.cuda.reset_peak_memory_stats()
    finetune([movie], seven, config, out=tmp_path)
    ratio = (needs.peak - needs.reserve) / torch.cuda.max_memory_allocated()
    print(f"\nestimated / measured memory of a step with LoRA: {ratio:.2f} ({needs})")
    assert ratio == pytest.approx(1.0, rel=0.15)
