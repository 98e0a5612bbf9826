"""The objects that every verb starts from: a Movie is a list of Shots, with frames to read and maybe labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from sceneviz._text import ScenevizError, clock, escape, fingerprint, plain, thumbnail, whole, writable

if TYPE_CHECKING:
    import pandas as pd

LABEL_VALUES = {1: "last shot of its scene", 0: "not", -1: "uncertain", -2: "unlabelled"}
FRAMES = 2**31  # no film has as many, nor as many seconds: two years at 30 frames a second


@dataclass(frozen=True, slots=True)
class Shot:
    """One uninterrupted take.

    index: place in the movie, from 0.
    start, end: first frame and one past the last frame, in frames of the file.
    start_s, end_s: the same in seconds, from the file's timestamps.
    subtitle: what is said during the shot, one line, "" if nothing is.
    characters: names of who is in it.
    """

    index: int
    start: int
    end: int
    start_s: float
    end_s: float
    subtitle: str = ""
    characters: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        places, times = (self.index, self.start, self.end), (self.start_s, self.end_s)
        if not all(whole(place) and place <= FRAMES for place in places):
            raise ScenevizError(f"shot {plain(self.index)}: index, start and end must be whole, got {plain(places)}")
        if not all(isinstance(time, Real) and abs(time) < FRAMES + 1 for time in times):
            raise ScenevizError(f"shot {self.index}: start_s and end_s must be seconds, got {plain(times)}")
        if not isinstance(self.subtitle, str) or not all(isinstance(name, str) for name in self.characters):
            raise ScenevizError(f"shot {self.index}: subtitle and characters must be text")
        object.__setattr__(self, "subtitle", writable(self.subtitle))
        object.__setattr__(self, "characters", tuple(map(writable, self.characters)))
        if self.index < 0 or self.start < 0:
            raise ScenevizError(f"shot {self.index}: index and start must not be negative, start is {self.start}")
        if self.end <= self.start:
            raise ScenevizError(f"shot {self.index}: expected end > start, got frames {self.start} to {self.end}")
        if not self.end_s > self.start_s:
            raise ScenevizError(f"shot {self.index}: expected end_s > start_s, got {self.start_s} to {self.end_s} s")

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s

    def keyframes(self, count: int) -> tuple[int, ...]:
        """The frame numbers that stand for the shot, `count` of them, in order.

        `floor(start + (k+1)(last - start)/(K+1))` with last the shot's last frame, as in MovieNet.
        """
        last = self.end - 1
        return tuple(self.start + (k + 1) * (last - self.start) // (count + 1) for k in range(count))


@runtime_checkable
class FrameSource(Protocol):
    """Where frames come from: a video file, a folder of keyframes, a renderer."""

    @property
    def fingerprint(self) -> str:
        """A short name for the content, equal for equal frames."""

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the source in pixels, as displayed (rotation applied)."""

    def read(self, shots: Sequence[Shot], count: int, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        """Yield the keyframes of each shot in order: `(count, H, W, 3)` uint8 RGB.

        One pass over the source, in bounded memory. size: (height, width) to resize to, None for the source's own.
        Shots must be in ascending order.
        """


@dataclass(frozen=True)
class Movie:
    """A movie as the model sees it.

    name: shown in tables and figures.
    shots: in order, not overlapping; gaps are allowed (gradual transitions).
    frames: where their frames are read from, None for a text-only movie.
    frame_rate: frames a second, None if unknown or not constant.
    labels: `(annotators, n_shots)` int8; 1 last shot of its scene, 0 not, -1 uncertain, -2 unlabelled (the last
        shot always); None if nobody has labelled it.
    """

    name: str
    shots: tuple[Shot, ...]
    frames: FrameSource | None = field(default=None, repr=False, compare=False)
    frame_rate: Fraction | None = None
    labels: np.ndarray | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shots", tuple(self.shots))
        if not isinstance(self.name, str):
            raise ScenevizError(f"a movie's name must be text, got {self.name!r}")
        object.__setattr__(self, "name", writable(self.name))
        if not self.shots:
            raise ScenevizError(f"movie {self.name!r} has no shots; at least one is needed")
        for place, (shot, before) in enumerate(zip(self.shots, (None, *self.shots), strict=False)):
            if shot.index != place:
                raise ScenevizError(f"movie {self.name!r}: the shot at place {place} has index {shot.index}")
            if before is not None and shot.start < before.end:
                raise ScenevizError(
                    f"movie {self.name!r}: shot {place} starts at frame {shot.start}, "
                    f"before shot {place - 1} ends at {before.end}"
                )
        if self.labels is not None:
            object.__setattr__(self, "labels", _checked_labels(self.labels, self.name, len(self.shots)))

    def __len__(self) -> int:
        return len(self.shots)

    @property
    def boundaries(self) -> np.ndarray | None:
        """`(n_shots,)` bool: does a scene end with this shot, by the first annotator (uncertain counts as not)."""
        return None if self.labels is None else np.asarray(self.labels[0] == 1)

    @cached_property
    def fingerprint(self) -> str:
        """A short name for shots, texts and frames; labels and the movie's name do not enter."""
        source = None if self.frames is None else self.frames.fingerprint
        return fingerprint(self.shots, source)

    def to_frame(self) -> pd.DataFrame:
        """A row a shot: its fields, and `boundary` (first annotator's label) where there are labels."""
        import pandas as pd

        rows = {
            name: [getattr(shot, name) for shot in self.shots]
            for name in ("index", "start", "end", "start_s", "end_s", "subtitle")
        }
        table = pd.DataFrame(rows).rename(columns={"index": "shot"})
        table["characters"] = [", ".join(shot.characters) for shot in self.shots]
        if self.labels is not None:
            table["boundary"] = self.labels[0]
        return table

    def strip(self, most: int = 12) -> list[tuple[Shot, np.ndarray]]:
        """At most `most` shots spread evenly over the movie, each with its middle frame `(H, W, 3)` uint8."""
        if self.frames is None:
            return []
        places = np.unique(np.linspace(0, len(self) - 1, min(most, len(self))).round().astype(int))
        chosen = [self.shots[place] for place in places]
        height, width = self.frames.size
        size = (96, max(16, round(96 * width / height)))
        return [(shot, frames[0]) for shot, frames in zip(chosen, self.frames.read(chosen, 1, size), strict=True)]

    def __repr__(self) -> str:
        talk = sum(bool(shot.subtitle) for shot in self.shots)
        parts = [f"{len(self)} shots", clock(self.shots[-1].end_s), f"{talk} with subtitles"]
        parts.append("no frames" if self.frames is None else "{}x{}".format(*reversed(self.frames.size)))
        if self.boundaries is not None:
            parts.append(f"{int(self.boundaries.sum())} boundaries known")
        return f"Movie({self.name!r}: {', '.join(parts)})"

    def _repr_html_(self) -> str:
        cells = "".join(
            f'<figure style="margin:2px"><img src="{thumbnail(frame)}" alt="shot {shot.index}" '
            f'title="shot {shot.index}, {clock(shot.start_s)}: {escape(shot.subtitle[:200])}">'
            f'<figcaption style="font-size:10px;color:#666">{shot.index}</figcaption></figure>'
            for shot, frame in self.strip()
        )
        return f'<div><code>{escape(repr(self))}</code><div style="display:flex;flex-wrap:wrap">{cells}</div></div>'


def _checked_labels(labels: np.ndarray, name: str, n_shots: int) -> np.ndarray:
    """Labels as a read-only int8 array, or an error that says what is wrong with them."""
    array = np.array(labels, dtype=np.int8, ndmin=2)
    if array.shape[-1] != n_shots or array.ndim != 2:
        raise ScenevizError(f"movie {name!r}: labels must be (annotators, {n_shots}), got shape {np.shape(labels)}")
    odd = set(np.unique(array).tolist()) - set(LABEL_VALUES)
    if odd:
        raise ScenevizError(f"movie {name!r}: labels must be 1, 0, -1 or -2, got {sorted(odd)}")
    array[:, -1] = -2
    array.setflags(write=False)
    return array
