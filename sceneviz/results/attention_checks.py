"""What the data of an attention map must be: all that its tables rely on, checked once, when a map is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sceneviz._text import ScenevizError, plain
from sceneviz.results.attention_tables import offsets

if TYPE_CHECKING:
    import xarray as xr

_EACH = ("layer", "head", "decision", "slot", "modality")
_SUMS = ("layer", "head", "movie", "offset", "modality")
FORMS: dict[str, dict[str, tuple[str, ...]]] = {
    "decision": {
        "mass": _EACH,
        "sink": _EACH,
        "sink_tokens": _EACH,
        "tokens": _EACH[2:],
        "instruction": _EACH[:3],
        "instruction_sink": _EACH[:3],
        "instruction_sink_tokens": _EACH[:3],
        "instruction_tokens": ("decision",),
        "shot": ("decision", "slot"),
        "log_odds": ("decision",),
    },
    "offset": {
        **dict.fromkeys(("mass", "sink", "sink_tokens", "sink_uniform"), _SUMS),
        **dict.fromkeys(("tokens", "uniform", "decisions"), _SUMS[2:]),
        **dict.fromkeys(("instruction", "instruction_sink"), _SUMS[:3]),
        **dict.fromkeys(("instruction_sink_tokens", "instruction_sink_uniform"), _SUMS[:3]),
        **dict.fromkeys(("instruction_tokens", "instruction_uniform", "total"), ("movie",)),
    },
}
FRAMES = {"frames": ("decision", "slot", "frame", "row", "column")}  # where the map was made with them
AXES = {"decision": ("layer", "head", "decision", "modality"), "offset": ("layer", "head", "offset", "modality")}
_WHOLE = ("sink_tokens", "tokens", "instruction_sink_tokens", "instruction_tokens", "shot")
MOST = 2.0**53  # of a count: beyond, not every whole number is a float
NEAR = 1e-2  # what sums of attention may miss the whole by; float32 stays far below


def check_data(data: xr.Dataset, reduce: str, modalities: tuple[str, ...], reach: int) -> None:
    """Raise ScenevizError unless a dataset is what `AttentionMap` says of its data.

    reach: shots of a window; no shot that a decision sees stands as far from it.
    """
    _check_form(data, reduce)
    if tuple(data["modality"].values.tolist()) != modalities:
        _refuse(f"modalities must be {modalities}, got {plain(data['modality'].values.tolist(), 200)}")
    for name in AXES[reduce][:2]:
        places = data[name].values
        if places.dtype.kind not in "iu" or (places < 0).any() or len(set(places.tolist())) < len(places):
            _refuse(f"each {name} must come once, by its number, got {plain(places, 200)}")
    for name in FORMS[reduce]:
        values = data[name].values
        if name not in ("shot", "log_odds") and not ((values >= 0) & (values <= MOST)).all():
            _refuse(f"{name} must not be negative, NaN or infinite")
    if reduce == "decision":
        _check_decisions(data, reach)
    else:
        _check_sums(data, reach)


def _refuse(why: str) -> None:
    raise ScenevizError(f"attention map: {why}")


def _check_form(data: xr.Dataset, reduce: str) -> None:
    """Names, dimensions and kinds of number."""
    needed = FORMS[reduce]
    allowed = needed | FRAMES if reduce == "decision" else needed
    for name, dims in allowed.items():
        if name in data.data_vars and data[name].dims == dims:
            kinds = "iu" if reduce == "decision" and name in _WHOLE else "iuf"
            if data[name].dtype.kind not in kinds:
                wanted = "whole numbers" if kinds == "iu" else "numbers"
                _refuse(f"{name} must hold {wanted}, got {data[name].dtype}")
        elif name in data or name in needed:
            found = "an axis" if name in data.coords else data[name].dims if name in data else "nothing"
            _refuse(f"{name} must have the dimensions {dims}, got {plain(found, 200)}")
    if unknown := [name for name in data.data_vars if name not in allowed]:
        _refuse(f"it holds {plain(unknown[0])}, which is not part of one")
    axes = AXES[reduce]
    if set(data.coords) != set(axes) or any(data[name].dims != (name,) for name in axes):
        _refuse(f"its axes must be {axes}, got {plain(tuple(data.coords), 200)}")
    if empty := [name for name, count in data.sizes.items() if count == 0]:
        _refuse(f"it holds no {plain(empty[0])}")


def _check_decisions(data: xr.Dataset, reach: int) -> None:
    decided, shot, tokens = (data[name].values for name in ("decision", "shot", "tokens"))
    if decided.dtype.kind not in "iu" or decided[0] < 0 or (np.diff(decided) <= 0).any():
        _refuse("decisions must be shots in ascending order")
    there, offset = shot >= 0, offsets(data)
    if (np.abs(offset[there]) >= reach).any() or shot.shape[1] > reach:
        _refuse(f"its shots must stand within {reach} of the decision on them")
    # A run of shots from the first slot on; what is left of the slots is empty.
    runs = ~there[:, 1:] | (there[:, :-1] & (np.diff(offset) == 1))
    if not runs.all() or (shot < -1).any() or not (there & (offset == 0)).any(1).all():
        _refuse("each decision must see shots in a row, the decided one among them")
    if tokens[~there].any() or (data["mass"].values + data["sink"].values)[:, :, tokens == 0].max(initial=0) > 1e-6:
        _refuse("where there are no tokens there is no attention")
    if not (data["sink_tokens"].values <= tokens).all():
        _refuse("no group has more sinks than tokens")
    if not (data["instruction_sink_tokens"].values <= data["instruction_tokens"].values).all():
        _refuse("the instruction has no more sinks than tokens")
    if not np.isfinite(data["log_odds"].values).all():
        _refuse("log_odds must be finite")
    _check_whole(_attention(data, ("slot", "modality")), 1)
    if not (tokens.sum((1, 2), dtype=np.int64) + data["instruction_tokens"].values > 0).all():
        _refuse("each decision must see a token")
    if "frames" in data:
        seen = data["frames"].values
        if not (np.isnan(seen) | ((seen >= 0) & (seen <= 1 + NEAR))).all():
            _refuse("frames must lie in 0 to 1, or be NaN where there is none")


def _check_sums(data: xr.Dataset, reach: int) -> None:
    offset, total = data["offset"].values, data["total"].values
    if offset.dtype.kind not in "iu" or (np.diff(offset) != 1).any():
        _refuse("offsets must be whole numbers in a row")
    if (np.abs(offset) >= reach).any():
        _refuse(f"its shots must stand within {reach} of the decision on them")
    if not ((total >= 1) & (total == np.floor(total))).all():
        _refuse(f"each movie must have decisions, got {plain(total, 200)}")
    if (data["decisions"].values > total[:, None, None]).any():
        _refuse("no offset has more decisions than its movie")
    for name in ("tokens", "uniform"):
        slack = 1e-6 + NEAR * data[name].values
        if (data[f"sink_{name}"].values > data[name].values + slack).any():
            _refuse("no group has more sinks than tokens")
        whole = data[f"instruction_{name}"].values
        if (data[f"instruction_sink_{name}"].values > whole + 1e-6 + NEAR * whole).any():
            _refuse("the instruction has no more sinks than tokens")
    places = ("offset", "modality")
    _check_whole(_attention(data, places), total)
    _check_whole(data["uniform"].sum(places).values + data["instruction_uniform"].values, total)


def _attention(data: xr.Dataset, places: tuple[str, str]) -> np.ndarray:
    """All that a decision (or a movie's decisions) gave, `(layer, head, decision or movie)`."""
    groups = data["mass"].sum(places, dtype=np.float64) + data["sink"].sum(places, dtype=np.float64)
    return np.asarray((groups + data["instruction"] + data["instruction_sink"]).values)


def _check_whole(sums: np.ndarray, whole: np.ndarray | int) -> None:
    if not (np.abs(sums - whole) <= NEAR * whole).all():
        _refuse("the attention of a decision must sum to 1")
