"""A pointing game for modalities: does a method rank that modality first which carries a boundary's true reason?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.attribution.agreement import compared
from sceneviz.attribution.result import METHODS, Attribution
from sceneviz.movie import Movie
from sceneviz.results.means import pooled

if TYPE_CHECKING:
    import pandas as pd

# What a viewer could tell a change by. Characters are named in their own lines, and seen.
CARRIERS = {
    "place or time": (frozenset({"place", "time"}), ("visual",)),
    "characters": (frozenset({"characters"}), ("visual", "character")),
    "topic": (frozenset({"topic"}), ("subtitle",)),
}
CONTENT = ("visual", "subtitle", "character")
SHARES = ("attention", "rollout")  # they grow with the number of tokens, so they are also ranked per token


def carried(movie: Movie) -> pd.DataFrame:
    """The boundaries of a rendered movie whose reason is carried in one way alone.

    A row a boundary: shot (last of its scene), reason ("place or time", "characters", "topic"), modalities (the tuple
    of those that carry it). Boundaries at which more changes are left out: there, several answers are right.
    Raises ScenevizError for a movie that `render_movie` didn't make.
    """
    import pandas as pd

    from sceneviz.synthetic.source import RenderedFrames

    if not isinstance(movie.frames, RenderedFrames):
        raise ScenevizError(f"the reasons of a boundary are known for movies from render_movie; {movie.name!r} is not")
    rows = [
        (scene.last, reason, modalities)
        for scene in movie.frames.story.scenes[:-1]
        for reason, (changes, modalities) in CARRIERS.items()
        if scene.reasons and scene.reasons <= changes
    ]
    return pd.DataFrame(rows, columns=["shot", "reason", "modalities"])


def pointing(movies: Movie | Sequence[Movie], attributions: Sequence[Attribution], *, seed: int = 0) -> pd.DataFrame:
    """How often each method gives the largest value to a modality that carries the boundary's true reason.

    movies: rendered ones. attributions: of decisions on them, by any methods, at best with `groups="modality"` (finer
    groups are summed, which for ablation is not the effect of the whole). Only boundaries that `carried` lists count.
    Among visual, subtitle and character, as far as the recipe shows them: shot IDs and earlier answers carry no reason,
    and are not ranked. Values count with their sign, since the reason speaks for Yes. Of tied modalities, each has
    its share of a hit.

    A row a method and reason, the last reason "any". Columns: method, reason, boundaries, movies, hits (share, 0 to 1),
    low, high (95 % bootstrap over movies; NaN over one), chance (the hits of a random order). "attention per token" and
    "rollout per token" divide by the number of tokens; the method "tokens" ranks by that number alone.
    """
    import pandas as pd

    films = [movies] if isinstance(movies, Movie) else list(movies)
    table = pd.concat([_played(film, attributions) for film in films], ignore_index=True)
    if not len(table):
        raise ScenevizError(
            "pointing: none of the attributions is of a boundary with a reason that is carried in one way alone; "
            "sceneviz.attribution.carried(movie) lists those"
        )
    names = [method for method in METHODS if method in set(table["method"])]
    names += [f"{method} per token" for method in SHARES if method in names] + ["tokens"]
    numbers = table["movie"].unique().tolist()
    rows = []
    for method in names:
        for reason in [*CARRIERS, "any"]:
            chosen = table[(table["method"] == method) & ((table["reason"] == reason) | (reason == "any"))]
            if len(chosen):
                each = chosen.groupby("movie")
                hits, tried = (part.reindex(numbers, fill_value=0) for part in (each["hit"].sum(), each.size()))
                value, low, high = (float(found) for found in pooled(hits, tried, seed=seed))
                rows.append((method, reason, len(chosen), len(each), value, low, high, chosen["chance"].mean()))
    return pd.DataFrame(rows, columns="method reason boundaries movies hits low high chance".split())


def _played(movie: Movie, attributions: Sequence[Attribution]) -> pd.DataFrame:
    """A row a method and boundary of one movie: movie (fingerprint), method, reason, hit, chance."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    own = [each for each in attributions if each.movie == movie.fingerprint]
    for shot, reason, carriers in carried(movie).itertuples(index=False):
        of_shot = [each for each in own if each.shot == shot]
        if not of_shot:
            continue
        sums = compared(of_shot).groupby("modality").sum(numeric_only=True)
        there = [name for name in CONTENT if name in sums.index and sums.loc[name, "tokens"] > 0]
        right = np.isin(there, carriers)
        if right.all() or not right.any():  # nothing to get wrong, or nothing to get right
            continue
        columns = {name: sums.loc[there, name] for name in [*(each.method for each in of_shot), "tokens"]}
        columns |= {f"{name} per token": columns[name] / columns["tokens"] for name in SHARES if name in columns}
        for method, values in columns.items():
            first = (values == values.max()).to_numpy()
            rows.append(
                {
                    "movie": movie.fingerprint,
                    "method": method,
                    "reason": reason,
                    "hit": float(right[first].mean()),
                    "chance": float(right.mean()),
                }
            )
    return pd.DataFrame(rows, columns=["movie", "method", "reason", "hit", "chance"])
