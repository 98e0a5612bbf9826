"""Tables out of an attention map: sums by offset, ratios of sums, means over movies.

Every value is a ratio of sums. Above stands attention; below, for "mass", the decisions (times layers and heads); for
"token", the tokens it fell on; for "lift", what these would have got if all visible tokens had got the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.results.means import pooled

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from sceneviz.results.attention_map import AttentionMap

LINE = "line"  # the decided shot's own answer line, up to its colon
_COUNTS = {"token": "tokens", "lift": "uniform"}


def summed(data: xr.Dataset) -> xr.Dataset:
    """The decisions of one movie summed by offset: what `AttentionMap` with reduce="offset" holds."""
    import xarray as xr

    data = with_uniform(data)
    there = data["shot"].values >= 0
    offset = np.where(there, offsets(data), 0)
    axis = np.arange(offset.min(), offset.max() + 1)
    # A decision has an offset where the window shows a shot there; for answers, where the line has been written.
    has = np.repeat(there[..., None], data.sizes["modality"], -1)
    has[..., -1] = data["tokens"].values[..., -1] > 0
    data["decisions"] = (("decision", "slot", "modality"), has.astype(np.float64))
    sums: dict[str, Any] = {"total": (("movie",), [float(data.sizes["decision"])])}
    for key, values in data.data_vars.items():
        if "modality" in values.dims:
            # Decision and slot to the front, there added up by offset; empty slots hold zeros.
            each = np.moveaxis(values.values, (-3, -2), (0, 1))
            total = np.zeros((len(axis), *each.shape[2:]))
            np.add.at(total, offset - axis[0], each)
            shaped = np.moveaxis(total, 0, -2)[..., None, :, :]
            sums[str(key)] = ((*values.dims[:-3], "movie", "offset", "modality"), shaped)
        elif str(key).startswith("instruction"):
            total = values.values.astype(np.float64).sum(-1)[..., None]
            sums[str(key)] = ((*values.dims[:-1], "movie"), total)
    axes = {"layer": data["layer"], "head": data["head"], "offset": axis, "modality": data["modality"]}
    return xr.Dataset(sums, axes)


def added(one: xr.Dataset, other: xr.Dataset) -> xr.Dataset:
    """Sums over some decisions and over some more of the same movie, as sums over all of them."""
    import xarray as xr

    one, other = xr.align(one, other, join="outer", fill_value=0)
    return one + other


def by(attention: AttentionMap, kept: tuple[str, ...], per: str, sinks: bool, seed: int) -> pd.DataFrame:
    """Means over decisions, and over all dimensions but those kept, with intervals over movies."""
    import pandas as pd

    data = attention.by_movie().data
    above, below = _sides(data, per, sinks)
    if kept == ("offset",):
        if per == "mass":
            below = data["decisions"] * len(data["layer"]) * len(data["head"])
        above, below = (_summed_over(values, ("movie", "offset", "modality")) for values in (above, below))
        own = (above["offset"] == 0) & (above["modality"] == "answer")
        below = below.where(~own & (data["tokens"].sum("movie") > 0), 0)
    else:
        apart_above, apart_below = _apart(data, per, sinks)
        above, below = _with_line(above).sum("offset"), _with_line(below).sum("offset")
        if per == "mass":
            shown = _with_line(data["tokens"]).sum(("movie", "offset")) > 0
            below = data["total"] * shown + 0 * above
        above, below = _joined(above, apart_above), _joined(below, apart_below)
        above, below = (_summed_over(values, ("movie", *kept, "modality")) for values in (above, below))
    value, low, high = pooled(above.values, below.values, seed=seed)
    axes = [above[dim].values.tolist() for dim in above.dims[1:]]
    table = pd.MultiIndex.from_product(axes, names=[str(dim) for dim in above.dims[1:]]).to_frame(index=False)
    table = table.assign(value=value.ravel(), low=low.ravel(), high=high.ravel())
    if kept == ("offset",):
        table["decisions"] = data["decisions"].sum("movie").values.ravel().astype(int)
    table["movies"] = len(attention.movies)
    return table[table["value"].notna()].reset_index(drop=True)


def share(attention: AttentionMap, per: str, sinks: bool) -> pd.DataFrame:
    """A row a decision (or movie) and group; see `AttentionMap.share`."""
    import pandas as pd

    alone = attention.reduce == "decision"
    data = with_uniform(attention.data) if alone else attention.data
    row, place = ("decision", "slot") if alone else ("movie", "offset")
    above, below = (_summed_over(each, (row, place, "modality")) for each in _sides(data, per, sinks))
    apart = [_summed_over(each, (row, "modality")) for each in _apart(data, per, sinks)]
    tokens = _summed_over(data["tokens"], (row, place, "modality"))
    if not alone and per == "mass":
        below = data["total"] * len(data["layer"]) * len(data["head"]) + 0 * above
    index = np.argwhere(tokens.values > 0)
    at = tuple(index.T)
    offset = offsets(data)[at[:2]] if alone else data["offset"].values[at[1]]
    names = np.array(attention.modalities, object)[at[2]]
    names[(offset == 0) & (names == "answer")] = LINE
    columns = {
        "row": at[0],
        "shot": data["shot"].values[at[:2]] if alone else -1,
        "offset": pd.array(offset, "Int64"),
        "modality": names,
        "tokens": tokens.values[at].astype(int),
        "value": above.values[at] / np.maximum(below.values[at], 1e-30),
    }
    tables = [pd.DataFrame(columns)]
    counts = _apart(data, "token", sinks)[1].mean(("layer", "head"))
    for name in apart[0]["modality"].values.tolist():
        top, bottom = (each.sel(modality=name).values for each in apart)
        tables.append(
            pd.DataFrame(
                {
                    "row": np.arange(len(top)),
                    "shot": -1,
                    "offset": pd.array([pd.NA] * len(top), "Int64"),
                    "modality": name,
                    "tokens": counts.sel(modality=name).values.round().astype(int),
                    "value": np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0),
                }
            )
        )
    table = pd.concat(tables, ignore_index=True).sort_values(["row", "offset"], kind="stable")
    if alone:
        table.insert(0, "movie", attention.movie_names[0])
        table.insert(1, "decision", data["decision"].values[table.pop("row")])
    else:
        table.insert(0, "movie", np.array(attention.movie_names, object)[table.pop("row")])
        table = table.drop(columns="shot")
    return table.reset_index(drop=True)


def frames_table(data: xr.Dataset, decision: int) -> pd.DataFrame:
    """The mass of a decision on every visual token, from a decision map's data; see `AttentionMap.frames`."""
    known = data["decision"].values.tolist() if "decision" in data.coords else []
    if "frames" not in data:
        raise ScenevizError("the map holds no frames; attend with frames=True, to a recipe that shows them")
    if decision not in known:
        raise ScenevizError(f"no decision on shot {decision}; there are decisions on shots {known[0]} to {known[-1]}")
    one = data[["frames", "shot"]].sel(decision=decision)
    table = one["frames"].to_dataframe(name="mass").reset_index()
    table["shot"] = one["shot"].values[table["slot"]]
    return table.loc[table["mass"].notna(), ["shot", "frame", "row", "column", "mass"]].reset_index(drop=True)


