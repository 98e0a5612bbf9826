"""One of each saved result, made up by hand, and as the files that it is kept in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from sceneviz import plot
from sceneviz.attribution import Attribution, Group
from sceneviz.explanation import Explanation
from sceneviz.models.adapters import CONFIG, WEIGHTS
from sceneviz.movie import Movie, Shot
from sceneviz.recipe import Recipe
from sceneviz.results import AttentionMap, Prediction
from sceneviz.training import TrainConfig
from sceneviz.training.trainable import made_trainable

COUNT = 6
SHOTS = tuple(Shot(k, 48 * k, 48 * k + 48, 2.0 * k, 2.0 * k + 2, f"line {k}", ("Ann",)) for k in range(COUNT))
ORIGIN: dict[str, Any] = {
    "movie": "movie",
    "movie_name": "a film",
    "model": "model",
    "model_name": "a model",
    "embedded": False,
    "recipe": Recipe(),
}
GROUPS = (Group("visual", "before", None, 10), Group("subtitle", "after", None, 5))


def prediction() -> Prediction:
    """A prediction made up by hand."""
    return Prediction(
        **ORIGIN,
        threshold=0.5,
        shots=SHOTS,
        confidence=np.array([0.1, 0.9, 0.2, 0.3, 0.6, np.nan]),
        mass=np.array([1, 1, 1, 0.5, 1, np.nan]),
        decision=np.array([0, 1, 0, 0, 1, -1]),
        window=np.array([0, 0, 0, 0, 0, -1]),
        position=np.array([0, 1, 2, 3, 4, -1]),
    )


def attribution() -> Attribution:
    """An attribution made up by hand."""
    groups = (Group("visual", "before", 1, 10), Group("subtitle", "after", None, 5))
    return Attribution(
        **ORIGIN,
        shot=2,
        method="ablation",
        settings="made up",
        groups=groups,
        value=np.array([0.5, -0.25]),
        standard_error=np.array([np.nan, 0.1]),
        log_odds=1.0,
        log_odds_off=float("nan"),
        forwards=3,
    )


def attention() -> AttentionMap:
    """An attention map made up by hand: one layer, one head, two decisions, three slots."""
    each, shape = ("layer", "head", "decision", "slot", "modality"), (1, 1, 2, 3, 5)
    data = xr.Dataset(
        {
            "mass": (each, np.full(shape, 0.05, np.float32)),
            "sink": (each, np.zeros(shape, np.float32)),
            "sink_tokens": (each, np.zeros(shape, np.int32)),
            "tokens": (each[2:], np.full(shape[2:], 4, np.int32)),
            "instruction": (each[:3], np.full(shape[:3], 0.25, np.float32)),
            "instruction_sink": (each[:3], np.zeros(shape[:3], np.float32)),
            "instruction_sink_tokens": (each[:3], np.zeros(shape[:3], np.int32)),
            "instruction_tokens": (each[2:3], np.full(2, 20, np.int32)),
            "shot": (each[2:4], np.tile(np.array([1, 2, 3], np.int32), (2, 1))),
            "log_odds": (each[2:3], np.zeros(2)),
        },
        {"layer": [0], "head": [0], "decision": [1, 2], "modality": list(AttentionMap.modalities)},
    )
    return AttentionMap(("movie",), ("a film",), "model", "a model", False, Recipe(), "decision", data)


def attention_forms(folder: Path) -> dict[str, bytes]:
    """An attention map with frames, and one by offset, as files."""
    plain = attention()
    seen = xr.DataArray(np.full((2, 3, 1, 2, 2), 0.05, np.float32), dims=("decision", "slot", "frame", "row", "column"))
    framed = replace(plain, data=plain.data.assign(frames=seen))
    other = replace(plain, movies=("other",), movie_names=("another film",))
    maps = {"a.nc": plain, "b.nc": framed, "c.nc": plain.by_movie(), "d.nc": AttentionMap.together([plain, other])}
    return {name: saved(each, folder / name) for name, each in maps.items()}


def explanation() -> Explanation:
    """An explanation made up by hand."""
    return Explanation(
        **ORIGIN,
        shot=2,
        answer=True,
        given=False,
        confidence=0.75,
        text="New scene: the place changes; Ann and Bob leave; the talk turns from money to war.",
        tokens=("New", " scene", ": the place changes", "; Ann and Bob leave", "; the talk turns from money to war."),
        log_probability=(-0.1, -0.2, -1.5, -2.0, -0.3, 0.0),
        ended=True,
    )


def figures(folder: Path) -> dict[str, bytes]:
    """Figures of three kinds, as they are kept beside their pictures."""
    movie = Movie("a film", SHOTS)
    axes = {
        "a": plot.timeline(movie, replace(prediction(), movie=movie.fingerprint)),
        "b": plot.attention(attention()),
        "c": plot.attribution(replace(attribution(), groups=GROUPS).to_frame()),
    }
    found = {}
    for name, ax in axes.items():
        plot.save(ax, folder / f"{name}.png", dpi=20)
        found[f"{name}.figure.json"] = (folder / f"{name}.figure.json").read_bytes()
        plt.close(ax.get_figure(root=True))
    return found


def adapter(module: Any, folder: Path) -> dict[str, bytes]:
    """An adapter's two files, for this module, which carries it afterwards."""
    wrapped = made_trainable(module, TrainConfig(lora=2, freeze_vision=True))
    wrapped.save_pretrained(folder)
    return {name: (folder / name).read_bytes() for name in (CONFIG, WEIGHTS)}


def saved(result: Any, path: Path) -> bytes:
    """What `save` writes."""
    content: bytes = result.save(path).read_bytes()
    path.unlink()
    return content
