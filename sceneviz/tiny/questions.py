"""What the embedded model is asked while it learns to read, and what the renderer knows to be the answer.

At the last token of each shot it is asked what the shot is about, which number it has, and what has changed; and at
each decision, what changes with the next shot. Some heads of its attention are told where to look for that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from sceneviz.explanation import story_of
from sceneviz.models.scene_model import SceneModel
from sceneviz.prompt import MODALITIES, TokenLayout, shot_id
from sceneviz.synthetic import Story, retold
from sceneviz.synthetic.story import TIMES
from sceneviz.tiny.facts import WIDTH, Look, changes, said_and_present, topics_told
from sceneviz.tiny.telling import Telling
from sceneviz.tiny.warmup import placing
from sceneviz.training.alignment import Reasoned
from sceneviz.training.rationales import Explained
from sceneviz.training.stores import FeatureStore
from sceneviz.training.windows import Sample, TrainingWindows


class Questions(NamedTuple):
    """What is asked about a batch. Places are `(2, n)` int64: row and column; with equal rows side by side.

    ends: the last token of every shot but a window's first. decisions: where an answer is decided, or named again by
        who asks for its reason.
    changed: `(ends, 12)`, foretold: `(decisions, 12)`: what changes with that shot, with the next (`facts.CHANGES`).
    about: `(ends, 2, 3, 64)`: what that shot, and the one before, look like, talk about, and who is there; zero where
        it isn't shown. `(ends, 2, 2, 64)`, without the look, where the vision tower learns along.
    digits: of both shots' IDs at each end, then of the shot that is decided.
    looks: for each of LOOKERS, the places from where, and the columns `(n, width)` at any of which.
    words: places whose next token is text of a shot: neither instruction, nor part of a frame, nor an answer.
    lines: places in lines that tell what they are about, and the number `(n,)` of that topic.
    pictures: the last tokens of shots with frames, and the number `(n,)` of the time of day.
    frames: `(frames, 3)`: of each frame, in order, the number of its place, of its place and time, and of the time.
    """

    ends: np.ndarray
    decisions: np.ndarray
    changed: np.ndarray
    foretold: np.ndarray
    about: np.ndarray
    digits: np.ndarray
    looks: list[tuple[np.ndarray, np.ndarray]]
    words: np.ndarray
    lines: tuple[np.ndarray, np.ndarray]
    pictures: tuple[np.ndarray, np.ndarray]
    frames: np.ndarray


class Reasons(NamedTuple):
    """The reasons in a batch.

    requests: `(n, 3)`: row and column where the request for each has named the shot, and which shot that is.
    look: places `(2, tokens)` that say their tokens, and the columns `(tokens, 1)` of the requests for them: no token
        before these knows which shot is meant.
    """

    requests: np.ndarray
    look: tuple[np.ndarray, np.ndarray]

    @classmethod
    def none(cls) -> Reasons:
        """Of a batch without."""
        return cls(np.empty((0, 3), int), (np.empty((2, 0), int), np.empty((0, 1), int)))

    @classmethod
    def of(cls, batch: dict[str, Any], explained: Sequence[Explained]) -> Reasons:
        """Of a batch that `Reasoned` made."""
        # Copies: a tensor that a worker hands on moves to shared memory, and where it was is no longer its own.
        rows, columns, asked = (batch[f"reason_{name}"].numpy().copy() for name in ("rows", "columns", "asked"))
        shots = [shot for each in explained for shot in each.shots]
        named = np.unique(np.stack((rows, asked), 1), axis=0)
        return cls(np.column_stack((named, np.array(shots, int))), (np.stack((rows, columns)), asked[:, None]))


class Looker(NamedTuple):
    """A head that is told where to look: from an end or a decision, at the closing tag of the shot so many `on`; from
    a reason, at where its request has named the shot. layer: which one, in a model of so many layers."""

    start: Literal["end", "decision", "reason"]
    on: int
    layer: Callable[[int], int]
    head: int


def _late(layers: int) -> int:
    """The last layer but one: what it gathers at a request, a reason is told in the last. Never the first, where a
    decision does not know yet which shot it is about."""
    return max(1, layers - 2)


LOOKERS = (
    Looker("end", -1, lambda layers: layers // 2 - 1, -1),
    Looker("end", -1, lambda layers: layers // 2, 1),
    Looker("decision", 1, _late, 1),
    Looker("decision", 0, _late, -1),
    Looker("decision", 2, _late, 0),  # the next shot may show nobody, or be no more than a cut away and back
    Looker("decision", 1, lambda layers: layers - 1, 1),
    Looker("reason", 0, lambda layers: layers - 1, -1),
)
CLOSING = 3  # tokens of a shot's closing tag


@dataclass(frozen=True)
class Lessons:
    """Rendered movies with all that is known of them.

    store: their frame features, and look: what shots look like, by these. Neither where the vision tower learns along:
    what it sees changes, and nothing of it is kept.
    """

    windows: TrainingWindows
    store: FeatureStore | None = None
    look: Look | None = None
    _seen: dict[int, Tensor] = field(default_factory=dict)
    _told: dict[tuple[int, int], Story] = field(default_factory=dict)

    def story(self, sample: Sample) -> Story:
        """A sample's movie as this sample tells it: with lines, names and topics that no other one has."""
        key = sample.movie, sample.telling
        if key not in self._told:
            told = story_of(self.windows.movies[sample.movie])
            self._told[key] = retold(told, sample.telling) if sample.telling else told
        return self._told[key]

    def asking(
        self, model: SceneModel, *, explained: bool = False
    ) -> Callable[[Sequence[Sample | Explained]], tuple[dict[str, Any], Questions]]:
        """Batches of windows, told anew each time, and what is asked about them; explained: with reasons."""
        told = Telling(model, self.windows, self.store, self.story)
        collator = Reasoned(model, told) if explained else told

        def asked(items: Sequence[Any]) -> tuple[dict[str, Any], Questions]:
            self._told.clear()
            batch = collator(items)
            layouts = batch.pop("layouts")
            if not explained:
                return batch, self.questions(layouts, items)
            return batch, self.questions(layouts, [item.sample for item in items], Reasons.of(batch, items))

        return asked

    def questions(
        self, layouts: Sequence[TokenLayout], samples: Sequence[Sample], reasons: Reasons | None = None
    ) -> Questions:
        """What is asked about a batch. reasons: that it has behind the answers."""
        reasons = reasons or Reasons.none()
        ends, decisions = _ends(layouts, samples), _decisions(layouts, samples)
        decisions = np.concatenate((decisions, reasons.requests))
        decisions = decisions[np.argsort(decisions[:, 0], kind="stable")]
        lines = self._lines(layouts, samples)
        pictured = ends[[samples[row].recipe.visual for row in ends[:, 0]]]
        starts = {"end": ends, "decision": decisions}
        closing = {(row, shot): column for row, column, shot in ends.tolist()}
        named = [(row, shot - back) for row, _, shot in ends.tolist() for back in (0, 1)]
        named += [(row, shot) for row, _, shot in decisions.tolist()]
        digits = [int(digit) for row, shot in named for digit in shot_id(shot, samples[row].first)]
        about = [self._shown(sample) for sample in samples]
        changed = [changes(self.story(sample), sample.window.context.start) for sample in samples]
        return Questions(
            ends=ends[:, :2].T,
            decisions=decisions[:, :2].T,
            changed=np.stack([changed[row][shot] for row, _, shot in ends.tolist()]),
            foretold=np.stack([changed[row][shot + 1] for row, _, shot in decisions.tolist()]),
            about=np.stack([about[row][[shot, shot - 1]] for row, _, shot in ends.tolist()]),
            digits=np.array(digits),
            looks=[
                reasons.look if each.start == "reason" else _looks(starts[each.start], closing, each.on)
                for each in LOOKERS
            ],
            words=_words(layouts),
            lines=(lines[:, :2].T, lines[:, 2]),
            pictures=(pictured[:, :2].T, self._times(samples, pictured)),
            frames=self._frames(samples),
        )

    def looks(self, movie: int) -> Tensor:
        """`(shots, 1, 64)`: what each shot looks like; `(shots, 0, 64)` where nothing says so."""
        if self.look is None or self.store is None:
            return torch.empty(len(self.windows.movies[movie]), 0, WIDTH)
        if movie not in self._seen:
            self._seen[movie] = self.look(self.store.whole(movie))[:, None]
        return self._seen[movie]

    def _lines(self, layouts: Sequence[TokenLayout], samples: Sequence[Sample]) -> np.ndarray:
        """`(n, 3)`: row and column of every token of a line that tells its topic, and which that is."""
        found = []
        for row, (layout, sample) in enumerate(zip(layouts, samples, strict=True)):
            columns = np.flatnonzero(layout.modality == MODALITIES.index("subtitle"))
            topics = topics_told(self.story(sample))[layout.shot[columns]]
            told = np.stack([np.full(len(columns), row), columns, topics], 1)
            found.append(told[topics >= 0])
        return np.concatenate(found)

    def _times(self, samples: Sequence[Sample], places: np.ndarray) -> np.ndarray:
        """`(n,)`: the number of the time of day of each of these shots."""
        takes = [self.story(sample).takes for sample in samples]
        return np.array([TIMES.index(takes[row][shot].time) for row, _, shot in places.tolist()], int)

    def _frames(self, samples: Sequence[Sample]) -> np.ndarray:
        """`(frames, 3)`: where and when each frame is, see `warmup.placing`."""
        seen = [
            (sample.movie, take.place, take.time)
            for sample in samples
            if sample.recipe.visual
            for take in self.story(sample).takes[sample.window.context.start : sample.window.context.stop]
            for _ in sample.frames
        ]
        placed: np.ndarray = placing(seen).numpy()
        return placed

    def _shown(self, sample: Sample) -> np.ndarray:
        """`(shots, 3 or 2, 64)`: what shots are about, as far as the window shows it."""
        about = torch.cat((self.looks(sample.movie), said_and_present(self.story(sample))), 1).numpy()
        shown = np.array([sample.recipe.visual, sample.recipe.subtitles, sample.recipe.characters])
        told: np.ndarray = about * shown[-about.shape[1] :, None]
        return told


