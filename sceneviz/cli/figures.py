"""`sceneviz figures DIR`: all figures of a folder, drawn again from the numbers beside them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sceneviz._text import ScenevizError, choice, counted, plain

if TYPE_CHECKING:
    from sceneviz.cli.options import Commands


def add(commands: Commands) -> None:
    """The verb and its options."""
    command = commands.add_parser(
        "figures",
        help="draw saved figures again, without a model",
        description="Draw every figure of a folder and of the folders in it again, from the .figure.json that stands "
        "beside it. Neither the model nor the film is needed.",
    )
    command.add_argument("folder", metavar="DIR", type=Path, help="where the figures are, with their .figure.json")
    command.add_argument("--out", type=Path, metavar="DIR", help="where pictures go (default: where they were)")
    command.add_argument(
        "--format", choices=("pdf", "svg", "png"), help="what to write instead of what each of them was"
    )
    command.add_argument("--dpi", type=int, default=300, metavar="N", help="dots an inch of pictures (default: 300)")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Draw them, and print each picture's path; those that can't be drawn are named, and raise at the end."""
    from sceneviz import plot
    from sceneviz.plot.saving import SUFFIX, UNDATED, opened_figure

    folder, out = arguments.folder, arguments.out or arguments.folder
    if not folder.is_dir():
        raise ScenevizError(f"expected a folder with saved figures, there is none at {folder}")
    saved = sorted(folder.rglob(f"*{SUFFIX}"))
    if arguments.dpi < 1:
        raise ScenevizError(f"--dpi must be at least 1, got {arguments.dpi}")
    if not saved:
        raise ScenevizError(f"no saved figure (*{SUFFIX}) in {folder}; sceneviz.plot.save writes one beside a picture")
    damaged = []
    for record in saved:
        try:
            kind = arguments.format or choice(str(opened_figure(record).get("kind")), UNDATED, f"{record}: kind")
            figure = plot.redraw(record)
        except ScenevizError as error:  # the others are drawn all the same
            damaged.append(record)
            print(f"sceneviz: {plain(error, 1000)}", file=sys.stderr)
            continue
        name = f"{record.name.removesuffix(SUFFIX)}.{kind}"
        path = (out / record.relative_to(folder)).with_name(name)
        print(plain(plot.save(figure, path, dpi=arguments.dpi), 1000))
    if damaged:
        count = f"{len(damaged)} of {counted(len(saved), 'figure')}"
        raise ScenevizError(f"{count} could not be drawn again; the reasons stand above")
