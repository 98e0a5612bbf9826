"""Scores of a part of the shots: by their place in the window, by scene length, by what changes, by talk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.metrics.bootstrap import interval, known_mean, levels_of, listed, resampled
from sceneviz.metrics.pool import Case, Levels, cases_of, checked_pairs, ranked, ratio
from sceneviz.metrics.presets import Preset, preset_named
from sceneviz.metrics.scenes import partition
from sceneviz.movie import Movie
from sceneviz.results import Prediction

if TYPE_CHECKING:
    import pandas as pd

LENGTHS = {"1": (1, 1), "2-3": (2, 3), "4-8": (4, 8), "9-20": (9, 20), "over 20": (21, np.inf)}  # shots
WORDS = {"no words": (-1, 0), "up to 60": (0, 60), "60 to 120": (60, 120), "over 120": (120, np.inf)}  # a minute
Members = Sequence[Sequence[np.ndarray]]  # an annotator, a movie: (n_shots,) bool


def position_table(
    movies: Movie | Sequence[Movie],
    predictions: Prediction | Sequence[Prediction],
    *,
    preset: str = "bassl",
    threshold: float = 0.5,
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """AP, F1, precision and recall by a shot's place in the focus of its window.

    What a margin is for shows when this is computed twice, with a recipe that has one (context 20, focus 10) and with
    one that has none (10 / 10), and both tables are put together: `margin` tells them apart.

    A row a position and measure, over all movies in one pool, with 95 % bootstrap intervals over movies. Movies shorter
    than a window, which are decided in one go, are left out. Columns: model, preset, context, focus, margin (context
    shots that are not decided), position (from 0), measure, value, low, high, threshold, movies, shots, boundaries,
    prevalence.
    """
    pairs = checked_pairs(listed(movies), listed(predictions))
    long = [(film, answer) for film, answer in pairs if len(film) >= answer.recipe.context]
    if not long:
        raise ScenevizError("position_table: no movie is as long as a window, so positions do not compare")
    films, answers = map(list, zip(*long, strict=True))
    recipe = answers[0].recipe
    groups = {place: [answer.position == place for answer in answers] for place in range(recipe.focus)}
    scene = _Scene(films, answers, preset, threshold, resamples, seed)
    margin = recipe.context - recipe.focus
    about = {"context": recipe.context, "focus": recipe.focus, "margin": margin}
    rows = [
        {"model": answers[0].model_label, "preset": preset, **about, "position": place, **row}
        for place, members in groups.items()
        for row in scene.rows([members] * len(scene.cases))
    ]
    return _frame(rows).drop(columns=["found", "missed", "false"])


def error_table(
    movies: Movie | Sequence[Movie],
    predictions: Prediction | Sequence[Prediction],
    *,
    reasons: Sequence[Sequence[Mapping[str, Any]]] | None = None,
    preset: str = "bassl",
    threshold: float = 0.5,
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Where the errors are: recall, precision, F1 and AP of groups of shots.

    by "scene length": shots of the true scene that the shot lies in. "words a minute": how much is said in the two
    shots before the cut and the two after; "no subtitles" where the movie has none. "cast": is anyone in the shot also
    in the next one ("no names" where nobody is known in one of them). "changed": what changes at the boundary, in words
    of `reasons`: all boundaries where it does ("place"), and those where nothing else does ("only place").

    reasons: where it is known, a list a movie of records a boundary: `shot`, and for each thing whether it changes, as
        `sceneviz.synthetic.reasons` gives them for rendered movies.

    A row a group and measure, over all movies in one pool, with 95 % bootstrap intervals over movies. Of "changed" only
    the recall, since a shot that is no boundary has no reason. Columns: model, preset, by, group, measure, value, low,
    high, threshold, movies, shots, boundaries, prevalence, found, missed, false (boundaries).
    """
    films, answers = listed(movies), listed(predictions)
    scene = _Scene(films, answers, preset, threshold, resamples, seed)
    groups: dict[tuple[str, str], Members] = {}
    lengths = [[_lengths(case) for case in cases] for cases in scene.cases]
    for name, (low, high) in LENGTHS.items():
        groups["scene length", name] = [[(each >= low) & (each <= high) for each in row] for row in lengths]
    same = len(scene.cases)
    for by, of_movie in (("words a minute", _talk), ("cast", _cast)):
        known = [of_movie(film) for film in films]
        for name in dict.fromkeys(name for one in known for name in one):
            nobody = [np.zeros(len(film), bool) for film in films]
            groups[by, name] = [[one.get(name, none) for one, none in zip(known, nobody, strict=True)]] * same
    for name, members in _changed(films, reasons).items():
        groups["changed", name] = [
            [case.truth & part for case, part in zip(cases, members, strict=True)] for cases in scene.cases
        ]
    rows = [
        {"model": answers[0].model_label, "preset": preset, "by": by, "group": name, **row}
        for (by, name), members in groups.items()
        for row in scene.rows(members)
        if row["shots"] and (by != "changed" or row["measure"].startswith("recall"))
    ]
    return _frame(rows)


