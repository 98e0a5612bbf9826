"""Are explanations true, and do they name the reasons? Against what the renderer knows, beside the best constant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.explanation.claims import ABOUT, Claim, write
from sceneviz.explanation.knowledge import Known, known, tellable
from sceneviz.explanation.result import Explanation, check_explanations
from sceneviz.movie import Movie
from sceneviz.recipe import plan_windows
from sceneviz.results.means import COVERS, DRAWS

if TYPE_CHECKING:
    import pandas as pd

# What is counted in each movie, and for each of ABOUT.
_WHOLE = ("explanations", "read", "agrees")
_EACH = ("claims", "true", "changed", "named", "tellable", "tellable named", "unchanged", "wrongly named")
Sums = Callable[[str, str], np.ndarray]  # what is counted, about what ("all" for the sum over ABOUT)


@dataclass(frozen=True)
class _Case:
    """A decision, with what is known of its cut and what can be told of it."""

    movie: int
    known: Known
    tellable: frozenset[str]


def factuality(movies: Movie | Sequence[Movie], explanations: Sequence[Explanation], *, seed: int = 0) -> pd.DataFrame:
    """Explanations of rendered movies against what is known, beside a constant explanation and the whole truth.

    explanations: of decisions on these movies; those of true boundaries tell what share of the reasons is named.
    A row a subject, measure and what it is about ("all", place, time, characters, topic): subject, measure, about,
    value, low, high (95 % bootstrap over movies; NaN over one), of (how many the value is a share of), movies, text.

    Subjects: "explanations"; "best constant", the same words for every decision, chosen on these very decisions for the
    best "F1 of reasons" (its words in `text`); "all that can be told", what a perfect viewer of each window would say.
    Measures, shares from 0 to 1 unless told otherwise:

    "read": came to an end, and could be read to the last clause. "agrees": opens as the answer does.
    "true claims": of all claims, each person and each value of a time or topic included.
    "reasons named": of what changes at boundaries, said to change, details aside; among them "tellable reasons named"
        are those that the window shows (see `tellable`).
    "wrongly named": of what doesn't change, said to change.
    "F1 of reasons": of what is said to change against what does.
    "informed": reasons named less wrongly named, from -1 to 1. Every constant has 0; naming everything always names all
        reasons, so "reasons named" alone says little.
    """
    import pandas as pd

    check_explanations(explanations, "factuality")
    films = [movies] if isinstance(movies, Movie) else list(movies)
    cases = _cases(films, explanations)
    constant = _best_constant(cases)
    said: dict[str, list[tuple[Claim, ...]]] = {
        "explanations": [each.claims for each in explanations],
        "best constant": [constant] * len(cases),
        "all that can be told": [_told(films, each) for each in explanations],
    }
    rows: list[dict[str, Any]] = []
    for subject, claims in said.items():
        counts = np.zeros((len(films), len(_WHOLE) + len(_EACH) * len(ABOUT)))
        for case, own, each in zip(cases, claims, explanations, strict=True):
            ours = subject == "explanations"
            counts[case.movie] += [1, each.whole or not ours, each.agrees or not ours, *_counts(case, own)]
        words = write(True, constant) if subject == "best constant" else ""
        rows += [{"subject": subject} | row | {"text": words} for row in _measures(counts, seed, subject)]
    return pd.DataFrame(rows)


def _cases(movies: Sequence[Movie], explanations: Sequence[Explanation]) -> list[_Case]:
    if not explanations:
        raise ScenevizError("factuality: expected at least one explanation")
    places = {movie.fingerprint: place for place, movie in enumerate(movies)}
    cases = []
    for each in explanations:
        if each.movie not in places:
            raise ScenevizError(f"factuality: an explanation is of {each.movie_name!r}, which is not among the movies")
        movie = movies[places[each.movie]]
        can = frozenset(claim.about for claim in _told(movies, each) if claim.changes)
        cases.append(_Case(places[each.movie], known(movie, each.shot), can))
    return cases


def _told(movies: Sequence[Movie], explanation: Explanation) -> tuple[Claim, ...]:
    """All that the explanation's window lets a viewer tell."""
    (movie,) = (movie for movie in movies if movie.fingerprint == explanation.movie)
    windows = plan_windows(len(movie), explanation.recipe)
    (window,) = (window for window in windows if explanation.shot in window.focus)
    return tuple(tellable(movie, explanation.shot, window, explanation.recipe))


