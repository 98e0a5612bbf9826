"""Where one decision looked, as plain values: from a map that is at hand, or read with the model as it is asked for."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.movie import Movie
from sceneviz.results import AttentionMap, Prediction

if TYPE_CHECKING:
    from sceneviz.models import SceneModel

KEPT = 8  # windows whose attention is kept, where it is read live


class Looks:
    """The attention of each decision of a movie: `AttentionMap`s of one decision.

    attention: a map by decision; None to read each window with the model when it is first asked for.
    model: None where there is none; then a map is all there is.
    """

    def __init__(
        self, movie: Movie, prediction: Prediction, attention: AttentionMap | None, model: SceneModel | None
    ) -> None:
        self.movie, self.prediction, self.model = movie, prediction, model
        if attention is not None:
            _check(attention, movie, prediction)
        if model is not None and not hasattr(model, "fingerprint"):
            raise ScenevizError(f"browse: model must come from load_model, got {type(model).__name__}")
        if model is not None and model.fingerprint != prediction.model:
            raise ScenevizError(
                f"the prediction was made by {prediction.model_name!r} ({prediction.model}), not by {model.name!r} "
                f"({model.fingerprint}); predict with this model first"
            )
        self._given = attention
        self._read: OrderedDict[int, AttentionMap] = OrderedDict()

    @property
    def any(self) -> bool:
        """Is there attention to be seen, or to be read."""
        return (self._given is not None or self.model is not None) and len(self.movie) > 1

    def at_hand(self, shot: int) -> bool:
        """Is it there without being read now."""
        return self._in(self._given, shot) or int(self.prediction.window[shot]) in self._read

    def of(self, shot: int) -> AttentionMap | None:
        """Of the decision on this shot alone; None where none is to be had."""
        if not 0 <= shot < len(self.movie) - 1:
            return None
        source = self._given if self._in(self._given, shot) else self._live(shot)
        if source is None:
            return None
        return replace(source, data=source.data.sel(decision=[shot]))

    @staticmethod
    def _in(attention: AttentionMap | None, shot: int) -> bool:
        return attention is not None and shot in attention.data["decision"].values

    def _live(self, shot: int) -> AttentionMap | None:
        if self.model is None:
            return None
        window = int(self.prediction.window[shot])
        if window not in self._read:
            from sceneviz.attention import attend_window

            found = attend_window(self.movie, self.model, self.prediction, shot=shot)
            self._read[window] = found
            while len(self._read) > KEPT:
                self._read.popitem(last=False)
        self._read.move_to_end(window)
        return self._read[window]


def look(one: AttentionMap, *, per: str = "mass", sinks: bool = False, part: str = "visual") -> dict[str, Any]:
    """One decision's attention for a view.

    modalities: name, value, tokens, in the map's order, then own line, instruction and sinks.
    shots: of each shot of the window, shot and `parts`, the values by modality. grid: layers, heads, and values
    `[layer][head]` of `part`. per, sinks: as in `AttentionMap.share`.
    """
    names = [*one.modalities, "line", "instruction", *([] if sinks else ["sink"])]
    share = one.share(per, sinks=sinks)
    whole = one.by_modality(per, sinks=sinks).set_index("modality")["value"]
    counts = share.groupby("modality")["tokens"].sum()
    modalities = [
        {"name": name, "value": float(whole[name]), "tokens": int(counts.get(name, 0))}
        for name in names
        if name in whole.index
    ]
    placed = share[share["offset"].notna()]
    shots = [
        {"shot": int(shot), "parts": {row.modality: float(row.value) for row in rows.itertuples()}}
        for shot, rows in placed.groupby("shot")
    ]
    heads = one.by_head(per, sinks=sinks)
    rows = heads[heads["modality"] == part]
    grid = rows.pivot(index="layer", columns="head", values="value")
    return {
        "per": per,
        "sinks": sinks,
        "part": part,
        "modalities": modalities,
        "shots": shots,
        "grid": {
            "layers": [int(layer) for layer in grid.index],
            "heads": [int(head) for head in grid.columns],
            "values": [[float(value) for value in row] for row in grid.to_numpy()],
        },
    }


def heat(one: AttentionMap) -> tuple[dict[str, Any], bytes]:
    """One decision's mass on the window's frames: what it says of itself, and a byte a token.

    Bytes run over shot, frame, row and column; 255 is `most`, under which 99 of 100 tokens lie: a few that get far more
    would leave all others dark. Empty where the map holds no frames.
    """
    if "frames" not in one.data:
        return {}, b""
    there = one.data["shot"].values[0] >= 0
    mass = np.nan_to_num(one.data["frames"].values[0][there])
    most = float(np.quantile(mass, 0.99))
    facts = {
        "shots": [int(shot) for shot in one.data["shot"].values[0][there]],
        "shape": list(mass.shape[1:]),
        "most": most,
        "total": float(mass.sum()),
        "by_shot": [float(value) for value in mass.sum((1, 2, 3))],
    }
    return facts, np.round(255 * np.minimum(mass / max(most, 1e-12), 1)).astype(np.uint8).tobytes()


def _check(attention: AttentionMap, movie: Movie, prediction: Prediction) -> None:
    attention.check(movie)
    if attention.reduce != "decision":
        raise ScenevizError(
            f"the explorer shows each decision; the map is by {attention.reduce}: attend with reduce='decision'"
        )
    if (attention.model, attention.recipe) != (prediction.model, prediction.recipe):
        raise ScenevizError(
            f"the attention map is of {attention.model_name!r} ({attention.model}), the prediction by "
            f"{prediction.model_name!r} ({prediction.model}), or their recipes differ; attend to this prediction"
        )
