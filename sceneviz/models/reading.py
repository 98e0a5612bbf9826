"""What the decision rows of a batch said, and the answer tokens to be computed for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

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

    @property
    def log_odds(self) -> list[np.ndarray]:
        """log(P(Yes) / P(No)) at every row."""
        return [yes - no for yes, no in zip(self.yes, self.no, strict=True)]

    def put(self, part: Reading, rows: Sequence[int], places: slice) -> None:
        """Write what these rows said at these places of their focus."""
        for into, said in ((self.yes, part.yes), (self.no, part.no)):
            for row, values in zip(rows, said, strict=True):
                into[row][places] = values


@dataclass(frozen=True)
class Tail:
    """Answer tokens to be computed right behind cached prompts.

    ids: `(len(rows), length)`. rows: whose answers. start: where in the answer, as it was laid out, they begin.
    decides: for each row, at which of these tokens it decides; none for a row that has done so before.
    behind: how many tokens of the answers that the prompts were filled with stand between.
    """

    ids: Tensor
    rows: list[int]
    start: int
    decides: list[np.ndarray]
    behind: int = 0

    @property
    def keep(self) -> np.ndarray:
        """Places, ascending, at which some row decides."""
        return np.unique(np.concatenate(self.decides))
