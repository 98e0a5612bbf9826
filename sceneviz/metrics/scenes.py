"""Measures of scenes: two ways of cutting one movie, compared.

Scenes come as `ends`, `(n_shots,)` bool: is this shot the last of its scene. Shots after the last end form a scene too,
except in `miou_frames`, which is published so. All of it is in shots unless the name or the docstring says otherwise.
"""

from __future__ import annotations

import numpy as np

Intervals = tuple[np.ndarray, np.ndarray]  # starts and ends, both ascending
TIOU_LEVELS = np.arange(10) * 0.05 + 0.5  # .50, .55, ..., .95
REACH, RECALL_S, RECALL_RATE = 5, 3, 24  # shots, seconds, frames a second


def partition(ends: np.ndarray) -> Intervals:
    """All shots, cut behind each end: first shot and one past the last of every scene."""
    stops = np.append(np.flatnonzero(ends[:-1]) + 1, len(ends))
    return np.append(0, stops[:-1]), stops


def miou_frames(
    true: np.ndarray, predicted: np.ndarray, scored: np.ndarray, start: np.ndarray, last: np.ndarray
) -> float:
    """mIoU of BaSSL and LGSS: scenes as intervals from the first frame to the last, best match both ways.

    A scene is closed at each end; shots after the last end are dropped on both sides. IoU is intersection over hull.
    `start`, `last` `(n_shots,)`: first and last frame of each shot. 0 where either side has no end.
    """
    if not (true.any() and predicted.any()):
        return 0.0
    begin = np.flatnonzero(scored)[0]

    def closed(ends: np.ndarray) -> Intervals:
        at = np.flatnonzero(ends)
        return start[np.append(begin, at[:-1] + 1)], last[at]

    one, other = closed(true), closed(predicted)
    i, j = meeting(one, other)
    common, hull = _common(one, other, i, j), _hull(one, other, i, j)
    return _best_both_ways(one, other, i, j, common / np.maximum(hull, 1))


def miou_shots(true: np.ndarray, predicted: np.ndarray, scored: np.ndarray) -> float:
    """mIoU of NeighborNet: intervals of shot indices, where a scene starts at the index where the one before ended.

    The trailing scene counts. Intervals that only touch have an intersection of 1, and so has one of length 0.
    """
    places = np.flatnonzero(scored)

    def shared(ends: np.ndarray) -> Intervals:
        edges = np.concatenate([places[:1], np.flatnonzero(ends), places[-1:]])
        return edges[:-1], edges[1:]

    one, other = shared(true), shared(predicted)
    i, j = meeting(one, other, touching=True)
    common, hull = _common(one, other, i, j), _hull(one, other, i, j)
    return _best_both_ways(one, other, i, j, np.maximum(common, 1) / np.maximum(hull, 1))


def recall_3s(true: np.ndarray, predicted: np.ndarray, last: np.ndarray) -> float:
    """Recall@3s of BaSSL: is a shot within 5 places predicted whose last frame is less than 3 s away, at 24 a second.

    `last` `(n_shots,)`: last frame of each shot. Hits / (true ends + 1e-5), as published.
    """
    at, claims = np.flatnonzero(true), np.flatnonzero(predicted)
    if not len(claims):
        return 0.0
    places = at[:, None] + np.arange(-REACH, REACH + 1)
    inside = np.clip(places, 0, len(true) - 1)
    near = np.abs(last[inside] - last[at][:, None]) / RECALL_RATE < RECALL_S
    hits = (near & (places == inside) & predicted[inside]).any(axis=1).sum()
    return float(hits / (len(at) + 1e-5))


