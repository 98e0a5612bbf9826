"""`sceneviz export-set DATA --format FORMAT --out DIR`: labelled movies as a training set for other trainers."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sceneviz._text import choice, plain
from sceneviz.cli.labelled import add_fields, add_labelled, given, list_labelled
from sceneviz.recipe import Recipe

if TYPE_CHECKING:
    from sceneviz.cli.options import Commands


def add(commands: Commands) -> None:
    """The verb and its options: a flag for every field of the recipe."""
    command = commands.add_parser(
        "export-set",
        help="labelled movies as a training set for other trainers",
        description="Write the windows of labelled movies as conversations with their true answers, and each keyframe, "
        "marked, as a JPEG: to train elsewhere. `--model MODEL --adapter FOLDER` takes what comes back.",
    )
    add_labelled(command)
    command.add_argument("--out", type=Path, metavar="DIR", required=True, help="where files go")
    command.add_argument(
        "--format", default="llama-factory", help="llama-factory (default), ms-swift or llava (also Qwen's own trainer)"
    )
    command.add_argument(
        "--family", default="qwen2_5_vl", help="of the model that will be trained: qwen2_5_vl (default) or qwen3_vl"
    )
    command.add_argument("--seed", type=int, default=0, metavar="INT", help="of what shot IDs count from")
    add_fields(command.add_argument_group("the recipe"), Recipe)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Read the movies, write the set, and say where it is."""
    from sceneviz.models.family import family_of
    from sceneviz.training.sets import FORMATS, export_set

    choice(arguments.format, FORMATS, "--format")  # better known before the movies are read
    family = family_of(arguments.family)
    recipe = replace(Recipe(frame_size=family.frame_size), **given(arguments, Recipe))
    movies = list(list_labelled(arguments, arguments.split))
    file = export_set(
        movies, arguments.out, format=arguments.format, recipe=recipe, opening=family.opening, seed=arguments.seed
    )
    print(plain(file, 1000))
