"""Measures of scenes: one worked example of ten shots, the quirks of the published ones, and brute force."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from sceneviz.metrics import scenes

ALL_BUT_LAST = np.arange(10) < 9
START, LAST = np.arange(10) * 10, np.arange(10) * 10 + 9


def ends(*places: int, n_shots: int = 10) -> np.ndarray:
    return np.isin(np.arange(n_shots), places)


# True scenes are shots 0-2, 3-5, 6-9; predicted ones 0-2, 3-7, 8-9.
TRUE, PREDICTED = ends(2, 5), ends(2, 7)


def test_miou_frames_drops_the_trailing_scene_and_counts_to_the_last_frame() -> None:
    """[0, 29] is found, [30, 59] against [30, 79] is 29 / 49, on both sides."""
    assert scenes.miou_frames(TRUE, PREDICTED, ALL_BUT_LAST, START, LAST) == pytest.approx((1 + 29 / 49) / 2)
    assert scenes.miou_frames(TRUE, ends(), ALL_BUT_LAST, START, LAST) == 0
    assert scenes.miou_frames(ends(), PREDICTED, ALL_BUT_LAST, START, LAST) == 0
    # Where scored shots begin with shot 2, so does the first scene: [20, 29] against [20, 39] is 9 / 19.
    found = scenes.miou_frames(ends(2), ends(3), np.arange(10) >= 2, START, LAST)
    assert found == pytest.approx(9 / 19)


def test_miou_shots_shares_indices_and_counts_touching_as_one() -> None:
    """(0,2) (2,5) (5,8) against (0,2) (2,7) (7,8): 1, 3/5, max(2/6, 1/3); and back 1, 3/5, 1/3."""
    assert scenes.miou_shots(TRUE, PREDICTED, ALL_BUT_LAST) == pytest.approx((1 + 3 / 5 + 1 / 3) / 3)
    # (0,0) (0,2) against (0,2): the empty scene meets it in one index, 1/2.
    assert scenes.miou_shots(ends(0), ends(), np.arange(10) < 3) == pytest.approx(((1 / 2 + 1) / 2 + 1) / 2)
    assert scenes.miou_shots(ends(), ends(), ALL_BUT_LAST) == 1
    # (0,4) (4,8) against (0,1) (1,8): 1/4 or touching 3/8; 4/7.
    assert scenes.miou_shots(ends(4), ends(1), ALL_BUT_LAST) == pytest.approx(
        ((3 / 8 + 4 / 7) / 2 + (1 / 4 + 4 / 7) / 2) / 2
    )


def test_recall_3s_is_within_five_shots_and_under_three_seconds() -> None:
    assert scenes.recall_3s(TRUE, PREDICTED, LAST) == pytest.approx(2 / (2 + 1e-5), rel=1e-12)
    assert scenes.recall_3s(ends(2), ends(7), np.arange(10)) == pytest.approx(1 / (1 + 1e-5))
    assert scenes.recall_3s(ends(2), ends(8), np.arange(10)) == 0
    assert scenes.recall_3s(ends(2), ends(3), np.arange(10) * 72) == 0  # exactly 3 s
    assert scenes.recall_3s(ends(2), ends(3), np.arange(10) * 71) == pytest.approx(1 / (1 + 1e-5))
    assert scenes.recall_3s(ends(), ends(3), LAST) == scenes.recall_3s(ends(3), ends(), LAST) == 0


def test_coverage_and_overflow() -> None:
    """Best overlaps 3, 3, 2. Spilt: 0; 2 of the neighbours' 3 + 4; 3 of the neighbour's 3."""
    coverage, overflow = scenes.coverage_overflow(TRUE, PREDICTED)
    assert coverage == pytest.approx(8 / 10)
    assert overflow == pytest.approx(0.3 * 2 / 7 + 0.4 * 1)
    expected = 2 * coverage * (1 - overflow) / (coverage + 1 - overflow)
    assert scenes.harmonic(np.array(coverage), np.array(overflow)) == pytest.approx(expected)
    assert scenes.coverage_overflow(ends(), ends(4)) == (0.5, 0.0)
    assert scenes.coverage_overflow(TRUE, ends()) == (1.0, 1.0)


def test_iou_of_baraldi_in_shots() -> None:
    """1, 3/5, max(2/7, 2/4) on either side."""
    assert scenes.iou_baraldi(TRUE, PREDICTED) == pytest.approx((1 + 3 / 5 + 2 / 4) / 3)


def test_edit_distance_is_the_share_outside_the_best_assignment() -> None:
    assert scenes.edit_distance(TRUE, PREDICTED) == pytest.approx(2 / 10)
    assert scenes.edit_distance(TRUE, ends()) == pytest.approx(6 / 10)


def test_boundaries_match_one_to_one() -> None:
    true, predicted = np.array([3.0, 6.0]), np.array([3.0, 8.0])
    assert [scenes.boundary_matches(true, predicted, tolerance) for tolerance in (0, 1, 2)] == [1, 1, 2]
    assert scenes.boundary_matches(np.array([3.0, 4.0]), np.array([3.5]), 1) == 1
    assert scenes.boundary_matches(np.array([]), predicted, 1) == scenes.boundary_matches(true, np.array([]), 1) == 0


def test_chapters() -> None:
    """tIoU 1, .6 and .5, all a hair less as published: at .50 and .55 two of three match, from .60 on one."""
    f1, tiou = scenes.chapter_scores(TRUE, PREDICTED, np.arange(10.0), 10.0)
    assert f1 == pytest.approx((2 * 2 / 3 + 8 * 1 / 3) / 10)
    assert tiou == pytest.approx((1 + 3 / 5 + 2 / 4) / 3)
    # Half of [0, 10] twice: not a match at .50; greedily one pair is kept, and the other segment costs tIoU nothing.
    assert scenes.chapter_scores(ends(), ends(4), np.arange(10.0), 10.0) == (0, pytest.approx(0.5))


def test_the_same_scenes_are_perfect() -> None:
    for same in (TRUE, ends(), np.ones(10, bool)):
        assert scenes.coverage_overflow(same, same) == (1, 0)
        assert scenes.iou_baraldi(same, same) == 1
        assert scenes.edit_distance(same, same) == 0
        assert scenes.chapter_scores(same, same, np.arange(10.0), 10.0) == (1, pytest.approx(1))


@given(st.data())
def test_best_matches_are_those_of_brute_force(data: st.DataObject) -> None:
    n_shots = data.draw(st.integers(1, 10))
    one, other = (np.array(data.draw(st.lists(st.booleans(), min_size=n_shots, max_size=n_shots))) for _ in range(2))
    pieces = [[set(range(a, b)) for a, b in zip(*scenes.partition(each), strict=True)] for each in (one, other)]
    ratio = np.array([[len(a & b) / len(a | b) for b in pieces[1]] for a in pieces[0]])
    both = (ratio.max(axis=1).mean() + ratio.max(axis=0).mean()) / 2
    assert scenes.iou_baraldi(one, other) == pytest.approx(both)
    coverage, overflow = scenes.coverage_overflow(one, other)
    assert coverage == pytest.approx(sum(max(len(a & b) for b in pieces[1]) for a in pieces[0]) / n_shots)
    assert 0 <= overflow <= 1
    edges = [np.concatenate([[0], np.flatnonzero(each), [n_shots - 1]]) for each in (one, other)]
    table = np.array([[_touching(a, b) for b in pairwise(edges[1])] for a in pairwise(edges[0])])
    both = (table.max(axis=1).mean() + table.max(axis=0).mean()) / 2
    assert scenes.miou_shots(one, other, np.ones(n_shots, bool)) == pytest.approx(both)


@given(
    st.lists(st.integers(0, 30), unique=True, max_size=8),
    st.lists(st.integers(0, 30), unique=True, max_size=8),
    st.integers(0, 5),
)
def test_boundaries_match_as_many_as_any_assignment(one: list[int], other: list[int], tolerance: int) -> None:
    near = np.abs(np.subtract.outer(sorted(one), sorted(other))) <= tolerance
    best = near[linear_sum_assignment(near, maximize=True)].sum() if near.size else 0
    assert scenes.boundary_matches(np.array(sorted(one)), np.array(sorted(other)), tolerance) == best


def _touching(one: tuple[int, int], other: tuple[int, int]) -> float:
    """IoU as NeighborNet has it."""
    low, high = max(one[0], other[0]), min(one[1], other[1])
    common = 0 if low > high else max(high - low, 1)
    return common / max(max(one[1], other[1]) - min(one[0], other[0]), 1)
