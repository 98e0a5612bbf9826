"""Subtitles: a file in any common format and encoding to cues, and cues to shots."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sceneviz._text import ScenevizError, clock
from sceneviz.reading.spans import shots_of_spans
from sceneviz.reading.text import read_text

SUFFIXES = (".srt", ".vtt", ".ass", ".ssa")
# Markup of SubRip and WebVTT by name. Whatever else stands in angle brackets was written to be read.
TAGS = re.compile(r"</?(?:i|b|u|s|em|strong|font|c|v|lang|ruby|rt)(?:[\s.][^<>]*)?>|<[\d:.]+>", re.IGNORECASE)
OVERRIDES = re.compile(r"\{\\[^{}]*\}")
# Line breaks as pysubs2 and as ASS write them, and control characters.
BREAKS = re.compile(r"\\N|[\x00-\x1f\x7f\ufeff]")
ASS_BREAKS = re.compile(r"\\[nh]")
# Subtitles that stop earlier than this part of the movie are worth a word: credits are shorter.
EARLY_END = 0.8
# Typeset subtitles may have some MB; what is larger is something else, and would take minutes to read.
MOST_BYTES = 20_000_000


class Cue(NamedTuple):
    """One subtitle: when it is shown, in seconds, and its text as one line without markup."""

    start_s: float
    end_s: float
    text: str


def find_subtitles(movie: Path) -> Path | None:
    """The subtitle file beside a movie, or None.

    In order of preference: `<stem>.srt`, `.vtt`, `.ass`, `.ssa`; then one with a language between (`<stem>.en.srt`),
    English first, then by name, in the same order of formats.
    """
    language = re.compile(r"\.[a-z]{2,3}(?:[-_][a-z0-9]{2,4})?", re.IGNORECASE)
    found = []
    for path in movie.parent.iterdir():
        tag = path.stem.removeprefix(movie.stem)
        if (
            path.suffix.lower() in SUFFIXES
            and path.name.startswith(movie.stem)
            and (not tag or language.fullmatch(tag))
        ):
            english = tag.lower().startswith((".en-", ".en_")) or tag.lower() in (".en", ".eng")
            found.append((bool(tag), not english, tag, SUFFIXES.index(path.suffix.lower()), path.name, path))
    return min(found)[-1] if found else None


def read_cues(path: Path, shift_s: float = 0.0) -> list[Cue]:
    """The cues of an srt, vtt or ass file that have text, in order of time; shift_s: seconds added to their times."""
    import pysubs2

    if path.is_file() and path.stat().st_size > MOST_BYTES:
        raise ScenevizError(
            f"expected subtitles, got a file of {path.stat().st_size / 1e6:,.0f} MB, where those of a long film have "
            f"less than one; to read without them: subtitles=False: {path}"
        )
    text = read_text(path, "subtitles")
    try:
        parsed = pysubs2.SSAFile.from_string(text, keep_html_tags=True)
    except (pysubs2.Pysubs2Error, ValueError, KeyError, TypeError, IndexError):
        raise ScenevizError(f"expected subtitles as srt, vtt or ass, got something else: {path}") from None
    kind = parsed.format or ""
    events = [event for event in parsed.events if kind not in ("ass", "ssa") or event.is_text]
    cues = [Cue(event.start / 1000 + shift_s, event.end / 1000 + shift_s, _plain(event.text, kind)) for event in events]
    if not cues:
        raise ScenevizError(f"there is no cue in the subtitles; to read without them: subtitles=False: {path}")
    return sorted(cue for cue in cues if cue.text)


def _plain(text: str, kind: str) -> str:
    """A cue's text as one line: known markup gone, all else as it is written."""
    if kind == "vtt":
        # A cue ends at the first empty line; what follows is a note, or the next cue's name.
        text = text.split(r"\N\N", 1)[0]
    text = TAGS.sub("", OVERRIDES.sub("", text))
    if kind == "vtt":
        text = html.unescape(text)
    elif kind in ("ass", "ssa"):
        text = ASS_BREAKS.sub(" ", text)
    return " ".join(BREAKS.sub(" ", text).split())


def subtitles_of_shots(cues: Sequence[Cue], shots: np.ndarray, stray: float = 0.0) -> tuple[list[str], str]:
    """What is said in each shot, and a line that says what is odd about how the cues lie over the movie ("": nothing).

    shots: `(n_shots, 2)` float64, start and end in seconds. Cues follow each other by start.
    stray: the part of the cues that may lie outside all shots without a word.
    A cue is in every shot that it overlaps by at least half of the shorter of the two, or else in the one that it
    overlaps most.
    """
    spans = np.array([cue[:2] for cue in cues], np.float64).reshape(-1, 2)
    lines: list[list[str]] = [[] for _ in range(len(shots))]
    last, placed = 0.0, 0
    for cue, run in zip(cues, shots_of_spans(spans, shots), strict=True):
        for place in run:
            lines[place].append(cue.text)
        if run:
            placed += 1
            last = max(last, cue.end_s)
    return [" ".join(line) for line in lines], _oddity(len(cues), placed, last, float(shots[-1, 1]), stray)


def _oddity(cues: int, placed: int, last: float, length: float, stray: float) -> str:
    if not cues:
        return "none of the cues has a text"
    if not placed:
        return f"none of the {cues} cues lies inside the movie (0 to {clock(length)})"
    if cues - placed > stray * cues:
        return f"{cues - placed} of {cues} cues lie outside the movie (0 to {clock(length)}) and are left out"
    if last < EARLY_END * length:
        return f"the last cue ends at {clock(last)}, the movie at {clock(length)}"
    return ""