def offsets(data: xr.Dataset) -> np.ndarray:
    """`(decision, slot)` int: how far each slot's shot stands from the decided one."""
    return np.asarray(data["shot"].values.astype(np.int64) - data["decision"].values[:, None])


def with_uniform(data: xr.Dataset) -> xr.Dataset:
    """A decision map with, for every count of tokens, the share that these would get if all visible got the same."""
    visible = data["tokens"].sum(("slot", "modality")) + data["instruction_tokens"]
    return data.assign(
        uniform=data["tokens"] / visible,
        sink_uniform=(data["sink_tokens"] / visible).transpose(*data["mass"].dims),
        instruction_uniform=data["instruction_tokens"] / visible,
        instruction_sink_uniform=(data["instruction_sink_tokens"] / visible).transpose(*data["instruction"].dims),
    )


def _sides(data: xr.Dataset, per: str, sinks: bool) -> tuple[xr.DataArray, xr.DataArray]:
    """Above and below for each group. For "mass", below is one decision; the caller knows how many there are."""
    above = data["mass"] + data["sink"] if sinks else data["mass"]
    if per == "mass":
        return above, 0 * above + 1
    below = data[_COUNTS[per]] + 0 * above
    return above, below if sinks else below - data[f"sink_{_COUNTS[per]}"]


def _apart(data: xr.Dataset, per: str, sinks: bool) -> tuple[xr.DataArray, xr.DataArray]:
    """The same for what has no offset: the instruction and, where they are not in their groups, the sinks."""
    above = [data["instruction"] + data["instruction_sink"] if sinks else data["instruction"]]
    decisions = data.get("total", 1)
    if per == "mass":
        below = [decisions + 0 * above[0]] * 2
    else:
        places = [dim for dim in ("slot", "offset", "modality") if dim in data["mass"].dims]
        count, fewer = _COUNTS[per], f"sink_{_COUNTS[per]}"
        below = [data[f"instruction_{count}"] + 0 * above[0], data[fewer].sum(places) + data[f"instruction_{fewer}"]]
        below[0] = below[0] if sinks else below[0] - data[f"instruction_{fewer}"]
    if not sinks:
        places = [dim for dim in ("slot", "offset", "modality") if dim in data["mass"].dims]
        above.append(data["sink"].sum(places) + data["instruction_sink"])
    names = ["instruction", "sink"][: len(above)]
    return _named(above, names), _named(below[: len(above)], names)


def _named(values: list[xr.DataArray], names: list[str]) -> xr.DataArray:
    import xarray as xr

    return xr.concat([each.expand_dims(modality=[name]) for each, name in zip(values, names, strict=True)], "modality")


def _with_line(values: xr.DataArray) -> xr.DataArray:
    """The answer at offset 0 as a modality of its own."""
    own = values["offset"] == 0
    line = values.sel(modality="answer", drop=True).where(own, 0).expand_dims(modality=[LINE])
    return _joined(values.where(~(own & (values["modality"] == "answer")), 0), line)


def _joined(one: xr.DataArray, other: xr.DataArray) -> xr.DataArray:
    import xarray as xr

    return xr.concat([one, other.transpose(*[dim for dim in one.dims if dim in other.dims])], "modality")


def _summed_over(values: xr.DataArray, kept: tuple[str, ...]) -> xr.DataArray:
    return values.sum([dim for dim in values.dims if dim not in kept]).transpose(*kept)
