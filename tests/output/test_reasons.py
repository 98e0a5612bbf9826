"""The language of reasons, and the checks of what is said: no model, nothing but words and what the renderer knows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sceneviz as sv
from sceneviz._text import ScenevizError
from sceneviz.explanation import Claim, Explanation, known, parse, rationale, tellable, write
from sceneviz.explanation.claims import ABOUT, person, spoken
from sceneviz.movie import Movie
from sceneviz.recipe import Recipe, Window, plan_windows
from sceneviz.synthetic import REASONS
from sceneviz.synthetic.story import TIMES
from sceneviz.synthetic.words import NAMES, TOPICS

RECIPE = Recipe(frame_size=(56, 84))
NAME = st.one_of(st.sampled_from(NAMES), st.text(min_size=1, max_size=12)).filter(lambda name: spoken(name) != "")
SEEDS = (20_000, 20_001)  # the quick pace: a boundary at every third shot


@st.composite
def a_claim(draw: st.DrawFn) -> Claim:
    about = draw(st.sampled_from(ABOUT))
    if about == "characters" and draw(st.booleans()):
        return person(draw(st.sampled_from(("leaves", "comes", "stays"))), draw(NAME))
    says = draw(st.sampled_from(("changes", "stays")))
    words = {"time": TIMES, "topic": tuple(TOPICS)}.get(about)
    if words is None or draw(st.booleans()):
        return Claim(about, says)
    after = draw(st.sampled_from(words))
    before = after if says == "stays" else draw(st.sampled_from(words))
    return Claim(about, says, before, after)


CLAIMS = st.lists(a_claim(), max_size=8)
PHRASING = st.one_of(st.none(), st.integers(0, 2**16).map(np.random.default_rng))


@given(st.booleans(), CLAIMS, PHRASING)
def test_what_is_written_is_read_as_what_was_meant(
    opening: bool, claims: list[Claim], rng: np.random.Generator | None
) -> None:
    read = parse(write(opening, claims, rng))
    assert (read.opening, list(read.claims), read.unread) == (opening, claims, ())
    assert read.whole


@given(st.text())
def test_no_text_is_too_odd_to_read(text: str) -> None:
    read = parse(text)
    assert read.whole == (read.opening is not None and not read.unread)
    again = parse(write(True, read.claims))
    assert again.claims == read.claims


@given(CLAIMS, st.text(alphabet="abc xyz;.", min_size=1).filter(lambda text: parse(f"New scene: {text}.").unread != ()))
def test_a_clause_that_says_nothing_known_is_listed_and_the_others_are_read(claims: list[Claim], odd: str) -> None:
    read = parse(write(True, claims)[:-1] + ("; " if claims else ": ") + odd + ".")
    assert not read.whole
    assert list(read.claims)[: len(claims)] == claims


@pytest.mark.parametrize("text", ["", "New scene", "the place changes.", "New scenery: the place changes.", "Yes"])
def test_a_reason_opens_and_ends(text: str) -> None:
    assert not parse(text).whole


def test_one_clause_for_several_persons_reads_as_english() -> None:
    claims = [
        person("leaves", "Ann"),
        person("leaves", "Bob"),
        person("leaves", "Cid"),
        person("comes", "Tom, Dick and Al"),
    ]
    assert write(True, claims) == "New scene: Ann, Bob and Cid leave; Tom Dick & Al comes."


@pytest.mark.parametrize(
    "wrong",
    [
        ("place", "leaves"),
        ("weather", "changes"),
        ("place", "changes", "here", "there"),
        ("time", "changes", "night"),
        ("time", "stays", "day", "night"),
        ("topic", "changes", "war", "love to hate"),
        ("topic", "changes", "War", "love"),
        ("characters", "leaves", "", "Ann"),
        ("characters", "changes", "Ann", "Bob"),
        ("characters", "leaves", " ,;"),
    ],
)
def test_a_claim_that_makes_no_sense_is_refused(wrong: tuple[str, ...]) -> None:
    with pytest.raises(ScenevizError, match="claim"):
        Claim(*wrong)


@pytest.fixture(scope="module")
def movies() -> list[Movie]:
    return [sv.render_movie(seed, pace="quick") for seed in SEEDS]


def cuts(movie: Movie) -> list[tuple[int, Window]]:
    return [(shot, window) for window in plan_windows(len(movie), RECIPE) for shot in window.focus]


def test_what_can_be_told_is_true_and_names_each_reason_that_is_shown(movies: list[Movie]) -> None:
    for movie in movies:
        for shot, window in cuts(movie):
            true, told = known(movie, shot), tellable(movie, shot, window, RECIPE)
            assert all(true.confirms(claim) for claim in told)
            assert bool(true.changed) == (movie.labels is not None and movie.labels[0, shot] == 1)
            changing = {claim.about for claim in told if claim.changes}
            assert changing <= true.changed <= set(REASONS)
            assert true.changed & {"place", "time"} <= changing
            read = parse(rationale(movie, shot, window, RECIPE, rng=np.random.default_rng(shot)))
            assert (read.opening, list(read.claims)) == (bool(true.changed), told)


def test_the_opposite_of_what_is_true_is_not(movies: list[Movie]) -> None:
    other = {"changes": "stays", "stays": "changes", "leaves": "comes", "comes": "leaves"}
    for shot, window in cuts(movies[0]):
        for claim in tellable(movies[0], shot, window, RECIPE):
            true = known(movies[0], shot)
            if claim.person:
                assert not any(
                    true.confirms(person(says, claim.person))
                    for says in ("leaves", "comes", "stays")
                    if says != claim.says
                )
            else:
                assert not true.confirms(Claim(claim.about, other[claim.says]))
                if claim.after:
                    wrong = "xyz" if claim.changes else ""
                    assert true.confirms(Claim(claim.about, claim.says, claim.before, claim.after))
                    assert not wrong or not true.confirms(replace(claim, after=wrong))


@pytest.mark.parametrize(
    ("off", "missing"),
    [({"visual": False}, {"place", "time"}), ({"subtitles": False}, {"topic"})],
)
def test_nothing_is_told_of_what_is_not_shown(off: dict[str, bool], missing: set[str], movies: list[Movie]) -> None:
    less = replace(RECIPE, **off)  # type: ignore[arg-type]
    for shot, window in cuts(movies[0]):
        told = tellable(movies[0], shot, window, less)
        assert not {claim.about for claim in told} & missing
        assert told == [claim for claim in tellable(movies[0], shot, window, RECIPE) if claim.about not in missing]
    nameless = replace(RECIPE, characters=False)
    assert not any(
        claim.person for shot, window in cuts(movies[0]) for claim in tellable(movies[0], shot, window, nameless)
    )


def test_reasons_are_known_of_rendered_movies_only(movies: list[Movie]) -> None:
    with pytest.raises(ScenevizError, match="render_movie"):
        known(replace(movies[0], frames=None), 3)
    with pytest.raises(ScenevizError, match="no cut behind shot"):
        known(movies[0], len(movies[0]) - 1)


def said(movie: Movie, shot: int, text: str, answer: bool = True) -> Explanation:
    return Explanation(
        movie.fingerprint, movie.name, "weights", "model", False, RECIPE, shot, answer, answer, 0.5, text, (text,),
        (-0.5, -0.1), True,
    )  # fmt: skip


def explained(movies: Sequence[Movie], text: str | None = None, ends: bool = True) -> list[Explanation]:
    """Every cut, or every boundary, explained by the truth or by a constant."""
    return [
        said(movie, shot, text or rationale(movie, shot, window, RECIPE), bool(known(movie, shot).changed))
        for movie in movies
        for shot, window in cuts(movie)
        if known(movie, shot).changed or not ends
    ]


def value(table: object, measure: str, about: str = "all", subject: str = "explanations") -> float:
    rows = table.query("measure == @measure and about == @about and subject == @subject")  # type: ignore[attr-defined]
    return float(rows["value"].iloc[0])


def test_the_truth_is_all_true(movies: list[Movie]) -> None:
    table = sv.tables.explanations(movies, explained(movies, ends=False))
    for measure in ("read", "agrees", "true claims", "tellable reasons named"):
        assert value(table, measure) == 1.0
    assert value(table, "wrongly named") == 0.0
    for measure in set(table["measure"]) - {"read", "agrees"}:
        for about in ("all", *ABOUT):
            assert value(table, measure, about) == value(table, measure, about, "all that can be told")
    assert 0.5 < value(table, "reasons named") < 1.0  # some reasons are not shown in time
    assert (
        table[["low", "value", "high"]]
        .dropna()
        .apply(lambda row: row["low"] <= row["value"] <= row["high"], axis=1)
        .all()
    )


def test_no_constant_beats_the_best_and_none_is_informed(movies: list[Movie]) -> None:
    movies = movies[:1]
    best = value(sv.tables.explanations(movies, explained(movies)), "F1 of reasons", subject="best constant")
    for claims in itertools.product(("changes", "stays"), repeat=len(ABOUT)):
        text = write(True, [Claim(about, says) for about, says in zip(ABOUT, claims, strict=True)])
        table = sv.tables.explanations(movies, explained(movies, text))
        assert not value(table, "F1 of reasons") > best
        for about in ABOUT:
            assert value(table, "informed", about) == 0.0


def test_explanations_of_other_cuts_are_worse(movies: list[Movie]) -> None:
    right = explained(movies)
    wrong = [replace(each, text=other.text) for each, other in zip(right, right[1:] + right[:1], strict=True)]
    table = sv.tables.explanations(movies, wrong)
    assert value(table, "true claims") < 0.7
    assert abs(value(table, "informed")) < 0.4


def test_what_cannot_be_read_counts_against_it(movies: list[Movie]) -> None:
    each = explained(movies)
    broken = [replace(each[0], text="Blah."), replace(each[1], ended=False, log_probability=(-0.5,)), *each[2:4]]
    assert value(sv.tables.explanations(movies, broken), "read") == 0.5
    with pytest.raises(ScenevizError, match="not among the movies"):
        sv.tables.explanations(movies[:1], [each[-1]])
    with pytest.raises(ScenevizError, match="at least one"):
        sv.tables.explanations(movies, [])


def test_explanations_are_one_flat_list(movies: list[Movie]) -> None:
    (one, *_) = each = explained(movies[:1])
    with pytest.raises(ScenevizError, match="got list at place 0; several movies' explanations are one flat list too"):
        sv.tables.explanations(movies[:1], [each])  # type: ignore[list-item]
    with pytest.raises(ScenevizError, match="expected explanations, got str at place 1"):
        sv.tables.explanations(movies[:1], [one, "New scene."])  # type: ignore[list-item]
    with pytest.raises(ScenevizError, match="expected a list of explanations, got one"):
        sv.tables.explanations(movies[:1], one)  # type: ignore[arg-type]
    with pytest.raises(ScenevizError, match="faithfulness: expected explanations, got list"):
        sv.tables.faithfulness(movies[:1], None, [None], [each])  # type: ignore[arg-type, list-item]


def test_an_explanation_is_saved_and_shown_safely(tmp_path: Path, movies: list[Movie]) -> None:
    hostile = replace(
        said(movies[0], 3, "New scene: <script>alert(1)</script> leaves; <b>x"),
        movie_name="<img src=x>",
        model_name="<i>",
    )
    page = hostile._repr_html_()
    assert "<script>" not in page
    assert "<img" not in page
    assert "<i></i>" not in page
    assert Explanation.load(hostile.save(tmp_path / "why.json")) == hostile
    table = said(movies[0], 3, "New scene: the place changes; Ann and Bob leave.").to_frame()
    assert table["before"].tolist() == ["", "Ann", "Bob"]
    assert table["claim"].tolist() == [0, 1, 2]
    assert len(said(movies[0], 3, "gibberish").to_frame()) == 1
    assert math.isclose(hostile.mean_log_probability, -0.3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"log_probability": (-1.0,)}, "log-probability for each"),
        ({"log_probability": (0.5, -1.0)}, "at most 0"),
        ({"confidence": 1.5}, "confidence"),
    ],
)
def test_an_explanation_is_checked(change: dict[str, object], message: str, movies: list[Movie]) -> None:
    with pytest.raises(ScenevizError, match=message):
        replace(said(movies[0], 3, "New scene."), **change)  # type: ignore[arg-type]


@pytest.mark.parametrize("content", ["{}", "[]", "not json", '{"format": "sceneviz explanation", "version": 1}'])
def test_a_damaged_file_is_an_error_in_a_line(content: str, tmp_path: Path) -> None:
    path = tmp_path / "why.json"
    path.write_text(content)
    with pytest.raises(ScenevizError, match="why") as caught:
        Explanation.load(path)
    assert "\n" not in str(caught.value)
