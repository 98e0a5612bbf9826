"""Frames are made ahead in a thread of their own: in order, few at a time, and with no thread left behind."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small import NoiseFrames, noise_movie

from sceneviz._ahead import Ahead
from sceneviz.models import FrameFeatures, SceneModel
from sceneviz.models.features import AHEAD, CHUNK
from sceneviz.movie import Movie, Shot
from sceneviz.prediction import predict
from sceneviz.recipe import plan_windows

PATIENCE_S = 20


def threads() -> int:
    return sum(thread.name == "sceneviz-ahead" for thread in threading.enumerate())


def soon_none_left() -> bool:
    for thread in threading.enumerate():
        if thread.name == "sceneviz-ahead":
            thread.join(PATIENCE_S)
    return threads() == 0


@given(st.integers(0, 30), st.integers(1, 8))
def test_all_items_come_in_order_and_few_are_held(count: int, most: int) -> None:
    taken, held = [], []

    def source() -> Iterator[int]:
        for number in range(count):
            held.append(number + 1 - len(taken))
            yield number

    for number in Ahead(source(), most):
        taken.append(number)
    assert taken == list(range(count))
    # Those on the shelf, the one being made, and the one handed over.
    assert max(held, default=0) <= most + 2


def test_an_error_comes_where_its_item_would_have_come() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise ValueError("scripted")

    items = Ahead(source(), 5)
    assert next(items) == 1
    for _ in range(2):
        with pytest.raises(ValueError, match="scripted"):
            next(items)
    assert soon_none_left()


@pytest.mark.parametrize("how", ["close", "forget"])
def test_who_stops_early_leaves_no_thread_and_an_ended_source(how: str) -> None:
    ended = threading.Event()

    def source() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            ended.set()

    items = Ahead(source(), 3)
    assert next(items) == 0
    if how == "close":
        items.close()
        with pytest.raises(StopIteration):
            next(items)
    else:
        del items
        gc.collect()
    assert ended.wait(PATIENCE_S)
    assert soon_none_left()


class Waiting(NoiseFrames):
    """Frames that tell how many shots were made."""

    def __init__(self) -> None:
        super().__init__()
        self.made = threading.Condition()

    def read(self, shots: Sequence[Shot], count: int, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        for frames in super().read(shots, count, size):
            with self.made:
                self.made.notify_all()
            yield frames

    def reached(self, shots: int) -> bool:
        """Wait until so many were made."""
        with self.made:
            return self.made.wait_for(lambda: len(self.reads) >= shots, PATIENCE_S)


def test_frames_are_decoded_while_the_model_is_at_work(model: SceneModel, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = Waiting()
    movie = Movie("waiting", noise_movie(60).shots, frames)
    honest = SceneModel.encode
    ahead = []

    def encode(self: SceneModel, pictures: np.ndarray) -> object:
        # Only a thread of its own can make them while this one waits here.
        shown = CHUNK * (len(ahead) + 1)
        ahead.append(frames.reached(min(60, shown + AHEAD)))
        assert len(frames.reads) <= shown + AHEAD + 1
        return honest(self, pictures)

    monkeypatch.setattr(SceneModel, "encode", encode)
    predict(movie, model, batch_size=1, progress=False)
    assert ahead == [True] * 8
    assert soon_none_left()


class Counted(SceneModel):
    """Makes features that say which shot they are of."""

    def encode(self, pictures: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(pictures[:, :1, 0, 0].copy())


class Numbered(NoiseFrames):
    """Frames of one pixel that say which shot they are of."""

    def read(self, shots: Sequence[Shot], count: int, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        for shot in shots:
            self.reads.append(shot.index)
            yield np.full((count, 1, 1, 3), shot.index % 251, np.uint8)


@pytest.mark.parametrize("n_shots", [40, 400, 4_000])
def test_what_is_held_of_a_film_does_not_grow_with_it(model: SceneModel, n_shots: int) -> None:
    shots = tuple(Shot(i, i, i + 1, float(i), i + 1.0) for i in range(n_shots))
    recipe = replace(model.recipe, shot_ids=False, frames_per_shot=1)
    counted = Counted(model.module, model.tokenizer, model.family, "counted", recipe)
    movie = Movie("long", shots, Numbered())
    features = FrameFeatures(counted, movie, recipe)
    held, waiting = [], []
    windows = plan_windows(n_shots, recipe)
    for window, after in zip(windows, [*windows[1:], None], strict=True):
        shown = features.window(window.context)[:, 0]
        assert shown.tolist() == [index % 251 for index in window.context]
        store = features._store
        held.append(sum(len(each) for each in store._held.values()))
        waiting.append(len(movie.frames.reads) - min(n_shots, store._next or 0))  # type: ignore[union-attr]
        features.forget(n_shots if after is None else after.context.start)
    assert max(held) <= recipe.context + CHUNK
    assert max(waiting) <= AHEAD + 1
    assert movie.frames.reads == list(range(n_shots))  # type: ignore[union-attr]
    assert not any(store._held.values())


def test_a_look_at_one_window_leaves_no_thread(model: SceneModel) -> None:
    features = FrameFeatures(model, noise_movie(100), model.recipe)
    features.window(range(20))
    assert threads() == 1
    del features
    assert soon_none_left()
