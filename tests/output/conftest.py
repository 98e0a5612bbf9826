"""What several tests start from: a movie of plain colours, and a prediction made up for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

import numpy as np
import pytest

from sceneviz.movie import Movie, Shot
from sceneviz.recipe import Recipe
from sceneviz.results import Prediction

HUES = np.random.default_rng(7).integers(0, 256, (50, 3), dtype=np.uint8)


class PlainFrames:
    """A FrameSource whose every frame is the colour of its scene."""

    def __init__(self, scene_of_shot: Sequence[int]) -> None:
        self.scenes = list(scene_of_shot)
        self.fingerprint = f"plain {self.scenes}"
        self.size = (90, 160)

    def read(self, shots: Sequence[Shot], count: int, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        for shot in shots:
            yield np.broadcast_to(HUES[self.scenes[shot.index] % len(HUES)], (count, *(size or self.size), 3)).copy()


@pytest.fixture(scope="session")
def make_movie() -> Callable[..., Movie]:
    """`make_movie([3, 2])`: scenes of 3 and 2 shots, each shot 2 s at 24 frames/s, labelled, of plain colours."""

    def make(scene_lengths: Sequence[int] = (3, 2, 5, 2), name: str = "plain", frames: bool = True) -> Movie:
        scene_of_shot = np.repeat(np.arange(len(scene_lengths)), scene_lengths)
        shots = tuple(Shot(k, 48 * k, 48 * k + 48, 2.0 * k, 2.0 * k + 2) for k in range(len(scene_of_shot)))
        labels = np.append(np.diff(scene_of_shot), -2)
        return Movie(name, shots, PlainFrames(scene_of_shot.tolist()) if frames else None, Fraction(24), labels)

    return make


@pytest.fixture(scope="session")
def make_prediction() -> Callable[..., Prediction]:
    """`make_prediction(movie, confidence)`: one value a shot but the last; right and certain when left out."""

    def make(movie: Movie, confidence: Sequence[float] | None = None, **changes: object) -> Prediction:
        assert movie.boundaries is not None
        known = movie.boundaries[:-1].astype(float) if confidence is None else np.asarray(confidence, dtype=float)
        count = len(movie) - 1
        fields: dict[str, object] = {
            "movie": movie.fingerprint,
            "movie_name": movie.name,
            "model": "fake",
            "model_name": "a fake",
            "embedded": False,
            "recipe": Recipe(),
            "threshold": 0.5,
            "shots": movie.shots,
            "confidence": np.append(known, np.nan),
            "mass": np.append(np.ones(count), np.nan),
            "decision": np.append(known >= 0.5, -1),
            "window": np.append(np.arange(count) // 10, -1),
            "position": np.append(np.arange(count) % 10, -1),
        }
        return Prediction(**fields | changes)  # type: ignore[arg-type]

    return make
