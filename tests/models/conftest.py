"""A small random model and a movie for it, made once."""

from __future__ import annotations

import pytest
from small import noise_movie, random_model

from sceneviz.models import SceneModel
from sceneviz.movie import Movie


@pytest.fixture(scope="session")
def model() -> SceneModel:
    """Read-only: a random model."""
    return random_model(1.0)


@pytest.fixture(scope="session")
def movie() -> Movie:
    """A movie of 47 shots: five windows, the last one short."""
    return noise_movie(47)
