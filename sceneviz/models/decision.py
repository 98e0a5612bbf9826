"""One decision as a function of what the model is given to read: of which tokens are there, or of their embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from sceneviz.models.batch import Batch
from sceneviz.prompt import TokenLayout

if TYPE_CHECKING:
    from sceneviz.models.scene_model import SceneModel


class Decision:
    """The log-odds of Yes against No for one shot, under a given history of answers, as a function of its input.

    A token that is not present is masked out as a key for every later token, in every layer and head; all others keep
    their positions. A token that nobody looks at need not be computed, so absent ones are left out of the forward:
    the same numbers, and cheaper.

    tokens: `(n,)` int64, the tokens of the layout that the decision may see, itself last (the `:` of its line).
    embeddings: `(n, width)`, what the layers are given to read for them, visual features in their places.
    positions: `(3, n)`, their rotary positions.
    """

    def __init__(
        self,
        model: SceneModel,
        layout: TokenLayout,
        features: Tensor | None,
        *,
        place: int,
        history: Sequence[bool] | None,
    ) -> None:
        """place: which of the layout's decisions. history: the answers before it; None: its line stands alone."""
        self.model, self.layout, self.place, self.history = model, layout, place, history
        batch = Batch.of([layout], model.pad)
        words = np.where(np.array(history or [], bool), model.encoder.yes, model.encoder.no)
        ids = layout.ids.copy()
        ids[layout.answer_places[: len(words)]] = words
        first = layout.prompt_length if history is not None or place == 0 else int(layout.answer_places[place - 1]) + 2
        self.tokens = np.append(np.arange(layout.prompt_length), np.arange(first, layout.answer_places[place]))
        positions = model.family.positions(model.module, batch.ids, batch.mask, batch.grid)
        # A line alone stands right behind the prompt, wherever it would stand among the others.
        self.positions = positions[:, 0, : len(self.tokens)].to(model.device)
        with torch.no_grad():
            chosen = torch.from_numpy(ids[self.tokens]).to(model.device)
            self.embeddings = model.family.embed(model.module, chosen[None], features)[0]

    def __len__(self) -> int:
        return len(self.tokens)

    @torch.no_grad()
    def log_odds(self, present: np.ndarray) -> np.ndarray:
        """`(batch,)` float64 log-odds, for each row of `present` `(batch, n)` bool; all rows in one forward."""
        counts = present.sum(1)
        longest = int(counts.max())
        # Flush right, so that the decision is the last token of every row.
        chosen = np.zeros((len(present), longest), np.int64)
        mask = np.zeros_like(chosen)
        for row, (there, count) in enumerate(zip(present, counts, strict=True)):
            chosen[row, longest - count :] = np.flatnonzero(there)
            mask[row, longest - count :] = 1
        where = torch.from_numpy(chosen).to(self.model.device)
        return (
            self._run(self.embeddings[where], self.positions[:, where], torch.from_numpy(mask).to(where.device))
            .cpu()
            .numpy()
        )

    def read(self, embeddings: Tensor) -> Tensor:
        """`(batch,)` float64 log-odds of the whole decision, with embeddings `(batch, n, hidden)`; differentiable."""
        positions = self.positions[:, None].expand(-1, len(embeddings), -1)
        mask = torch.ones(embeddings.shape[:2], dtype=torch.int64, device=embeddings.device)
        return self._run(embeddings, positions, mask)

    def _run(self, embeddings: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        last = self.model.family.read(self.model.module, embeddings, mask, positions)
        encoder = self.model.encoder
        # The softmax over the vocabulary cancels out of the difference.
        odds: Tensor = last[:, encoder.yes].double() - last[:, encoder.no].double()
        return odds


@contextmanager
def inputs_only(model: SceneModel) -> Iterator[None]:
    """In here gradients flow to inputs alone, and nothing is kept for those of the weights; then all is as before."""
    changed = [weight for weight in model.module.parameters() if weight.requires_grad]
    try:
        for weight in changed:
            weight.requires_grad_(False)
        with torch.enable_grad():
            yield
    finally:
        for weight in changed:
            weight.requires_grad_(True)
