"""Stories as movies: in memory, and as the files that a film comes in."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sceneviz._text import ScenevizError, clock
from sceneviz.movie import Movie, Shot
from sceneviz.synthetic.script import story
from sceneviz.synthetic.story import FRAME_RATE, Pace, Story, Style

if TYPE_CHECKING:
    from sceneviz.synthetic.source import RenderedFrames


def render_movie(
    seed: int, shots: int | None = None, *, pace: Pace = "film", style: Style = "drawn", angles: float = 0.0
) -> Movie:
    """A movie with known scenes, drawn on demand: the same for the same arguments, on every machine.

    pace: "film" has scenes as long as MovieNet's; "quick", for training, a boundary at every third shot.
    style: "drawn"; or the same story in other pictures: "leaves" (patterns, to vary a training with), and, held out of
    any training, to show what carries over to pictures of another kind: "marble" (patterns) and "solid" (places in
    space, which each camera sees from where it stands).
    angles: how far a place's colours differ from one of its cameras to the next, 0 (as painted) to 2; at 1, hues by
    half a turn (standard deviation). People keep their colours.
    shots: how many, None for 60 to 140 by the seed. Its labels say where scenes end; `reasons` tells why.
    Seeds from 9 000 000 up are for testing only: nothing is ever trained on them.
    """
    return filmed(story(seed, shots, pace=pace, style=style), angles)


def filmed(script: Story, angles: float = 0.0) -> Movie:
    """The movie of a story, drawn on demand; angles: as of `render_movie`."""
    from sceneviz.synthetic.source import RenderedFrames

    ends = np.cumsum([take.n_frames for take in script.takes]).tolist()
    made = tuple(
        Shot(
            index=index,
            start=end - take.n_frames,
            end=end,
            start_s=(end - take.n_frames) / FRAME_RATE,
            end_s=end / FRAME_RATE,
            subtitle=take.line,
            characters=tuple(sorted(take.characters)),
        )
        for index, (take, end) in enumerate(zip(script.takes, ends, strict=True))
    )
    labels = np.zeros((1, len(made)), np.int8)
    labels[0, [scene.last for scene in script.scenes]] = 1
    labels[0, -1] = -2
    name = f"{script.name}-angles-{angles:g}" if angles else script.name  # what is written of one is not the other's
    return Movie(name, made, RenderedFrames(script, angles), Fraction(FRAME_RATE), labels)


def write_movie(movie: Movie | int, folder: str | Path, size: tuple[int, int] = (180, 320)) -> Path:
    """Write a rendered movie as real files, and return the video's path.

    Beside `NAME.mp4` (H.264, 24 frames a second, size = (height, width), both even) stand `NAME.srt` (unless nothing
    is said), `NAME.characters.json` (who is in each shot), `NAME.shots.txt` (MovieNet rows: first and last frame, three
    keyframes) and `NAME.label.txt` (shot and label a row, the last shot left out).
    """
    movie = render_movie(movie) if isinstance(movie, int) else movie
    from sceneviz.synthetic.source import RenderedFrames

    if not isinstance(movie.frames, RenderedFrames):
        raise ScenevizError(f"write_movie: expected a movie from render_movie, {movie.name!r} is not")
    if any(side < 16 or side % 2 for side in size):
        raise ScenevizError(f"write_movie: size must be an even (height, width) of at least 16, got {size}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / movie.name
    if said := _subtitles(movie):
        stem.with_name(movie.name + ".srt").write_text(said, encoding="utf-8")
    cast = {"shots": [{"shot": shot.index, "characters": list(shot.characters)} for shot in movie.shots]}
    stem.with_name(movie.name + ".characters.json").write_text(json.dumps(cast, indent=1) + "\n", encoding="utf-8")
    rows = [" ".join(map(str, (shot.start, shot.end - 1, *shot.keyframes(3)))) for shot in movie.shots]
    stem.with_name(movie.name + ".shots.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    assert movie.labels is not None
    marks = [f"{shot:04d} {label}" for shot, label in enumerate(movie.labels[0, :-1].tolist())]
    stem.with_name(movie.name + ".label.txt").write_text("\n".join(marks) + "\n", encoding="utf-8")
    video = stem.with_name(movie.name + ".mp4")
    _encode(movie, movie.frames, video, size)
    return video


def _subtitles(movie: Movie) -> str:
    """Cues that lie well inside their shots, as an .srt file."""
    talking = [shot for shot in movie.shots if shot.subtitle]
    return "".join(
        f"{number}\n{_time(shot, 0.1)} --> {_time(shot, 0.9)}\n{shot.subtitle}\n\n"
        for number, shot in enumerate(talking, 1)
    )


def _time(shot: Shot, part: float) -> str:
    return clock(shot.start_s + part * shot.duration_s).rjust(12, "0").replace(".", ",")


def _encode(movie: Movie, frames: RenderedFrames, path: Path, size: tuple[int, int]) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FRAME_RATE, options={"crf": "20", "preset": "veryfast"})
        stream.height, stream.width = size
        stream.pix_fmt = "yuv420p"
        for shot in movie.shots:
            for number in range(shot.start, shot.end):
                picture = av.VideoFrame.from_ndarray(frames.draw(shot, number, size), format="rgb24")
                container.mux(stream.encode(picture))
        container.mux(stream.encode())
