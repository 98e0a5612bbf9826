"""The language of reasons: claims to a sentence, and a sentence back to claims.

A reason is one sentence of clauses, `New scene: the place changes; Ann leaves; the talk turns from money to war.` It
reads as English, and each clause is one of few, so that what it claims can be checked without a second model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from sceneviz._text import ScenevizError, choice, plain

ABOUT = ("place", "time", "characters", "topic")
SAYS = ("changes", "stays", "leaves", "comes")  # the last two of a person
OPENINGS = {True: "New scene", False: "Same scene"}
_VALUE = r"[a-z][a-z'-]*(?: (?!to\b|but\b)[a-z'-]+)*"  # a time or a topic, in small letters

# What a clause may be: the first phrasing is the plain one. Values are written where their names stand.
_PHRASES: dict[tuple[str, str, str], tuple[str, ...]] = {
    ("place", "changes", ""): ("the place changes", "the story moves to another place", "it goes on somewhere else"),
    ("place", "stays", ""): ("the place stays the same", "it goes on in the same place"),
    ("time", "changes", "both"): ("it turns from {before} to {after}", "{before} gives way to {after}"),
    ("time", "changes", ""): ("the time of day changes",),
    ("time", "stays", "both"): ("it is still {after}",),
    ("time", "stays", ""): ("the time of day stays the same",),
    ("characters", "changes", ""): ("the people change", "other people are there"),
    ("characters", "stays", ""): ("the people stay the same", "the same people are there"),
    ("topic", "changes", "both"): (
        "the talk turns from {before} to {after}",
        "they no longer talk about {before} but about {after}",
    ),
    ("topic", "changes", "after"): ("the talk turns to {after}",),
    ("topic", "changes", ""): ("the talk turns", "they talk about something else"),
    ("topic", "stays", "both"): ("they still talk about {after}", "the talk is still of {after}"),
    ("topic", "stays", ""): ("the talk goes on", "they talk about the same thing"),
}
# Of one person, and of several.
_PERSONS: dict[str, tuple[tuple[str, str], ...]] = {
    "leaves": (("leaves", "leave"), ("is gone", "are gone")),
    "comes": (("comes", "come"), ("appears", "appear")),
    "stays": (("stays", "stay"), ("is still there", "are still there")),
}


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that a reason says about the cut from a shot to the next.

    about: "place", "time", "characters" or "topic".
    says: "changes" or "stays"; of a person, who is then named, also "leaves" or "comes".
    before, after: what is said to be there before and after the cut, "" where nothing is said: a time or topic in small
        letters, or a person's name (of who leaves in `before`, of who comes in `after`, of who stays in both).
    """

    about: str
    says: str
    before: str = ""
    after: str = ""

    def __post_init__(self) -> None:
        choice(self.about, ABOUT, "claim: about")
        choice(self.says, SAYS, "claim: says")
        if self.about == "characters" and (self.before or self.after):
            for name in ("before", "after"):
                object.__setattr__(self, name, spoken(getattr(self, name)))
            given = (bool(self.before), bool(self.after))
            wanted = {"leaves": (True, False), "comes": (False, True), "stays": (True, True)}.get(self.says)
            if given != wanted or (self.says == "stays" and self.before != self.after):
                raise ScenevizError(f"claim: one person leaves (before), comes (after) or stays (both), got {self!r}")
        elif (self.about, self.says, self._form) not in _PHRASES or (
            self.says == "stays" and self.before != self.after
        ):
            raise ScenevizError(f"claim: {self.about} can't be said to be so: {self!r}")
        elif any(value and not re.fullmatch(_VALUE, value) for value in (self.before, self.after)):
            raise ScenevizError(
                f"claim: a {self.about} is words in small letters, without 'to' and 'but', got {self!r}"
            )

    @property
    def _form(self) -> str:
        return {(True, True): "both", (False, True): "after", (True, False): "before"}.get(
            (bool(self.before), bool(self.after)), ""
        )

    @property
    def changes(self) -> bool:
        """Does it say that something is otherwise than before?"""
        return self.says != "stays"

    @property
    def person(self) -> str:
        """The one it is about, "" where it is about no one person."""
        return (self.before or self.after) if self.about == "characters" else ""

    def __str__(self) -> str:
        return _clause([self], None)


