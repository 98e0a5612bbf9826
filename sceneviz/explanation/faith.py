"""Are explanations faithful? Whether taking away what they name moves the decision more than taking away the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.explanation.knowledge import known
from sceneviz.explanation.result import Explanation, check_explanations
from sceneviz.intervention import Action, Remove, intervene
from sceneviz.movie import Movie
from sceneviz.recipe import Recipe
from sceneviz.results import Prediction
from sceneviz.results.means import COVERS, DRAWS

if TYPE_CHECKING:
    import pandas as pd

    from sceneviz.models import SceneModel

# What shows that something changes. Persons are also seen; but their names stand in one place, and can be taken away.
CARRIED = {
    "visual": frozenset({"place", "time"}),
    "character": frozenset({"characters"}),
    "subtitle": frozenset({"topic"}),
}
REACH = 2  # shots on either side of the cut from which it is taken away


def removals(
    movie: Movie, model: SceneModel, prediction: Prediction, explanations: Sequence[Explanation]
) -> pd.DataFrame:
    """Each explained decision without its frames, its subtitles, its names, around the cut.

    A modality is removed (`intervention.Remove`) from two shots on either side of the cut, as far as the window has
    them, and the decision read again behind the same answers. Where none of these shots has any of it, there is no row.

    A row a decision and modality: movie (fingerprint), shot, modality, named (does the explanation say that something
    changes which this modality shows: place or time, characters, topic), known (does it; NA where the movie isn't
    rendered), delta_log_odds, moved (its absolute value).
    """
    import pandas as pd

    check_explanations(explanations, "faithfulness")
    rows: list[dict[str, Any]] = []
    for each in explanations:
        if each.movie != movie.fingerprint:
            raise ScenevizError(f"faithfulness: the explanation is of {each.movie_name!r}, not of {movie.name!r}")
        conditions = _conditions(movie, prediction.recipe, each.shot)
        if not conditions:
            continue
        table = intervene(
            movie, model, prediction, actions=list(conditions.values()), decisions=[each.shot]
        ).sort_index()
        said = {claim.about for claim in each.claims if claim.changes}
        for modality, delta in zip(conditions, table["delta_log_odds"], strict=True):
            rows.append(
                {
                    "movie": movie.fingerprint,
                    "shot": each.shot,
                    "modality": modality,
                    "named": bool(said & CARRIED[modality]),
                    "known": _known(movie, each.shot, modality),
                    "delta_log_odds": float(delta),
                    "moved": abs(float(delta)),
                }
            )
    columns = ["movie", "shot", "modality", "named", "known", "delta_log_odds", "moved"]
    return pd.DataFrame(rows, columns=columns).astype({"known": "boolean"})


def _conditions(movie: Movie, recipe: Recipe, shot: int) -> dict[str, tuple[Action, ...]]:
    """For each modality that the recipe shows, and that is there to be removed: its removal around the cut."""
    near = movie.shots[max(0, shot + 1 - REACH) : shot + 1 + REACH]
    having = {
        "visual": list(near) if recipe.visual else [],
        "subtitle": [each for each in near if each.subtitle] if recipe.subtitles else [],
        "character": [each for each in near if each.characters] if recipe.characters else [],
    }
    return {
        modality: tuple(Remove(each.index, modality) for each in shots) for modality, shots in having.items() if shots
    }


def _known(movie: Movie, shot: int, modality: str) -> bool | None:
    try:
        return bool(known(movie, shot).changed & CARRIED[modality])
    except ScenevizError:
        return None


def faithfulness(
    movies: Sequence[Movie],
    model: SceneModel,
    predictions: Sequence[Prediction],
    explanations: Sequence[Explanation],
    *,
    seed: int = 0,
) -> pd.DataFrame:
    """Does removing what explanations name move decisions more than removing what they don't name?

    Modalities differ in how much they matter at all, so each is compared with itself: decisions whose explanation names
    what it shows against those whose explanation doesn't. "all" is the mean of these differences.
    A row a subject and modality. Subjects: "explanations"; and "known reasons", the same with what truly changes in
    place of what is said, for rendered movies: what decisions rest on that use the reasons as they should.
    Columns: subject, modality, named, not_named (mean |difference of the log-odds|), difference, low, high (95 %
    bootstrap over movies; NaN over one), named_of, not_named_of (how many decisions).

    A difference above 0 is no proof: decisions whose place changes are other ones than those whose place stays, and so
    the row of known reasons has a difference too. One near 0 is a proof that the words don't tell.
    Costs up to four passes for each explanation.
    """
    import pandas as pd

    if len(movies) != len(predictions) or not movies:
        raise ScenevizError(f"faithfulness: expected a prediction a movie, got {len(predictions)} for {len(movies)}")
    check_explanations(explanations, "faithfulness")
    own = [[each for each in explanations if each.movie == movie.fingerprint] for movie in movies]
    if not any(own):
        raise ScenevizError("faithfulness: none of the explanations is of these movies")
    parts = zip(movies, predictions, own, strict=True)
    table = pd.concat([removals(movie, model, told, each) for movie, told, each in parts], ignore_index=True)
    rows = _compared(table, "named", [movie.fingerprint for movie in movies], seed, "explanations")
    if len(table) and table["known"].notna().all():
        rows += _compared(table, "known", [movie.fingerprint for movie in movies], seed, "known reasons")
    return pd.DataFrame(rows)


def _compared(table: pd.DataFrame, by: str, movies: Sequence[str], seed: int, subject: str) -> list[dict[str, Any]]:
    """For each modality, and for all, the mean where it is named and where not."""
    sums = np.zeros((len(movies), len(CARRIED), 2, 2))  # movie, modality, named or not, sum and count
    for row in table.itertuples(index=False):
        named = 0 if getattr(row, by) else 1
        place = (movies.index(row.movie), list(CARRIED).index(row.modality), named)
        sums[place] += (row.moved, 1)
    times = np.random.default_rng(seed).multinomial(len(movies), [1 / len(movies)] * len(movies), DRAWS)
    whole, drawn = _means(sums.sum(0)), _means(np.tensordot(times, sums, 1))
    counts = sums.sum(0)[..., 1].astype(int)
    rows = []
    for number, modality in enumerate([*CARRIED, "all"]):
        every = modality == "all"
        parts = (_apart(whole), _apart(drawn))
        value, spread = (_mean(part) for part in parts) if every else (part[..., number] for part in parts)
        spread = spread[~np.isnan(spread)]
        low, high = np.percentile(spread, COVERS) if len(movies) > 1 and len(spread) else (np.nan, np.nan)
        means = _mean(whole.T) if every else whole[number]
        of = counts.sum(0) if every else counts[number]
        rows.append(
            {
                "subject": subject,
                "modality": modality,
                "named": float(means[0]),
                "not_named": float(means[1]),
                "difference": float(value),
                "low": float(low),
                "high": float(high),
                "named_of": int(of[0]),
                "not_named_of": int(of[1]),
            }
        )
    return rows


def _means(sums: np.ndarray) -> np.ndarray:
    above, below = sums[..., 0], sums[..., 1]
    return np.asarray(np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0))


def _apart(means: np.ndarray) -> np.ndarray:
    """`(…, modalities)`: named less not named."""
    return np.asarray(means[..., 0] - means[..., 1])


def _mean(values: np.ndarray) -> np.ndarray:
    """Over the last axis, of the numbers that are there; NaN where there is none."""
    count = (~np.isnan(values)).sum(-1)
    return np.asarray(np.divide(np.nansum(values, -1), count, out=np.full(count.shape, np.nan), where=count > 0))
