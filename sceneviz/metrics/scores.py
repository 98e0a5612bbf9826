"""Scores of predicted scene boundaries: a row a measure, for all movies pooled, averaged, and for each movie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.metrics.bootstrap import interval, known_mean, levels_of, listed, pooled, pools_of, resampled
from sceneviz.metrics.pool import Pool, cases_of, ranked
from sceneviz.metrics.presets import MACRO, Preset, preset_named
from sceneviz.movie import Movie
from sceneviz.results import Prediction

if TYPE_CHECKING:
    from sceneviz.metrics.display import Scores


def score(
    movies: Movie | Sequence[Movie],
    predictions: Prediction | Sequence[Prediction],
    *,
    preset: str = "bassl",
    threshold: float = 0.5,
    validation: tuple[Sequence[Movie], Sequence[Prediction]] | float | None = None,
    tolerance_s: float = 3.0,
    tolerance_frames: int | None = None,
    annotators: str | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Scores:
    """Score predictions of one model, made with one recipe, against all annotators' labels.

    preset: whose conventions: "bassl", "lgss", "scrl", "neighbornet", "lwan1" or "strict" (`PRESETS` tells them).
    threshold: the confidence that makes a boundary in F1, precision, recall and every measure of scenes.
    validation: other movies with their predictions, on which the threshold of F1@val is tuned (best pooled F1), or that
        threshold itself; None leaves F1@val out.
    tolerance_s, tolerance_frames: how far apart two boundaries may be in boundary F1; None leaves the latter out.
    annotators: how several became the one set of labels that is there ("union", "3_of_5"), for the table: the choice
        moves AP by more than ten points; None counts the sets.
    resamples: of the 95 % bootstrap intervals over movies; 0 leaves the intervals NaN, and is much faster.

    A DataFrame with a row a measure and pooling: "micro" (all shots of all movies in one pool), "macro" (mean of
    the movies), then "movie" (each alone). Printed, it shows micro and macro side by side; the rows are all there.
    Columns: model, preset, annotators, movie ("all" where pooled), pooling, measure, value, low, high, threshold (NaN
    where none is used), published (do the preset's publications print this one), movies (that the value is over),
    shots (scored), boundaries, prevalence (the AP of a random score).

    Measures: AP (step sum, as scikit-learn) and AUC; F1 at the threshold, at the validation threshold, and at the one
    that is best on these very movies ("oracle": for micro, macro and a movie each its own); precision, recall; ECE (ten
    bins); mIoU in frames (BaSSL) and in shots (NeighborNet), recall@3s, coverage, overflow and their F, IoU (Baraldi),
    DED, boundary F1, chapter F1 and tIoU. What a shot that is not scored says, true or predicted, ends no scene.
    Several annotators: every value is the mean of those against each ("each of 5").

    Undefined: AP without a boundary, AUC without both kinds, and everything of a movie without scored shots are NaN and
    leave the mean; a ratio with nothing to count is 0. An interval over one movie is NaN.

    Raises ScenevizError where a movie has no labels, or a prediction was made on another movie or by another model.
    """
    from sceneviz.metrics.display import Scores

    rules = preset_named(preset)
    films, answers = listed(movies), listed(predictions)
    tuned = validation_threshold(validation, rules, answers) if isinstance(validation, tuple) else validation
    pools = pools_of(films, answers, rules, levels_of(threshold, tuned, tolerance_s, tolerance_frames))
    table = Scores([*_pooled_rows(pools, resampled(len(films), resamples, seed)), *_movie_rows(pools, films)])
    table.insert(0, "model", answers[0].model_label)
    table.insert(1, "preset", preset)
    table.insert(2, "annotators", annotators or ("one" if len(pools) == 1 else f"each of {len(pools)}"))
    # Measured at another fixed threshold than .5, it is not what they print.
    usual = table["threshold"].isna() | (table["threshold"] == 0.5) | table["measure"].isin(["F1@val", "F1@oracle"])
    pairs = zip(table["pooling"], table["measure"], strict=True)
    table.insert(10, "published", usual & np.array([pair in rules.published for pair in pairs]))
    return table


def validation_threshold(
    validation: tuple[Sequence[Movie], Sequence[Prediction]], preset: Preset, tested: Sequence[Prediction]
) -> float:
    """The highest threshold with the best pooled F1 on validation movies (all annotators in one pool)."""
    movies, answers = (listed(part) for part in validation)
    if answers and (answers[0].model, answers[0].recipe) != (tested[0].model, tested[0].recipe):
        raise ScenevizError("score: the validation predictions come from another model or recipe than those scored")
    ranking = ranked([case for cases in cases_of(movies, answers, preset) for case in cases])
    _, threshold = ranking.best()
    if np.isnan(threshold):
        raise ScenevizError("score: the validation movies have no boundary, so no threshold can be tuned on them")
    return threshold


def _pooled_rows(pools: Sequence[Pool], draws: np.ndarray) -> Iterator[dict[str, Any]]:
    """Micro and macro rows, measure by measure."""
    n_movies = len(pools[0])
    points, samples = pooled(pools, np.ones((1, n_movies), int)), pooled(pools, draws)
    sums = {name: known_mean([pool.counts[name].sum() for pool in pools]) for name in ("shots", "boundaries")}
    for pooling, measure in pools[0].preset.ordered(points):
        entering = n_movies
        if pooling == MACRO:
            entering = max(int((~np.isnan(pool.values[measure])).sum()) for pool in pools)
        low, high = interval(samples[pooling, measure], entering)
        level = known_mean([np.array(pool.threshold(pooling, measure)) for pool in pools])
        yield _row("all", pooling, measure, float(points[pooling, measure][0]), low, high, level, entering, **sums)


def _movie_rows(pools: Sequence[Pool], films: Sequence[Movie]) -> Iterator[dict[str, Any]]:
    """Rows of each movie alone."""
    values = {name: known_mean([pool.values[name] for pool in pools]) for name in pools[0].values}
    sums = {name: known_mean([pool.counts[name] for pool in pools]) for name in ("shots", "boundaries")}
    for place, film in enumerate(films):
        for _, measure in pools[0].preset.ordered((MACRO, name) for name in values):
            value = float(values[measure][place])
            level = known_mean([np.array(pool.movie_threshold(place, measure)) for pool in pools])
            own = {name: count[place] for name, count in sums.items()}
            yield _row(film.name, "movie", measure, value, np.nan, np.nan, level, int(not np.isnan(value)), **own)


def _row(
    movie: str,
    pooling: str,
    measure: str,
    value: float,
    low: float,
    high: float,
    threshold: Any,
    movies: int,
    *,
    shots: Any,
    boundaries: Any,
) -> dict[str, Any]:
    return {
        "movie": movie,
        "pooling": pooling,
        "measure": measure,
        "value": value,
        "low": low,
        "high": high,
        "threshold": float(threshold),
        "movies": movies,
        "shots": float(shots),
        "boundaries": float(boundaries),
        "prevalence": float(boundaries / shots) if shots else np.nan,
    }