def spoken(name: str) -> str:
    """A person's name as reasons write it: one line, no commas or semicolons, `&` for `and`, a capital first."""
    words = re.sub(r"\band\b", "&", re.sub("[,;]", " ", plain(name, most=60)))
    words = " ".join(words.split())
    return words[:1].upper() + words[1:]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A reason, read.

    opening: does it say that a new scene begins; None where it doesn't open as a reason does.
    claims: in the order of the text. unread: the clauses that say nothing known.
    """

    opening: bool | None
    claims: tuple[Claim, ...]
    unread: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Was all of it understood?"""
        return self.opening is not None and not self.unread


def write(opening: bool, claims: Sequence[Claim], rng: np.random.Generator | None = None) -> str:
    """Claims as one sentence. Persons who do the same, next to each other, share a clause.

    opening: a new scene begins. rng: draws among the phrasings of each clause; the plain ones without it.
    """
    grouped = groupby(claims, key=lambda claim: (claim.about, claim.says) if claim.person else id(claim))
    clauses = [_clause(list(group), rng) for _, group in grouped]
    return OPENINGS[opening] + (": " + "; ".join(clauses) if clauses else "") + "."


def _clause(claims: Sequence[Claim], rng: np.random.Generator | None) -> str:
    def drawn(options: Sequence[object]) -> int:
        return 0 if rng is None else int(rng.integers(len(options)))

    claim = claims[0]
    if claim.person:
        verbs = _PERSONS[claim.says]
        *first, last = (each.person for each in claims)
        names = f"{', '.join(first)} and {last}" if first else last
        return f"{names} {verbs[drawn(verbs)][len(claims) > 1]}"
    phrases = _PHRASES[claim.about, claim.says, claim._form]
    return phrases[drawn(phrases)].format(before=claim.before, after=claim.after)


def _pattern(phrase: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", rf"(?P<\1>{_VALUE})", phrase))


_READERS: list[tuple[re.Pattern[str], str, str]] = [
    (_pattern(phrase), about, says) for (about, says, _), phrases in _PHRASES.items() for phrase in phrases
]
# A name starts with no small Latin letter, so it can't be taken for the start of another clause.
_OF_PERSONS = [
    (re.compile(rf"(?P<names>[^a-z].*) (?:{'|'.join(verb for pair in verbs for verb in pair)})"), says)
    for says, verbs in _PERSONS.items()
]


def parse(text: str) -> Parsed:
    """What a reason claims. Never raises: what can't be read is listed."""
    said = text.strip()
    opening: bool | None = None
    for new, words in OPENINGS.items():
        if said.startswith(words) and said.endswith("."):
            opening, said = new, said[len(words) : -1].removeprefix(": ")
    claims: list[Claim] = []
    unread: list[str] = []
    for clause in said.split("; ") if said else []:
        found = _read(clause)
        claims += found
        if not found:
            unread.append(clause)
    return Parsed(opening, tuple(claims), tuple(unread))


def _read(clause: str) -> list[Claim]:
    for pattern, about, says in _READERS:
        if match := pattern.fullmatch(clause):
            values = match.groupdict()
            if says == "stays" and values:
                values["before"] = values["after"]
            return [Claim(about, says, **values)]
    for pattern, says in _OF_PERSONS:
        if match := pattern.fullmatch(clause):
            return _of_persons(match["names"], _PERSON_CLAIMS[says])
    return []


_PERSON_CLAIMS: dict[str, Callable[[str], Claim]] = {
    "leaves": lambda name: Claim("characters", "leaves", before=name),
    "comes": lambda name: Claim("characters", "comes", after=name),
    "stays": lambda name: Claim("characters", "stays", before=name, after=name),
}


def _of_persons(names: str, claim: Callable[[str], Claim]) -> list[Claim]:
    *first, last = names.split(", ")
    each = [*first, *last.split(" and ", 1)]
    return [claim(name) for name in each] if all(name == spoken(name) != "" for name in each) else []


def person(says: str, name: str) -> Claim:
    """The claim that a person leaves, comes or stays."""
    return _PERSON_CLAIMS[choice(says, _PERSON_CLAIMS, "says")](name)
