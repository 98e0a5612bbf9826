"""From a batch of windows to its answers: draft and verify, or any other scheme."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sceneviz.movie import Movie
from sceneviz.recipe import Recipe, Window

if TYPE_CHECKING:
    from torch import Tensor

    from sceneviz.models.prefix import Prefix
    from sceneviz.models.reading import Reading
    from sceneviz.models.scene_model import SceneModel

Row = tuple[float, float]  # log P(Yes), log P(No)
Rows = list[list[Row]]  # of the shots of each window's focus


class Scheme(Protocol):
    """A way to get answers out of a model.

    name: tells it, and what it depends on, apart from others in a journal.
    """

    @property
    def name(self) -> str:
        """Words that change whenever the answers would."""

    def answer(
        self, model: SceneModel, movie: Movie, recipe: Recipe, windows: Sequence[Window], bundle: Tensor | None
    ) -> Rows:
        """Of each window's focus: log-probability of Yes and of No, shot by shot."""


def decide(prefix: Prefix, reading: Reading, bars: Sequence[np.ndarray] | None = None) -> Reading:
    """The sequential decisions of a batch, from the reading of an all-No draft, by draft and verify.

    bars: `(focus,)` for each prompt, the log-odds over which each answer is Yes; 0, the greedy choice, by default.

    Each row of a reading is right where the answers before it are those that will be given. So the draft is corrected
    and read again until nothing changes: a fixed point is the sequential answer, reached in at most focus passes,
    usually one, and only the prompts that changed are read again.
    """
    yes, no = list(reading.yes), list(reading.no)
    draft = [[False] * len(row) for row in yes]
    bars = bars or [np.zeros(len(row)) for row in yes]
    # Each pass settles at least one more answer; the bound matters only where rounding changes from pass to pass.
    for _ in range(max(map(len, yes))):
        decisions = type(reading)(yes, no).above(bars)
        # The last answer stands before no decision: a change there alone needs no new reading.
        changed = [row for row, given in enumerate(decisions) if given[:-1] != draft[row][:-1]]
        draft = decisions
        if not changed:
            break
        again = prefix.read([draft[row] for row in changed], changed)
        for place, row in enumerate(changed):
            yes[row], no[row] = again.yes[place], again.no[place]
    return type(reading)(yes, no)


def decide_batch(
    model: SceneModel, movie: Movie, recipe: Recipe, windows: Sequence[Window], bundle: Tensor | None
) -> Rows:
    """The decisions of some windows, given the features of all their frames, in order."""
    from sceneviz.prompt import build_prompt

    layouts = [model.layout(build_prompt(movie.shots, window, recipe)) for window in windows]
    if recipe.sequential:
        prefix, reading = model.prefill(layouts, bundle, [[False] * len(window.focus) for window in windows])
        assert reading is not None
        reading = decide(prefix, reading)
    else:
        prefix, _ = model.prefill(layouts, bundle)
        reading = prefix.read_alone()
    return [list(zip(yes.tolist(), no.tolist(), strict=True)) for yes, no in zip(reading.yes, reading.no, strict=True)]
