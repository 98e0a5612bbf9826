"""`sceneviz train`: a data set and a model to a checkpoint or an adapter."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sceneviz as sv
from sceneviz._text import plain
from sceneviz.cli.labelled import add_fields, add_labelled, given, list_labelled
from sceneviz.recipe import Recipe
from sceneviz.training.config import PRESETS, TrainConfig

if TYPE_CHECKING:
    from sceneviz.cli.options import Commands
    from sceneviz.models import SceneModel


def add(commands: Commands) -> None:
    """The verb and its options: a flag for every field of the config and of the recipe."""
    command = commands.add_parser(
        "train",
        help="fine-tune a model on labelled movies",
        description="Fine-tune a model on labelled movies. The same line again goes on where a stopped run was; "
        "`accelerate launch -m sceneviz train ...` runs it on many devices. Every setting of TrainConfig and of Recipe "
        "is an option; those that are not given are the preset's, and the model's.",
    )
    group = add_labelled(command)
    group.add_argument("--validation", metavar="SPLIT", default="val", help="to stop and tune on (default: val); none")
    group = command.add_argument_group("the model")
    group.add_argument("--model", default="Qwen/Qwen2.5-VL-7B-Instruct", help="tiny, a folder, or a hub name")
    group.add_argument("--device", default="auto", help="auto, cpu, cuda, ...; a launcher gives each process its own")
    group.add_argument("--dtype", default="auto", help="of the weights; auto: float32 where all are trained")
    command.add_argument(
        "--out", type=Path, metavar="DIR", required=True, help="gets the result, and what is resumed from"
    )
    command.add_argument("--frames", type=Path, metavar="DIR", help="where frames or features are kept (OUT/frames)")
    command.add_argument("--preset", default="paper", choices=PRESETS, help="settings to start from (default: paper)")
    command.add_argument("--plan", action="store_true", help="say what would be done, memory and time, and stop")
    add_fields(command.add_argument_group("the training"), TrainConfig)
    add_fields(command.add_argument_group("the recipe"), Recipe)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Read the movies, load the model, train, and say where the result is."""
    from sceneviz.models.family import family_of
    from sceneviz.models.loading import read_config

    config = replace(PRESETS[arguments.preset], **_wanted(arguments))
    listed = list_labelled(arguments, arguments.split)
    checking = None if arguments.validation == "none" else list_labelled(arguments, arguments.validation)
    family_of(read_config(arguments.model).model_type)  # a mistyped name is better known before the movies are read
    movies, others = list(listed), None if checking is None else list(checking)
    model = _model(arguments, config)
    recipe = replace(model.recipe, **given(arguments, Recipe))
    if arguments.plan:
        print(sv.train.plan(movies, model, config, recipe=recipe))
        return
    sv.train.finetune(
        movies, model, config, out=arguments.out, recipe=recipe, validation=others, frames=arguments.frames
    )
    if int(os.environ.get("RANK", 0)) == 0:
        what = f"--model {arguments.model} --adapter {arguments.out}" if config.lora else f"--model {arguments.out}"
        print(f"trained: {plain(arguments.out, 1000)}; threshold {model.threshold:.3f}; `sceneviz segment FILM {what}`")


def _wanted(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings that were given."""
    found = given(arguments, TrainConfig)
    if "steps" in found and "epochs" not in found:
        found["epochs"] = 0.0  # so many steps, then, whatever the preset counts in
    return found


def _model(arguments: argparse.Namespace, config: TrainConfig) -> SceneModel:
    """The model, on this process's own device, in a dtype that can be trained."""
    device, dtype = arguments.device, arguments.dtype
    if device == "auto" and (os.environ.get("ACCELERATE_USE_FSDP") or os.environ.get("ACCELERATE_USE_DEEPSPEED")):
        device = "cpu"  # they cut the weights up first, and move the parts
    elif device == "auto" and "LOCAL_RANK" in os.environ and _has_cuda():
        device = f"cuda:{os.environ['LOCAL_RANK']}"
    if dtype == "auto" and not config.lora:
        dtype = "float32"
    return sv.load_model(arguments.model, device=device, dtype=dtype)


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()