def coverage_overflow(true: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    """Vendrig and Worring's coverage and overflow, both weighted by scene length. One true scene has overflow 0."""
    one, other = partition(true), partition(predicted)
    i, j = meeting(one, other)
    common = _common(one, other, i, j)
    lengths, theirs = one[1] - one[0], other[1] - other[0]
    coverage = _best(len(lengths), i, common).sum() / len(true)
    if len(lengths) == 1:
        return float(coverage), 0.0
    spilt = np.bincount(i, theirs[j] - common, len(lengths))
    neighbours = np.append(0, lengths[:-1]) + np.append(lengths[1:], 0)
    overflow = (lengths * np.minimum(1, spilt / neighbours)).sum() / len(true)
    return float(coverage), float(overflow)


def harmonic(coverage: np.ndarray, overflow: np.ndarray) -> np.ndarray:
    """F of coverage C and overflow O: 2C(1-O) / (C+1-O)."""
    kept = 1 - overflow
    return np.asarray(2 * coverage * kept / (coverage + kept))  # coverage is never 0: a scene meets some other


def iou_baraldi(true: np.ndarray, predicted: np.ndarray) -> float:
    """IoU of Baraldi et al.: half the sum of the mean best IoU of true scenes and of predicted ones."""
    one, other = partition(true), partition(predicted)
    i, j = meeting(one, other)
    common = _common(one, other, i, j)
    return _best_both_ways(one, other, i, j, common / _hull(one, other, i, j))


def edit_distance(true: np.ndarray, predicted: np.ndarray) -> float:
    """DED of Sidiropoulos et al.: the share of shots outside the best one-to-one assignment of scenes."""
    from scipy.optimize import linear_sum_assignment

    one, other = partition(true), partition(predicted)
    i, j = meeting(one, other)
    shared = np.zeros((len(one[0]), len(other[0])))
    shared[i, j] = _common(one, other, i, j)
    return float(1 - shared[linear_sum_assignment(shared, maximize=True)].sum() / len(true))


def boundary_matches(true: np.ndarray, predicted: np.ndarray, tolerance: float) -> int:
    """How many of two ascending lists of places (seconds, or frames) pair up one to one, at most `tolerance` apart."""
    matched = i = j = 0
    while i < len(true) and j < len(predicted):
        gap = predicted[j] - true[i]
        if abs(gap) <= tolerance + 1e-9:  # times that come from frame rates are not exact
            matched, i, j = matched + 1, i + 1, j + 1
        elif gap > 0:
            i += 1
        else:
            j += 1
    return matched


def chapter_scores(true: np.ndarray, predicted: np.ndarray, start_s: np.ndarray, end_s: float) -> tuple[float, float]:
    """F1 (mean over tIoU levels .50 to .95) and tIoU of Chapter-LLaMA; segments run from start to next start, in s.

    tIoU is the mean over greedy one-to-one matches only, so a segment that meets nothing free costs nothing: never
    show it without F1. `start_s` `(n_shots,)`, and `end_s` of the movie.
    """
    (one, other), edges = (partition(true), partition(predicted)), np.append(start_s, end_s)
    i, j = meeting(one, other)
    ours, theirs = [(edges[starts], edges[stops]) for starts, stops in (one, other)]
    # As published, with 1e-8 in the union: an overlap of exactly one half is not yet a match at .50.
    tiou = _common(ours, theirs, i, j) / (_hull(ours, theirs, i, j) + 1e-8)
    found, right = _best(len(one[0]), i, tiou), _best(len(other[0]), j, tiou)
    recall = (found[:, None] >= TIOU_LEVELS).mean(axis=0)
    precision = (right[:, None] >= TIOU_LEVELS).mean(axis=0)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    free_true, free_predicted, kept = np.ones(len(one[0]), bool), np.ones(len(other[0]), bool), []
    for pair in np.argsort(-tiou, kind="stable"):
        if free_true[i[pair]] and free_predicted[j[pair]]:
            free_true[i[pair]] = free_predicted[j[pair]] = False
            kept.append(tiou[pair])
    return float(f1.mean()), float(np.mean(kept))


def meeting(one: Intervals, other: Intervals, touching: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (i, j) of intervals that overlap (or touch): a few for each, since both sides are in order."""
    low = np.searchsorted(other[1], one[0], "left" if touching else "right")
    high = np.searchsorted(other[0], one[1], "right" if touching else "left")
    count = np.maximum(high - low, 0)
    i = np.repeat(np.arange(len(count)), count)
    j = np.arange(count.sum()) + np.repeat(low - (np.cumsum(count) - count), count)
    return i, j


def _common(one: Intervals, other: Intervals, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(np.minimum(one[1][i], other[1][j]) - np.maximum(one[0][i], other[0][j]), 0))


def _hull(one: Intervals, other: Intervals, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(one[1][i], other[1][j]) - np.minimum(one[0][i], other[0][j]))


def _best(count: int, index: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The largest value of each index from 0 to count - 1, 0 where there is none."""
    best = np.zeros(count)
    np.maximum.at(best, index, values)
    return best


def _best_both_ways(one: Intervals, other: Intervals, i: np.ndarray, j: np.ndarray, ratio: np.ndarray) -> float:
    return float((_best(len(one[0]), i, ratio).mean() + _best(len(other[0]), j, ratio).mean()) / 2)
