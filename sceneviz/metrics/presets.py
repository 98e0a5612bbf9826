"""Who computes what: published scores differ in labels, in shots left out, in pooling and in the threshold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from sceneviz._text import choice

UNCERTAIN, UNLABELLED = -1, -2
MICRO, MACRO = "micro", "macro"
ROUNDED = "mAP of rounded APs"  # LGSS's
_FIRST = ("AP", ROUNDED, "AUC", "F1@", "precision@", "recall@.", "ECE")  # in tables; then the measures of scenes


@dataclass(frozen=True, slots=True)
class Preset:
    """How one line of work turns labels and confidences into numbers.

    source: where it is published.
    published: the (pooling, measure) pairs that its publications print; the table marks them.
    uncertain: what a label of -1 counts as; None: such a shot is not scored.
    left_out: how many shots at the end of a movie are not scored.
    windowed: only shots in a full window are scored, as LGSS walks a movie: sequences of 10 shots one after the other
        from shot 2 on, as long as two labelled shots follow the sequence.
    f1_over, scenes_over: is the confidence of a boundary over the threshold, or (False) at least the threshold; in F1,
        precision and recall, and in the measures of scenes.
    """

    source: str
    published: frozenset[tuple[str, str]]
    uncertain: int | None = 1
    left_out: int = 1
    windowed: bool = False
    f1_over: bool = False
    scenes_over: bool = False

    def truth(self, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """From one annotator's labels `(n_shots,)`: which shots are scored, and is each a boundary (both bool).

        A shot that is not scored is no boundary.
        """
        scored = labels != UNLABELLED
        scored[max(0, len(labels) - self.left_out) :] = False
        if self.windowed:
            rows = np.flatnonzero(labels != UNLABELLED)[-1:].sum() + 1
            sequences = max(0, (rows - 4) // 10)
            scored[:2] = scored[2 + 10 * sequences :] = False
        if self.uncertain is None:
            scored &= labels != UNCERTAIN
        # An ignored label has been taken out of `scored`, whatever it counts as here.
        return scored, scored & (np.where(labels == UNCERTAIN, self.uncertain or 0, labels) == 1)

    def ordered(self, keys: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Pairs of pooling and measure as tables show them; LGSS's rounded mean only where it is the preset's."""

        def place(key: tuple[str, str]) -> tuple[int, bool]:
            ahead = [at for at, name in enumerate(_FIRST) if key[1].startswith(name)]
            return (ahead[0] if ahead else len(_FIRST)), key[0] != MICRO

        return sorted((key for key in keys if key[1] != ROUNDED or (MACRO, ROUNDED) in self.published), key=place)


PRESETS = {
    "bassl": Preset(
        source="Mun et al., BaSSL, ACCV 2022; also TranS4mer, CVPR 2023",
        published=frozenset(
            {(MICRO, "AP"), (MICRO, "AUC"), (MICRO, "F1@.5"), (MACRO, "mIoU frames"), (MACRO, "recall@3s")}
        ),
    ),
    "lgss": Preset(
        source="Rao et al., A Local-to-Global Approach to Multi-modal Movie Scene Segmentation, CVPR 2020",
        published=frozenset(
            {
                (MICRO, "AP"),
                (MACRO, ROUNDED),
                (MACRO, "mIoU frames"),
                (MACRO, "recall@.5"),
                (MACRO, "recall@3s"),
            }
        ),
        windowed=True,
        f1_over=True,
        scenes_over=True,
    ),
    "scrl": Preset(
        source="Wu et al., Scene Consistency Representation Learning, CVPR 2022",
        published=frozenset({(MACRO, "AP"), (MACRO, "F1@.5")}),
        f1_over=True,
        scenes_over=True,
    ),
    "neighbornet": Preset(
        source="Tan et al., Neighbor Relations Matter in Video Scene Detection, CVPR 2024",
        published=frozenset({(MACRO, "AP"), (MICRO, "F1@.5"), (MACRO, "mIoU shots")}),
        left_out=10,
        scenes_over=True,
    ),
    "lwan1": Preset(
        source="LWAN 1: macro F1 at the threshold with the best pooled F1 on validation",
        published=frozenset({(MACRO, "AP"), (MACRO, "F1@val")}),
    ),
    "strict": Preset(
        source="sceneviz",
        published=frozenset(
            (pooling, measure) for pooling in (MICRO, MACRO) for measure in ("AP", "F1@.5", "F1@val", "F1@oracle")
        ),
        uncertain=None,
    ),
}


def preset_named(name: str) -> Preset:
    """The preset, or an error that lists them."""
    return PRESETS[choice(name, PRESETS, "preset")]