def _counts(case: _Case, claims: Sequence[Claim]) -> list[float]:
    """For each of `_EACH`, and in it each of ABOUT."""
    named = [any(claim.changes and claim.about == about for claim in claims) for about in ABOUT]
    changed = [about in case.known.changed for about in ABOUT]
    can = [about in case.tellable for about in ABOUT]
    own = [[claim for claim in claims if claim.about == about] for about in ABOUT]
    return [
        *(len(each) for each in own),
        *(sum(case.known.confirms(claim) for claim in each) for each in own),
        *changed,
        *(n and c for n, c in zip(named, changed, strict=True)),
        *can,
        *(n and c for n, c in zip(named, can, strict=True)),
        *(not c for c in changed),
        *(n and not c for n, c in zip(named, changed, strict=True)),
    ]


def _best_constant(cases: Sequence[_Case]) -> tuple[Claim, ...]:
    """The set of things to call changed that has the best F1 over these decisions."""
    changed = np.array([[about in case.known.changed for about in ABOUT] for case in cases])
    best, words = -1.0, (True,) * len(ABOUT)
    for choice in product((True, False), repeat=len(ABOUT)):
        named = np.broadcast_to(choice, changed.shape)
        below = named.sum() + changed.sum()
        f1 = 2 * (named & changed).sum() / below if below else 0.0
        if f1 > best:
            best, words = f1, choice
    return tuple(Claim(about, "changes" if says else "stays") for about, says in zip(ABOUT, words, strict=True))


def _measures(counts: np.ndarray, seed: int, subject: str) -> Iterator[dict[str, Any]]:
    """A row a measure, from `(movies, counted)` sums."""
    movies = len(counts)
    draws = np.random.default_rng(seed).multinomial(movies, [1 / movies] * movies, DRAWS) @ counts
    whole = counts.sum(0)

    def sums(of: np.ndarray) -> Sums:
        def of_about(name: str, about: str) -> np.ndarray:
            if name in _WHOLE:
                return np.asarray(of[..., _WHOLE.index(name)])
            start = len(_WHOLE) + _EACH.index(name) * len(ABOUT)
            part = of[..., start : start + len(ABOUT)]
            return np.asarray(part.sum(-1) if about == "all" else part[..., ABOUT.index(about)])

        return of_about

    def row(measure: str, about: str, figure: Callable[[Sums], np.ndarray], of: np.ndarray) -> dict[str, Any]:
        spread = figure(sums(draws))
        known_spread = spread[~np.isnan(spread)]
        low, high = np.percentile(known_spread, COVERS) if movies > 1 and len(known_spread) else (np.nan, np.nan)
        value = float(figure(sums(whole)))
        return {
            "measure": measure,
            "about": about,
            "value": value,
            "low": float(low),
            "high": float(high),
            "of": int(of),
            "movies": movies,
        }

    total = sums(whole)
    if subject == "explanations":
        for name in ("read", "agrees"):
            yield row(name, "all", _share(name, "explanations", "all"), total("explanations", "all"))
    for measure, above, below in (
        ("true claims", "true", "claims"),
        ("reasons named", "named", "changed"),
        ("tellable reasons named", "tellable named", "tellable"),
        ("wrongly named", "wrongly named", "unchanged"),
    ):
        for about in ("all", *ABOUT):
            yield row(measure, about, _share(above, below, about), total(below, about))
    for about in ("all", *ABOUT):
        yield row("F1 of reasons", about, _f1(about), total("changed", about))
        yield row("informed", about, _informed(about), total("changed", about))


def _share(above: str, below: str, about: str) -> Callable[[Sums], np.ndarray]:
    return lambda sums: _ratio(sums(above, about), sums(below, about))


def _f1(about: str) -> Callable[[Sums], np.ndarray]:
    def figure(sums: Sums) -> np.ndarray:
        hits = sums("named", about)
        return _ratio(2 * hits, hits + sums("wrongly named", about) + sums("changed", about))

    return figure


def _informed(about: str) -> Callable[[Sums], np.ndarray]:
    named, wrong = _share("named", "changed", about), _share("wrongly named", "unchanged", about)
    return lambda sums: np.asarray(named(sums) - wrong(sums))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0))
