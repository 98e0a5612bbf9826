"""A Movie, a model and its Prediction to an AttentionMap: where each decision looked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce as fold
from typing import TYPE_CHECKING, Any

import numpy as np

from sceneviz._text import ScenevizError, choice
from sceneviz.movie import Movie
from sceneviz.prompt import SHOWN, TokenLayout, build_prompt, group_count, group_tokens
from sceneviz.recipe import Window, plan_windows
from sceneviz.results import AttentionMap, Prediction
from sceneviz.results.attention_map import REDUCE
from sceneviz.results.attention_tables import added, summed

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from torch import Tensor

    from sceneviz.models import FrameFeatures, SceneModel
    from sceneviz.models.prefix import Prefix
    from sceneviz.models.probe import Capture


def attend(
    movie: Movie,
    model: SceneModel,
    prediction: Prediction,
    *,
    layers: Sequence[int] | None = None,
    reduce: str = "decision",
    frames: bool = False,
    verify: bool = False,
) -> AttentionMap:
    """Where the attention of every decision went: by layer, head, shot and modality.

    The prompts are computed by the model's own kernel, and the answers that the prediction wrote are read behind them
    once more, decision rows explicit in float32; so these are the decisions that were predicted, at little more cost.
    prediction: of this movie by this model. layers: which ones; all by default.
    reduce: "decision" keeps each decision; "offset" adds up as it goes, by how far a shot stands from the decided one,
        in a size that doesn't grow with the movie.
    frames: keep the mass on every visual token as well, mean over layers and heads.
    verify: compute every prompt once more with the library's eager attention, all of it, and keep the largest
        difference as `verified`; for short prompts.
    """
    choice(reduce, REDUCE, "reduce")
    if frames and reduce == "offset":
        raise ScenevizError("frames=True keeps frames by decision; use reduce='decision'")
    checked(movie, model, prediction)
    # An empty choice of heads keeps the tokens' mass over all of them.
    options: dict[str, Any] = {"layers": None if layers is None else tuple(layers), "tokens": () if frames else None}

    differences = [0.0]

    def look(batch: Read) -> xr.Dataset:
        """What is kept of a batch; the batch itself is gone before the next one is computed."""
        capture, log_odds = batch.capture(**options)
        if verify:
            differences.append(batch.difference(capture.layers))
        data = _dataset(batch, capture, log_odds, prediction.recipe.context)
        return summed(data) if reduce == "offset" else data

    import xarray as xr

    parts = map(look, read_windows(movie, model, prediction, size=1 if verify else None))
    data = fold(added, parts) if reduce == "offset" else xr.concat(list(parts), "decision")
    return _map(movie, prediction, data, reduce, max(differences) if verify else None)


def attention_frames(
    movie: Movie,
    model: SceneModel,
    prediction: Prediction,
    *,
    shot: int,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
) -> pd.DataFrame:
    """One decision's mass on every visual token, as `AttentionMap.frames` has it, but of any layers and heads.

    shot: the one decided. layers, heads: the mean is over these; over all by default.
    """
    chosen = None if layers is None else tuple(layers)
    means = () if heads is None else tuple(heads)
    return attend_window(movie, model, prediction, shot=shot, layers=chosen, tokens=means).frames(shot)


def attend_window(
    movie: Movie,
    model: SceneModel,
    prediction: Prediction,
    *,
    shot: int,
    layers: tuple[int, ...] | None = None,
    tokens: tuple[int, ...] = (),
) -> AttentionMap:
    """As `attend` with `frames=True`, but only of the window that decided this shot.

    layers: which ones; None for all. tokens: the heads whose mean stands on the frames; none for all.
    """
    checked(movie, model, prediction)
    only = int(prediction.window[decided_shot(prediction, shot)])
    (batch,) = read_windows(movie, model, prediction, [only])
    capture, log_odds = batch.capture(layers=layers, tokens=tokens)
    return _map(movie, prediction, _dataset(batch, capture, log_odds, prediction.recipe.context))


def _map(
    movie: Movie, prediction: Prediction, data: xr.Dataset, reduce: str = "decision", verified: float | None = None
) -> AttentionMap:
    return AttentionMap(
        movies=(movie.fingerprint,),
        movie_names=(movie.name,),
        model=prediction.model,
        model_name=prediction.model_name,
        embedded=prediction.embedded,
        recipe=prediction.recipe,
        reduce=reduce,
        data=data,
        verified=verified,
    )


def checked(movie: Movie, model: SceneModel, prediction: Prediction) -> None:
    """Raise ScenevizError unless the prediction is of this movie, by this model, and decided something."""
    prediction.check(movie)
    if prediction.model != model.fingerprint:
        raise ScenevizError(
            f"the prediction was made by {prediction.model_name!r} ({prediction.model}), not by {model.name!r} "
            f"({model.fingerprint}); predict with this model first"
        )
    if len(movie) < 2:
        raise ScenevizError(f"movie {movie.name!r} has one shot, and so no decision to look into")


def decided_shot(prediction: Prediction, shot: int) -> int:
    """The shot, if there is a decision on it, or else an error that says on which there are."""
    if not 0 <= shot < len(prediction) - 1:
        raise ScenevizError(f"no decision on shot {shot}; there are decisions on shots 0 to {len(prediction) - 2}")
    return shot


@dataclass(frozen=True, eq=False)
class Read:
    """Windows of a movie, prefilled together, with the answers that a prediction wrote behind them.

    answers: for each window; None where each line was written alone.
    bundle: features of the windows' frames; None where the recipe shows none.
    """

    windows: tuple[Window, ...]
    prefix: Prefix
    answers: list[list[bool]] | None
    bundle: Tensor | None = None

    @property
    def layouts(self) -> tuple[TokenLayout, ...]:
        """The windows' tokens."""
        return self.prefix.layouts

    def capture(
        self, *, layers: tuple[int, ...] | None = None, tokens: tuple[int, ...] | None = None
    ) -> tuple[Capture, list[np.ndarray]]:
        """Attention by slot and modality, and the log-odds `(focus,)` of each window."""
        from sceneviz.models.probe import Probe

        pairs = zip(self.layouts, self.windows, strict=True)
        groups = tuple(group_tokens(layout, window) for layout, window in pairs)
        count = group_count(max(len(window.context) for window in self.windows))
        reading, capture = self.prefix.probe(self.answers, Probe(groups, count, layers, token_heads=tokens))
        return capture, reading.log_odds

    def difference(self, layers: tuple[int, ...]) -> float:
        """The largest difference, token by token, between watched and eager attention; of one window."""
        from sceneviz.models.eager import eager_rows
        from sceneviz.models.probe import Probe

        if self.answers is None:
            raise ScenevizError("verify compares answers written in sequence; the recipe has sequential=False")
        (layout,) = self.layouts
        probe = Probe((np.arange(len(layout)),), len(layout), layers)
        seen = self.prefix.probe(self.answers, probe)[1].mass[0]
        return float(np.abs(seen - eager_rows(self.prefix, self.answers[0], layers)).max())


