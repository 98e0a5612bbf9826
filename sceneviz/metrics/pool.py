"""What each movie contributes to a score, and how the contributions of many are pooled, under any weights of movies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.metrics import scenes
from sceneviz.metrics.calibration import calibration_error, confidence_bins
from sceneviz.metrics.presets import MACRO, MICRO, ROUNDED, Preset
from sceneviz.metrics.ranking import Ranking
from sceneviz.movie import Movie
from sceneviz.results import Prediction

_OF_RANKING = ("AP", ROUNDED, "AUC")
_OF_SCENES = (
    "mIoU frames",
    "mIoU shots",
    "recall@3s",
    "coverage",
    "overflow",
    "coverage-overflow F",
    "IoU Baraldi",
    "DED",
    "chapter F1",
    "chapter tIoU",
)


@dataclass(frozen=True)
class Levels:
    """Where confidences become boundaries. validation: tuned on other movies; None leaves F1@val out."""

    threshold: float
    validation: float | None
    tolerance_s: float
    tolerance_frames: int | None

    @property
    def name(self) -> str:
        """The threshold as it stands in the names of measures: `.5`."""
        return f"{self.threshold:.3g}".removeprefix("0") or "0"


@dataclass(frozen=True)
class Case:
    """One movie by one annotator: `(n_shots,)` which shots are scored, which are boundaries, and the confidences."""

    movie: Movie
    scored: np.ndarray
    truth: np.ndarray
    confidence: np.ndarray

    def claimed(self, level: float, over: bool = False) -> np.ndarray:
        """`(n_shots,)` bool: scored shots whose confidence is at least the level, or over it."""
        with np.errstate(invalid="ignore"):
            return self.scored & (self.confidence > level if over else self.confidence >= level)


class Pool:
    """Movies by one annotator, ready to be pooled.

    counts: by name, `(n_movies,)`: what adds up over movies (`hits@.5`, `shots`, ...), and so gives the micro values.
    values: by measure, `(n_movies,)`: what is averaged over movies, and so gives the macro values. NaN leaves the mean.
    thresholds: by (pooling, measure), and by measure `(n_movies,)`, where a threshold belongs to it.
    """

    def __init__(self, cases: Sequence[Case], preset: Preset, levels: Levels) -> None:
        self.preset, self.levels = preset, levels
        self.ranking = ranked(cases)
        rows = [_contribution(case, preset, levels) for case in cases]
        self.counts = {name: np.array([row[0][name] for row in rows]) for name in rows[0][0]}
        self.values = {name: np.array([row[1][name] for row in rows], dtype=float) for name in rows[0][1]}
        oracles = [ranked([case]).best(macro=True) for case in cases]  # of one movie: NaN where none is scored
        best, level = np.array(oracles).T
        self.values["F1@oracle"] = best
        self.each_threshold = {"F1@oracle": level}

    def __len__(self) -> int:
        return len(self.counts["shots"])

    def pooled(self, weights: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        """Every (pooling, measure) under each row of `weights` `(n, n_movies)`, whole numbers: `(n,)` values."""
        found = self._from_counts(weights) | self._from_values(weights)
        keys = ((MICRO, "AP"), (MICRO, "AUC"), (MICRO, "F1@oracle"), (MACRO, "F1@oracle"))
        return found | dict(zip(keys, self.ranking.measures(weights).T, strict=True))

    def threshold(self, pooling: str, measure: str) -> float:
        """The threshold of a measure; NaN where it has none."""
        if measure == "F1@oracle":
            return self.ranking.best(macro=pooling == MACRO)[1]
        return self._fixed_threshold(measure)

    def movie_threshold(self, place: int, measure: str) -> float:
        """The same for one movie."""
        own = self.each_threshold.get(measure)
        return self._fixed_threshold(measure) if own is None else float(own[place])

    def _fixed_threshold(self, measure: str) -> float:
        if measure == "F1@val":
            return np.nan if self.levels.validation is None else self.levels.validation
        return np.nan if measure in (*_OF_RANKING, "ECE") else self.levels.threshold

    def _from_counts(self, weights: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        sums = {name: weights @ count for name, count in self.counts.items()}
        return {(MICRO, name): values for name, values in _ratios(sums, self.levels).items()}

    def _from_values(self, weights: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        means = {}
        for name, values in self.values.items():
            known = ~np.isnan(values)
            means[name] = ratio(weights @ np.where(known, values, 0.0), weights @ known, np.nan)
        # As published: from the mean C and the mean O, not the mean of Fs.
        means["coverage-overflow F"] = scenes.harmonic(means["coverage"], means["overflow"])
        return {(MACRO, name): value for name, value in means.items()}


def ranked(cases: Sequence[Case]) -> Ranking:
    """The scored shots of the movies, as one ranking."""
    movie = np.repeat(np.arange(len(cases)), [case.scored.sum() for case in cases])
    truth, confidence = (
        np.concatenate([getattr(case, name)[case.scored] for case in cases]) for name in ("truth", "confidence")
    )
    return Ranking(truth, confidence, movie, len(cases))


def checked_pairs(movies: Sequence[Movie], predictions: Sequence[Prediction]) -> list[tuple[Movie, Prediction]]:
    """Movies with their predictions; or ScenevizError, in one line, where the two lists do not fit."""
    if len(movies) != len(predictions) or not movies:
        raise ScenevizError(
            f"score: expected one prediction a movie, got {len(movies)} movies and {len(predictions)} predictions"
        )
    if len({(answer.model, answer.recipe) for answer in predictions}) > 1:
        raise ScenevizError("score: the predictions come from different models or recipes; score each apart")
    pairs = list(zip(movies, predictions, strict=True))
    for movie, prediction in pairs:
        prediction.check(movie)
    return pairs


def cases_of(movies: Sequence[Movie], predictions: Sequence[Prediction], preset: Preset) -> list[list[Case]]:
    """A list an annotator, of a case a movie; or ScenevizError where there are no labels, or not as many for each."""
    pairs = checked_pairs(movies, predictions)
    annotators: dict[int, str] = {}
    for movie in movies:
        if movie.labels is None:
            raise ScenevizError(f"score: movie {movie.name!r} has no labels to score against")
        annotators.setdefault(len(movie.labels), movie.name)
    if len(annotators) > 1:
        listed = ", ".join(f"{count} of {name!r}" for count, name in annotators.items())
        raise ScenevizError(f"score: the movies have different numbers of annotators ({listed}); score each apart")
    return [
        [
            Case(movie, *preset.truth(movie.labels[annotator]), prediction.confidence)  # type: ignore[index]
            for movie, prediction in pairs
        ]
        for annotator in range(next(iter(annotators)))
    ]


def _contribution(case: Case, preset: Preset, levels: Levels) -> tuple[dict[str, float], dict[str, float]]:
    """Counts and values of one movie."""
    truth, claimed = case.truth, case.claimed(levels.threshold, preset.f1_over)
    counts: dict[str, float] = {
        "shots": int(case.scored.sum()),
        "boundaries": int(truth.sum()),
        "claims": int(claimed.sum()),
        "hits": int((truth & claimed).sum()),
    }
    if levels.validation is not None:
        tuned = case.claimed(levels.validation)
        counts |= {"claims@val": int(tuned.sum()), "hits@val": int((truth & tuned).sum())}
    ends = case.claimed(levels.threshold, preset.scenes_over)
    counts["ends"] = int(ends.sum())
    for name, tolerance in _tolerances(levels).items():
        places = _places(case.movie, name)
        counts[name] = scenes.boundary_matches(places[truth], places[ends], tolerance)
    counts |= confidence_bins(truth[case.scored], case.confidence[case.scored])
    ratios = {name: float(value) for name, value in _ratios(counts, levels).items()}
    if not case.scored.any():
        return counts, dict.fromkeys([*ratios, *_OF_RANKING, *_OF_SCENES], np.nan)
    of_ranking, of_scenes = _of_ranking(case), _of_scenes(case, ends)
    return counts, ratios | dict(zip(_OF_RANKING + _OF_SCENES, of_ranking + of_scenes, strict=True))


def _ratios(counts: dict[str, float], levels: Levels) -> dict[str, np.ndarray]:
    """Measures that are ratios of counts, of one movie or of sums over many; 0 where nothing is there to count."""
    true, claims, hits = (np.asarray(counts[name]) for name in ("boundaries", "claims", "hits"))
    found = {
        f"F1@{levels.name}": ratio(2 * hits, true + claims),
        f"precision@{levels.name}": ratio(hits, claims),
        f"recall@{levels.name}": ratio(hits, true),
    }
    if levels.validation is not None:
        found["F1@val"] = ratio(2 * np.asarray(counts["hits@val"]), true + counts["claims@val"])
    for name in _tolerances(levels):
        found[name] = ratio(2 * np.asarray(counts[name]), true + counts["ends"])
    return found | {"ECE": calibration_error(counts)}


def _of_ranking(case: Case) -> tuple[float, ...]:
    from sklearn.metrics import average_precision_score, roc_auc_score

    truth, confidence = case.truth[case.scored], case.confidence[case.scored]
    ap = float(average_precision_score(truth, confidence)) if truth.any() else np.nan
    auc = float(roc_auc_score(truth, confidence)) if truth.any() and not truth.all() else np.nan
    return ap, round(ap, 2), auc


def _of_scenes(case: Case, ends: np.ndarray) -> tuple[float, ...]:
    truth, shots = case.truth, case.movie.shots
    start, last = np.array([(shot.start, shot.end - 1) for shot in shots]).T
    coverage, overflow = scenes.coverage_overflow(truth, ends)
    return (
        scenes.miou_frames(truth, ends, case.scored, start, last),
        scenes.miou_shots(truth, ends, case.scored),
        scenes.recall_3s(truth, ends, last),
        coverage,
        overflow,
        float(scenes.harmonic(np.array(coverage), np.array(overflow))),
        scenes.iou_baraldi(truth, ends),
        scenes.edit_distance(truth, ends),
        *scenes.chapter_scores(truth, ends, np.array([shot.start_s for shot in shots]), shots[-1].end_s),
    )


def _tolerances(levels: Levels) -> dict[str, float]:
    """Boundary F1 by the name of its tolerance, in seconds and, if asked for, in frames."""
    found = {f"boundary F1 ±{levels.tolerance_s:g} s": levels.tolerance_s}
    if levels.tolerance_frames is not None:
        found[f"boundary F1 ±{levels.tolerance_frames} frames"] = levels.tolerance_frames
    return found


def _places(movie: Movie, name: str) -> np.ndarray:
    """Where each shot ends, in the unit of the tolerance."""
    return np.array([shot.end if name.endswith("frames") else shot.end_s for shot in movie.shots], dtype=float)


def ratio(above: np.ndarray, below: np.ndarray, otherwise: float = 0.0) -> np.ndarray:
    """above / below, place by place, and another value where there is nothing below."""
    above, below = np.broadcast_arrays(np.asarray(above, dtype=float), np.asarray(below, dtype=float))
    return np.asarray(np.divide(above, below, out=np.full(above.shape, otherwise), where=below > 0))
