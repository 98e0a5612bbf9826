"""`intervene`: decisions read again under actions, beside the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.attention import Read, checked, decided_shot, read_windows
from sceneviz.intervention.actions import Action, Change, Cut, Force, Replace, several
from sceneviz.intervention.inputs import Showing
from sceneviz.movie import Movie
from sceneviz.prompt import SHOWN, TokenLayout, group_tokens
from sceneviz.recipe import Recipe, Window, plan_windows
from sceneviz.results import Prediction

if TYPE_CHECKING:
    import pandas as pd

    from sceneviz.models import SceneModel
    from sceneviz.models.prefix import Prefix

Condition = Action | Sequence[Action]


def intervene(
    movie: Movie,
    model: SceneModel,
    prediction: Prediction,
    *,
    actions: Condition | Sequence[Condition],
    decisions: Sequence[int] | None = None,
) -> pd.DataFrame:
    """What decisions say when something is done to them, beside what they said.

    actions: from `sceneviz.intervention`: `Cut`, `Force`, `Remove`, `Replace`, `Swap`, `Shuffle`. Each is a condition
        of its own; a tuple of several is one condition, done together.
    decisions: the decided shots to read; by default all that the condition can reach, which are those in the windows
        that show what is acted on, and, where only answers are, those after them.

    A row a condition and decision: action, decision, shot and offset (of what was acted on, where it is one shot),
    tokens (how many the decision did without, for cuts), baseline and log_odds (log P(Yes)/P(No)), their difference
    delta_log_odds, confidence and delta_confidence.
    Both sides are read in the same way, over the same cached prompt where the input is not changed.
    """
    import pandas as pd

    checked(movie, model, prediction)
    conditions = _conditions(actions)
    for condition in conditions:
        for action in condition:
            _check(action, prediction)
    wanted = set(range(len(movie) - 1) if decisions is None else (decided_shot(prediction, d) for d in decisions))
    windows = plan_windows(len(movie), prediction.recipe)
    touched = [
        number
        for number, window in enumerate(windows)
        if any(_reaches(condition, window, d) for condition in conditions for d in wanted & set(window.focus))
    ]
    rows: list[dict[str, Any]] = []
    for read in read_windows(movie, model, prediction, touched, size=1):
        desk = _Desk(movie, model, prediction.recipe, read)
        for number, condition in enumerate(conditions):
            for decision in sorted(wanted & set(read.windows[0].focus)):
                if _reaches(condition, read.windows[0], decision):
                    rows.append({"condition": number} | desk.row(condition, decision))
    if not rows:
        raise ScenevizError(
            f"no decision is reached by {'; '.join(' + '.join(map(str, each)) for each in conditions)}; an action "
            "reaches the decisions of windows that show its shots, an answer those after it in its window"
        )
    table = pd.DataFrame(rows).sort_values(["condition", "decision"], kind="stable").drop(columns="condition")
    return table.astype({"shot": "Int64", "offset": "Int64", "tokens": "Int64"}).reset_index(drop=True)


def _conditions(actions: Condition | Sequence[Condition]) -> list[tuple[Action, ...]]:
    listed = [actions] if isinstance(actions, Action) else list(actions)
    conditions = [(each,) if isinstance(each, Action) else tuple(each) for each in listed]
    odd = [action for condition in conditions for action in condition if not isinstance(action, Action)]
    if odd or not all(conditions) or not conditions:
        raise ScenevizError(
            f"actions: expected Cut, Force, Remove, Replace, Swap or Shuffle, or tuples of them, got {odd or actions!r}"
        )
    return conditions


def _check(action: Action, prediction: Prediction) -> None:
    """Raise ScenevizError where an action speaks of what is not there."""
    recipe, last = prediction.recipe, len(prediction) - 1
    if isinstance(action, Force):
        if not recipe.sequential:
            raise ScenevizError("force: with sequential=False no decision sees an earlier answer")
        if action.shot is not None:
            decided_shot(prediction, action.shot)
    shots = several(action.shot) if isinstance(action, Cut) and action.shot is not None else ()
    shots = action.shots if isinstance(action, Change) else shots
    for shot in (*shots, *((action.by,) if isinstance(action, Replace) else ())):
        if not isinstance(shot, int) or not 0 <= shot <= last:
            raise ScenevizError(f"{action}: there is no shot {shot}; the movie has shots 0 to {last}")
    if isinstance(action, Cut):
        for offset in () if action.offset is None else several(action.offset):
            if not isinstance(offset, int) or abs(offset) >= recipe.context:
                raise ScenevizError(f"{action}: no window has offset {offset}; its context is {recipe.context} shots")
    shown = {"visual": recipe.visual, "subtitle": recipe.subtitles, "character": recipe.characters}
    shown["shot_id"] = not isinstance(action, Change) or (recipe.visual and recipe.shot_ids)
    for modality in several(getattr(action, "modality", None) or ()):
        if not shown.get(str(modality), True):
            there = ", ".join(name for name, is_shown in shown.items() if is_shown)
            raise ScenevizError(f"{action}: the recipe does not show {modality}; it shows {there}")


def _targets(action: Action, decision: int) -> tuple[int, ...]:
    """The shots that an action is about, for a decision; none where it is about no shot in particular."""
    if isinstance(action, Change):
        return action.shots
    assert isinstance(action, Cut | Force)
    if action.shot is not None:
        return several(action.shot)
    return tuple(decision + offset for offset in several(action.offset)) if action.offset is not None else ()


def _reaches(condition: Sequence[Action], window: Window, decision: int) -> bool:
    """Can any of these actions make a difference to the decision?"""
    for action in condition:
        targets = _targets(action, decision)
        if isinstance(action, Force) or (isinstance(action, Cut) and action.modality == ("answer",)):
            inside = [shot for shot in targets if shot in window.focus and shot < decision]
        else:
            inside = [shot for shot in targets if shot in window.context]
        if inside or not targets:
            return True
    return False


# Rows `(answer tokens,)`, keys `(tokens,)`, layers, heads.
_Edges = tuple[np.ndarray, np.ndarray, tuple[int, ...] | None, tuple[int, ...] | None]


@dataclass
class _Desk:
    """One window on which conditions are tried; equal passes are made once."""

    movie: Movie
    model: SceneModel
    recipe: Recipe
    read: Read
    prefixes: dict[tuple[Change, ...], Prefix] = field(default_factory=dict)
    readings: dict[Any, np.ndarray] = field(default_factory=dict)

    @property
    def window(self) -> Window:
        return self.read.windows[0]

    def row(self, condition: Sequence[Action], decision: int) -> dict[str, Any]:
        """One row of the table."""
        place = decision - self.window.focus.start
        changes = tuple(action for action in condition if isinstance(action, Change))
        cuts = tuple(action for action in condition if isinstance(action, Cut))
        forced = [action for action in condition if isinstance(action, Force)]
        layout = self._prefix(changes).layouts[0]
        edges = [each for cut in cuts for each in self._edges(cut, layout, decision)]
        before = self._log_odds((), [], self.read.answers)[place]
        after = self._forced(changes, edges, forced, decision)[place]
        targets = {shot for action in condition for shot in _targets(action, decision)}
        (shot,) = targets if len(targets) == 1 else (None,)
        seen = layout.decision_rows[place] + 1
        without = np.any([keys[:seen] for _, keys, *_ in edges], 0).sum() if edges else 0
        confidence, baseline = (1 / (1 + np.exp(-value)) for value in (after, before))
        return {
            "action": " + ".join(map(str, condition)),
            "decision": decision,
            "shot": shot,
            "offset": None if shot is None else shot - decision,
            "tokens": int(without) if cuts else None,
            "baseline": before,
            "log_odds": after,
            "delta_log_odds": after - before,
            "confidence": confidence,
            "delta_confidence": confidence - baseline,
        }

    def _prefix(self, changes: tuple[Change, ...]) -> Prefix:
        if not changes:
            return self.read.prefix
        if changes not in self.prefixes:
            showing = Showing.after(changes, self.window)
            bundle = self.read.bundle
            if bundle is not None:
                bundle = showing.features(self.movie, self.model, self.recipe, bundle)
            layout = self.model.layout(showing.prompt(self.movie, self.recipe))
            self.prefixes[changes] = self.model.prefill([layout], bundle)[0]
        return self.prefixes[changes]

    def _edges(self, cut: Cut, layout: TokenLayout, decision: int) -> list[_Edges]:
        """What a cut means in this prompt, for one decision."""
        groups, names = group_tokens(layout, self.window), cut.modality or SHOWN
        if names == ("instruction",):
            keys = groups == 0
        else:
            slots = [
                shot - self.window.context.start for shot in _targets(cut, decision) if shot in self.window.context
            ]
            keys = np.isin(groups, [1 + slot * len(SHOWN) + SHOWN.index(name) for slot in slots for name in names])
        start, where = layout.prompt_length, (cut.layers, cut.heads)
        answer = np.arange(len(layout) - start)
        if cut.rows == "decision":
            row = layout.decision_rows[decision - self.window.focus.start] - start
            return [(answer == row, keys, *where)]
        found: list[_Edges] = [(answer >= 0, keys & (np.arange(len(layout)) < start), *where)]
        # Behind an answer line no token sees it; its own tokens must see what they continue.
        for shot in np.unique(layout.shot[start:][keys[start:]]):
            line = (layout.shot == shot) & (np.arange(len(layout)) >= start)
            found.append((answer > np.flatnonzero(line[start:]).max(), line, *where))
        return [edges for edges in found if edges[1].any()]

    def _forced(
        self, changes: tuple[Change, ...], edges: list[_Edges], forced: Sequence[Force], decision: int
    ) -> np.ndarray:
        """`(focus,)` log-odds with some of the answers forced."""
        if self.read.answers is None or not forced:
            return self._log_odds(changes, edges, self.read.answers)
        answers, held = list(self.read.answers[0]), {}
        for force in forced:
            for shot in _targets(force, decision):
                if shot in self.window.focus:
                    place = shot - self.window.focus.start
                    held[place] = (not answers[place]) if force.answer is None else force.answer
        answers = [held.get(place, answer) for place, answer in enumerate(answers)]
        odds = self._log_odds(changes, edges, [answers])
        if any(force.redecide for force in forced) and held:
            # Each pass settles at least one more of the answers that follow.
            for _ in answers:
                follow = [place > min(held) and place not in held for place in range(len(answers))]
                answers = [bool(odds[i] > 0) if follow[i] else answer for i, answer in enumerate(answers)]
                odds = self._log_odds(changes, edges, [answers])
        return odds

    def _log_odds(
        self, changes: tuple[Change, ...], edges: list[_Edges], answers: list[list[bool]] | None
    ) -> np.ndarray:
        """`(focus,)` log-odds under changes, cuts and answers."""
        from sceneviz.models.probe import Cut as Edges
        from sceneviz.models.probe import Probe

        key = (changes, tuple((rows.tobytes(), keys.tobytes(), *where) for rows, keys, *where in edges), str(answers))
        if key not in self.readings:
            prefix = self._prefix(changes)
            cuts = tuple(Edges((rows,), (keys,), layers, heads) for rows, keys, layers, heads in edges)
            # One group of all tokens: nothing to be counted, but decision rows explicit also where nothing is cut, so
            # that a difference comes from the action alone.
            probe = Probe((np.zeros(len(prefix.layouts[0]), np.int64),), 1, cuts=cuts)
            self.readings[key] = prefix.probe(answers, probe)[0].log_odds[0]
        return self.readings[key]
