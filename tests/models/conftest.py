"""A small random model and a movie for it, made once."""

from __future__ import annotations

import pytest
from decided import brief_movie, exact_model, predicted
from small import BALANCED, noise_movie, random_model

from sceneviz.models import SceneModel
from sceneviz.movie import Movie
from sceneviz.results import Prediction


@pytest.fixture(scope="session")
def model() -> SceneModel:
    """Read-only: a random model."""
    return random_model(1.0)


@pytest.fixture(scope="session", params=BALANCED)
def either(request: pytest.FixtureRequest) -> SceneModel:
    """Read-only: a random model of each family."""
    return random_model(1.0, BALANCED[request.param], family=request.param)


@pytest.fixture(scope="session")
def movie() -> Movie:
    """A movie of 47 shots: five windows, the last one short."""
    return noise_movie(47)


@pytest.fixture(scope="session")
def exact() -> SceneModel:
    """Read-only: a random model in float64."""
    return exact_model()


@pytest.fixture(scope="session")
def film() -> Movie:
    """A movie of 11 shots with short subtitles."""
    return brief_movie()


@pytest.fixture(scope="session")
def prediction(film: Movie, exact: SceneModel) -> Prediction:
    """The exact model's decisions on it."""
    return predicted(film, exact)
