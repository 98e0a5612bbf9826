"""What the explorer shows and what moves it: plain values, without a widget."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sceneviz._text import ScenevizError, choice, clock, counted
from sceneviz.movie import Movie
from sceneviz.recipe import Window, plan_windows
from sceneviz.results import Prediction, checked_threshold

if TYPE_CHECKING:
    import pandas as pd

    from sceneviz.intervention import Action

HOW = ("cut", "remove")
SCOPES = ("shot", "window")
# What can be taken from a decision, as the explorer calls it.
PARTS = {
    "visual": "frames",
    "subtitle": "subtitle",
    "character": "names",
    "shot_id": "shot ID",
    "answer": "answer",
}


@dataclass(frozen=True)
class WhatIf:
    """One change to try: a part of a shot, or of all shots of its window, taken away; or a shot's answer flipped.

    kind: "flip"; "cut", no later row of the answer sees the part; "remove", the prompt is written without it.
    part: a modality (see PARTS), "" for a flip. scope: "shot" or "window".
    """

    kind: str
    shot: int
    part: str = ""
    scope: str = "shot"

    def __post_init__(self) -> None:
        choice(self.kind, ("flip", *HOW), "kind")
        choice(self.scope, SCOPES, "scope")
        if self.kind != "flip":
            parts = [part for part in PARTS if self.kind == "cut" or part != "answer"]
            choice(self.part, parts, f"what to {self.kind}")

    @property
    def label(self) -> str:
        """A few words for a person."""
        if self.kind == "flip":
            return f"answer of shot {self.shot} flipped"
        whose = f"shot {self.shot}" if self.scope == "shot" else f"all shots in the window of shot {self.shot}"
        done = "hidden from the decisions" if self.kind == "cut" else "left out of the prompt"
        return f"{PARTS[self.part]} of {whose} {done}"

    def actions(self, shots: range) -> tuple[Action, ...]:
        """The same for `intervene`. shots: those that the window of the shot shows."""
        from sceneviz.intervention import Cut, Force, Remove

        if self.kind == "flip":
            return (Force(self.shot, redecide=True),)
        whose = (self.shot,) if self.scope == "shot" else tuple(shots)
        if self.kind == "cut":
            return (Cut(shot=whose, modality=self.part),)
        return tuple(Remove(shot, self.part) for shot in whose)


@dataclass
class State:
    """A movie and its prediction, what is picked, how scenes are drawn, and what is tried.

    shot: the one picked. threshold: the confidence from which a shot ends a scene. tried: changes, done together.
    moved: what `intervene` said of them, a row a decision read again; None where nothing is tried, or not yet read.
    """

    movie: Movie
    prediction: Prediction
    shot: int = 0
    tried: tuple[WhatIf, ...] = ()
    moved: pd.DataFrame | None = None
    threshold: float = field(init=False)
    windows: tuple[Window, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.prediction.check(self.movie)
        self.threshold = self.prediction.threshold
        self.windows = plan_windows(len(self.movie), self.prediction.recipe)
        if len(self.windows) <= int(self.prediction.window.max(initial=-1)):
            raise ScenevizError(
                f"the prediction speaks of {int(self.prediction.window.max()) + 1} windows, its recipe makes "
                f"{len(self.windows)}; predict again"
            )
        self.pick(self.shot)

    def __len__(self) -> int:
        return len(self.movie)

    def pick(self, shot: int) -> int:
        """Pick a shot, or the nearest that there is; gives it back."""
        self.shot = min(max(int(shot), 0), len(self) - 1)
        return self.shot

    def regroup(self, threshold: float) -> None:
        """Move the threshold. Scenes change; the answers that later decisions saw do not."""
        self.threshold = checked_threshold(threshold)

    @property
    def decided(self) -> bool:
        """Is there a decision on the picked shot: on all but the last."""
        return self.shot < len(self) - 1

    @property
    def window(self) -> Window | None:
        """The window that decided the picked shot; for the last shot, which none decides, None."""
        return self.windows[int(self.prediction.window[self.shot])] if self.decided else None

    @property
    def ends(self) -> np.ndarray:
        """`(n_shots,)` bool: does a scene end here, by the threshold; False on the last shot."""
        return self.prediction.boundaries(self.threshold)

    @property
    def after(self) -> np.ndarray | None:
        """`(n_shots,)` float64 confidence under what is tried: moved where it was read again, else as it was."""
        if self.moved is None:
            return None
        confidence = self.prediction.confidence.copy()
        shots = self.moved["decision"].to_numpy(int)
        # The baseline is read in the same way as what is compared with it; so the difference is what counts.
        confidence[shots] = np.clip(confidence[shots] + self.moved["delta_confidence"].to_numpy(float), 0.0, 1.0)
        return confidence

    @property
    def ends_after(self) -> np.ndarray | None:
        """As `ends`, by the confidence under what is tried."""
        after = self.after
        return None if after is None else np.nan_to_num(after, nan=-1.0) >= self.threshold

    def next_end(self, shot: int) -> int:
        """The first shot from here on that ends a scene; where none does, the shot itself."""
        found = np.flatnonzero(self.ends[shot:])
        return shot + int(found[0]) if len(found) else shot

    def scene(self, shot: int) -> tuple[int, int, int, int]:
        """Number of a shot's scene from 0, how many there are, its first and its last shot."""
        ends = np.flatnonzero(self.ends[:-1])
        number = int(np.searchsorted(ends, shot))
        first = int(ends[number - 1]) + 1 if number else 0
        last = int(ends[number]) if number < len(ends) else len(self) - 1
        return number, len(ends) + 1, first, last

    def toggle(self, change: WhatIf) -> bool:
        """Try a change, or no longer; gives back whether it is tried now. What moved is to be read again."""
        if change.shot > len(self) - (2 if change.kind == "flip" else 1) or change.shot < 0:
            raise ScenevizError(f"{change.label}: there is no such decision; shots are 0 to {len(self) - 1}")
        there = change in self.tried
        self.tried = tuple(each for each in self.tried if each != change) if there else (*self.tried, change)
        self.moved = None
        return not there

    def clear(self) -> None:
        """Try nothing."""
        self.tried, self.moved = (), None

    def actions(self) -> tuple[Action, ...]:
        """All that is tried, for `intervene`."""
        found: list[Action] = []
        for change in self.tried:
            number = int(self.prediction.window[min(change.shot, len(self) - 2)]) if len(self) > 1 else -1
            shots = self.windows[number].context if number >= 0 else range(0)
            found += change.actions(shots)
        return tuple(dict.fromkeys(found))

    def facts(self) -> dict[str, Any]:
        """What there is to say of the picked shot: plain values, texts as they stand in the file."""
        shot, told = self.movie.shots[self.shot], self.prediction
        number, count, first, last = self.scene(self.shot)
        facts: dict[str, Any] = {
            "shot": shot.index,
            "shots": len(self),
            "start": clock(shot.start_s),
            "end": clock(shot.end_s),
            "length": f"{shot.duration_s:.1f} s",
            "subtitle": shot.subtitle,
            "names": list(shot.characters),
            "scene": [number + 1, count, first, last],
            "threshold": self.threshold,
            "confidence": None,
        }
        if self.movie.labels is not None:
            facts["label"] = {1: "a scene ends here", 0: "the scene goes on", -1: "uncertain"}.get(
                int(self.movie.labels[0, shot.index]), ""
            )
        if self.window is not None:
            after = self.after
            facts |= {
                "confidence": float(told.confidence[shot.index]),
                "after": None if after is None else float(after[shot.index]),
                "ends": bool(self.ends[shot.index]),
                "answer": "Yes" if told.decision[shot.index] == 1 else "No",
                "mass": float(told.mass[shot.index]),
                "place": int(told.position[shot.index]) + 1,
                "focus": len(self.window.focus),
                "context": [self.window.context.start, self.window.context.stop - 1],
            }
        return facts

    def changes(self, most: int = 12) -> dict[str, Any]:
        """What is tried and what it did: the decisions that moved most, in the order of the movie."""
        found: dict[str, Any] = {"tried": [change.label for change in self.tried], "rows": [], "summary": ""}
        after = self.after
        if self.moved is None or after is None:
            return found
        read = sorted(set(self.moved["decision"].astype(int)))
        before = self.prediction.confidence
        crossed = [shot for shot in read if (before[shot] >= self.threshold) != (after[shot] >= self.threshold)]
        largest = sorted(read, key=lambda shot: -abs(after[shot] - before[shot]))[:most]
        found["rows"] = [
            {
                "shot": shot,
                "before": float(before[shot]),
                "after": float(after[shot]),
                "crossed": shot in crossed,
            }
            for shot in sorted(largest)
        ]
        sides = f"{len(crossed) or 'none'} of them on the other side of {self.threshold:.2f} now"
        found["summary"] = f"{counted(len(read), 'decision')} read again, {sides}"
        return found
