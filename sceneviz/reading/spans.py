"""Which shots a span of time belongs to: the one rule for subtitles and for characters given by time."""

from __future__ import annotations

import numpy as np


def shots_of_spans(spans: np.ndarray, shots: np.ndarray) -> list[range]:
    """For each span, the run of shots that it belongs to; empty if it lies outside all of them.

    spans: `(n_spans, 2)` float seconds, start and end. shots: `(n_shots, 2)`, in order, not overlapping.
    A span belongs to every shot that it overlaps by at least half of the shorter of the two, or else to the one that
    it overlaps most (the first of equals). A span without length belongs to the shot that it falls in.
    """
    starts, ends = shots[:, 0], shots[:, 1]
    firsts = np.searchsorted(ends, spans[:, 0], "right")
    stops = np.searchsorted(starts, spans[:, 1], "left")
    found = []
    for (begin, end), first, stop in zip(spans, firsts.tolist(), stops.tolist(), strict=True):
        if end <= begin:
            found.append(range(first, first + (first < len(shots) and starts[first] <= begin)))
            continue
        near = slice(first, stop)
        overlap = np.minimum(ends[near], end) - np.maximum(starts[near], begin)
        shorter = np.minimum(ends[near] - starts[near], end - begin)
        # Only a shot at either edge of the span can be overlapped by less than half, so what passes is one run.
        places = np.flatnonzero(overlap >= shorter / 2)
        if not len(places) and stop > first:
            places = np.array([np.argmax(overlap)])
        found.append(range(first + int(places[0]), first + int(places[-1]) + 1) if len(places) else range(0))
    return found
