"""What can be done to a decision: cut what it attends to, change what was answered before, change what it is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sceneviz._text import ScenevizError, choice
from sceneviz.prompt import MODALITIES

SHOWABLE = ("visual", "subtitle", "character")  # what can be taken from another shot
ROWS = ("later", "decision")


class Action:
    """One thing to do. Several in a tuple are done together."""

    def __str__(self) -> str:
        raise NotImplementedError


@dataclass(frozen=True)
class Cut(Action):
    """Leave out attention edges from the answer to groups of tokens; what is left is renormalised.

    shot, offset: whose tokens: shots of the movie, or distances from the decided shot; one or several, not both.
    modality: which of their tokens, one or several; all where None. "instruction" belongs to no shot: name it alone.
    rows: "later", no token of the answer behind these tokens sees them: for an answer its effect is then exactly cut.
        "decision", only the row that decides does not; other tokens of the answer may carry it along. Each decision is
        then measured with its own row cut alone.
    layers, heads: where; everywhere by default.

    These are the direct edges of the answer. What the prompt's tokens took from one another before is not undone;
    `Remove` does that.
    """

    shot: int | tuple[int, ...] | None = None
    offset: int | tuple[int, ...] | None = None
    modality: str | tuple[str, ...] | None = None
    rows: str = "later"
    layers: tuple[int, ...] | None = None
    heads: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        choice(self.rows, ROWS, "rows")
        for name in ("shot", "offset", "modality", "layers", "heads"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, several(value))
        for modality in self.modality or ():
            choice(str(modality), MODALITIES, "modality")
        if self.modality == ("instruction",):
            if (self.shot, self.offset) != (None, None):
                raise ScenevizError("cut: the instruction belongs to no shot; leave shot and offset out")
        elif (self.shot is None) == (self.offset is None) or "instruction" in (self.modality or ()):
            raise ScenevizError(
                "cut: expected a shot or an offset, one of the two; or modality='instruction' alone, which has neither"
            )

    def __str__(self) -> str:
        what = "/".join(map(str, self.modality or ("all",)))
        places = [
            f"{name} {','.join(map(str, several(value)))}"
            for name, value in (
                ("shot", self.shot), ("offset", self.offset), ("layer", self.layers), ("head", self.heads)
            )
            if value is not None
        ]  # fmt: skip
        return " ".join(["cut", what, *places, "from the decision" if self.rows == "decision" else "from later rows"])


@dataclass(frozen=True)
class Force(Action):
    """Let an earlier answer be another, and read the decisions after it in the same window.

    shot, offset: whose answer, as in `Cut`; one.
    answer: what it is made to say; None: the other than was decided.
    redecide: let the answers in between follow from it; else they stay as they were written.
    """

    shot: int | None = None
    offset: int | None = None
    answer: bool | None = None
    redecide: bool = False

    def __post_init__(self) -> None:
        if (self.shot is None) == (self.offset is None):
            raise ScenevizError("force: expected a shot or an offset, one of the two")
        if self.offset is not None and self.offset >= 0:
            raise ScenevizError(
                f"force: only earlier answers can be forced; the offset must be below 0, got {self.offset}"
            )

    def __str__(self) -> str:
        where = f"shot {self.shot}" if self.shot is not None else f"offset {self.offset}"
        what = "the other" if self.answer is None else "Yes" if self.answer else "No"
        return f"force {where} to {what}" + (" and decide again" if self.redecide else "")


class Change(Action):
    """A change of what is shown: the prompt is written and computed anew."""

    @property
    def shots(self) -> tuple[int, ...]:
        """The shots that it changes; none where it is about all of a window."""
        return ()


@dataclass(frozen=True)
class Remove(Change):
    """Leave one modality of a shot out.

    visual: its frames are not in the prompt. subtitle, character: the shot has none, so neither has it the tag.
    shot_id: its frames carry no mark; its ID in the text stays.
    """

    shot: int
    modality: str

    def __post_init__(self) -> None:
        choice(self.modality, (*SHOWABLE, "shot_id"), "modality")

    @property
    def shots(self) -> tuple[int, ...]:
        """The shot."""
        return (self.shot,)

    def __str__(self) -> str:
        return f"remove {self.modality} of shot {self.shot}"


@dataclass(frozen=True)
class Replace(Change):
    """Show another shot's frames, subtitle or characters in place of a shot's own; frames carry the shot's own mark.

    by: the other shot, from anywhere in the movie; it stays as it is.
    """

    shot: int
    modality: str
    by: int

    def __post_init__(self) -> None:
        choice(self.modality, SHOWABLE, "modality")

    @property
    def shots(self) -> tuple[int, ...]:
        """The shot that is shown otherwise."""
        return (self.shot,)

    def __str__(self) -> str:
        return f"replace {self.modality} of shot {self.shot} by shot {self.by}'s"


@dataclass(frozen=True)
class Swap(Change):
    """Exchange one modality of two shots; each frame carries the mark of the shot it is shown for."""

    shot: int
    other: int
    modality: str

    def __post_init__(self) -> None:
        choice(self.modality, SHOWABLE, "modality")

    @property
    def shots(self) -> tuple[int, ...]:
        """Both."""
        return (self.shot, self.other)

    def __str__(self) -> str:
        return f"swap {self.modality} of shots {self.shot} and {self.other}"


@dataclass(frozen=True)
class Shuffle(Change):
    """Deal one modality of a window's shots out among them at random; the same seed deals the same."""

    modality: str = "subtitle"
    seed: int = 0

    def __post_init__(self) -> None:
        choice(self.modality, SHOWABLE, "modality")

    def __str__(self) -> str:
        return f"shuffle {self.modality} (seed {self.seed})"


def several(value: Any) -> tuple[Any, ...]:
    """One or several values as a tuple."""
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (value,)
