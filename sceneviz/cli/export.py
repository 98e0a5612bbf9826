"""`sceneviz export PREDICTION.json --out FILE`: the scenes of a saved prediction in another format."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import sceneviz as sv
from sceneviz._text import plain
from sceneviz.cli.options import add_threshold
from sceneviz.export import FORMATS, export

if TYPE_CHECKING:
    from sceneviz.cli.options import Commands


def add(commands: Commands) -> None:
    """The verb and its options."""
    command = commands.add_parser(
        "export",
        help="scenes that were found as chapters or a timeline",
        description="Write the scenes of a saved prediction to a file whose format the end of its name tells: "
        f"{', '.join(FORMATS)}.",
    )
    command.add_argument("prediction", metavar="PREDICTION", type=Path, help="a prediction.json that segment wrote")
    command.add_argument("--out", type=Path, metavar="FILE", required=True, help="the file to write, e.g. film.edl")
    add_threshold(command)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Open the prediction, and write the file."""
    prediction = sv.Prediction.load(arguments.prediction)
    print(plain(export(None, prediction, arguments.out, threshold=arguments.threshold), 1000))
