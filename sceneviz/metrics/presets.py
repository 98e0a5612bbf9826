"""Who computes what: published scores differ in the labels they count and in the shots they leave out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

UNCERTAIN, UNLABELLED = -1, -2


@dataclass(frozen=True, slots=True)
class Preset:
    """How one line of work turns labels into truth.

    uncertain: what a label of -1 counts as, 1 or 0.
    left_out: how many shots at the end of a movie are not scored.
    source: where it is published.
    """

    uncertain: int
    left_out: int
    source: str

    def truth(self, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """From one annotator's labels `(n_shots,)`: which shots are scored, and is each a boundary (both bool)."""
        scored = labels != UNLABELLED
        scored[len(labels) - self.left_out :] = False
        return scored, np.where(labels == UNCERTAIN, self.uncertain, labels) == 1


PRESETS = {"bassl": Preset(uncertain=1, left_out=1, source="Mun et al., BaSSL, ACCV 2022; also TranS4mer, CVPR 2023")}
