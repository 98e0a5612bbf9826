"""The axis that all attributions share: which tokens of a decision's input make up which group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from sceneviz._text import ScenevizError, choice
from sceneviz.prompt import MODALITIES
from sceneviz.recipe import Recipe, Window

if TYPE_CHECKING:
    from sceneviz.models.decision import Decision

PER = ("modality", "side", "shot")
SIDES = ("before", "at", "after", "all")
Side = Literal["before", "at", "after", "all"]


@dataclass(frozen=True, slots=True)
class Group:
    """Tokens that are switched together.

    modality: "shot_id" (the tags around a shot), "visual" (its frames), "subtitle", "character", or "answer" (the Yes
        or No written for an earlier shot; the words around it are always there).
    side: where its shots lie, seen from the shot that is decided; "all" for a whole modality.
    shot: the one shot it belongs to (index in the movie), None where it holds several.
    tokens: how many there are; 0 where, say, nothing is spoken.
    """

    modality: str
    side: str
    shot: int | None
    tokens: int


def shown(recipe: Recipe) -> tuple[str, ...]:
    """The modalities that can be switched under a recipe: all but the instruction."""
    there = {
        "visual": recipe.visual,
        "subtitle": recipe.subtitles,
        "character": recipe.characters,
        "answer": recipe.sequential,
    }
    return tuple(name for name in MODALITIES if name != "instruction" and there.get(name, True))


def side_of(shot: int, decided: int) -> Side:
    """Where a shot lies, seen from the one that is decided."""
    return "at" if shot == decided else "before" if shot < decided else "after"


def grouped(
    decision: Decision, window: Window, recipe: Recipe, *, per: str, modalities: Sequence[str] | None = None
) -> tuple[list[Group], np.ndarray]:
    """The groups of a decision, and `(n,)` int64: the group of each of its tokens, -1 for what is always there.

    per: "modality" (at most five groups), "side" (each modality before, at and after the decided shot: at most
        thirteen), or "shot" (each modality of each shot of the window).
    modalities: only these; the others are always there.
    """
    choice(per, PER, "groups")
    names = _chosen(modalities, shown(recipe))
    layout, decided = decision.layout, window.focus[decision.place]
    kind, shot = layout.modality[decision.tokens], layout.shot[decision.tokens]
    wording = np.isin(decision.tokens, layout.answer_places)
    groups: list[Group] = []
    member = np.full(len(decision), -1, np.int64)
    for name in names:
        own = (kind == MODALITIES.index(name)) & (wording if name == "answer" else decision.tokens >= 0)
        shots = range(window.focus.start, decided) if name == "answer" else window.context
        for side, one, inside in _parts(per, shots, decided):
            tokens = own & np.isin(shot, inside)
            member[tokens] = len(groups)
            groups.append(Group(name, side, one, int(tokens.sum())))
    return groups, member


def _chosen(wanted: Sequence[str] | None, there: tuple[str, ...]) -> tuple[str, ...]:
    if wanted is None:
        return there
    names = (wanted,) if isinstance(wanted, str) else tuple(wanted)
    if not names:
        raise ScenevizError(f"modalities: expected some of {', '.join(map(repr, there))}, got none")
    for name in names:
        choice(name, there, "a modality that this prediction's recipe shows")
    return tuple(name for name in there if name in names)


def _parts(per: str, shots: range, decided: int) -> list[tuple[str, int | None, list[int]]]:
    """Side, shot and shots of each group that one modality falls into."""
    if per == "modality":
        return [("all", None, list(shots))] if shots else []
    if per == "shot":
        return [(side_of(shot, decided), shot, [shot]) for shot in shots]
    sides = {side: [shot for shot in shots if side_of(shot, decided) == side] for side in SIDES[:3]}
    return [(side, None, inside) for side, inside in sides.items() if inside]
