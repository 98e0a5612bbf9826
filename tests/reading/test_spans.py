"""The rule that gives spans of time to shots, against the same rule written out pair by pair."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sceneviz.reading.spans import shots_of_spans

SECONDS = st.integers(0, 40).map(lambda halves: halves / 2)
SPANS = st.lists(st.tuples(SECONDS, SECONDS), max_size=8)
# Cuts and gaps: shots from every second pair of edges, or from all.
SHOTS = st.builds(
    lambda edges, gaps: list(pairwise(edges))[:: 2 if gaps else 1],
    st.lists(SECONDS, min_size=2, max_size=12, unique=True).map(sorted),
    st.booleans(),
)


def by_the_letter(span: tuple[float, float], shots: list[tuple[float, float]]) -> list[int]:
    if span[1] <= span[0]:
        return [place for place, shot in enumerate(shots) if shot[0] <= span[0] < shot[1]]
    overlaps = [max(0.0, min(span[1], shot[1]) - max(span[0], shot[0])) for shot in shots]
    shorter = [min(span[1] - span[0], shot[1] - shot[0]) for shot in shots]
    most = [place for place, overlap in enumerate(overlaps) if overlap and overlap >= shorter[place] / 2]
    return most or ([overlaps.index(max(overlaps))] if any(overlaps) else [])


@given(SPANS, SHOTS)
def test_the_rule(spans: list[tuple[float, float]], shots: list[tuple[float, float]]) -> None:
    found = shots_of_spans(np.array(spans, float).reshape(-1, 2), np.array(shots, float))
    assert [list(run) for run in found] == [by_the_letter(span, shots) for span in spans]


@given(SPANS, SHOTS)
def test_what_touches_a_shot_is_in_one(spans: list[tuple[float, float]], shots: list[tuple[float, float]]) -> None:
    found = shots_of_spans(np.array(spans, float).reshape(-1, 2), np.array(shots, float))
    for span, run in zip(spans, found, strict=True):
        if span[0] < span[1]:
            assert bool(run) == any(shot[0] < span[1] and span[0] < shot[1] for shot in shots)


def test_by_hand() -> None:
    shots = np.array([[0, 10], [10, 20], [20, 21], [21, 30]], float)
    spans = np.array([[8, 12], [9, 13], [19, 23], [18, 20.4], [29, 33], [30, 33], [5, 5], [40, 41]], float)
    found = [list(run) for run in shots_of_spans(spans, shots)]
    assert found == [[0, 1], [1], [2, 3], [1], [3], [], [0], []]
