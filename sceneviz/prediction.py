"""A Movie and a model to a Prediction: exact sequential decisions, at little more than the price of one forward."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sceneviz._text import ScenevizError, choice, fingerprint
from sceneviz.journal import Journal
from sceneviz.movie import Movie
from sceneviz.recipe import Recipe, Window, plan_windows
from sceneviz.results import Prediction

if TYPE_CHECKING:
    from sceneviz.models.features import FrameFeatures
    from sceneviz.models.prefix import Prefix, Reading
    from sceneviz.models.scene_model import SceneModel


def predict(
    movie: Movie,
    model: SceneModel | str | None = None,
    recipe: Recipe | None = None,
    *,
    batch_size: int | str = "auto",
    resume: str | Path | None = None,
    progress: bool = True,
) -> Prediction:
    """Decide for every shot but the last whether a scene ends with it.

    model: from `load_model`, or a name for it; the embedded model by default.
    recipe: how the movie is shown; what the checkpoint was trained with by default. Another one is said aloud.
    batch_size: windows computed together; "auto" fits them to memory. Where memory runs out, it is halved.
    resume: a folder for finished batches; the same call goes on where a killed one stopped, to the same bytes.

    Decisions are those of greedy decoding, one token at a time, constrained to the answer template. With
    `recipe.sequential` off, each is made alone behind the same prompt.
    """
    from sceneviz.models import load_model

    if model is None or isinstance(model, str):
        model = load_model(model or "tiny")
    recipe = _checked_recipe(movie, model, recipe)
    windows = plan_windows(len(movie), recipe)
    size = _batch_size(batch_size, model, movie, windows, recipe)
    journal = Journal.open(resume, _run_key(movie, model, recipe), size)
    rows = _decide_all(movie, model, recipe, windows, journal, progress)
    return _prediction(movie, model, recipe, windows, rows)


def decide(prefix: Prefix, reading: Reading) -> Reading:
    """The sequential decisions of a batch, from the reading of an all-No draft, by draft and verify.

    Each row of a reading is right where the answers before it are those that will be given. So the draft is corrected
    and read again until nothing changes: a fixed point is the sequential answer, reached in at most focus passes,
    usually one, and only the prompts that changed are read again.
    """
    yes, no = list(reading.yes), list(reading.no)
    draft = [[False] * len(row) for row in yes]
    # Each pass settles at least one more answer; the bound matters only where rounding changes from pass to pass.
    for _ in range(max(map(len, yes))):
        decisions = type(reading)(yes, no).decisions
        # The last answer stands before no decision: a change there alone needs no new reading.
        changed = [row for row, given in enumerate(decisions) if given[:-1] != draft[row][:-1]]
        draft = decisions
        if not changed:
            break
        again = prefix.read([draft[row] for row in changed], changed)
        for place, row in enumerate(changed):
            yes[row], no[row] = again.yes[place], again.no[place]
    return type(reading)(yes, no)


def _checked_recipe(movie: Movie, model: SceneModel, recipe: Recipe | None) -> Recipe:
    wanted = recipe or model.recipe
    if movie.frames is None and wanted.visual:
        if recipe is not None or not (wanted.subtitles or wanted.characters):
            raise ScenevizError(f"movie {movie.name!r} has no frames; use a recipe with visual=False")
        warnings.warn(f"movie {movie.name!r} has no frames; its texts alone are shown", stacklevel=3)
        return replace(wanted, visual=False)
    changes = model.recipe.differences(wanted)
    if changes:
        warnings.warn(f"not the recipe that {model.name!r} was trained with: {changes}", stacklevel=3)
    return wanted


def _batch_size(asked: int | str, model: SceneModel, movie: Movie, windows: Sequence[Window], recipe: Recipe) -> int:
    if isinstance(asked, str):
        choice(asked, ("auto",), "batch_size")
        return model.windows_that_fit(movie, windows, recipe)
    if asked < 1:
        raise ScenevizError(f"batch_size must be 'auto' or at least 1, got {asked}")
    return asked


def _run_key(movie: Movie, model: SceneModel, recipe: Recipe) -> str:
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
    )


Row = tuple[float, float]  # log P(Yes), log P(No)


def _decide_all(
    movie: Movie, model: SceneModel, recipe: Recipe, windows: Sequence[Window], journal: Journal, progress: bool
) -> list[list[Row]]:
    """For every window, its focus's rows; finished batches come from the journal."""
    import torch
    from tqdm.auto import tqdm

    from sceneviz.models.features import FrameFeatures

    features = FrameFeatures(model, movie, recipe) if recipe.visual else None
    rows: list[list[Row]] = []
    with tqdm(total=len(windows), desc="windows", unit="window", disable=None if progress else True) as bar:
        while len(rows) < len(windows):
            start = len(rows)
            batch = windows[start : start + journal.batch_size]
            done = journal.load(start, len(batch))
            if done is None:
                try:
                    done = _decide_batch(movie, model, recipe, batch, features)
                except torch.OutOfMemoryError:
                    if journal.batch_size == 1:
                        raise ScenevizError(
                            "out of memory at one window; use a smaller frame_size or fewer frames_per_shot in the "
                            "recipe, a smaller context, or load_model(quantize='4bit')"
                        ) from None
                    journal.halve()
                    model.release_memory()
                    continue
                journal.store(start, done)
            if features is not None and start + len(batch) < len(windows):
                features.forget(windows[start + len(batch)].context.start)
            rows += done
            bar.update(len(batch))
    return rows


def _decide_batch(
    movie: Movie, model: SceneModel, recipe: Recipe, windows: Sequence[Window], features: FrameFeatures | None
) -> list[list[Row]]:
    import torch

    from sceneviz.prompt import build_prompt

    layouts = [model.layout(build_prompt(movie.shots, window, recipe)) for window in windows]
    bundle = None if features is None else torch.cat([features.window(window.context) for window in windows])
    if recipe.sequential:
        prefix, reading = model.prefill(layouts, bundle, [[False] * len(window.focus) for window in windows])
        assert reading is not None
        reading = decide(prefix, reading)
    else:
        prefix, _ = model.prefill(layouts, bundle)
        reading = prefix.read_alone()
    return [list(zip(yes.tolist(), no.tolist(), strict=True)) for yes, no in zip(reading.yes, reading.no, strict=True)]


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
