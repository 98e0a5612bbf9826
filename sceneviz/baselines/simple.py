"""Two methods that learn nothing: colour histograms on either side of a cut, and always the same answer."""

from __future__ import annotations

import numpy as np

from sceneviz._text import ScenevizError, fingerprint
from sceneviz.movie import Movie
from sceneviz.recipe import Recipe, plan_windows
from sceneviz.results import Prediction

BINS = 8  # a colour channel
REACH = 8  # shots on either side
FRAME_HEIGHT = 90  # pixels: enough for a histogram


def color_histogram(movie: Movie) -> Prediction:
    """How far the colours of the 8 shots up to and including a shot are from those of the 8 after it.

    A shot's histogram is the mean over its keyframes of 8 x 8 x 8 RGB bins; a side's, the mean over its shots (fewer
    at the edges). The confidence is half the L1 distance of the two sides: 0 for equal colours, 1 for none in common.
    """
    if movie.frames is None:
        raise ScenevizError(f"color_histogram needs frames, and movie {movie.name!r} has none")
    height, width = movie.frames.size
    size = (FRAME_HEIGHT, max(1, round(FRAME_HEIGHT * width / height)))
    frames = movie.frames.read(movie.shots, Recipe().frames_per_shot, size)
    histograms = np.array([_histogram(shot) for shot in frames])
    cuts = range(1, len(movie))
    before = [histograms[max(0, cut - REACH) : cut].mean(0) for cut in cuts]
    after = [histograms[cut : cut + REACH].mean(0) for cut in cuts]
    distances = [np.abs(one - other).sum() / 2 for one, other in zip(before, after, strict=True)]
    return _prediction(movie, "colour histogram", np.clip(distances, 0.0, 1.0))


def constant(movie: Movie) -> Prediction:
    """Every shot ends a scene, with confidence 1; its AP is the prevalence."""
    return _prediction(movie, "constant", np.ones(len(movie) - 1))


def _histogram(frames: np.ndarray) -> np.ndarray:
    """`(count, H, W, 3)` uint8 RGB to `(512,)` shares that sum to 1."""
    red, green, blue = np.moveaxis(frames // (256 // BINS), -1, 0).astype(np.int64)
    counts = np.bincount(((red * BINS + green) * BINS + blue).ravel(), minlength=BINS**3)
    return np.asarray(counts / red.size)


def _prediction(movie: Movie, name: str, confidence: np.ndarray) -> Prediction:
    """Confidences `(n_shots - 1,)` as a Prediction, each shot in the window that a model would decide it in."""
    recipe = Recipe()
    n_shots = len(movie)
    window, position = np.full(n_shots, -1), np.full(n_shots, -1)
    for number, plan in enumerate(plan_windows(n_shots, recipe)):
        window[plan.focus] = number
        position[plan.focus] = range(len(plan.focus))
    return Prediction(
        movie=movie.fingerprint,
        movie_name=movie.name,
        model=fingerprint(name, BINS, REACH),
        model_name=name,
        embedded=False,
        recipe=recipe,
        threshold=0.5,
        shots=movie.shots,
        confidence=np.append(confidence, np.nan),
        mass=np.append(np.ones(n_shots - 1), np.nan),
        decision=np.append(confidence >= 0.5, -1),
        window=window,
        position=position,
    )