def read_windows(
    movie: Movie,
    model: SceneModel,
    prediction: Prediction,
    only: Sequence[int] | None = None,
    *,
    size: int | None = None,
) -> Iterator[Read]:
    """A prediction's windows in order, as many together as fit; each frame is decoded and encoded once.

    only: the numbers of the windows wanted, ascending; all by default. size: how many together.
    """
    from sceneviz.models import FrameFeatures

    recipe = prediction.recipe
    windows = plan_windows(len(movie), recipe)
    features = FrameFeatures(model, movie, recipe) if recipe.visual else None
    wanted = list(range(len(windows)) if only is None else only)
    size = size or model.windows_that_fit(movie, windows, recipe)
    for start in range(0, len(wanted), size):
        batch = tuple(windows[number] for number in wanted[start : start + size])
        # Nothing here holds on to it: whoever lets go of it frees it before the next one is computed.
        yield _read(movie, model, prediction, batch, features)
        if features is not None:
            features.forget(batch[-1].context.start)


def _read(
    movie: Movie, model: SceneModel, prediction: Prediction, batch: tuple[Window, ...], features: FrameFeatures | None
) -> Read:
    import torch

    recipe = prediction.recipe
    layouts = [model.layout(build_prompt(movie.shots, window, recipe)) for window in batch]
    bundle = None if features is None else torch.cat([features.window(window.context) for window in batch])
    answers = [(prediction.decision[list(window.focus)] == 1).tolist() for window in batch]
    prefix, _ = model.prefill(layouts, bundle)
    return Read(batch, prefix, answers if recipe.sequential else None, bundle)


