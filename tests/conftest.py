"""What all tests share: no network, repeatable examples, and real films where they lie beside the project."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from sceneviz.movie import Movie

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
# Rounding differs by the number of threads, and as many tests run at a time as there are cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real films, subtitles and tokenizer files; not part of the project."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the real material in {folder}, which is absent")
    return folder


@pytest.fixture(scope="session")
def films(shared_data: Path) -> Path:
    """The folder of real films and subtitles."""
    return shared_data / "films"


@pytest.fixture(scope="session")
def big_buck_bunny(films: Path) -> Movie:
    """The film with its known shots and labels, of which every shot but the last has one."""
    from sceneviz.data.labels import read_labels
    from sceneviz.reading import read_movie

    folder = films / "big_buck_bunny"
    movie = read_movie(folder / "movie.mp4", shots=folder / "shots.txt")
    return replace(movie, labels=read_labels(folder / "label.txt", len(movie))[0])
