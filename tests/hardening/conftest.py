"""A command line without a film and without a model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from small import noise_movie

import sceneviz as sv
from sceneviz.baselines import constant


@dataclass
class FakeModel:
    """What the command line sees of a model."""

    name: str = "a fake"
    embedded: bool = False


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict:
    """Reading, loading and predicting are scripted, and work goes on in a folder of its own."""
    movie = noise_movie(12)
    movie = replace(movie, labels=(np.arange(12) % 5 == 4).astype(np.int8))
    scripted = {
        "read_movie": lambda *_, **__: movie,
        "load_model": lambda *_, **__: FakeModel(),
        "predict": lambda shown, *_, **__: constant(shown),
    }
    for name, function in scripted.items():
        monkeypatch.setitem(vars(sv), name, function)
    monkeypatch.delenv("SCENEVIZ_DEBUG", raising=False)
    monkeypatch.chdir(tmp_path)
    return scripted
