"""`sceneviz render SEED`: a movie with known scenes, as the files that a film comes in."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import sceneviz as sv
from sceneviz._text import plain

if TYPE_CHECKING:
    from sceneviz.cli.options import Commands


def add(commands: Commands) -> None:
    """The verb and its options."""
    command = commands.add_parser(
        "render",
        help="draw a movie with known scenes",
        description="Draw a movie with known scenes, and write it as a video with subtitles, cast, shots and labels.",
    )
    command.add_argument("seed", metavar="SEED", type=int, help="which one; from 9000000 up they are never trained on")
    command.add_argument(
        "--style", metavar="STYLE", default="drawn", help="drawn, leaves, marble or solid (default: drawn)"
    )
    command.add_argument(
        "--out", type=Path, metavar="DIR", default=Path("rendered"), help="where files go (default: rendered)"
    )
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Render the movie, and print the files that were written."""
    from sceneviz.synthetic import write_movie

    video = write_movie(sv.render_movie(arguments.seed, style=arguments.style), arguments.out)
    for file in sorted(video.parent.glob(f"{video.stem}.*")):
        print(plain(file, 1000))
