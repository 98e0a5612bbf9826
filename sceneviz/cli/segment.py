"""`sceneviz segment MOVIE ...`: scenes of a film, as files and as a table on the screen; or of many films."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import sceneviz as sv
from sceneviz._text import ScenevizError, clock, counted, plain
from sceneviz.cli.options import add_model, add_reading, workers
from sceneviz.export import NAMES
from sceneviz.lock import held

if TYPE_CHECKING:
    from sceneviz.cli.options import Commands
    from sceneviz.many import Outcome
    from sceneviz.movie import Movie
    from sceneviz.results import Prediction

MOST_ROWS = 40  # of scenes on the screen; the file has them all
TOLD = 3  # failures whose reasons the last line gives
DATA = ("movienet", "bbc", "ovsd")
NOTE = (
    "This is the small model that comes with sceneviz, trained on rendered movies: no claim about the paper, "
    "and weak on real films (its card, sceneviz/tiny/README.md, has the numbers)."
)


def add(commands: Commands) -> None:
    """The verb and its options."""
    command = commands.add_parser(
        "segment",
        help="find the scenes of a film, or of many",
        description=f"Find the scenes of a film, print them, and write {', '.join(NAMES)} and timeline.png. "
        "Of several films, of a folder, a list or a data set: a folder a movie with these files, and movies.csv; one "
        "that fails is told at the end and stops no other. A run that was stopped goes on where it was when it is "
        "started again.",
    )
    command.add_argument(
        "movies",
        metavar="MOVIE",
        type=Path,
        nargs="+",
        help="a video file; or several, a folder of them, a list (.txt, a path a line), or with --data a data set",
    )
    add_reading(command)
    add_model(command)
    command.add_argument(
        "--out", type=Path, metavar="DIR", help="where files go (default: the first MOVIE's name + .scenes)"
    )
    group = command.add_argument_group("many movies")
    group.add_argument("--data", choices=DATA, help="MOVIE is the folder of this data set")
    group.add_argument("--split", default="all", help="of a data set or a folder: train, val, test or all (default)")
    group.add_argument(
        "--ray", metavar="ADDRESS", help="work on a Ray cluster: auto, local, or its address (pip install ray[data])"
    )
    group.add_argument("--workers", type=workers, metavar="N", help="how many on the cluster (default: one a GPU)")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Read the film or the films, and find their scenes."""
    first: Path = arguments.movies[0]
    many = len(arguments.movies) > 1 or first.is_dir() or first.suffix.lower() == ".txt"
    if many or arguments.data or arguments.ray:
        run_many(arguments, Path(f"{first.resolve().stem}.scenes") if arguments.out is None else arguments.out)
    else:
        run_one(arguments, first)


def run_one(arguments: argparse.Namespace, film: Path) -> None:
    """A film: its files, and its scenes on the screen."""
    out = Path(f"{film.stem}.scenes") if arguments.out is None else arguments.out
    if out.exists() and not out.is_dir():  # better known before the work than after it
        raise ScenevizError(f"--out must be a folder, {out} is a file")
    movie = sv.read_movie(
        film,
        shots=arguments.shots,
        subtitles=arguments.subtitles,
        subtitle_shift_s=arguments.subtitle_shift,
        characters=arguments.characters,
    )
    find_scenes(movie, arguments, out)


def run_many(arguments: argparse.Namespace, out: Path) -> None:
    """Many films: a folder each, a table of all; in the end, what failed."""
    from sceneviz.many import Reading, Settings, items_of, segment_all
    from sceneviz.models.loading import EMBEDDED

    if arguments.characters is not None or any(
        Path(each or "").suffix for each in (arguments.subtitles, arguments.shots)
    ):
        raise ScenevizError(
            "--shots, --subtitles and --characters name the file of one film; for many, they lie beside each "
            "(NAME.shots.txt, NAME.srt, NAME.characters.json in a folder)"
        )
    items = items_of(arguments.movies, data=arguments.data, split=arguments.split)
    settings = Settings(
        out=str(out.resolve()),
        reading=Reading(arguments.shots, arguments.subtitles, arguments.subtitle_shift),
        model=arguments.model,
        adapter=arguments.adapter,
        dtype=arguments.dtype,
        batch_size=arguments.batch_size,
        threshold=arguments.threshold,
    )
    print(f"{counted(len(items), 'movie')}; model {plain(arguments.model)}", flush=True)
    if arguments.model in EMBEDDED:
        print(NOTE)
    table = segment_all(
        items, settings, device=arguments.device, ray=arguments.ray, workers=arguments.workers, told=_tell
    )
    print(f"written to {plain(out, 1000)}: a folder a movie, and movies.csv")
    failed = table[table["error"] != ""]
    if len(failed):
        reasons = "; ".join(f"{row.movie}: {row.error}" for row in failed.head(TOLD).itertuples())
        more = f"; and {len(failed) - TOLD} more, in movies.csv" if len(failed) > TOLD else ""
        raise ScenevizError(f"{len(failed)} of {counted(len(items), 'movie')} failed: {reasons}{more}")


def find_scenes(movie: Movie, arguments: argparse.Namespace, out: Path) -> Prediction:
    """Predict, write every file, and print the scenes."""
    from sceneviz.many.one import RESUME, TIMELINE, write_scenes

    model = sv.load_model(arguments.model, adapter=arguments.adapter, device=arguments.device, dtype=arguments.dtype)
    print(f"{plain(movie.name)}: {len(movie)} shots, {clock(movie.shots[-1].end_s)}; model {plain(model.name)}")
    if model.embedded:
        print(NOTE)
    with held(out / RESUME):
        prediction = sv.predict(movie, model, batch_size=arguments.batch_size, resume=out / RESUME)
        write_scenes(movie, prediction, out, arguments.threshold)
    _print_scenes(prediction, arguments.threshold)
    print(f"written to {plain(out, 1000)}: {', '.join(NAMES)}, {TIMELINE}")
    return prediction


def _tell(outcome: Outcome) -> None:
    """A line a movie, as it comes."""
    if outcome.error:
        print(f"{plain(outcome.name)}: failed: {outcome.error}", flush=True)
    else:
        before = ", found finished" if outcome.found else ""
        print(f"{plain(outcome.name)}: {outcome.shots} shots, {counted(outcome.scenes, 'scene')}{before}", flush=True)
    for notice in outcome.notices:
        print(f"{plain(outcome.name)}: warning: {notice}", flush=True)


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
