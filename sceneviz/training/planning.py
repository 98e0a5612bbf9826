"""What a training is about to do, said before its first step; and a refusal where it cannot."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from sceneviz._text import ScenevizError, counted
from sceneviz.models.scene_model import SceneModel
from sceneviz.movie import Movie
from sceneviz.recipe import Recipe
from sceneviz.training.config import PAPER, TrainConfig
from sceneviz.training.lengths import lengths_of, refuse_too_long
from sceneviz.training.memory import ANSWER_TOKENS, Estimate, estimate, size
from sceneviz.training.samples import Sample, TrainingWindows

KEPT_CHECKPOINTS = 2  # by the trainer (`save_total_limit`); another is there while it is written
SAMPLED = 512  # windows whose lengths stand for all
# What needs less memory, first what costs least.
_SPARING = {"at_once": 1, "checkpoint_activations": True, "freeze_vision": True, "lora": 8}
SLOWER = 2.0  # a training step reaches about half of what one large product of matrices does


@dataclass(frozen=True)
class Plan:
    """Windows, tokens (median and most, of a sample of windows), memory, disk, steps and time of a training.

    longest: tokens of the longest window that memory is reckoned for. disk: bytes of what is kept of frames.
    checkpoints: how many checkpoints are there at a time, at the most; checkpoint: bytes of one, weights and AdamW's
        moments; result: bytes of the weights alone, as they are kept of the best look, and in the end.
    hours: by a product of matrices measured on this device, and so a rough guess.
    """

    windows: TrainingWindows
    devices: int
    median: int
    longest: int
    needs: Estimate
    disk: int
    checkpoints: int
    checkpoint: int
    result: int
    hours: float

    @classmethod
    def of(cls, model: SceneModel, windows: TrainingWindows, devices: int) -> Plan:
        """Look at the windows, rehearse a step, and measure the device."""
        assert windows.length is not None
        places = np.unique(np.linspace(0, len(windows) - 1, min(len(windows), SAMPLED)).astype(int))
        samples = [windows[int(place)] for place in places]
        lengths = [windows.length(sample) for sample in samples]
        longest = samples[int(np.argmax(lengths))]
        needs = _needs(model, windows, windows.config, devices, max(lengths))
        typical = float(np.mean(lengths)) / max(lengths)
        hours = needs.hours(windows.steps, devices * _speed(model, windows.config) / SLOWER) * typical
        config = windows.config
        trained = needs.optimizer // 2  # bytes: AdamW holds two moments of each
        result = trained if config.lora else needs.weights
        return cls(
            windows=windows,
            devices=devices,
            median=int(np.median(lengths)),
            longest=windows.length(longest),
            needs=needs,
            disk=_disk(model, windows),
            checkpoints=min(KEPT_CHECKPOINTS + 1, math.ceil(windows.steps / config.checkpoint_every)),
            checkpoint=result + needs.optimizer,
            result=result,
            hours=hours,
        )

    @property
    def written(self) -> int:
        """Bytes that stand in `out` at the most, besides frames: checkpoints and the result."""
        return self.checkpoints * self.checkpoint + self.result

    def __str__(self) -> str:
        windows, config, needs = self.windows, self.windows.config, self.needs
        movies, passes = counted(len(windows.movies), "movie"), ""
        if config.epochs:
            passes = f", {config.epochs:g} times {counted(len(windows.planned), 'window')}"
        together, turns = config.shares(self.devices)
        trained = f"LoRA of rank {config.lora}" if config.lora else "all weights"
        lines = [
            f"movies   {movies}{passes}: {counted(windows.steps, 'step')} of {counted(config.batch_size, 'window')}"
            f" ({self.devices} x {together} at once, {counted(turns, 'turn')})",
            f"tokens   {self.median:,} a window (median), {self.longest:,} at most",
            f"trained  {needs.trained / 1e6:,.2f} M of {needs.parameters / 1e6:,.1f} M weights ({trained}"
            f"{', vision tower as it is' if config.freeze_vision else ''})",
            f"memory   {needs}",
        ]
        lines.append(f"disk     {self._on_disk(self.disk, self.written)}")
        lines.append(f"time     about {_spoken(self.hours)}, reckoned from the speed of this device")
        return "\n".join(lines)

    def _on_disk(self, frames: int, written: int) -> str:
        """What is kept in a place that has room for so many bytes of frames, and of what is written."""
        parts = []
        if frames:
            parts.append(f"{_kept(self.windows.config)} {size(frames)}")
        if written:
            count = counted(self.checkpoints, "checkpoint")
            parts.append(f"{count} of {size(self.checkpoint)} at the most, result {size(self.result)}")
        return f"{size(frames + written)}: {', '.join(parts)}"


def plan(
    movies: Sequence[Movie],
    model: SceneModel,
    config: TrainConfig | None = None,
    *,
    recipe: Recipe | None = None,
    devices: int = 1,
) -> Plan:
    """What `finetune` would do with the same arguments, and what it would need; nothing is trained or written."""
    recipe = recipe or model.recipe
    model.check(recipe)
    return Plan.of(model, planned_windows(movies, model, recipe, config or PAPER), devices)


def planned_windows(movies: Sequence[Movie], model: SceneModel, recipe: Recipe, config: TrainConfig) -> TrainingWindows:
    """The windows to train on, of known length. Raises ScenevizError where one is too long for the model."""
    windows = TrainingWindows(movies, recipe, config)
    lengths = [lengths_of(model, movie, recipe) for movie in windows.movies]
    reach = model.module.config.get_text_config().max_position_embeddings
    most = min(config.max_tokens or reach, reach)
    refuse_too_long(windows.movies, lengths, recipe, most, wide=config.wide > 0)

    def length(sample: Sample) -> int:
        return lengths[sample.movie].window(sample.window, sample.recipe)

    windows.length = length
    return windows


def refuse_impossible(plan: Plan, model: SceneModel, frames: Path, out: Path) -> None:
    """An error where memory or disk are too small, with the setting that would help.

    frames: the folder in which frames or features are kept. out: where checkpoints and the result go.
    """
    loaded = plan.needs.weights  # are there already
    free = _free(model) + loaded
    if plan.needs.peak > free:
        raise ScenevizError(
            f"training needs {size(plan.needs.peak)} on a device, and there are {size(free)}; "
            + _advice(plan, model, free)
        )
    if _standing(frames).stat().st_dev == _standing(out).stat().st_dev:
        _refuse_full(plan, (out, frames), plan.disk, plan.written)
    else:
        _refuse_full(plan, (frames,), plan.disk, 0)
        _refuse_full(plan, (out,), 0, plan.written)


def _refuse_full(plan: Plan, folders: tuple[Path, ...], frames: int, written: int) -> None:
    """An error where a disk has no room for so many bytes of frames and of what is written."""
    there = shutil.disk_usage(_standing(folders[0])).free
    if frames + written <= there:
        return
    # What an earlier run left is part of what is needed, or will be written over.
    mine = {path for folder in folders for path in folder.rglob("*") if path.is_file()}
    if frames + written <= there + sum(path.stat().st_size for path in mine):
        return
    ways = ["give a folder on a larger disk"]
    if frames > written:
        ways = ["set keep='nothing' to make them anew each time", "a smaller frame_size", *ways]
    elif not plan.windows.config.lora:
        ways = ["set lora=8 to train adapters alone", *ways]
    raise ScenevizError(
        f"training keeps up to {plan._on_disk(frames, written)}, and {size(there)} are free in {folders[0]}; "
        + ", or ".join(ways)
    )


def _standing(folder: Path) -> Path:
    """The folder, or the one that it will be made in."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def _advice(plan: Plan, model: SceneModel, free: int) -> str:
    """The first setting that is enough by itself, after those before it; or what is left to do."""
    config = plan.windows.config
    for name, value in _SPARING.items():
        if getattr(config, name) == value or (name == "lora" and config.lora):
            continue
        changed: dict[str, Any] = {name: value}
        config = replace(config, **changed)
        less = _needs(model, plan.windows, config, plan.devices, plan.longest).peak
        if less <= free:
            given = plan.windows.config
            changes = [
                f"{key}={getattr(config, key)}" for key in _SPARING if getattr(config, key) != getattr(given, key)
            ]
            return f"set {', '.join(changes)}: {size(less)}"
    return "make frame_size, frames_per_shot or context of the recipe smaller, or take a smaller model"


