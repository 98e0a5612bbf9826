"""`sceneviz segment MOVIE`: scenes of a film, as files and as a table on the screen."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import sceneviz as sv
from sceneviz._text import ScenevizError, clock, counted, plain
from sceneviz.cli.options import add_model, add_reading
from sceneviz.export import NAMES, export
from sceneviz.lock import held

if TYPE_CHECKING:
    from sceneviz.cli.options import Commands
    from sceneviz.models import SceneModel
    from sceneviz.movie import Movie
    from sceneviz.results import Prediction

MOST_ROWS = 40  # of scenes on the screen; the file has them all


def add(commands: Commands) -> None:
    """The verb and its options."""
    command = commands.add_parser(
        "segment",
        help="find the scenes of a film",
        description=f"Find the scenes of a film, print them, and write {', '.join(NAMES)} and timeline.png. "
        "A run that was stopped goes on where it was when it is started again.",
    )
    command.add_argument("movie", metavar="MOVIE", type=Path, help="a video file")
    add_reading(command)
    add_model(command)
    command.add_argument("--out", type=Path, metavar="DIR", help="where files go (default: MOVIE's name + .scenes)")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Read the film, and find its scenes."""
    out = Path(f"{arguments.movie.stem}.scenes") if arguments.out is None else arguments.out
    if out.exists() and not out.is_dir():  # better known before the work than after it
        raise ScenevizError(f"--out must be a folder, {out} is a file")
    movie = sv.read_movie(
        arguments.movie,
        shots=arguments.shots,
        subtitles=False if arguments.subtitles == "none" else arguments.subtitles,
        subtitle_shift_s=arguments.subtitle_shift,
        characters=arguments.characters,
    )
    find_scenes(movie, arguments, out)


def find_scenes(movie: Movie, arguments: argparse.Namespace, out: Path) -> Prediction:
    """Predict, write every file, and print the scenes."""
    model = sv.load_model(arguments.model, adapter=arguments.adapter, device=arguments.device, dtype=arguments.dtype)
    print(f"{plain(movie.name)}: {len(movie)} shots, {clock(movie.shots[-1].end_s)}; model {plain(model.name)}")
    if model.embedded:
        print(
            "This is the small model that comes with sceneviz, trained on rendered movies: no claim about the paper, "
            "and weak on real films so far (its card, sceneviz/tiny/README.md, has the numbers)."
        )
    with held(out / "resume"):
        return _write(movie, model, arguments, out)


def _write(movie: Movie, model: SceneModel, arguments: argparse.Namespace, out: Path) -> Prediction:
    prediction = sv.predict(movie, model, batch_size=arguments.batch_size, resume=out / "resume")
    for name in NAMES:
        export(movie, prediction, out / name, threshold=arguments.threshold)
    _draw(movie, prediction, arguments.threshold, out / "timeline.png")
    _print_scenes(prediction, arguments.threshold)
    print(f"written to {plain(out, 1000)}: {', '.join(NAMES)}, timeline.png")
    return prediction


def _draw(movie: Movie, prediction: Prediction, threshold: float | None, path: Path) -> None:
    """Save the timeline, on a figure made without pyplot: no window opens, whatever the screen."""
    from matplotlib.figure import Figure

    from sceneviz.plot.style import PAGE_IN

    ax = Figure(figsize=(PAGE_IN, 2.4), layout="constrained").subplots()
    sv.plot.save(sv.plot.timeline(movie, prediction, threshold=threshold, ax=ax), path)


def _print_scenes(prediction: Prediction, threshold: float | None) -> None:
    """The scenes as a short table."""
    scenes = prediction.scenes(threshold)
    level = prediction.threshold if threshold is None else threshold
    print(
        f"\n{counted(len(scenes), 'scene')} at threshold {level:.3g} (confidence: of the boundary that ends the scene)"
    )
    print(f"{'scene':>5}  {'shots':>11}  {'start':>12}  {'end':>12}  confidence")
    for row in scenes.head(MOST_ROWS).itertuples():
        shots = f"{row.first_shot}-{row.last_shot}"
        sure = "end of film" if row.scene == len(scenes) - 1 else f"{row.confidence:.3f}"
        print(f"{row.scene:>5}  {shots:>11}  {clock(row.start_s):>12}  {clock(row.end_s):>12}  {sure}")
    if len(scenes) > MOST_ROWS:
        print(f"  ... and {len(scenes) - MOST_ROWS} more, in scenes.csv")
    print()
