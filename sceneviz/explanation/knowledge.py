"""What is known about a cut of a rendered movie: which claims about it are true, and which a window lets one tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.explanation.claims import Claim, person, spoken, write
from sceneviz.movie import Movie
from sceneviz.recipe import Recipe, Window
from sceneviz.synthetic.story import Story, Take
from sceneviz.synthetic.words import TOPICS, words_of

DETAILS = ("time", "characters", "topic")
NEAR = 5  # shots before and after the cut, of the same scene, in which a reason is looked for


@dataclass(frozen=True, slots=True)
class Known:
    """The cut behind a shot.

    changed: what changes there, of the renderer's reasons; empty within a scene. time, topic: before and after.
    people: names of who belongs to the scene, before and after, as reasons write them.
    """

    changed: frozenset[str]
    time: tuple[str, str]
    topic: tuple[str, str]
    people: tuple[frozenset[str], frozenset[str]]

    def confirms(self, claim: Claim) -> bool:
        """Is the claim true, in all that it says?"""
        if claim.person:
            there = tuple(claim.person in people for people in self.people)
            return there == {"leaves": (True, False), "comes": (False, True), "stays": (True, True)}[claim.says]
        values = {"time": self.time, "topic": self.topic}.get(claim.about, ("", ""))
        said = zip((claim.before, claim.after), values, strict=True)
        return claim.changes == (claim.about in self.changed) and all(word in ("", true) for word, true in said)


def story_of(movie: Movie) -> Story:
    """The story behind a rendered movie; ScenevizError for any other."""
    from sceneviz.synthetic.source import RenderedFrames

    if not isinstance(movie.frames, RenderedFrames):
        raise ScenevizError(f"reasons are known for movies from render_movie; {movie.name!r} is not one")
    return movie.frames.story


def known(movie: Movie, shot: int) -> Known:
    """All that the renderer knows about the cut from a shot to the next."""
    story = story_of(movie)
    if not 0 <= shot < len(story.takes) - 1:
        raise ScenevizError(f"no cut behind shot {shot}; {movie.name!r} has cuts behind shots 0 to {len(movie) - 2}")
    here, there = (story.scenes[take.scene] for take in story.takes[shot : shot + 2])
    return Known(
        changed=here.reasons if here is not there else frozenset(),
        time=(here.time, there.time),
        topic=(here.topic, there.topic),
        people=tuple(frozenset(map(spoken, scene.characters)) for scene in (here, there)),  # type: ignore[arg-type]
    )


def tellable(movie: Movie, shot: int, window: Window, recipe: Recipe) -> list[Claim]:
    """The true claims about the cut behind a shot that a viewer of this window could make, in the order of a reason.

    Of what is known, that for which there is evidence in the `NEAR` shots of either side: frames for place and time;
    who is named for who leaves, comes and stays; words of the topic for what the talk is about. Without names, but with
    frames, people change or stay as a whole. Nothing where the window doesn't show the next shot.
    """
    story, true = story_of(movie), known(movie, shot)
    if shot not in window.context or shot + 1 not in window.context:
        return []
    before, after = _around(story, shot, window)
    claims = []
    if recipe.visual:
        claims.append(Claim("place", "changes" if "place" in true.changed else "stays"))
        claims.append(Claim("time", "changes" if "time" in true.changed else "stays", *true.time))
    claims += _people(true, before, after, recipe)
    spoke = [
        any(_about(take, topic) for take in takes) for takes, topic in zip((before, after), true.topic, strict=True)
    ]
    if recipe.subtitles and all(spoke):
        claims.append(Claim("topic", "changes" if "topic" in true.changed else "stays", *true.topic))
    return claims


def _around(story: Story, shot: int, window: Window) -> tuple[list[Take], list[Take]]:
    """Takes near the cut on either side, each of the scene that touches it."""
    first, stop = max(window.context.start, shot + 1 - NEAR), min(window.context.stop, shot + 1 + NEAR)
    takes = story.takes
    return (
        [take for take in takes[first : shot + 1] if take.scene == takes[shot].scene],
        [take for take in takes[shot + 1 : stop] if take.scene == takes[shot + 1].scene],
    )


def _people(true: Known, before: list[Take], after: list[Take], recipe: Recipe) -> list[Claim]:
    seen = [
        list(dict.fromkeys(spoken(name) for take in takes for name in take.characters)) for takes in (before, after)
    ]
    if not all(seen):
        return []
    if not recipe.characters:
        says = "changes" if "characters" in true.changed else "stays"
        return [Claim("characters", says)] if recipe.visual else []
    left = [name for name in seen[0] if name not in true.people[1]]
    came = [name for name in seen[1] if name not in true.people[0]]
    both = [name for name in seen[0] if name in seen[1]]
    return [
        person(says, name) for says, names in (("leaves", left), ("comes", came), ("stays", both)) for name in names
    ]


def _about(take: Take, topic: str) -> bool:
    return bool(words_of(take.line) & {word for part in TOPICS[topic] for word in part})


def rationale(
    movie: Movie,
    shot: int,
    window: Window,
    recipe: Recipe,
    *,
    details: Sequence[str] = DETAILS,
    rng: np.random.Generator | None = None,
) -> str:
    """What the answer for a shot should be explained by: all that can be told, as one sentence.

    details: of `DETAILS`, of what it says which, not only that it changes or stays: "time", "characters" (who leaves
    and comes, by name), "topic". rng: draws among phrasings; the plain ones without it.
    """
    true = known(movie, shot)
    claims = tellable(movie, shot, window, recipe)
    bare = [claim if claim.about in details else _bare(claim, true) for claim in claims]
    return write(bool(true.changed), list(dict.fromkeys(bare)), rng)


def _bare(claim: Claim, true: Known) -> Claim:
    return Claim(claim.about, "changes" if claim.about in true.changed else "stays")