class _Scene:
    """Movies and predictions, ready to be scored in parts."""

    def __init__(
        self,
        movies: Sequence[Movie],
        predictions: Sequence[Prediction],
        preset: str,
        threshold: float,
        resamples: int,
        seed: int,
    ) -> None:
        self.preset: Preset = preset_named(preset)
        self.levels: Levels = levels_of(threshold)
        self.cases = cases_of(movies, predictions, self.preset)
        everyone = np.ones((1, len(movies)), int)
        self._weights = np.concatenate([everyone, resampled(len(movies), resamples, seed)])

    def rows(self, members: Members) -> Iterator[dict[str, Any]]:
        """A row a measure, of the shots that are members; averaged over annotators."""
        parts = [
            [replace(case, scored=case.scored & inside, truth=case.truth & inside) for case, inside in rows]
            for rows in (zip(cases, row, strict=True) for cases, row in zip(self.cases, members, strict=True))
        ]
        counts = [np.array([self._counts(case) for case in part]).T for part in parts]
        shots, true, claims, hits = known_mean([each.sum(axis=1) for each in counts])
        movies = int(max((each[0] > 0).sum() for each in counts))
        figures = [self._figures(part, each) for part, each in zip(parts, counts, strict=True)]
        for measure in figures[0]:
            values = known_mean([each[measure] for each in figures])
            low, high = interval(values[1:], movies)
            yield {
                "measure": measure,
                "value": float(values[0]),
                "low": low,
                "high": high,
                "threshold": np.nan if measure == "AP" else self.levels.threshold,
                "movies": movies,
                "shots": float(shots),
                "boundaries": float(true),
                "prevalence": float(true / shots) if shots else np.nan,
                "found": float(hits),
                "missed": float(true - hits),
                "false": float(claims - hits),
            }

    def _counts(self, case: Case) -> tuple[int, int, int, int]:
        claimed = case.claimed(self.levels.threshold, self.preset.f1_over)
        return tuple(int(each.sum()) for each in (case.scored, case.truth, claimed, case.truth & claimed))  # type: ignore[return-value]

    def _figures(self, part: Sequence[Case], counts: np.ndarray) -> dict[str, np.ndarray]:
        ranking = ranked(part)
        _, true, claims, hits = counts @ self._weights.T
        name = self.levels.name
        return {
            "AP": ranking.measures(self._weights)[:, 0],
            f"F1@{name}": ratio(2 * hits, true + claims),
            f"precision@{name}": ratio(hits, claims),
            f"recall@{name}": ratio(hits, true),
        }


def _lengths(case: Case) -> np.ndarray:
    """`(n_shots,)`: how many shots the true scene of each shot has."""
    first, stop = partition(case.truth)
    return np.repeat(stop - first, stop - first)


def _talk(movie: Movie) -> dict[str, np.ndarray]:
    """Groups of shots by words a minute in the four shots around the cut after them."""
    words = np.array([len(shot.subtitle.split()) for shot in movie.shots], dtype=float)
    if not words.any():
        return {"no subtitles": np.ones(len(movie), bool)}
    around = np.ones(4)
    spoken, lasted = (
        np.convolve(np.pad(each, (1, 2)), around, "valid")
        for each in (words, np.array([shot.duration_s for shot in movie.shots]))
    )
    density = 60 * spoken / lasted
    return {name: (density > low) & (density <= high) for name, (low, high) in WORDS.items()}


def _cast(movie: Movie) -> dict[str, np.ndarray]:
    """Groups of shots by whether someone in them is also in the next one."""
    seen = [set(shot.characters) for shot in movie.shots]
    pairs = list(zip(seen, [*seen[1:], set()], strict=True))
    named = np.array([bool(one and other) for one, other in pairs])
    stays = np.array([bool(one & other) for one, other in pairs])
    return {"someone stays": stays, "nobody stays": named & ~stays, "no names": ~named}


def _changed(
    movies: Sequence[Movie], reasons: Sequence[Sequence[Mapping[str, Any]]] | None
) -> dict[str, list[np.ndarray]]:
    """Groups of boundaries by what changes at them, a mask a movie."""
    if reasons is None:
        return {}
    if len(reasons) != len(movies):
        raise ScenevizError(f"errors: expected reasons of {len(movies)} movies, got those of {len(reasons)}")
    things = dict.fromkeys(name for records in reasons for record in records for name in record if name != "shot")
    masks = {name: [np.zeros(len(movie), bool) for movie in movies] for name in things}
    for place, (movie, records) in enumerate(zip(movies, reasons, strict=True)):
        for record in records:
            shot = record.get("shot")
            if not isinstance(shot, int) or not 0 <= shot < len(movie):
                raise ScenevizError(f"errors: a reason names shot {shot!r}, {movie.name!r} has 0 to {len(movie) - 1}")
            for name in things:
                masks[name][place][shot] = bool(record.get(name))
    alone = {
        f"only {name}": [
            own & ~np.any([masks[other][place] for other in things if other != name], axis=0)
            if len(things) > 1
            else own
            for place, own in enumerate(masks[name])
        ]
        for name in things
    }
    return masks | alone


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows)
