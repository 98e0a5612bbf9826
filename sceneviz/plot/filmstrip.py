"""A row of frames along the movie: as many as stay large enough to see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sceneviz._text import ScenevizError, clock, plain
from sceneviz.movie import Movie
from sceneviz.plot.pictures import KeptFrames, Pictures, kept_movie, pictures
from sceneviz.plot.style import PAGE_IN, new_axes, remember, size_in, tidy, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PIXELS = 160  # height of a thumbnail: sharp in print at half an inch


def filmstrip(movie: Movie, *, ax: Axes | None = None) -> Axes:
    """Middle frames of shots spread evenly over the movie, each over its shot's index and start time.

    The frames are as high as the axes, and as many as fit side by side (a long movie shows a smaller share of its
    shots, not smaller pictures). ax: drawn on; None makes a figure of page width.
    """
    ax = new_axes(PAGE_IN, 0.9) if ax is None else ax
    tidy(ax)
    ax.set_xlim(0, len(movie))
    ax.set_xticks([0.5], ["0\n0:00:00"], **words())  # takes its room before frames are counted
    ax.set_xlabel(" ", **words())
    shown = draw_strip(ax, movie)
    chosen = list(shown)
    labels = [f"{shot}\n{short_clock(movie.shots[shot].start_s)}" for shot in chosen]
    ax.set_xticks([centre for centre, _ in slots(len(movie), len(chosen))], labels, **words())
    ax.set_xlabel(f"{plain(movie.name)} · {len(chosen)} of {len(movie)} shots, and when they start", **words())
    ax.tick_params(bottom=False)
    remember(ax, "filmstrip", movie, data={"shot": chosen}, kept=kept_movie(movie, shown))
    return ax


def draw_strip(ax: Axes, movie: Movie) -> Pictures:
    """Fill axes whose x runs over the shots, from 0 to `n_shots`, with frames; returns the frames shown, by shot."""
    if movie.frames is None:
        raise ScenevizError(f"a film strip needs frames, and movie {movie.name!r} has none")
    width_in, height_in = size_in(ax)
    height, width = movie.frames.size
    frame_in = height_in * width / height
    count = max(1, min(len(movie), int(width_in / (frame_in + 0.02))))
    if isinstance(movie.frames, KeptFrames):  # other fonts leave other room: what was kept is shown, as far as it fits
        kept = movie.frames.pictures
        centres = [centre for centre, _ in slots(len(movie), min(count, len(kept)))]
        places = [(centre, min(kept, key=lambda shot: abs(shot + 0.5 - centre))) for centre in centres]
    else:
        places = slots(len(movie), count)
    half = frame_in / width_in * len(movie) / 2
    pixels = (PIXELS, max(1, round(PIXELS * width / height)))
    shown: Pictures = {}
    for (centre, shot), (frames, texts) in zip(
        places, pictures(movie, [shot for _, shot in places], 1, pixels), strict=True
    ):
        extent = (centre - half, centre + half, 0.0, 1.0)
        ax.imshow(frames[0], extent=extent, aspect="auto", interpolation="antialiased")
        shown[shot] = texts
    ax.set(xlim=(0, len(movie)), ylim=(0, 1), xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)
    return shown


def slots(n_shots: int, count: int) -> list[tuple[float, int]]:
    """`count` places side by side along `n_shots`: the centre of each, and the shot that lies there."""
    centres = (np.arange(count) + 0.5) * n_shots / count
    return [(float(centre), int(centre)) for centre in centres]


def short_clock(seconds: float) -> str:
    """A time as h:mm:ss."""
    return clock(seconds)[:-4]
