"""Frame rates: the exact one behind a rounded number, and the one that shots were timed at."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from sceneviz.movie import Shot

# The rates that have a timecode (SMPTE ST 12-1), and so the ones that timelines know.
STANDARD = tuple(
    Fraction(rate, base)
    for rate, base in (
        (24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (48, 1), (50, 1), (60000, 1001), (60, 1),
    )
)  # fmt: skip
_SAME = 2e-4  # 23.976, 23.98 and 24000/1001 are one rate; 24 is a thousandth away


def exact_rate(rate: Fraction) -> Fraction:
    """24000/1001 for 23.976, 30000/1001 for 29.97, and so on; any other rate as it is."""
    near = min(STANDARD, key=lambda known: abs(known - rate))
    return near if abs(near / rate - 1) < _SAME else rate


def frame_rate_of(shots: Sequence[Shot]) -> Fraction | None:
    """The constant rate at which the shots' times fit their frames within half a frame, None if there is none.

    A standard one where one fits; of several that fit a short film, the one that fits best.
    """
    first, last = shots[0], shots[-1]
    places = [(shot.start - first.start, shot.start_s - first.start_s) for shot in shots]
    places.append((last.end - first.start, last.end_s - first.start_s))

    def miss(rate: Fraction) -> float:
        return max(abs(seconds * float(rate) - frames) for frames, seconds in places)

    mean = Fraction(places[-1][0] / places[-1][1]).limit_denominator(1001)
    for rate in (min(STANDARD, key=miss), mean):
        if miss(rate) < 0.5:
            return rate
    return None
