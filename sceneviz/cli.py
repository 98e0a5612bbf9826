"""The command line: a thin face on the functions of the package."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

import sceneviz as sv
from sceneviz._text import ScenevizError, clock, counted, plain
from sceneviz.export import FORMATS, NAMES, export

if TYPE_CHECKING:
    from sceneviz.movie import Movie
    from sceneviz.results import Prediction

DEMO_SEED = 9_000_001  # seeds from 9 000 000 up are never trained on
MOST_ROWS = 40  # of scenes on the screen; the file has them all
MISTAKE, UNEXPECTED, INTERRUPTED = 2, 1, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status. Anything that goes wrong is one line on stderr.

    2: a mistake in what came in, or the system refused (no such file, disk full). 130: interrupted. 1: an error of
    sceneviz itself. With SCENEVIZ_DEBUG=1 in the environment errors are raised instead.
    """
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the figure shows an empty box: that is enough
        try:
            arguments = _parser().parse_args(argv)
            arguments.run(arguments)
            sys.stdout.flush()
        except (Exception, KeyboardInterrupt) as error:
            if os.environ.get("SCENEVIZ_DEBUG") == "1":
                raise
            return _failed(error)
    return 0


def _failed(error: BaseException) -> int:
    """Say what went wrong, in one line; returns the exit status."""
    match error:
        case KeyboardInterrupt():
            status, text = INTERRUPTED, "interrupted"
        case BrokenPipeError():  # whoever read the output has seen enough
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115  Python flushes it once more at its end
            return MISTAKE
        case ScenevizError():
            status, text = MISTAKE, str(error)
        case OSError():
            place = f": {error.filename}" if error.filename else ""
            status, text = MISTAKE, f"{error.strerror or error}{place}"
        case _:
            status = UNEXPECTED
            text = f"unexpected {type(error).__name__}: {error}; SCENEVIZ_DEBUG=1 in the environment shows where"
    print(f"sceneviz: {plain(text, 1000)}", file=sys.stderr)
    return status


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning as one line, without the code that gave it."""
    print(f"sceneviz: warning: {plain(message, 1000)}", file=sys.stderr)


def segment(arguments: argparse.Namespace) -> None:
    """`sceneviz segment MOVIE`: scenes of a film, as files and as a table on the screen."""
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
    _segment(movie, arguments, out)


def demo(arguments: argparse.Namespace) -> None:
    """`sceneviz demo`: a rendered movie that nobody trained on, segmented and scored; or a film of one's own."""
    if arguments.movie is not None:
        segment(arguments)
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
    prediction = _segment(movie, arguments, arguments.out)

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


def render(arguments: argparse.Namespace) -> None:
    """`sceneviz render SEED`: a movie with known scenes, as the files that a film comes in."""
    from sceneviz.synthetic import write_movie

    video = write_movie(sv.render_movie(arguments.seed), arguments.out)
    for file in sorted(video.parent.glob(f"{video.stem}.*")):
        print(plain(file, 1000))


def convert(arguments: argparse.Namespace) -> None:
    """`sceneviz export PREDICTION.json --out FILE`: the scenes of a saved prediction in another format."""
    prediction = sv.Prediction.load(arguments.prediction)
    print(plain(export(None, prediction, arguments.out, threshold=arguments.threshold), 1000))


