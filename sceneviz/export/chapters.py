"""Scenes as chapters. A chapter lasts until the next starts, also across a gradual transition."""

from __future__ import annotations

import html
import warnings
from fractions import Fraction

from sceneviz._text import ScenevizError, clock, counted, plain
from sceneviz.movie import Movie
from sceneviz.results import Prediction

# https://support.google.com/youtube/answer/9884579
YOUTUBE_FEWEST, YOUTUBE_SHORTEST_S = 3, 10
_MOST_TITLE = 500  # letters of a film's name


def spans(prediction: Prediction, threshold: float | None) -> list[tuple[float, float]]:
    """(start, end) of each chapter in seconds, none before 0."""
    scenes = prediction.scenes(threshold)
    starts = [max(0.0, start) for start in scenes["start_s"].tolist()]
    return list(zip(starts, [*starts[1:], scenes["end_s"].iloc[-1]], strict=True))


def ffmetadata(movie: Movie, prediction: Prediction, threshold: float | None) -> str:
    """The metadata file of ffmpeg; in whole frames where the shots lie on them, else in microseconds."""
    base = _time_base(movie)
    lines = [";FFMETADATA1", f"title={_escaped(plain(movie.name, _MOST_TITLE))}"]
    for number, span in enumerate(spans(prediction, threshold), 1):
        first, last = (round(Fraction(time) / base) for time in span)
        lines += ["", "[CHAPTER]", f"TIMEBASE={base.numerator}/{base.denominator}", f"START={first}", f"END={last}"]
        lines.append(f"title=Scene {number}")
    return "\n".join(lines) + "\n"


def webvtt(movie: Movie, prediction: Prediction, threshold: float | None) -> str:
    """A WebVTT file of chapters, for a player's `<track kind="chapters">`; times to the millisecond."""
    # With < and > escaped nothing in a name can be an arrow, which would start a cue.
    lines = [f"WEBVTT {html.escape(plain(movie.name, _MOST_TITLE), quote=False)}".rstrip()]
    for number, (start, end) in enumerate(spans(prediction, threshold), 1):
        lines += ["", str(number), f"{clock(start):0>12} --> {clock(end):0>12}", f"Scene {number}"]
    return "\n".join(lines) + "\n"


def youtube(movie: Movie, prediction: Prediction, threshold: float | None) -> str:
    """Lines for the description of a YouTube video: `0:00 Scene 1`.

    YouTube wants the first chapter at 0:00, and at least three, of at least 10 seconds each. So the first line says
    0:00 wherever the first shot starts; a scene that would be shorter joins the one before it (the first, the one
    after it), as `Scenes 2-4`, with a warning; and a film that leaves fewer than three is an error.
    """
    times = [0, *(round(start) for start, _ in spans(prediction, threshold)[1:])]
    firsts = [0]  # the scenes at which chapters start
    for scene, time in enumerate(times):
        if time - times[firsts[-1]] >= YOUTUBE_SHORTEST_S:
            firsts.append(scene)
    if len(firsts) > 1 and int(prediction.shots[-1].end_s) - times[firsts[-1]] < YOUTUBE_SHORTEST_S:
        firsts.pop()
    if len(firsts) < YOUTUBE_FEWEST:
        raise ScenevizError(
            f"export: YouTube shows chapters only where there are at least {YOUTUBE_FEWEST} of {YOUTUBE_SHORTEST_S} s "
            f"or more; {plain(movie.name)!r} has {len(firsts)} at this threshold; a lower threshold makes more scenes"
        )
    if merged := len(times) - len(firsts):
        warnings.warn(
            f"{counted(merged, 'scene')} of under {YOUTUBE_SHORTEST_S} s joined to a neighbour: "
            "YouTube shows no shorter chapters",
            stacklevel=3,
        )
    lines = []
    for first, after in zip(firsts, [*firsts[1:], len(times)], strict=True):
        name = f"Scene {first + 1}" if after == first + 1 else f"Scenes {first + 1}-{after}"
        lines.append(f"{_youtube_time(times[first])} {name}")
    return "\n".join(lines) + "\n"


def _youtube_time(seconds: int) -> str:
    """0:00, 9:59, 1:00:00."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _time_base(movie: Movie) -> Fraction:
    """One frame, where all shots start on whole frames, so that chapters are exact; else a microsecond."""
    if movie.frame_rate:
        frames = [shot.start_s * movie.frame_rate for shot in movie.shots]
        if all(abs(frame - round(frame)) < 1e-3 for frame in frames):
            return 1 / movie.frame_rate
    return Fraction(1, 1_000_000)


def _escaped(text: str) -> str:
    """A value for ffmetadata, in which = ; # \\ and the end of a line mean something."""
    # ffmpeg takes a backslash before the end of a line for one that goes on, even if it is escaped: a space parts them.
    text += " " * text.endswith("\\")
    return "".join("\\" + letter if letter in "=;#\\\n" else letter for letter in text)
