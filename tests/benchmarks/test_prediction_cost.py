"""What prediction costs, as ratios: medians of pairs, both sides in one run, frames decoded, features cold.

`make bench` prints the table. Seconds are of the processor, on one thread, so that whatever else the machine has to do
stays out. The floor is what nothing can avoid: one vision pass over the distinct marked frames,
and one bare forward a window. The loop is what one would write first: image processor, tokenizer and `generate`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from reference import generated
from small import NoiseFrames, noise_movie, random_model

from sceneviz.deciding import decide
from sceneviz.models import FrameFeatures, SceneModel, load_model
from sceneviz.movie import Movie
from sceneviz.prediction import predict
from sceneviz.prompt import build_prompt
from sceneviz.recipe import Recipe, plan_windows
from sceneviz.run import Run
from sceneviz.synthetic import render_movie

PAIRS, SHOTS = 5, 62
PREVALENCE = 0.13  # of boundaries in MovieNet-318
MOST = 1.10


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


def processor_seconds(work: Callable[[], object]) -> float:
    """What a call keeps the processor busy, in all threads."""
    start = time.process_time()
    work()
    return time.process_time() - start


class AtRate:
    """Decisions where Yes is chosen at a level of log-odds other than 0: as many corrections as with a model that says
    Yes that often."""

    name = "at a rate"

    def __init__(self, level: float) -> None:
        self.level, self.passes = level, 0

    def answer(self, model, movie, recipe, windows, bundle):  # type: ignore[no-untyped-def]
        """As `decide_batch`, with the level as bar."""
        layouts = [model.layout(build_prompt(movie.shots, window, recipe)) for window in windows]
        prefix, reading = model.prefill(layouts, bundle, [[False] * len(window.focus) for window in windows])
        read = prefix.read

        def counted(*given):  # type: ignore[no-untyped-def]
            self.passes += 1
            return read(*given)

        prefix.read = counted
        said = decide(prefix, reading, [np.full(len(window.focus), self.level) for window in windows])
        return [list(zip(yes.tolist(), no.tolist(), strict=True)) for yes, no in zip(said.yes, said.no, strict=True)]


def run_through(movie: Movie, model: SceneModel, recipe: Recipe, scheme: AtRate) -> None:
    """All batches of a movie."""
    run = Run(movie, model, recipe, batch_size=2, scheme=scheme)
    while not run.done:
        run.step()


@pytest.mark.benchmark
@pytest.mark.parametrize("size", [(56, 84), (112, 168)], ids=["as trained", "2,000 tokens and more"])
def test_prediction_against_its_floor_and_the_naive_loop(size: tuple[int, int]) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    model = load_model(device="cpu")
    model.recipe = recipe = replace(model.recipe, frame_size=size)
    movie = render_movie(9_000_001, shots=SHOTS)
    movie = replace(movie, frames=Decoded(movie, recipe))
    windows = plan_windows(SHOTS, recipe)
    tokens = max(len(model.layout(build_prompt(movie.shots, window, recipe))) for window in windows)
    prediction = predict(movie, model, recipe, batch_size=2, progress=False)
    odds = np.log(prediction.confidence[:-1] / (1 - prediction.confidence[:-1]))
    scheme = AtRate(float(np.quantile(odds, 1 - PREVALENCE)))
    ratios: dict[str, list[float]] = {"as it decides": [], f"{PREVALENCE:.0%} Yes": []}
    try:
        for _ in range(PAIRS):
            lowest = processor_seconds(lambda: floor(model, movie, recipe, 2))
            ours = processor_seconds(lambda: predict(movie, model, recipe, batch_size=2, progress=False))
            busier = processor_seconds(lambda: run_through(movie, model, recipe, scheme))
            for name, value in zip(ratios, (ours, busier), strict=True):
                ratios[name].append(value / lowest)
        slow: list[np.ndarray] = []
        naive = processor_seconds(lambda: slow.append(loop(model, movie, recipe)))
    finally:
        torch.set_num_threads(threads)
    print(f"\nup to {tokens} tokens a window; predict / (vision + one forward a window):")
    for name, found in ratios.items():
        print(f"  {name}: {statistics.median(found):.2f} ({min(found):.2f}-{max(found):.2f})")
    batches = -(-len(windows) // 2)
    print(
        f"  at {PREVALENCE:.0%} Yes {scheme.passes / PAIRS / batches:.1f} more readings a batch of two; naive loop / "
        f"predict = {naive / ours:.2f}; decisions equal: {(prediction.decision[:-1] == slow[0]).mean():.1%}"
    )
    assert (prediction.decision[:-1] == slow[0]).all()
    assert all(statistics.median(found) <= MOST for found in ratios.values()) or tokens < 2_000


class Slow(NoiseFrames):
    """Frames that take their time."""

    def __init__(self, pause_s: float) -> None:
        super().__init__()
        self.pause_s = pause_s

    def read(self, shots, count, size=None):  # type: ignore[no-untyped-def]
        """The same frames, each shot's after a pause."""
        for frames in super().read(shots, count, size):
            time.sleep(self.pause_s)
            yield frames


@pytest.mark.benchmark
def test_a_film_costs_little_more_than_the_slower_of_decoding_and_model() -> None:
    """Frames are scripted: they sleep half as long as the model works, as long, and twice as long."""
    model = random_model(1.0, seed=1)
    model.recipe = replace(model.recipe, frames_per_shot=1)
    ready = noise_movie(300)
    predict(noise_movie(60), model, batch_size=2, progress=False)
    for share in (0.5, 1.0, 2.0):
        found = []
        for _ in range(3):
            alone = seconds(lambda: predict(ready, model, batch_size=2, progress=False))
            slow = replace(ready, frames=Slow(share * alone / len(ready)))
            both = seconds(lambda: predict(slow, model, batch_size=2, progress=False))  # noqa: B023
            found.append(both / (alone * max(1, share)))
        ratio = statistics.median(found)
        print(f"\nframes {share} times as slow as the model: together / the slower = {ratio:.2f} ({min(found):.2f})")
        assert ratio <= 1.3
