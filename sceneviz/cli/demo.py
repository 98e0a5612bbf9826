"""`sceneviz demo`: a rendered movie that nobody trained on, segmented and scored; or a film of one's own."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import sceneviz as sv
from sceneviz._text import plain
from sceneviz.cli import segment
from sceneviz.cli.options import add_model

if TYPE_CHECKING:
    from sceneviz.cli.options import Commands

DEMO_SEED = 9_000_001  # seeds from 9 000 000 up are never trained on


def add(commands: Commands) -> None:
    """The verb and its options."""
    command = commands.add_parser(
        "demo",
        help="the whole line on a rendered movie, with its score",
        description="Render a movie that nobody trained on, write it as a video file with subtitles and cast, read "
        "it back, find its scenes, and score them beside two simple baselines.",
    )
    command.add_argument("--movie", type=Path, metavar="FILE", help="segment this film instead")
    add_model(command)
    command.add_argument("--out", type=Path, metavar="DIR", default=Path("demo"), help="where files go (default: demo)")
    command.set_defaults(run=run, shots="auto", subtitles="auto", subtitle_shift=0.0, characters=None)


def run(arguments: argparse.Namespace) -> None:
    """Render, read back, segment and score; or segment the film that is given."""
    if arguments.movie is not None:
        segment.run_one(arguments, arguments.movie)
        return
    from sceneviz.baselines import color_histogram, constant
    from sceneviz.synthetic import write_movie

    rendered = sv.render_movie(DEMO_SEED)
    folder = arguments.out / "movie"
    print(f"rendering {plain(rendered.name)} (seed {DEMO_SEED}, never trained on) to {plain(folder, 1000)}")
    video = write_movie(rendered, folder)
    movie = sv.read_movie(
        video,
        shots=video.with_suffix(".shots.txt"),
        subtitles=video.with_suffix(".srt"),
        characters=video.with_suffix(".characters.json"),
    )
    movie = replace(movie, labels=rendered.labels)
    prediction = segment.find_scenes(movie, arguments, arguments.out)

    import pandas as pd

    tuned = {prediction: prediction.threshold, color_histogram(movie): None, constant(movie): None}
    scores = pd.concat([sv.score(movie, answer, validation=level) for answer, level in tuned.items()])
    scores = scores[scores["pooling"] == "micro"]
    scores.to_csv(arguments.out / "scores.csv", index=False)
    print("\nscored against its known scenes (AP of a random score = prevalence):")
    shown = scores[scores["measure"].isin(["AP", "F1@.5", "F1@val", "F1@oracle"])]
    about = ["model", "preset", "shots", "boundaries", "prevalence"]
    table = shown.pivot(index=about, columns="measure", values="value").loc[scores["model"].unique()].reset_index()
    print(table.to_string(index=False, na_rep="-", float_format="{:.3g}".format))
