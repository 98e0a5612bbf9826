"""A Movie and a model to a Prediction: exact sequential decisions, at little more than the price of one forward."""

from __future__ import annotations

import warnings
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sceneviz._text import ScenevizError
from sceneviz.movie import Movie
from sceneviz.recipe import Recipe
from sceneviz.results import Prediction
from sceneviz.run import Run

if TYPE_CHECKING:
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
    resume: a folder for finished batches; the same call goes on where a killed one stopped, to the same bytes. One run
        at a time: a second on the same folder, movie, model and recipe is refused.

    Decisions are those of greedy decoding, one token at a time, constrained to the answer template. With
    `recipe.sequential` off, each is made alone behind the same prompt.
    """
    from tqdm.auto import tqdm

    from sceneviz.models import load_model

    if model is None or isinstance(model, str):
        model = load_model(model or "tiny")
    run = Run(movie, model, _checked_recipe(movie, model, recipe), batch_size=batch_size, resume=resume)
    with (
        closing(run),
        tqdm(total=len(run.windows), desc="windows", unit="window", disable=None if progress else True) as bar,
    ):
        bar.update(run.finished)
        while not run.done:
            bar.update(run.step())
    return run.prediction()


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
