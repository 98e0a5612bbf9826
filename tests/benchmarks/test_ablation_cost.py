"""What eight modality rows cost against what nothing can avoid, as a ratio, both sides in one run.

The floor is two vision passes over the movie's frames, with and without marks, and the bare forwards of the eight rows:
one a window, in the same batches and kernels. Frames are decoded beforehand on both sides. Seconds are of one
processor, so that whatever else the machine has to do stays out.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from sceneviz.ablation import conditions_of, sweep
from sceneviz.ablation.conditions import ONE
from sceneviz.models import FrameFeatures, SceneModel, load_model
from sceneviz.movie import Movie, Shot
from sceneviz.prompt import build_prompt
from sceneviz.recipe import Recipe, plan_windows
from sceneviz.synthetic import render_movie

PAIRS, BATCH = 3, 2
MOST = 1.15


class Decoded:
    """A movie's frames, decoded beforehand; counts how often each shot is read."""

    def __init__(self, movie: Movie, recipe: Recipe) -> None:
        assert movie.frames is not None
        self.fingerprint, self.size = movie.frames.fingerprint, recipe.frame_size
        self._frames = list(movie.frames.read(movie.shots, recipe.frames_per_shot, recipe.frame_size))
        self.reads: list[int] = []

    def read(self, shots: Sequence[Shot], count: int, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        """The frames kept, whatever is asked."""
        for shot in shots:
            self.reads.append(shot.index)
            yield self._frames[shot.index]


def floor(model: SceneModel, movie: Movie, recipes: Sequence[Recipe]) -> tuple[float, float]:
    """Seconds of the vision passes, and of the bare forwards."""
    vision = forwards = 0.0
    features = {}
    for marked in (True, False):
        start = time.process_time()
        reader = FrameFeatures(model, movie, replace(model.recipe, shot_ids=marked))
        features[marked] = reader.window(range(len(movie)))
        vision += time.process_time() - start
    for recipe in recipes:
        windows = plan_windows(len(movie), recipe)
        for at in range(0, len(windows), BATCH):
            batch = windows[at : at + BATCH]
            layouts = [model.layout(build_prompt(movie.shots, window, recipe)) for window in batch]
            shown = None
            if recipe.visual:
                count = recipe.frames_per_shot
                spans = [slice(window.context.start * count, window.context.stop * count) for window in batch]
                shown = torch.cat([features[recipe.shot_ids][span] for span in spans])
            start = time.process_time()
            model.prefill(layouts, shown, [[False] * len(window.focus) for window in batch])
            forwards += time.process_time() - start
    return vision, forwards


@pytest.mark.benchmark
@pytest.mark.parametrize(
    ("size", "shots"), [((56, 84), 62), ((112, 168), 31)], ids=["as trained", "2,000 tokens and more"]
)
def test_eight_modality_rows_against_their_floor(size: tuple[int, int], shots: int) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    model = load_model(device="cpu")
    model.recipe = replace(model.recipe, frame_size=size)
    movie = render_movie(9_000_001, shots=shots)
    movie = replace(movie, frames=Decoded(movie, model.recipe))
    models = {ONE: model}
    conditions = conditions_of(models, "modalities")
    recipes = [condition.recipe_for(model.recipe) for condition in conditions]
    try:
        floor(model, movie, recipes)
        ratios, lowest, ours = [], [], []
        for _ in range(PAIRS):
            movie.frames.reads.clear()  # type: ignore[union-attr]
            start = time.process_time()
            sweep([movie], models, conditions, batch_size=BATCH, progress=False)
            ours.append(time.process_time() - start)
            assert movie.frames.reads == list(range(shots)), "frames are decoded once"  # type: ignore[union-attr]
            lowest.append(floor(model, movie, recipes))
            ratios.append(ours[-1] / sum(lowest[-1]))
    finally:
        torch.set_num_threads(threads)
    vision, forwards = (statistics.median(part) for part in zip(*lowest, strict=True))
    ratio = statistics.median(ratios)
    print(
        f"\neight rows {statistics.median(ours):.2f} s; two vision passes {vision:.2f} s, bare forwards "
        f"{forwards:.2f} s; ratio {ratio:.2f}, {', '.join(f'{each:.2f}' for each in ratios)}"
    )
    assert ratio <= MOST