def _segment(movie: Movie, arguments: argparse.Namespace, out: Path) -> Prediction:
    """Predict, write every file, and print the scenes."""
    model = sv.load_model(arguments.model, adapter=arguments.adapter, device=arguments.device, dtype=arguments.dtype)
    print(f"{plain(movie.name)}: {len(movie)} shots, {clock(movie.shots[-1].end_s)}; model {plain(model.name)}")
    if model.embedded:
        print(
            "This is the small model that comes with sceneviz, trained on rendered movies: no claim about the paper, "
            "and weak on real films so far (its card, sceneviz/tiny/README.md, has the numbers)."
        )
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


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, like all others."""

    def error(self, message: str) -> NoReturn:
        raise ScenevizError(f"{message}; `{self.prog} --help` tells more")


def _parser() -> argparse.ArgumentParser:
    """Commands and their options."""
    parser = _Parser(prog="sceneviz", description="A movie in, its scenes out, and a look inside every decision.")
    parser.add_argument("--version", action="version", version=f"sceneviz {sv.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    command = commands.add_parser(
        "segment",
        help="find the scenes of a film",
        description=f"Find the scenes of a film, print them, and write {', '.join(NAMES)} and timeline.png. "
        "A run that was stopped goes on where it was when it is started again.",
    )
    command.add_argument("movie", metavar="MOVIE", type=Path, help="a video file")
    _add_reading(command)
    _add_model(command)
    command.add_argument("--out", type=Path, metavar="DIR", help="where files go (default: MOVIE's name + .scenes)")
    command.set_defaults(run=segment)

    command = commands.add_parser(
        "demo",
        help="the whole line on a rendered movie, with its score",
        description="Render a movie that nobody trained on, write it as a video file with subtitles and cast, read "
        "it back, find its scenes, and score them beside two simple baselines.",
    )
    command.add_argument("--movie", type=Path, metavar="FILE", help="segment this film instead")
    _add_model(command)
    command.add_argument("--out", type=Path, metavar="DIR", default=Path("demo"), help="where files go (default: demo)")
    command.set_defaults(run=demo, shots="auto", subtitles="auto", subtitle_shift=0.0, characters=None)

    command = commands.add_parser(
        "export",
        help="scenes that were found as chapters or a timeline",
        description="Write the scenes of a saved prediction to a file whose format the end of its name tells: "
        f"{', '.join(FORMATS)}.",
    )
    command.add_argument("prediction", metavar="PREDICTION", type=Path, help="a prediction.json that segment wrote")
    command.add_argument("--out", type=Path, metavar="FILE", required=True, help="the file to write, e.g. film.edl")
    _add_threshold(command)
    command.set_defaults(run=convert)

    command = commands.add_parser(
        "render",
        help="draw a movie with known scenes",
        description="Draw a movie with known scenes, and write it as a video with subtitles, cast, shots and labels.",
    )
    command.add_argument("seed", metavar="SEED", type=int, help="which one; from 9000000 up they are never trained on")
    command.add_argument(
        "--out", type=Path, metavar="DIR", default=Path("rendered"), help="where files go (default: rendered)"
    )
    command.set_defaults(run=render)
    return parser


def _add_reading(command: argparse.ArgumentParser) -> None:
    """Options that say how a film is read."""
    group = command.add_argument_group("the film")
    group.add_argument(
        "--shots", default="auto", metavar="HOW", help="auto, transnetv2, pyscenedetect, or a file of shots"
    )
    group.add_argument(
        "--subtitles", default="auto", metavar="FILE", help="srt, vtt or ass; auto looks beside the film; none"
    )
    group.add_argument(
        "--subtitle-shift", default=0.0, type=float, metavar="S", help="seconds added to every subtitle's time"
    )
    group.add_argument("--characters", type=Path, metavar="FILE", help="who is where, JSON or CSV, by shot or by time")


def _add_model(command: argparse.ArgumentParser) -> None:
    """Options that say which model decides, and how."""
    group = command.add_argument_group("the model")
    group.add_argument(
        "--model", default="tiny", help="tiny (embedded), a folder, or a name such as Qwen/Qwen2.5-VL-7B-Instruct"
    )
    group.add_argument("--adapter", metavar="FOLDER", help="a fine-tuned adapter to attach")
    group.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps, ...")
    group.add_argument("--dtype", default="auto", help="auto, float32, bfloat16, float16")
    group.add_argument("--batch-size", default="auto", type=_batch_size, metavar="N", help="windows at once, or auto")
    _add_threshold(group)


def _add_threshold(command: argparse._ActionsContainer) -> None:
    """The option that regroups scenes."""
    command.add_argument(
        "--threshold", type=_threshold, metavar="T", help="confidence that ends a scene (default: the checkpoint's)"
    )


def _threshold(text: str) -> float:
    """A number from 0 to 1."""
    with contextlib.suppress(ValueError):
        if 0 <= float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {text!r}")


def _batch_size(text: str) -> int | str:
    """A number from 1 up, or "auto"."""
    if text == "auto":
        return text
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected auto or a number from 1 up, got {text!r}")
