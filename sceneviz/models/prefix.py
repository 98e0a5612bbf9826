"""A batch of prompts computed once, that answers any number of suffixes.

Prediction, attention, interventions and explanations are all short users of this class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sceneviz.models.batch import Batch
from sceneviz.prompt import TokenLayout

if TYPE_CHECKING:
    from sceneviz.models.scene_model import SceneModel

Answers = Sequence[Sequence[bool]]


@dataclass(frozen=True)
class Reading:
    """What the decision rows of a batch said, given the answers written before each.

    yes, no: a `(focus,)` float64 array a prompt: log-probability of the Yes and the No token over the vocabulary.
    """

    yes: list[np.ndarray]
    no: list[np.ndarray]

    @property
    def decisions(self) -> list[list[bool]]:
        """The greedy choice between Yes and No at every row."""
        return [(yes > no).tolist() for yes, no in zip(self.yes, self.no, strict=True)]

    def above(self, bars: Sequence[np.ndarray]) -> list[list[bool]]:
        """The choice of Yes where its log-odds are over a bar of its own, one `(focus,)` array a prompt."""
        return [(yes - no > bar).tolist() for yes, no, bar in zip(self.yes, self.no, bars, strict=True)]

    @property
    def confidence(self) -> list[np.ndarray]:
        """P(Yes) / (P(Yes) + P(No)) at every row."""
        return [1.0 / (1.0 + np.exp(no - yes)) for yes, no in zip(self.yes, self.no, strict=True)]

    @property
    def mass(self) -> list[np.ndarray]:
        """P(Yes) + P(No) at every row: near 1 where the model knows what is asked."""
        return [np.exp(yes) + np.exp(no) for yes, no in zip(self.yes, self.no, strict=True)]


class Prefix:
    """The cached keys and values of a batch of prompts; made by `SceneModel.prefill`, read as often as wanted.

    Reading changes nothing here: each suffix runs over its own view of the cache, also when it fails half way.
    """

    def __init__(self, model: SceneModel, layouts: Sequence[TokenLayout], features: Tensor | None) -> None:
        self.model = model
        self.layouts = tuple(layouts)
        batch = Batch.of(layouts, model.pad)
        self._batch, self._length, self._answers = batch, batch.length, batch.places
        self._mask = batch.mask.to(model.device)
        self._positions = model.family.positions(model.module, batch.ids, batch.mask, batch.grid).to(model.device)
        self._vision = {} if features is None else model.family.vision(features)
        self._layers: list[tuple[Tensor, Tensor]] | None = None

    def _written(self, answers: Answers, rows: Sequence[int]) -> Tensor:
        words = (self.model.encoder.no, self.model.encoder.yes)
        return self._batch.written(answers, rows, words).to(self.model.device)

    def _log_odds(self, logits: Tensor, keep: np.ndarray, rows: Sequence[int]) -> Reading:
        """Read Yes and No at each row's own decision places out of logits `(rows, len(keep), vocabulary)`."""
        words = [self.model.encoder.yes, self.model.encoder.no]
        chosen = (logits[..., words].float() - torch.logsumexp(logits.float(), -1, keepdim=True)).double().cpu().numpy()
        at = [np.searchsorted(keep, self._answers[row] - 1) for row in rows]
        return Reading(
            yes=[chosen[i, places, 0] for i, places in enumerate(at)],
            no=[chosen[i, places, 1] for i, places in enumerate(at)],
        )

    def _keep(self, rows: Sequence[int]) -> np.ndarray:
        """Places in the answer, ascending, at which some of these prompts decides."""
        return np.unique(np.concatenate([self._answers[row] - 1 for row in rows]))

    @torch.no_grad()
    def fill(self, answers: Answers | None = None) -> Reading | None:
        """Compute the prompts, and in the same forward read these answers where given."""
        rows = range(len(self.layouts))
        if answers is None:
            ids, keep = self._batch.ids[:, : self._length].to(self.model.device), np.array([], np.int64)
        else:
            ids, keep = self._written(answers, rows), self._keep(rows)
        length = ids.shape[1]
        logits, cache = self.model.forward(
            ids,
            mask=self._mask[:, :length],
            positions=self._positions[:, :, :length],
            # Without answers only the cache is wanted; the model still insists on a logit.
            keep=self._length + keep if len(keep) else np.array([length - 1]),
            vision=self._vision,
        )
        self._layers = [
            (layer.keys[:, :, : self._length], layer.values[:, :, : self._length]) for layer in cache.layers
        ]
        return self._log_odds(logits, keep, rows) if answers is not None else None

    @torch.no_grad()
    def read(self, answers: Answers, rows: Sequence[int] | None = None) -> Reading:
        """The decision rows, given written answers; only the answer tokens are computed.

        answers: for each prompt, Yes or No for every shot of its focus. rows: which prompts; all by default.
        """
        rows = range(len(self.layouts)) if rows is None else rows
        keep = self._keep(rows)
        ids = self._written(answers, rows)[:, self._length :]
        logits = self._suffix(ids, rows, 0, keep)
        return self._log_odds(logits, keep, rows)

    @torch.no_grad()
    def read_alone(self) -> Reading:
        """The decision rows, each answer line alone behind its prompt: no decision sees another's answer."""
        rows = range(len(self.layouts))
        yes = [np.empty(len(places)) for places in self._answers]
        no = [np.empty(len(places)) for places in self._answers]
        for place in range(max(len(places) for places in self._answers)):
            having = [row for row in rows if place < len(self._answers[row])]
            # A line runs from behind the previous line's end up to its colon; lines of a batch may differ in length.
            for span in {self._line(row, place) for row in having}:
                same = [row for row in having if self._line(row, place) == span]
                start, stop = span
                ids = self._batch.ids[same][:, self._length + start : self._length + stop]
                logits = self._suffix(ids.to(self.model.device), same, start, np.array([stop - start - 1]))
                chosen = torch.log_softmax(logits.float(), -1)[:, 0].double().cpu().numpy()
                for i, row in enumerate(same):
                    yes[row][place] = chosen[i, self.model.encoder.yes]
                    no[row][place] = chosen[i, self.model.encoder.no]
        return Reading(yes, no)

    def _line(self, row: int, place: int) -> tuple[int, int]:
        """Where in the answer a decision's line starts, and where its Yes or No stands."""
        places = self._answers[row]
        return (int(places[place - 1]) + 2 if place else 0), int(places[place])

    def _suffix(self, ids: Tensor, rows: Sequence[int], start: int, keep: np.ndarray) -> Tensor:
        """Logits of a suffix right behind the prompt; `start` says where in the answer its tokens were laid out."""
        if self._layers is None:
            self.fill()
        chosen = list(rows)
        prompt, length = self._mask[chosen][:, : self._length], ids.shape[1]
        tail = self._mask[chosen][:, self._length + start : self._length + start + length]
        positions = self._positions[:, chosen][:, :, self._length : self._length + length]
        logits, _ = self.model.forward(
            ids, mask=torch.cat((prompt, tail), 1), positions=positions, keep=keep, past=self._cache(chosen)
        )
        return logits

    def _cache(self, rows: list[int]) -> Any:
        from transformers import DynamicCache

        assert self._layers is not None
        everything = len(rows) == len(self.layouts)
        pairs = self._layers if everything else [(keys[rows], values[rows]) for keys, values in self._layers]
        return DynamicCache(pairs)