def _ends(layouts: Sequence[TokenLayout], samples: Sequence[Sample]) -> np.ndarray:
    """`(n, 3)`: row, column and shot of the last token of every shot but a window's first."""
    return np.array(
        [
            (row, np.flatnonzero(layout.shot[: layout.prompt_length] == shot)[-1], shot)
            for row, (layout, sample) in enumerate(zip(layouts, samples, strict=True))
            for shot in sample.window.context[1:]
        ]
    )


def _decisions(layouts: Sequence[TokenLayout], samples: Sequence[Sample]) -> np.ndarray:
    """`(n, 3)`: row, column and shot of each place where an answer is decided."""
    return np.array(
        [
            (row, column, shot)
            for row, (layout, sample) in enumerate(zip(layouts, samples, strict=True))
            for shot, column in zip(sample.window.focus, layout.decision_rows.tolist(), strict=True)
        ]
    )


def _looks(places: np.ndarray, closing: dict[tuple[int, int], int], on: int) -> tuple[np.ndarray, np.ndarray]:
    """Places `(2, n)` from which a shot so many on can be looked at, and the columns `(n, 3)` of its closing tag."""
    seen = [
        (row, column, closing[row, shot + on]) for row, column, shot in places.tolist() if (row, shot + on) in closing
    ]
    found = np.array(seen, int).reshape(-1, 3)
    return found[:, :2].T, found[:, 2:] - np.arange(CLOSING)


def _words(layouts: Sequence[TokenLayout]) -> np.ndarray:
    silent = [MODALITIES.index("instruction"), MODALITIES.index("answer")]
    found = []
    for row, layout in enumerate(layouts):
        columns = np.flatnonzero((layout.frame[1:] < 0) & ~np.isin(layout.modality[1:], silent))
        found.append(np.stack([np.full(len(columns), row), columns]))
    return np.concatenate(found, 1)


def on_device(array: np.ndarray, device: torch.device) -> Tensor:
    """An array of questions where the model is."""
    return torch.from_numpy(np.ascontiguousarray(array)).to(device)