def _dataset(read: Read, capture: Capture, log_odds: list[np.ndarray], slots: int) -> xr.Dataset:
    """A batch's capture as the data of an AttentionMap with reduce="decision"."""
    import xarray as xr

    return xr.concat([_window(read, capture, log_odds, i, slots) for i in range(len(read.windows))], "decision")


def _window(read: Read, capture: Capture, log_odds: list[np.ndarray], i: int, slots: int) -> xr.Dataset:
    import xarray as xr

    window, layout = read.windows[i], read.layouts[i]
    here = min(slots, len(window.context))
    last = group_count(here)

    def spread(values: np.ndarray) -> np.ndarray:
        """Groups `(…, 1 + slots * modalities)` to `(…, slots, modalities)`, empty slots behind."""
        shaped = values[..., 1:last].reshape(*values.shape[:-1], here, len(SHOWN))
        return np.pad(shaped, [*[(0, 0)] * (values.ndim - 1), (0, slots - here), (0, 0)])

    each, rest = ("layer", "head", "decision", "slot", "modality"), ("decision", "slot", "modality")
    sink, tokens = capture.sink[i], capture.visible[i]
    # Sinks are summed a second time, so the difference may miss zero by rounding.
    mass, sink_tokens = np.maximum(capture.mass[i] - sink, 0), capture.sink_tokens[i]
    shots = np.full(slots, -1, np.int32)
    shots[:here] = window.context
    data = {
        "mass": (each, spread(mass)),
        "sink": (each, spread(sink)),
        "sink_tokens": (each, spread(sink_tokens)),
        "tokens": (rest, spread(tokens).astype(np.int32)),
        "instruction": (each[:3], mass[..., 0]),
        "instruction_sink": (each[:3], sink[..., 0]),
        "instruction_sink_tokens": (each[:3], sink_tokens[..., 0]),
        "instruction_tokens": (each[2:3], tokens[:, 0].astype(np.int32)),
        "shot": (rest[:2], np.tile(shots, (len(window.focus), 1))),
        "log_odds": (each[2:3], log_odds[i]),
    }
    if capture.tokens is not None and (layout.frame >= 0).any():
        data["frames"] = (
            ("decision", "slot", "frame", "row", "column"),
            _frames(layout, window, slots, capture.tokens[i]),
        )
    return xr.Dataset(
        data,
        {
            "layer": list(capture.layers),
            "head": np.arange(mass.shape[1]),
            "decision": list(window.focus),
            "modality": list(SHOWN),
        },
    )


def _frames(layout: TokenLayout, window: Window, slots: int, tokens: np.ndarray) -> np.ndarray:
    """`(focus, slots, frames, rows, columns)` float32; NaN where a slot has no frame."""
    shown = layout.frame >= 0
    frame, row, column = (each[shown] for each in (layout.frame, layout.row, layout.column))
    grid = np.full((len(tokens), slots, frame.max() + 1, row.max() + 1, column.max() + 1), np.nan, np.float32)
    grid[:, layout.shot[shown] - window.context.start, frame, row, column] = tokens[:, shown]
    return grid
