"""Attention maps made by hand: what their tables say, and what is refused."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from sceneviz._text import ScenevizError
from sceneviz.recipe import Recipe
from sceneviz.results import AttentionMap
from sceneviz.results.means import pooled

MODALITIES = list(AttentionMap.modalities)


def made(name: str = "a film", scale: float = 1.0, **changes: Any) -> AttentionMap:
    """Two layers of one head; decisions on shots 4 and 5, of a window that shows shots 4, 5 and 6.

    Each decision gives .1 to the visual tokens of each shot (10 tokens), half of it to one sink in each; the second
    also .2 to the answer of shot 4 (4 tokens); each .2 to its own line (2 tokens); the instruction (20 tokens) has the
    rest, .05 of it in one sink. The second layer gives `scale` times as much to visual tokens.
    """
    shape = (2, 1, 2, 3, 5)
    mass, sink = np.zeros((2, *shape), np.float32)
    sink_tokens, tokens = np.zeros(shape, np.int32), np.zeros(shape[2:], np.int32)
    mass[..., 1] = sink[..., 1] = 0.05
    mass[1, ..., 1] *= scale
    sink_tokens[..., 1] = 1
    tokens[..., 1] = 10
    for decision in (0, 1):
        mass[:, :, decision, decision, 4], tokens[decision, decision, 4] = 0.2, 2
    mass[:, :, 1, 0, 4], tokens[1, 0, 4] = 0.2, 4
    instruction = 1 - 0.05 - mass.sum((-2, -1)) - sink.sum((-2, -1))
    each = ("layer", "head", "decision", "slot", "modality")
    data = xr.Dataset(
        {
            "mass": (each, mass),
            "sink": (each, sink),
            "sink_tokens": (each, sink_tokens),
            "tokens": (each[2:], tokens),
            "instruction": (each[:3], instruction.astype(np.float32)),
            "instruction_sink": (each[:3], np.full(shape[:3], 0.05, np.float32)),
            "instruction_sink_tokens": (each[:3], np.ones(shape[:3], np.int32)),
            "instruction_tokens": (each[2:3], np.full(2, 20, np.int32)),
            "shot": (each[2:4], np.tile(np.array([4, 5, 6], np.int32), (2, 1))),
            "log_odds": (each[2:3], np.zeros(2)),
        },
        {"layer": [0, 1], "head": [0], "decision": [4, 5], "modality": MODALITIES},
    )
    fields: dict[str, Any] = {
        "movies": (f"print of {name}",),
        "movie_names": (name,),
        "model": "weights",
        "model_name": "a model",
        "embedded": False,
        "recipe": Recipe(),
        "reduce": "decision",
        "data": data,
    }
    return AttentionMap(**fields | changes)


def values(table: Any, **where: Any) -> list[float]:
    for name, value in where.items():
        table = table[table[name] == value]
    return table["value"].tolist()


def test_shares_by_hand() -> None:
    attention = made()
    apart, within = attention.share(), attention.share(sinks=True)
    for table in (apart, within):
        np.testing.assert_allclose(table.groupby("decision")["value"].sum(), 1, atol=1e-6)
    assert values(apart, decision=4, modality="visual", offset=1) == pytest.approx([0.05])
    assert values(within, decision=4, modality="visual", offset=1) == pytest.approx([0.1])
    assert values(apart, modality="answer") == pytest.approx([0.2])
    assert values(apart, modality="line") == pytest.approx([0.2, 0.2])
    assert values(apart, decision=4, modality="sink") == pytest.approx([3 * 0.05 + 0.05])
    assert "sink" not in set(within["modality"])
    per_token = attention.share("token")
    assert values(per_token, decision=5, modality="visual", offset=-1) == pytest.approx([0.05 / 9])
    assert values(per_token, decision=5, modality="answer") == pytest.approx([0.05])
    assert values(per_token, decision=5, modality="sink") == pytest.approx([0.2 / 4])
    visible = 3 * 10 + 20 + 2 + 4
    assert values(attention.share("lift"), decision=5, modality="answer") == pytest.approx([0.05 * visible])
    assert apart[apart["modality"] == "visual"]["tokens"].unique().tolist() == [10]
    assert apart["offset"].isna().sum() == 2 * 2  # instruction and sinks of two decisions


def test_means_by_hand() -> None:
    attention = made(scale=2.0)
    layers = attention.by_layer()
    assert values(layers, modality="visual") == pytest.approx([0.15, 0.3])
    assert values(layers, modality="answer") == pytest.approx(
        [0.1, 0.1]
    )  # of two decisions one has an answer before it
    np.testing.assert_allclose(layers.groupby("layer")["value"].sum(), 1, atol=1e-6)
    np.testing.assert_allclose(attention.by_head()["value"], layers["value"])
    assert values(attention.by_modality("token"), modality="visual") == pytest.approx([0.225 / 27])
    offsets = attention.by_offset().set_index(["offset", "modality"])
    assert offsets.loc[(-1, "answer"), "value"] == pytest.approx(0.2)
    assert offsets.loc[(-1, "answer"), "decisions"] == 1
    assert offsets.loc[(1, "visual"), "value"] == pytest.approx(0.075)
    assert offsets.loc[(1, "visual"), "decisions"] == 2
    assert (2, "visual") in offsets.index
    assert (0, "answer") not in offsets.index
    assert offsets["low"].isna().all()


def test_movies_together_have_intervals() -> None:
    three = [made(name, scale) for name, scale in (("one", 1.0), ("two", 1.5), ("three", 2.0))]
    together = AttentionMap.together(three)
    assert (len(together), together.movie_names) == (6, ("one", "two", "three"))
    row = together.by_modality().set_index("modality").loc["visual"]
    means = [values(each.by_modality(), modality="visual")[0] for each in three]
    assert row["value"] == pytest.approx(np.mean(means))
    assert means[0] <= row["low"] < row["value"] < row["high"] <= means[2]
    assert together.by_modality(seed=0).equals(together.by_modality(seed=0))
    by_movie = together.share()
    np.testing.assert_allclose(by_movie.groupby("movie")["value"].sum(), 1, atol=1e-6)
    assert AttentionMap.together([together, made("four")]).movies[-1] == "print of four"
    for maps, said in (
        ([], "at least one"),
        ([made(), made()], "in two of the maps"),
        ([made(), made("b", model="others")], "differ in their model"),
        ([made(), made("b", data=made().data.isel(layer=[1]))], r"expected layers \[0, 1\]"),
    ):
        with pytest.raises(ScenevizError, match=said):
            AttentionMap.together(maps)


def test_nothing_can_be_written_into_it() -> None:
    attention = made()
    with pytest.raises(ValueError, match="read-only"):
        attention.data["mass"].values[0] = 1
    with pytest.raises(AttributeError):
        attention.model = "others"  # type: ignore[misc]


def test_what_does_not_fit_is_refused() -> None:
    data = made().data
    for changes, said in (
        ({"data": data.drop_vars("sink")}, "sink must have the dimensions"),
        ({"data": data.assign(mass=-data["mass"])}, "must not be negative"),
        ({"data": data.assign(shot=data["shot"] + 2**30)}, "must stand within 20 of the decision"),  # tables by offset
        ({"data": data.assign_coords(modality=MODALITIES[::-1])}, "modalities must be"),
        ({"movies": ("one", "two")}, "expected 1 movies"),
        ({"reduce": "shots"}, "reduce must be one of"),
    ):
        with pytest.raises(ScenevizError, match=said):
            made(**changes)
    for changes, said in (
        ({"movies": ["one"]}, "movies must be text, or a tuple of texts"),
        ({"model": 3}, "model must be text"),
        ({"embedded": 1}, "embedded must be a bool"),
        ({"verified": float("nan")}, "verified must be None or a difference"),
    ):
        with pytest.raises(ScenevizError, match=said):
            made(**changes)
    for name, options in (("share", {}), ("by_offset", {}), ("by_layer", {})):
        with pytest.raises(ScenevizError, match="per must be one of 'mass', 'token', 'lift'"):
            getattr(made(), name)("tokens", **options)


def frames(data: xr.Dataset, value: float) -> xr.Dataset:
    grid = np.full((2, 3, 1, 1, 2), value, np.float32)
    return data.assign(frames=(("decision", "slot", "frame", "row", "column"), grid))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.drop_vars("decision"), "its axes must be"),
        (lambda data: data.drop_vars("head"), "its axes must be"),
        (lambda data: data.set_coords("log_odds"), "log_odds must have the dimensions .* got an axis"),
        (lambda data: data.assign(extra=data["mass"]), "holds extra, which is not part of one"),
        (lambda data: data.isel(decision=[]), "it holds no decision"),
        (lambda data: data.isel(slot=[]), "it holds no slot"),
        (lambda data: data.assign(tokens=data["tokens"].astype(float)), "tokens must hold whole numbers, got float64"),
        (lambda data: data.assign(log_odds=data["log_odds"].astype(str)), "log_odds must hold numbers"),
        (lambda data: data.assign(log_odds=data["log_odds"] * np.nan), "log_odds must be finite"),
        (lambda data: data.assign(mass=data["mass"] * np.inf), "must not be negative, NaN or infinite"),
        (lambda data: data.assign(mass=data["mass"] * 2), "must sum to 1"),
        (lambda data: data.assign_coords(layer=[0, 0]), "each layer must come once"),
        (lambda data: data.assign_coords(head=[0.5]), "each head must come once"),
        (lambda data: data.assign_coords(decision=[5, 4]), "decisions must be shots in ascending order"),
        (lambda data: data.assign(shot=data["shot"] + 3), "shots in a row, the decided one among them"),
        (lambda data: data.assign(shot=data["shot"].isel(slot=[0, 2, 1])), "shots in a row"),
        (lambda data: data.assign(shot=data["shot"].where(data["slot"] < 2, -1)), "no tokens there is no attention"),
        (lambda data: data.assign(tokens=0 * data["tokens"]), "no tokens there is no attention"),
        (lambda data: data.assign(sink_tokens=data["sink_tokens"] * 11), "more sinks than tokens"),
        (lambda data: data.assign(instruction_tokens=0 * data["instruction_tokens"]), "instruction has no more sinks"),
        (lambda data: frames(data, 1.5), "frames must lie in 0 to 1"),
        (lambda data: frames(data, 0.5).assign(frames=data["log_odds"]), "frames must have the dimensions"),
        (lambda data: frames(data, 0.5).isel(column=[]), "it holds no column"),
    ],
)
def test_data_that_tables_could_not_use_are_refused(change: Any, said: str, tmp_path: Path) -> None:
    good = made()
    made(data=frames(good.data, 0.5))
    data = change(good.data)
    with pytest.raises(ScenevizError, match=said):
        made(data=data)
    # The same from a file.
    head = xr.load_dataset(good.save(tmp_path / "good.nc"), engine="scipy").attrs
    with suppress(ValueError):  # what netCDF itself has no room for
        data.assign_attrs(head).to_netcdf(tmp_path / "bad.nc", engine="scipy")
        with pytest.raises(ScenevizError, match=f"bad.nc: (the attention map is damaged .*{said}|expected a file)"):
            AttentionMap.load(tmp_path / "bad.nc")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.drop_vars("offset"), "its axes must be"),
        (lambda data: data.assign_coords(offset=data["offset"] * 2), "whole numbers in a row"),
        (lambda data: data.assign_coords(offset=data["offset"] + 30), "must stand within 20 of the decision"),
        (lambda data: data.assign(total=0 * data["total"]), "each movie must have decisions"),
        (lambda data: data.assign(total=data["total"] + 0.5), "each movie must have decisions"),
        (lambda data: data.assign(decisions=data["decisions"] + 9), "more decisions than its movie"),
        (lambda data: data.assign(sink_tokens=data["sink_tokens"] * 11), "more sinks than tokens"),
        (lambda data: data.assign(sink_uniform=data["sink_uniform"] * 11), "more sinks than tokens"),
        (lambda data: data.assign(instruction_sink_tokens=1e3 * data["instruction_sink_tokens"]), "no more sinks"),
        (lambda data: data.assign(mass=data["mass"] * 2), "must sum to 1"),
        (lambda data: data.assign(uniform=data["uniform"] * 2), "must sum to 1"),
        (lambda data: data.assign(tokens=data["tokens"] * 1e300), "must not be negative, NaN or infinite"),
    ],
)
def test_sums_that_tables_could_not_use_are_refused(change: Any, said: str) -> None:
    good = AttentionMap.together([made(), made("another")])
    with pytest.raises(ScenevizError, match=said):
        replace(good, data=change(good.data))


def test_what_else_a_file_says_of_its_values_is_left_behind(tmp_path: Path) -> None:
    path = made().save(tmp_path / "map.nc")
    data = xr.load_dataset(path, engine="scipy")
    data["mass"].attrs["coordinates"] = "nothing"
    data["tokens"].encoding["dtype"] = "int8"
    data.to_netcdf(tmp_path / "odd.nc", engine="scipy")
    loaded = AttentionMap.load(tmp_path / "odd.nc")
    assert not any(each.attrs or each.encoding for each in loaded.data.variables.values())
    again = AttentionMap.load(loaded.save(tmp_path / "again.nc"))
    assert again.share().equals(AttentionMap.load(path).share())


def test_hostile_names_are_saved_as_they_are(tmp_path: Path) -> None:
    name = "<b>\n\u202e映画\x00"
    attention = made(f"{name} \udcff")  # half a pair, as from the name of a file in another encoding: no text at all
    loaded = AttentionMap.load(attention.save(tmp_path / "map.nc"))
    assert loaded.movie_names == (f"{name} \ufffd",)
    assert set(loaded.share()["movie"]) == {f"{name} \ufffd"}


def test_other_files_are_refused_in_one_line(tmp_path: Path) -> None:
    path = made().save(tmp_path / "map.nc")
    whole = path.read_bytes()
    cases = {
        "missing": (None, "no attention map to read"),
        "empty": (b"", "expected a file written by"),
        "text": (b"a film", "expected a file written by"),
        "cut": (whole[: len(whole) // 3], "expected a file written by|damaged"),
    }
    for name, (content, said) in cases.items():
        other = tmp_path / f"{name}.nc"
        if content is not None:
            other.write_bytes(content)
        with pytest.raises(ScenevizError, match=said) as caught:
            AttentionMap.load(other)
        assert "\n" not in str(caught.value)
    data = xr.load_dataset(path, engine="scipy")
    data.attrs["sceneviz"] = data.attrs["sceneviz"].replace('"version": 1', '"version": 9')
    data.to_netcdf(tmp_path / "new.nc", engine="scipy")
    with pytest.raises(ScenevizError, match="expected sceneviz attention 1, got sceneviz attention 9"):
        AttentionMap.load(tmp_path / "new.nc")


def test_movies_are_checked(make_movie: Any) -> None:
    movie = make_movie()
    with pytest.raises(ScenevizError, match="tells of 'a film', not of 'plain'"):
        made().check(movie)
    replace(made(), movies=(movie.fingerprint,)).check(movie)


@given(st.lists(st.tuples(st.floats(0, 9), st.integers(1, 9)), min_size=2, max_size=6), st.integers(0, 99))
def test_a_pooled_mean_lies_between_the_movies_and_in_its_interval(movies: list[tuple[float, int]], seed: int) -> None:
    above, below = np.array(movies).T
    value, low, high = pooled(above, below, draws=200, seed=seed)
    each = above / below
    for number in (value, low, high):
        assert each.min() - 1e-9 <= number <= each.max() + 1e-9
    assert low <= high
    order = np.random.default_rng(seed).permutation(len(movies))
    np.testing.assert_allclose(pooled(above[order], below[order])[0], value, rtol=1e-9)


def test_pooled_means_without_anything_below_are_nan() -> None:
    value, low, high = pooled(np.zeros((3, 2)), np.array([[0.0, 1.0]] * 3))
    assert np.isnan([value[0], low[0], high[0]]).all()
    assert (value[1], low[1], high[1]) == (0, 0, 0)
