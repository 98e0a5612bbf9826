"""From answers to one tidy table: every score with its interval, and its paired difference to the reference."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sceneviz._text import choice, counted, plain
from sceneviz.ablation.conditions import ONE, conditions_of
from sceneviz.ablation.sweep import Answers, Sweep, sweep
from sceneviz.metrics import paired_difference, score
from sceneviz.movie import Movie
from sceneviz.recipe import Recipe

if TYPE_CHECKING:
    import pandas as pd

    from sceneviz.models import SceneModel

# Where answers are Yes and No alone there is nothing to rank, and no threshold to choose.
_RANKED = ("AP", "AUC", "F1@oracle", "F1@val", "ECE")


def ablate(
    movies: Movie | Sequence[Movie],
    model: SceneModel | str | Mapping[str, SceneModel | str] | None = None,
    recipes: str | Mapping[str, Recipe] = "modalities",
    *,
    reference: str | None = None,
    preset: str = "bassl",
    threshold: float = 0.5,
    validation: Sequence[Movie] | None = None,
    batch_size: int | str = "auto",
    resume: str | Path | None = None,
    resamples: int = 1000,
    seed: int = 0,
    progress: bool = True,
) -> pd.DataFrame:
    """Score a model, or several, under many conditions, each beside the reference, paired over movies.

    model: one that reads every condition: what is left out is left out at test time. Or models by the names of
        conditions, each trained for its own: what is left out was never there. The column `protocol` tells the two
        apart, since they answer different questions: "test time", "retrained". A name of a checkpoint is loaded when
        its turn comes, and let go after it.
    recipes: a grid of the paper by name, as changes to the recipe that the model was trained with: "modalities" (eight
        rows), "windows" (context / focus), "frames" (a shot), "scheme" (full list, boundaries only, repeated sampling),
        "size" (models by name). Or recipes by name.
    reference: the condition that all are compared with; by default "full", or the one that is read as its model was
        trained, or the first.
    preset, threshold, resamples, seed: as in `score`. validation: labelled movies, read under every condition, on which
        the threshold of each condition's F1@val is tuned; None leaves F1@val out.
    resume: a folder for finished batches; the same call goes on where a killed one stopped, to the same numbers.

    Frames are decoded once for all conditions that show the same ones, and encoded once with the shot's ID and once
    without. Predictions equal those of `predict` with the same batch size.

    A row a condition, pooling ("micro", "macro") and measure, as in `score`. Columns: condition, protocol, scheme,
    model, changes (of the recipe, against the model's own), preset, annotators, pooling, measure, value, low, high,
    reference, difference (value - reference's), difference_low, difference_high (95 %, the same draws of movies on both
    sides), threshold, published, movies, shots, boundaries, prevalence, seconds (a movie, of the condition's own
    forwards: neither decoding nor the vision tower, which conditions share). A measure that ranks is NaN where a
    scheme gives Yes and No alone.

    A movie that cannot be read under every condition is left out of all of them, with a warning at the end;
    `table.attrs["failed"]` has its name and the reason. Raises ScenevizError where that leaves none.
    """
    models = dict(model) if isinstance(model, Mapping) else {ONE: model or "tiny"}
    conditions = conditions_of(models, recipes)
    if reference is not None:
        choice(reference, [condition.name for condition in conditions], "ablate: reference")

    def read(films: Sequence[Movie]) -> Sweep:
        return sweep(films, models, conditions, batch_size=batch_size, resume=resume, progress=progress)

    tested = read([movies] if isinstance(movies, Movie) else movies)
    tuning = None if validation is None else read(validation)
    table = compare(
        tested,
        reference=reference,
        preset=preset,
        threshold=threshold,
        validation=tuning,
        resamples=resamples,
        seed=seed,
    )
    failed = [*tested.failed, *(tuning.failed if tuning else ())]
    if failed:
        listed = "; ".join(f"{plain(name, 40)!r} ({reason})" for name, reason in failed)
        warnings.warn(f"ablate: {counted(len(failed), 'movie')} left out of every condition: {listed}", stacklevel=2)
    table.attrs["failed"] = dict(failed)
    return table


def compare(
    tested: Sweep,
    *,
    reference: str | None = None,
    preset: str = "bassl",
    threshold: float = 0.5,
    validation: Sweep | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """The table of `ablate`, from answers that are there."""
    import pandas as pd

    base = _reference(tested.answers, reference)
    tuning = {} if validation is None else {each.condition.name: each for each in validation.answers}
    scores = {}
    for each in tested.answers:
        tuned = tuning.get(each.condition.name)
        scores[each.condition.name] = score(
            tested.movies,
            each.predictions,
            preset=preset,
            threshold=threshold,
            validation=None if tuned is None or validation is None else (validation.movies, tuned.predictions),
            resamples=resamples,
            seed=seed,
        ).query("pooling != 'movie'")
    tables = []
    for each in tested.answers:
        name = each.condition.name
        difference = paired_difference(
            tested.movies,
            base.predictions,
            each.predictions,
            preset=preset,
            threshold=threshold,
            validation=None if validation is None else (_tuned(scores[base.condition.name]), _tuned(scores[name])),
            resamples=resamples,
            seed=seed,
        )
        tables.append(_rows(each, base, scores[name], difference))
    return pd.concat(tables, ignore_index=True)


def _rows(each: Answers, base: Answers, scores: pd.DataFrame, difference: pd.DataFrame) -> pd.DataFrame:
    """The rows of one condition."""
    import pandas as pd

    paired = difference.rename(columns={"low": "difference_low", "high": "difference_high"})
    keys = ["pooling", "measure"]
    table = pd.DataFrame(scores).merge(
        paired[[*keys, "difference", "difference_low", "difference_high"]], on=keys, how="left", validate="1:1"
    )
    unranked = [answers for answers in (each, base) if answers.condition.scheme and not answers.condition.scheme.ranks]
    ranked = table["measure"].isin(_RANKED) | table["measure"].str.startswith("AP")
    if unranked:
        table.loc[ranked, ["difference", "difference_low", "difference_high"]] = np.nan
    if each in unranked:
        table.loc[ranked, ["value", "low", "high", "threshold"]] = np.nan
    table = table.assign(
        condition=each.condition.name,
        protocol=each.protocol,
        scheme=each.condition.scheme.name if each.condition.scheme else "full list",
        changes=each.trained.differences(each.recipe),
        reference=base.condition.name,
        seconds=each.seconds,
    )
    return table[
        ["condition", "protocol", "scheme", "model", "changes", "preset", "annotators", *keys, "value", "low", "high",
         "reference", "difference", "difference_low", "difference_high", "threshold", "published", "movies", "shots",
         "boundaries", "prevalence", "seconds"]
    ]  # fmt: skip


def _reference(answers: Sequence[Answers], name: str | None) -> Answers:
    """The condition that the others are compared with."""
    names = {each.condition.name: each for each in answers}
    if name is not None:
        return names[choice(name, names, "ablate: reference")]
    as_trained = [each for each in answers if each.recipe == each.trained and each.condition.scheme is None]
    return names.get("full", as_trained[0] if as_trained else answers[0])


def _tuned(scores: pd.DataFrame) -> float:
    """The threshold of F1@val."""
    return float(scores.query("measure == 'F1@val'")["threshold"].iloc[0])
