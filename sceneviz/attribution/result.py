"""Attribution: what each group of inputs did for one decision, saved and as a table. No torch."""

from __future__ import annotations

import math
import os
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sceneviz._text import ScenevizError, choice, counted, write_whole
from sceneviz.attribution.groups import SIDES, Group
from sceneviz.movie import FRAMES
from sceneviz.prompt import MODALITIES
from sceneviz.recipe import Recipe
from sceneviz.results.envelope import opened, packed, told_if_damaged
from sceneviz.results.origin import check_origin, check_text

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "sceneviz attribution"
VERSION = 1
METHODS = (
    "ablation",
    "shapley",
    "integrated_gradients",
    "gradient_x_input",
    "gradient_x_attention",
    "rollout",
    "attention",
)


@dataclass(frozen=True, eq=False)
class Attribution:
    """What one method says each group of inputs did for one decision.

    movie, movie_name, model, model_name, embedded, recipe: those of the prediction.
    shot: the shot that was decided (index in the movie).
    method: one of `METHODS`. settings: with which settings, for people.
    groups: the groups; value: `(n_groups,)` float64, what each is credited with, positive towards Yes, in units of
        log-odds; for "attention" and "rollout" the share of attention, 0 to 1.
    standard_error: `(n_groups,)` float64, of the value where it is an estimate (0: exact); NaN where none is known.
    log_odds: log P(Yes) - log P(No) with everything there.
    log_odds_off: the same with every group off, in the method's own sense; NaN where it has none.
    forwards: how many inputs went through the model.
    """

    movie: str
    movie_name: str
    model: str
    model_name: str
    embedded: bool
    recipe: Recipe
    shot: int
    method: str
    settings: str
    groups: tuple[Group, ...]
    value: np.ndarray
    standard_error: np.ndarray
    log_odds: float
    log_odds_off: float
    forwards: int

    def __post_init__(self) -> None:
        choice(self.method, METHODS, "attribution: method")
        object.__setattr__(self, "groups", tuple(self.groups))
        check_origin(self, "attribution")
        check_text(self, "settings", "attribution")
        counts = [self.shot, self.forwards, *(n for each in self.groups for n in (each.tokens, each.shot or 0))]
        if not all(type(count) is int and 0 <= count < FRAMES for count in counts):
            raise ScenevizError("attribution: shots, tokens and forwards must be whole numbers that are not negative")
        for each in self.groups:
            choice(each.modality, MODALITIES, "attribution: modality of a group")
            choice(each.side, SIDES, "attribution: side of a group")
        for name in ("value", "standard_error"):
            array = np.array(getattr(self, name), np.float64)
            if array.shape != (len(self.groups),):
                raise ScenevizError(
                    f"attribution: {name} must be {len(self.groups)} numbers, one a group, got shape {array.shape}"
                )
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        unknown = [*self.standard_error.tolist(), self.log_odds_off]  # NaN is allowed here
        if not all(map(math.isfinite, [*self.value.tolist(), self.log_odds])) or any(map(math.isinf, unknown)):
            raise ScenevizError(f"attribution of shot {self.shot} by {self.method}: the model gave no finite number")

    @property
    def residual(self) -> float:
        """What completeness leaves over: the sum of the values minus (log_odds - log_odds_off); NaN without an off."""
        return float(self.value.sum() - (self.log_odds - self.log_odds_off))

    def __repr__(self) -> str:
        return (
            f"Attribution(shot {self.shot} of {self.movie_name!r} by {self.method}: "
            f"{counted(len(self.groups), 'group')}, log-odds {self.log_odds:.3g}, {counted(self.forwards, 'forward')})"
        )

    def to_frame(self) -> pd.DataFrame:
        """A row a group.

        Columns: movie, model, embedded, decided (the shot), method, settings, modality, side, shot (NA where a group
        holds several), offset (shot - decided), tokens, value, standard_error, log_odds, log_odds_off, residual.
        """
        import pandas as pd

        shots = pd.array([group.shot for group in self.groups], dtype="Int64")
        return pd.DataFrame(
            {
                "movie": self.movie_name,
                "model": self.model_name,
                "embedded": self.embedded,
                "decided": self.shot,
                "method": self.method,
                "settings": self.settings,
                "modality": [group.modality for group in self.groups],
                "side": [group.side for group in self.groups],
                "shot": shots,
                "offset": shots - self.shot,
                "tokens": [group.tokens for group in self.groups],
                "value": self.value,
                "standard_error": self.standard_error,
                "log_odds": self.log_odds,
                "log_odds_off": self.log_odds_off,
                "residual": self.residual,
            }
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one JSON file (NaN as null, floats exact), whole or not at all; gives back its path."""
        data: dict[str, Any] = {"format": FORMAT, "version": VERSION}
        data |= {field.name: getattr(self, field.name) for field in fields(self)}
        data["recipe"] = asdict(self.recipe)
        data["groups"] = [astuple(group) for group in self.groups]
        data["value"] = self.value.tolist()
        data["standard_error"] = [_or_none(error) for error in self.standard_error.tolist()]
        data["log_odds_off"] = _or_none(self.log_odds_off)
        return write_whole(path, packed(data))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Attribution:
        """Read what `save` wrote; ScenevizError, in one line, where that isn't there, or is something else."""
        data = opened(path, "attribution", form=FORMAT, version=VERSION, again="attribute again")
        with told_if_damaged(path, "attribution", again="attribute again"):
            data["recipe"] = Recipe(**data["recipe"])
            data["groups"] = tuple(Group(*row) for row in data["groups"])
            data["standard_error"] = [math.nan if error is None else error for error in data["standard_error"]]
            off = data["log_odds_off"]
            return cls(**data | {"log_odds_off": math.nan if off is None else off})


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
