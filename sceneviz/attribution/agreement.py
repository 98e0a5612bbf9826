"""Methods side by side on one axis, and whether they agree. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.attribution.result import METHODS, Attribution
from sceneviz.results.means import pooled

if TYPE_CHECKING:
    import pandas as pd

AXIS = ["movie", "model", "decided", "modality", "side", "shot", "offset", "tokens"]
_FEWEST = 3  # groups below which an order says nothing


def compared(attributions: Sequence[Attribution]) -> pd.DataFrame:
    """A row a group of a decision, a column a method: all methods on the same axis.

    Columns: movie, model, decided, modality, side, shot, offset, tokens, then the methods that were given, in the order
    of `METHODS`; NaN where a method was not applied to a decision.
    Raises ScenevizError where attributions are of different models, or one decision has the same method twice.
    """
    import pandas as pd

    given = _checked(attributions)
    wide: pd.DataFrame | None = None
    for method in METHODS:
        tables = [each.to_frame().assign(_movie=each.movie) for each in given if each.method == method]
        if tables:
            column = pd.concat(tables)[["_movie", *AXIS, "value"]].rename(columns={"value": method})
            wide = column if wide is None else wide.merge(column, how="outer", on=["_movie", *AXIS], sort=False)
    assert wide is not None
    return wide.drop(columns="_movie").reset_index(drop=True)


def agreement(attributions: Sequence[Attribution], *, signed: bool = False, seed: int = 0) -> pd.DataFrame:
    """Do methods agree? The rank correlation (Spearman's, ties averaged) of every two of them.

    In each decision, over its groups that hold tokens; then the mean over decisions, with a 95 % bootstrap interval
    over movies (NaN over one). Sizes are compared, whatever their sign, since attention has none; signed=True compares
    values as they are. The pseudo-method "tokens" is the number of tokens of a group: what size alone explains.

    A row a pair. Columns: first, second, correlation, low, high, decisions, movies, signed. Decisions in which one of
    the two gives all groups the same, or with fewer than three groups, have no correlation and are left out.
    """
    import pandas as pd

    given = _checked(attributions)
    names = [*(method for method in METHODS if any(each.method == method for each in given)), "tokens"]
    movies = list(dict.fromkeys(each.movie for each in given))
    pairs = list(combinations(names, 2))
    sums, counts = np.zeros((2, len(movies), len(pairs)))
    for movie, shot in dict.fromkeys((each.movie, each.shot) for each in given):
        of_decision = [each for each in given if (each.movie, each.shot) == (movie, shot)]
        table = compared(of_decision)
        held = table.loc[table["tokens"] > 0, [name for name in names if name in table]].astype(float)
        ranks = (held if signed else held.abs()).rank()
        if len(held) < _FEWEST:
            continue
        correlations = ranks.loc[:, ranks.nunique() > 1].corr()
        for number, (first, second) in enumerate(pairs):
            if first in correlations and second in correlations:
                sums[movies.index(movie), number] += correlations.loc[first, second]
                counts[movies.index(movie), number] += 1
    value, low, high = pooled(sums, counts, seed=seed)
    return pd.DataFrame(
        {
            "first": [first for first, _ in pairs],
            "second": [second for _, second in pairs],
            "correlation": value,
            "low": low,
            "high": high,
            "decisions": counts.sum(0).astype(int),
            "movies": (counts > 0).sum(0),
            "signed": signed,
        }
    )


def _checked(attributions: Sequence[Attribution]) -> list[Attribution]:
    given = list(attributions)
    if not given:
        raise ScenevizError("expected attributions to compare, got none")
    if len({(each.model, each.recipe) for each in given}) > 1:
        raise ScenevizError("the attributions are of different models or recipes; compare each apart")
    seen: dict[tuple[str, int], Attribution] = {}
    methods: set[tuple[str, int, str]] = set()
    for each in given:
        first = seen.setdefault((each.movie, each.shot), each)
        if first.groups != each.groups:
            raise ScenevizError(
                f"shot {each.shot} of {each.movie_name!r}: {first.method} and {each.method} were given different "
                "groups; attribute with the same groups and modalities"
            )
        if (key := (each.movie, each.shot, each.method)) in methods:
            raise ScenevizError(f"shot {each.shot} of {each.movie_name!r} is attributed by {each.method} twice")
        methods.add(key)
    return given
