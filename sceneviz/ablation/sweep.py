"""Predictions of many conditions on the same movies: frames decoded once, features encoded once, resumable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sceneviz._text import ScenevizError, plain
from sceneviz.ablation.conditions import ONE, Condition
from sceneviz.lock import Busy
from sceneviz.movie import Movie
from sceneviz.recipe import Recipe
from sceneviz.results import Prediction
from sceneviz.run import Run

if TYPE_CHECKING:
    from sceneviz.models import SceneModel
    from sceneviz.models.features import SharedFeatures

TEST_TIME, RETRAINED = "test time", "retrained"


@dataclass(frozen=True)
class Answers:
    """What one condition said.

    predictions: one a movie. recipe: how it was shown; trained: how its model was trained.
    protocol: "test time" where one model reads all conditions; "retrained" where the condition has its own model, read
        as it was trained.
    seconds: what the forwards took, a movie on average. Frames and their features are shared, and not in it.
    """

    condition: Condition
    predictions: tuple[Prediction, ...]
    recipe: Recipe
    trained: Recipe
    seconds: float

    @property
    def protocol(self) -> str:
        """How the condition came about."""
        return RETRAINED if self.condition.model != ONE and self.recipe == self.trained else TEST_TIME


@dataclass(frozen=True)
class Sweep:
    """The answers of all conditions on the same movies: those that every condition could read.

    failed: name of each other movie, and what went wrong with it.
    """

    movies: tuple[Movie, ...]
    answers: tuple[Answers, ...]
    failed: tuple[tuple[str, str], ...]


def sweep(
    movies: Sequence[Movie],
    models: Mapping[str, SceneModel | str],
    conditions: Sequence[Condition],
    *,
    labelled: bool = True,
    batch_size: int | str = "auto",
    resume: str | Path | None = None,
    progress: bool = True,
) -> Sweep:
    """Read every movie under every condition, model by model, movie by movie.

    All conditions of a model walk through a movie together, the one furthest behind always next: each frame is decoded
    once for all that show it at the same size and number, and encoded once with its mark and once without. What is held
    of a movie is what lies between the first and the last of them, a few windows.

    labelled: leave out movies without labels. Numbers equal those of `predict` with the same batch size, bit for bit.
    resume: a folder, as in `predict`. A movie that raises is left out of all conditions, and listed.
    """
    from tqdm.auto import tqdm

    from sceneviz.models import load_model

    films, failed = _opened(movies, labelled)
    found: dict[str, dict[int, tuple[Prediction, float]]] = defaultdict(dict)
    recipes: dict[str, tuple[Recipe, Recipe]] = {}
    total = sum(len(film) - 1 for film in films.values()) * len(conditions)
    with tqdm(total=total, desc="ablation", unit="shot", disable=None if progress else True) as bar:
        for key in dict.fromkeys(condition.model for condition in conditions):
            named = models[key]
            model = load_model(named) if isinstance(named, str) else named
            group = [condition for condition in conditions if condition.model == key]
            recipes |= {each.name: (each.recipe_for(model.recipe), model.recipe) for each in group}
            for place, film in films.items():
                goal = bar.n + (len(film) - 1) * len(group)
                if place not in failed:
                    bar.set_postfix_str(plain(film.name, 30), refresh=False)
                    try:
                        said = _read(film, model, group, bar, batch_size=batch_size, resume=resume)
                    except Busy:
                        raise
                    except Exception as error:
                        failed[place] = film.name, _reason(error)
                    else:
                        for name, answer in said.items():
                            found[name][place] = answer
                bar.update(goal - bar.n)
            del model
    kept = [place for place in films if place not in failed]
    if not kept:
        name, reason = failed[min(failed)]
        raise ScenevizError(f"ablate: no movie could be read; the first of {len(failed)}, {plain(name)!r}: {reason}")
    return Sweep(
        tuple(films[place] for place in kept),
        tuple(
            Answers(
                condition,
                tuple(found[condition.name][place][0] for place in kept),
                *recipes[condition.name],
                sum(found[condition.name][place][1] for place in kept) / len(kept),
            )
            for condition in conditions
        ),
        tuple(failed[place] for place in sorted(failed)),
    )


def _opened(movies: Sequence[Movie], labelled: bool) -> tuple[dict[int, Movie], dict[int, tuple[str, str]]]:
    """The movies that are there, by place, and those that are not: a lazy list may read a movie only now."""
    films: dict[int, Movie] = {}
    failed: dict[int, tuple[str, str]] = {}
    names = getattr(movies, "names", [f"movie {place}" for place in range(len(movies))])
    for place in range(len(movies)):
        try:
            film = movies[place]
        except Exception as error:
            failed[place] = names[place], _reason(error)
            continue
        if labelled and film.labels is None:
            failed[place] = film.name, "no labels to score against"
        else:
            films[place] = film
    return films, failed


def _read(
    movie: Movie, model: SceneModel, conditions: Iterable[Condition], bar: Any, **options: Any
) -> dict[str, tuple[Prediction, float]]:
    """One movie under all conditions of a model: prediction and seconds by name. Equal conditions are read once."""
    from sceneviz.models.features import SharedFeatures

    stores: dict[tuple[int, tuple[int, int]], SharedFeatures] = {}
    runs: dict[Any, Run] = {}
    names: dict[Any, list[str]] = defaultdict(list)
    with ExitStack() as opened:
        for condition in conditions:
            recipe = condition.recipe_for(model.recipe)
            key = (recipe, condition.scheme)
            names[key].append(condition.name)
            if key in runs:
                continue
            frames = (recipe.frames_per_shot, recipe.frame_size)
            if recipe.visual and frames not in stores:
                stores[frames] = SharedFeatures(model, movie, *frames)
            store = stores[frames] if recipe.visual else None
            run = Run(movie, model, recipe, store=store, scheme=condition.scheme, **options)
            runs[key] = opened.enter_context(closing(run))
            bar.update(runs[key].decided * len(names[key]))
        while waiting := [key for key, run in runs.items() if not run.done]:
            key = min(waiting, key=lambda each: runs[each].first)
            before = runs[key].decided
            runs[key].step()
            bar.update((runs[key].decided - before) * len(names[key]))
    said = {key: (run.prediction(), run.seconds) for key, run in runs.items()}
    return {name: said[key] for key in runs for name in names[key]}


def _reason(error: Exception) -> str:
    """What went wrong, in one line."""
    text = plain(error, 300) or "no message"
    return text if isinstance(error, ScenevizError | OSError) else f"{type(error).__name__}: {text}"
