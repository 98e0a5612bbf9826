"""Tables behind two figures: precision over recall, and how far confidences can be taken at their word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sceneviz.metrics.bootstrap import interval, listed, resampled
from sceneviz.metrics.calibration import BINS, calibration_error, confidence_bins
from sceneviz.metrics.pool import cases_of, ranked, ratio
from sceneviz.metrics.presets import preset_named
from sceneviz.movie import Movie
from sceneviz.results import Prediction

if TYPE_CHECKING:
    import pandas as pd


def pr_table(
    movies: Movie | Sequence[Movie],
    predictions: Prediction | Sequence[Prediction],
    *,
    preset: str = "bassl",
) -> pd.DataFrame:
    """The precision-recall curve of all movies in one pool: a row a turn of it, from the highest confidence down.

    Columns: model, preset, annotator (from 0; each has a curve of its own), threshold (a shot with at least this
    confidence is claimed), precision, recall, F1, claims, hits, shots, boundaries, prevalence, AP (micro, step sum: the
    area under the curve as steps). Recall and AP are NaN where there is no boundary.
    """
    import pandas as pd

    films, answers = listed(movies), listed(predictions)
    tables = []
    for annotator, cases in enumerate(cases_of(films, answers, preset_named(preset))):
        ranking = ranked(cases)
        hits, claims = ranking.curve()
        shots, boundaries = (sum(int(getattr(case, name).sum()) for case in cases) for name in ("scored", "truth"))
        columns = {
            "threshold": ranking.levels,
            "precision": hits / claims,
            "recall": hits / boundaries if boundaries else np.nan,
            "F1": 2 * hits / (boundaries + claims),
            "claims": claims.astype(int),
            "hits": hits.astype(int),
        }
        table = pd.DataFrame(columns).assign(
            shots=shots,
            boundaries=boundaries,
            prevalence=boundaries / shots if shots else np.nan,
            AP=ranking.measures(np.ones((1, len(cases)), int))[0, 0],
        )
        for name, value in (("annotator", annotator), ("preset", preset), ("model", answers[0].model_label)):
            table.insert(0, name, value)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def calibration_table(
    movies: Movie | Sequence[Movie],
    predictions: Prediction | Sequence[Prediction],
    *,
    preset: str = "bassl",
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """The reliability of confidences: a row for each tenth of them, of all movies (and annotators) in one pool.

    Columns: model, preset, from, to (confidence), shots, boundaries, confidence (the mean), share (of boundaries among
    these shots: equal to the confidence where that is calibrated), low, high (95 % bootstrap interval of the share over
    movies), ECE (expected calibration error over all tenths), movies, prevalence (over all tenths). A tenth without
    shots has NaN.
    """
    import pandas as pd

    films, answers = listed(movies), listed(predictions)
    each = [
        [confidence_bins(case.truth[case.scored], case.confidence[case.scored]) for case in cases]
        for cases in cases_of(films, answers, preset_named(preset))
    ]
    names = each[0][0]
    counts = {name: np.array([[row[name] for row in rows] for rows in each]).sum(axis=0) for name in names}
    sums = {name: float(count.sum()) for name, count in counts.items()}
    shots, true, summed = (
        np.array([sums[f"{name} {k}"] for k in range(BINS)]) for name in ("in bin", "true in bin", "sum of bin")
    )
    draws = resampled(len(films), resamples, seed)
    intervals = [
        interval(ratio(draws @ counts[f"true in bin {k}"], draws @ counts[f"in bin {k}"], np.nan), len(films))
        for k in range(BINS)
    ]
    return pd.DataFrame(
        {
            "model": answers[0].model_label,
            "preset": preset,
            "from": np.arange(BINS) / BINS,
            "to": np.arange(1, BINS + 1) / BINS,
            "shots": shots,
            "boundaries": true,
            "confidence": ratio(summed, shots, np.nan),
            "share": ratio(true, shots, np.nan),
            "low": [low for low, _ in intervals],
            "high": [high for _, high in intervals],
            "ECE": float(calibration_error(sums)),
            "movies": len(films),
            "prevalence": float(ratio(true.sum(), shots.sum(), np.nan)),
        }
    )
