"""`sceneviz train`: a data set and a model to a checkpoint or an adapter."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from dataclasses import Field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sceneviz as sv
from sceneviz._text import plain
from sceneviz.recipe import Recipe
from sceneviz.training.config import PRESETS, TrainConfig

if TYPE_CHECKING:
    from sceneviz.cli.options import Commands
    from sceneviz.models import SceneModel
    from sceneviz.movie import Movie


def add(commands: Commands) -> None:
    """The verb and its options: a flag for every field of the config and of the recipe."""
    command = commands.add_parser(
        "train",
        help="fine-tune a model on labelled movies",
        description="Fine-tune a model on labelled movies. The same line again goes on where a stopped run was; "
        "`accelerate launch -m sceneviz train ...` runs it on many devices. Every setting of TrainConfig and of Recipe "
        "is an option; those that are not given are the preset's, and the model's.",
    )
    group = command.add_argument_group("movies")
    command.add_argument("data", metavar="DATA", help="movienet, bbc, ovsd, synthetic, or a folder of one's own")
    group.add_argument("--root", metavar="DIR", type=Path, help="where the data set lies")
    group.add_argument("--split", default="train", help="to train on (default: train)")
    group.add_argument("--validation", metavar="SPLIT", default="val", help="to stop and tune on (default: val); none")
    group.add_argument("--movies", metavar="N", type=int, help="only the first so many of each split")
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
    _add_fields(command.add_argument_group("the training"), TrainConfig)
    _add_fields(command.add_argument_group("the recipe"), Recipe)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Read the movies, load the model, train, and say where the result is."""
    config = replace(PRESETS[arguments.preset], **_given(arguments, TrainConfig))
    movies = _movies(arguments, arguments.split)
    others = None if arguments.validation == "none" else _movies(arguments, arguments.validation)
    model = _model(arguments, config)
    recipe = replace(model.recipe, **_given(arguments, Recipe))
    if arguments.plan:
        print(sv.train.plan(movies, model, config, recipe=recipe))
        return
    sv.train.finetune(
        movies, model, config, out=arguments.out, recipe=recipe, validation=others, frames=arguments.frames
    )
    if int(os.environ.get("RANK", 0)) == 0:
        what = f"--model {arguments.model} --adapter {arguments.out}" if config.lora else f"--model {arguments.out}"
        print(f"trained: {plain(arguments.out, 1000)}; threshold {model.threshold:.3f}; `sceneviz segment FILM {what}`")


def _movies(arguments: argparse.Namespace, split: str) -> list[Movie]:
    """The movies of a split; those that cannot be read are told of, and left out."""
    return list(sv.read_movies(arguments.data, arguments.root, split=split)[: arguments.movies])


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


def _add_fields(group: argparse._ArgumentGroup, kind: type) -> None:
    """A flag for each field of a dataclass, read as the type of its default; help is the class's own text."""
    for field in fields(kind):
        flag = "--" + field.name.replace("_", "-")
        shown = "H,W" if isinstance(field.default, tuple) else type(field.default).__name__.upper()
        if isinstance(field.default, bool):
            group.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=_about(kind, field))
        else:
            group.add_argument(flag, type=_reader(field), metavar=shown, help=_about(kind, field))


def _about(kind: type, field: Field[Any]) -> str:
    """The first sentence of what the class's docstring says of the field; its lines go on further indented."""
    entries = re.sub(r"\n {8,}", " ", kind.__doc__ or "").splitlines()
    for names, _, text in (entry.strip().partition(": ") for entry in entries):
        if text and field.name in names.split(", "):
            return re.split(r"\.(?: (?=[A-Z])|$)", text)[0].replace("%", "%%")
    return ""


def _reader(field: Field[Any]) -> Callable[[str], Any]:
    if not isinstance(field.default, tuple):
        return type(field.default)

    def sides(text: str) -> tuple[int, ...]:
        try:
            return tuple(int(side) for side in text.replace("x", ",").split(","))
        except ValueError:
            raise argparse.ArgumentTypeError(f"expected height,width in pixels, got {text!r}") from None

    return sides


def _given(arguments: argparse.Namespace, kind: type) -> dict[str, Any]:
    """The fields that were given on the line."""
    values = {field.name: getattr(arguments, field.name) for field in fields(kind)}
    found = {name: value for name, value in values.items() if value is not None}
    if kind is TrainConfig and "steps" in found and "epochs" not in found:
        found["epochs"] = 0.0  # so many steps, then, whatever the preset counts in
    return found
