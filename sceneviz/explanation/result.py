"""Explanation: what a model said of one decision, what that claims, saved and as a table. No torch."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sceneviz._text import ScenevizError, escape, whole, write_whole
from sceneviz.explanation.claims import Claim, Parsed, parse
from sceneviz.movie import FRAMES
from sceneviz.recipe import Recipe
from sceneviz.results.envelope import opened, packed, told_if_damaged
from sceneviz.results.origin import check_origin, check_text

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "sceneviz explanation"
VERSION = 1


@dataclass(frozen=True)
class Explanation:
    """A model's reason for one of its answers.

    movie, movie_name, model, model_name, embedded, recipe: those of the prediction.
    shot: whose answer it is (index in the movie). answer: the answer explained, True for Yes; given: the one that the
        model wrote. They differ where another was asked for.
    confidence: of the decision, 0 to 1.
    text: what the model wrote, greedily. tokens: its tokens, as text. ended: did it come to an end by itself.
    log_probability: of each token among the whole vocabulary, natural logarithm; where it ended, of the end too.
    """

    movie: str
    movie_name: str
    model: str
    model_name: str
    embedded: bool
    recipe: Recipe
    shot: int
    answer: bool
    given: bool
    confidence: float
    text: str
    tokens: tuple[str, ...]
    log_probability: tuple[float, ...]
    ended: bool

    def __post_init__(self) -> None:
        check_origin(self, "explanation")
        if not whole(self.shot) or not 0 <= self.shot < FRAMES:
            raise ScenevizError(f"explanation: shot must be its place in the movie, got {self.shot!r}")
        for name in ("answer", "given", "ended"):
            if not isinstance(getattr(self, name), bool):
                raise ScenevizError(f"explanation: {name} must be True or False, got {getattr(self, name)!r}")
        object.__setattr__(self, "tokens", tuple(self.tokens))
        object.__setattr__(self, "log_probability", tuple(map(float, self.log_probability)))
        for name in ("text", "tokens"):
            check_text(self, name, "explanation")
        if len(self.log_probability) != len(self.tokens) + self.ended:
            raise ScenevizError(
                f"explanation: expected a log-probability for each of {len(self.tokens)} tokens"
                f"{' and the end' * self.ended}, got {len(self.log_probability)}"
            )
        if not all(-math.inf < value <= 1e-6 for value in self.log_probability):
            raise ScenevizError("explanation: log-probabilities must be numbers of at most 0")
        if not isinstance(self.confidence, Real) or not 0 <= self.confidence <= 1:
            raise ScenevizError(f"explanation: confidence must lie in 0 to 1, got {self.confidence!r}")

    @cached_property
    def parsed(self) -> Parsed:
        """What the text says, read by the grammar of reasons."""
        return parse(self.text)

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What it claims, in the order of the text."""
        return self.parsed.claims

    @property
    def whole(self) -> bool:
        """Did the model come to an end, and could all of it be read?"""
        return self.ended and self.parsed.whole

    @property
    def agrees(self) -> bool:
        """Does it open as the answer does: "New scene" for Yes, "Same scene" for No?"""
        return self.parsed.opening is self.answer

    @property
    def mean_log_probability(self) -> float:
        """A token's, on average; NaN where nothing was written."""
        return sum(self.log_probability) / len(self.log_probability) if self.log_probability else math.nan

    def __repr__(self) -> str:
        said = "Yes" if self.answer else "No"
        return f"Explanation(shot {self.shot} of {self.movie_name!r}, {said} at {self.confidence:.3f}: {self.text!r})"

    def _repr_html_(self) -> str:
        """The text, each token under-laid by how unsure the model was of it, and its claims as a list."""
        shown = "".join(
            f'<span title="probability {math.exp(min(value, 0.0)):.3f}" '
            f'style="background:rgba(213,94,0,{0.7 * (1 - math.exp(min(value, 0.0))):.2f})">{escape(token)}</span>'
            for token, value in zip(self.tokens, self.log_probability, strict=False)
        )
        claims = "".join(f"<li>{escape(claim)}</li>" for claim in self.claims)
        unread = "".join(f"<li><i>not understood:</i> {escape(clause)}</li>" for clause in self.parsed.unread)
        cut = "" if self.ended else " <i>(cut off)</i>"
        by = escape(self.model_name) + (", the embedded model" if self.embedded else "")
        head = f"Shot {self.shot}: {'Yes' if self.answer else 'No'}"
        asked = "" if self.answer == self.given else f", though it said {'Yes' if self.given else 'No'}"
        return (
            f"<div><b>{head}</b> (confidence {self.confidence:.3f}{asked}; {escape(self.movie_name)}, by {by})"
            f"<p>{shown}{cut}</p><ul>{claims}{unread}</ul></div>"
        )

    def to_frame(self) -> pd.DataFrame:
        """A row a claim; one without a claim where there is none.

        Columns: movie, model, embedded, shot, answer, confidence, claim (from 0), about, says, before, after, text,
        whole, agrees, mean_log_probability.
        """
        import pandas as pd

        claims: list[dict[str, Any]] = [{"claim": number, **asdict(each)} for number, each in enumerate(self.claims)]
        about = {
            "movie": self.movie_name,
            "model": self.model_name,
            "embedded": self.embedded,
            "shot": self.shot,
            "answer": self.answer,
            "confidence": self.confidence,
        }
        rest = {
            "text": self.text,
            "whole": self.whole,
            "agrees": self.agrees,
            "mean_log_probability": self.mean_log_probability,
        }
        none = {"claim": None, "about": "", "says": "", "before": "", "after": ""}
        table = pd.DataFrame([about | each | rest for each in claims or [none]])
        return table.astype({"claim": "Int64"})

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one JSON file, whole or not at all; gives back its path."""
        data: dict[str, Any] = {"format": FORMAT, "version": VERSION}
        data |= {field.name: getattr(self, field.name) for field in fields(self)}
        return write_whole(path, packed(data | {"recipe": asdict(self.recipe)}))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Explanation:
        """Read what `save` wrote; ScenevizError, in one line, where that isn't there, or is something else."""
        data = opened(path, "explanation", form=FORMAT, version=VERSION, again="explain again")
        with told_if_damaged(path, "explanation", again="explain again"):
            return cls(**data | {"recipe": Recipe(**data["recipe"])})


def check_explanations(explanations: Sequence[Explanation], what: str) -> None:
    """Raise ScenevizError unless this is one flat list of explanations. what: for which verb."""
    if isinstance(explanations, Explanation):
        raise ScenevizError(f"{what}: expected a list of explanations, got one; put it in a list")
    for place, each in enumerate(explanations):
        if not isinstance(each, Explanation):
            hint = "; several movies' explanations are one flat list too" if isinstance(each, list | tuple) else ""
            raise ScenevizError(f"{what}: expected explanations, got {type(each).__name__} at place {place}{hint}")
