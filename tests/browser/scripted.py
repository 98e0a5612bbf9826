"""A scripted movie to explore, of any length, with texts that try to break out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sceneviz.movie import Movie, Shot
from sceneviz.recipe import Recipe, plan_windows
from sceneviz.results import Prediction

HOSTILE = (
    "<img src=x onerror=\"window.hacked='subtitle'\">",
    "<script>window.hacked='script'</script>",
    '"><svg onload=window.hacked=1>',
    "</script><b>bold</b> & <i>more</i>",
)


class ScriptedFrames:
    """Gradients with noise: as heavy as film is for a JPEG. Remembers which shots were read."""

    fingerprint = "scripted"
    size = (180, 320)

    def __init__(self) -> None:
        self.reads: list[int] = []

    def read(self, shots: Sequence[Shot], count: int, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        assert [shot.index for shot in shots] == sorted(shot.index for shot in shots)
        height, width = size or self.size
        for shot in shots:
            self.reads.append(shot.index)
            rng = np.random.default_rng(shot.index)
            ramp = np.linspace(rng.integers(0, 99, 3), rng.integers(99, 256, 3), width)
            noise = rng.integers(-25, 26, (count, height, width, 1))
            yield np.clip(ramp + noise, 0, 255).astype(np.uint8)


def scripted_movie(n_shots: int, *, frames: bool = True, labels: bool = True) -> Movie:
    shots = tuple(
        Shot(
            k, 50 * k, 50 * k + 50, 2.0 * k, 2.0 * k + 2,
            subtitle=HOSTILE[k % len(HOSTILE)] if k % 3 else "",
            characters=("<b>Ann</b>", "Bob") if k % 2 else (),
        )
        for k in range(n_shots)
    )  # fmt: skip
    known = (np.arange(n_shots) % 7 == 6).astype(np.int8) if labels else None
    return Movie("<i>film</i>", shots, ScriptedFrames() if frames else None, labels=known)


def scripted_prediction(movie: Movie, confidence: Sequence[float] | None = None) -> Prediction:
    n_shots, recipe = len(movie), Recipe()
    told = np.random.default_rng(3).random(n_shots - 1) ** 3 if confidence is None else np.asarray(confidence)
    windows = plan_windows(n_shots, recipe)
    return Prediction(
        movie=movie.fingerprint,
        movie_name=movie.name,
        model="fake",
        model_name="<u>fake</u>",
        embedded=False,
        recipe=recipe,
        threshold=0.5,
        shots=movie.shots,
        confidence=np.append(told, np.nan),
        mass=np.append(np.ones(n_shots - 1), np.nan),
        decision=np.append(told > 0.5, -1),
        window=np.append([k for k, window in enumerate(windows) for _ in window.focus], -1),
        position=np.append([place for window in windows for place in range(len(window.focus))], -1),
    )
