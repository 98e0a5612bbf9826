"""What reading a film costs beside a bare decode of it, as ratios: medians of pairs, both sides in one run.

Seconds are of the processor, all threads together, so that whatever else the machine has to do stays out; both sides
leave it to ffmpeg how many threads decode.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from test_prediction_cost import processor_seconds

from sceneviz import read_movie
from sceneviz._ahead import Ahead
from sceneviz.movie import Movie

PAIRS = 3
MOST = 1.5
SIZE = (252, 448)  # of a recipe that isn't told otherwise


@pytest.fixture(scope="module")
def film(films: Path) -> Path:
    """Big Buck Bunny, with its shots beside it."""
    return films / "big_buck_bunny" / "movie.mp4"


def bare(path: Path) -> int:
    """Decode a file from end to end, and look at nothing."""
    import av

    with av.open(str(path)) as container:
        track = container.streams.video[0]
        track.thread_type = "AUTO"
        return sum(1 for _ in container.decode(track))


def used(movie: Movie) -> int:
    """Every frame of every shot, at a recipe's size."""
    assert movie.frames is not None
    return sum(len(frames) for frames in movie.frames.read(movie.shots, 3, SIZE))


@pytest.mark.benchmark
def test_a_film_and_all_its_frames_beside_a_bare_decode(film: Path) -> None:
    """Where shots are detected the film is decoded twice: only when a shot is over is it known which frames stand for
    it, and which recipe will ask for them, and at which size, only when the movie is predicted."""
    movies: list[Movie] = []

    def read(how: str | Path) -> None:
        movies[:] = [read_movie(film, shots=how, subtitles=False, progress=False)]

    def again() -> None:
        assert used(movies[0]) == 3 * len(movies[0])

    ratios: dict[str, list[float]] = {"shots given": [], "shots detected (PySceneDetect)": []}
    second: list[float] = []
    for _ in range(PAIRS):
        below = processor_seconds(lambda: bare(film))
        for name, how in zip(ratios, (film.with_name("shots.txt"), "pyscenedetect"), strict=True):
            first, then = (processor_seconds(work) for work in (lambda: read(how), again))  # noqa: B023
            ratios[name].append((first + then) / below)
        second.append(then / below)
    for name, found in ratios.items():
        print(f"\nread_movie and all frames, {name} / bare decode = {statistics.median(found):.2f} ({span(found)})")
    print(f"of the latter, frames after shots are known: {statistics.median(second):.2f} ({span(second)})")
    assert statistics.median(ratios["shots given"]) <= MOST


def span(found: Sequence[float]) -> str:
    """The smallest and the largest."""
    return f"{min(found):.2f}-{max(found):.2f}"


@pytest.mark.benchmark
def test_what_is_slow_to_make_is_made_meanwhile() -> None:
    """Two sides that sleep: together they take little more than the slower."""

    def slowly(count: int, pause: float) -> Iterator[np.ndarray]:
        for number in range(count):
            time.sleep(pause)
            yield np.full(1, number)

    for making, using in ((0.02, 0.01), (0.01, 0.02), (0.02, 0.02)):
        start = time.perf_counter()
        for _ in Ahead(slowly(100, making), 16):
            time.sleep(using)
        ratio = (time.perf_counter() - start) / (100 * max(making, using))
        print(f"\nmade in {making} s, used in {using} s: together / the slower = {ratio:.2f}")
        assert ratio <= 1.25
