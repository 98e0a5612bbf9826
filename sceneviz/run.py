"""One movie read by one model, a batch of windows after the other, in a way that can be stopped and gone on with."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sceneviz._text import ScenevizError, choice, fingerprint
from sceneviz.deciding import Row, Rows, Scheme, decide_batch
from sceneviz.journal import Journal
from sceneviz.movie import Movie
from sceneviz.recipe import Recipe, Window, plan_windows
from sceneviz.results import Prediction

if TYPE_CHECKING:
    from torch import Tensor

    from sceneviz.models.features import SharedFeatures
    from sceneviz.models.scene_model import SceneModel


class Run:
    """One movie read by one model under one recipe, a batch of windows after the other.

    What the journal holds is taken from it and not computed. Several runs may share a `SharedFeatures`,
    if the one that is furthest behind (`first`) always goes next.
    scheme: how the answers are got, a `Scheme`; the template, decided in order, by default.
    """

    def __init__(
        self,
        movie: Movie,
        model: SceneModel,
        recipe: Recipe,
        *,
        batch_size: int | str = "auto",
        resume: str | Path | None = None,
        store: SharedFeatures | None = None,
        scheme: Scheme | None = None,
    ) -> None:
        from sceneviz.models.features import FrameFeatures

        model.check(recipe)
        self.movie, self.model, self.recipe = movie, model, recipe
        self.windows = plan_windows(len(movie), recipe)
        size = _batch_size(batch_size, model, movie, self.windows, recipe)
        self._answer = decide_batch if scheme is None else scheme.answer
        extra = () if scheme is None else (scheme.name,)
        self._features = FrameFeatures(model, movie, recipe, store) if recipe.visual else None
        self._rows: Rows = []
        self._journal = Journal.open(resume, _run_key(movie, model, recipe, *extra), size)
        try:
            self._take_finished()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the folder of finished batches; whoever makes a run with `resume` must close it."""
        self._journal.close()

    @property
    def finished(self) -> int:
        """How many windows are decided."""
        return len(self._rows)

    @property
    def decided(self) -> int:
        """How many shots are decided."""
        return self.windows[self.finished - 1].focus.stop if self.finished else 0

    @property
    def done(self) -> bool:
        """Are all windows decided."""
        return self.finished == len(self.windows)

    @property
    def first(self) -> int:
        """The first shot that is still to be shown; the number of shots when done."""
        return len(self.movie) if self.done else self.windows[self.finished].context.start

    @property
    def seconds(self) -> float:
        """What the forwards took so far, also those of an earlier, stopped run; frames and their features not."""
        return self._journal.seconds

    def step(self) -> int:
        """Decide the next batch; gives back how many windows are newly finished, stored ones behind it included."""
        import torch

        before = self.finished
        batch = self._batch()
        try:
            bundle = None if self._features is None else self._shown(batch)
            self.model.wait()
            start = time.perf_counter()
            rows = self._answer(self.model, self.movie, self.recipe, batch, bundle)
        except torch.OutOfMemoryError:
            if self._journal.batch_size == 1:
                raise ScenevizError(
                    "out of memory at one window; use a smaller frame_size or fewer frames_per_shot in the "
                    "recipe, a smaller context, or load_model(quantize='4bit')"
                ) from None
            self._journal.halve()
            self.model.release_memory()
            return 0
        self._journal.store(before, rows, time.perf_counter() - start)
        self._rows += rows
        self._take_finished()
        return self.finished - before

    def prediction(self) -> Prediction:
        """The result, when all is done."""
        return _prediction(self.movie, self.model, self.recipe, self.windows, self._rows)

    def _batch(self) -> Sequence[Window]:
        return self.windows[self.finished : self.finished + self._journal.batch_size]

    def _shown(self, batch: Sequence[Window]) -> Tensor:
        import torch

        assert self._features is not None
        return torch.cat([self._features.window(window.context) for window in batch])

    def _take_finished(self) -> None:
        while not self.done and (rows := self._journal.load(self.finished, len(self._batch()))) is not None:
            self._rows += rows
        if self._features is not None:
            self._features.forget(self.first)


def _batch_size(asked: int | str, model: SceneModel, movie: Movie, windows: Sequence[Window], recipe: Recipe) -> int:
    if isinstance(asked, str):
        choice(asked, ("auto",), "batch_size")
        return model.windows_that_fit(movie, windows, recipe)
    if asked < 1:
        raise ScenevizError(f"batch_size must be 'auto' or at least 1, got {asked}")
    return asked


def _run_key(movie: Movie, model: SceneModel, recipe: Recipe, *more: str) -> str:
    """What a stored batch depends on, besides its place in the movie and its size."""
    import torch
    import transformers

    return fingerprint(
        movie.fingerprint,
        model.fingerprint,
        recipe,
        str(model.dtype),
        model.device.type,
        torch.__version__,
        transformers.__version__,
        *more,
    )


def _prediction(
    movie: Movie, model: SceneModel, recipe: Recipe, windows: Sequence[Window], rows: Sequence[Sequence[Row]]
) -> Prediction:
    from sceneviz.models import Reading

    yes, no = np.array([row for window in rows for row in window]).reshape(-1, 2).T
    said = Reading([yes], [no])
    focuses = [len(window.focus) for window in windows]
    undecided = np.array([-1])
    return Prediction(
        movie=movie.fingerprint,
        movie_name=movie.name,
        model=model.fingerprint,
        model_name=model.name,
        embedded=model.embedded,
        recipe=recipe,
        threshold=model.threshold,
        shots=movie.shots,
        confidence=np.append(said.confidence[0], np.nan),
        mass=np.append(said.mass[0], np.nan),
        decision=np.append(said.decisions[0], undecided),
        window=np.append(np.repeat(np.arange(len(windows)), focuses), undecided),
        position=np.append([place for focus in focuses for place in range(focus)], undecided),
    )