def _needs(model: SceneModel, windows: TrainingWindows, config: TrainConfig, devices: int, longest: int) -> Estimate:
    recipe = windows.recipe
    has_frames = any(movie.frames is not None for movie in windows.movies)
    recipe = recipe if has_frames or not recipe.visual else replace(recipe, visual=False)
    frames = recipe.context * recipe.frames_per_shot * _tokens(model, recipe) if recipe.visual else 0
    text = max(longest - frames, ANSWER_TOKENS * recipe.focus)
    return estimate(model, config, recipe, text_tokens=text, devices=devices)


def _free(model: SceneModel) -> int:
    if model.device.type == "cuda":
        return int(torch.cuda.mem_get_info(model.device)[0])
    return int(psutil.virtual_memory().available)


def _disk(model: SceneModel, windows: TrainingWindows) -> int:
    """Bytes of what is kept of the movies' frames."""
    recipe, config = windows.recipe, windows.config
    if config.keep == "nothing" or not recipe.visual:
        return 0
    count = sum(len(movie) for movie in windows.movies if movie.frames is not None) * recipe.frames_per_shot
    if config.keeps_features:
        return 2 * count * _tokens(model, recipe) * int(model.module.config.get_text_config().hidden_size)
    return 3 * count * recipe.frame_size[0] * recipe.frame_size[1]


def _kept(config: TrainConfig) -> str:
    return "features" if config.keeps_features else "frames"


def _tokens(model: SceneModel, recipe: Recipe) -> int:
    """Visual tokens of a frame."""
    height, width = recipe.frame_size
    return (height // model.token_pixels) * (width // model.token_pixels)


def _speed(model: SceneModel, config: TrainConfig) -> float:
    """Operations a second of a large product of matrices on this device, in the dtype of the training."""
    dtype = torch.bfloat16 if config.autocast else model.dtype
    side = 512 if model.device.type == "cpu" else 4096
    left = torch.ones(side, side, dtype=dtype, device=model.device)
    left @ left
    times = []
    for _ in range(3):
        model.wait()
        start = time.perf_counter()
        left @ left
        model.wait()
        times.append(time.perf_counter() - start)
    return float(2 * side**3 / min(times))


def _spoken(hours: float) -> str:
    if hours < 1 / 60:
        return f"{hours * 3600:.0f} s"
    return f"{hours * 60:.0f} min" if hours < 1 else f"{hours:.1f} h"
