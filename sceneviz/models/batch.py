"""Prompts of different length as one rectangle of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sceneviz.prompt import TokenLayout


@dataclass(frozen=True)
class Batch:
    """Prompts flush right, answers flush left behind them, padding on both sides masked out.

    ids, mask: `(batch, length)` int64. length: tokens of the longest prompt; answers start there in every row.
    places: for each row, where in the answer its Yes/No tokens stand.
    grid: (rows, columns) of visual tokens in a frame.
    """

    ids: Tensor
    mask: Tensor
    length: int
    places: list[np.ndarray]
    grid: tuple[int, int]

    @classmethod
    def of(cls, layouts: Sequence[TokenLayout], pad: int) -> Batch:
        """Lay prompts side by side; all must show frames of the same size."""
        length = max(layout.prompt_length for layout in layouts)
        tails = [len(layout) - layout.prompt_length for layout in layouts]
        ids = np.full((len(layouts), length + max(tails)), pad, np.int64)
        mask = np.zeros_like(ids)
        for row, (layout, tail) in enumerate(zip(layouts, tails, strict=True)):
            inside = slice(length - layout.prompt_length, length + tail)
            ids[row, inside] = layout.ids
            mask[row, inside] = 1
        return cls(
            ids=torch.from_numpy(ids),
            mask=torch.from_numpy(mask),
            length=length,
            places=[layout.answer_places - layout.prompt_length for layout in layouts],
            grid=(
                max(int(layout.row.max()) + 1 for layout in layouts) or 1,
                max(int(layout.column.max()) + 1 for layout in layouts) or 1,
            ),
        )

    def written(self, answers: Sequence[Sequence[bool]], rows: Sequence[int], words: tuple[int, int]) -> Tensor:
        """The tokens of these rows with answers filled in; words: the No token and the Yes token."""
        ids = self.ids[list(rows)].clone()
        for place, (row, given) in enumerate(zip(rows, answers, strict=True)):
            if len(given) != len(self.places[row]):
                raise ValueError(f"prompt {row} takes {len(self.places[row])} answers, got {len(given)}")
            where = torch.from_numpy(self.length + self.places[row])
            ids[place, where] = torch.tensor(words)[torch.tensor([int(answer) for answer in given])]
        return ids
