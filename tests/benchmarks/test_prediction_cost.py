"""What prediction costs, as ratios: medians of pairs, both sides in one run, frames decoded, features cold.

`make bench` prints the table. The floor is what nothing can avoid: one vision pass over the distinct marked frames,
and one bare forward a window. The loop is what one would write first: image processor, tokenizer and `generate`.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from reference import generated

from sceneviz.models import FrameFeatures, SceneModel, load_model
from sceneviz.movie import Movie
from sceneviz.prediction import predict
from sceneviz.prompt import build_prompt
from sceneviz.recipe import Recipe, plan_windows
from sceneviz.synthetic import render_movie

PAIRS = 5


class Decoded:
    """A movie's frames, decoded beforehand at one size."""

    def __init__(self, movie: Movie, recipe: Recipe) -> None:
        assert movie.frames is not None
        self.fingerprint, self.size = movie.frames.fingerprint, recipe.frame_size
        self._frames = list(movie.frames.read(movie.shots, recipe.frames_per_shot, recipe.frame_size))

    def read(self, shots, count, size=None):  # type: ignore[no-untyped-def]
        """The frames kept, whatever is asked."""
        return (self._frames[shot.index] for shot in shots)


def floor(model: SceneModel, movie: Movie, recipe: Recipe, batch_size: int) -> None:
    """Vision over the distinct marked frames, and a bare forward a window, in the same batches and kernels."""
    features = FrameFeatures(model, movie, recipe)
    windows = plan_windows(len(movie), recipe)
    for start in range(0, len(windows), batch_size):
        batch = windows[start : start + batch_size]
        layouts = [model.layout(build_prompt(movie.shots, window, recipe)) for window in batch]
        bundle = torch.cat([features.window(window.context) for window in batch])
        model.prefill(layouts, bundle, [[False] * len(window.focus) for window in batch])


def loop(model: SceneModel, movie: Movie, recipe: Recipe) -> np.ndarray:
    """The naive way, window by window."""
    windows = plan_windows(len(movie), recipe)
    return np.concatenate([generated(model, movie, window, recipe).decisions for window in windows])


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@pytest.mark.benchmark
@pytest.mark.parametrize("size", [(56, 84), (112, 168)], ids=["as trained", "2,000 tokens and more"])
def test_prediction_against_its_floor_and_the_naive_loop(size: tuple[int, int]) -> None:
    model = load_model(device="cpu")
    recipe = replace(model.recipe, frame_size=size)
    movie = render_movie(9_000_001, shots=62)
    movie = replace(movie, frames=Decoded(movie, recipe))
    tokens = len(model.layout(build_prompt(movie.shots, plan_windows(62, recipe)[2], recipe)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        ours, lowest = [], []
        predict(movie, model, recipe, batch_size=2, progress=False)
        for _ in range(PAIRS):
            ours.append(seconds(lambda: predict(movie, model, recipe, batch_size=2, progress=False)))
            lowest.append(seconds(lambda: floor(model, movie, recipe, 2)))
        prediction = predict(movie, model, recipe, batch_size=2, progress=False)
    start = time.perf_counter()
    slow = loop(model, movie, recipe)
    naive = time.perf_counter() - start
    over_floor = statistics.median(a / b for a, b in zip(ours, lowest, strict=True))
    print(
        f"\n{tokens} tokens a window: predict / (vision + one forward a window) = {over_floor:.2f}; "
        f"naive loop / predict = {naive / statistics.median(ours):.2f}; "
        f"decisions equal: {(prediction.decision[:-1] == slow).mean():.1%}"
    )
    assert (prediction.decision[:-1] == slow).all()
