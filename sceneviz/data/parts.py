"""A movie from the files that there are of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from sceneviz._text import ScenevizError
from sceneviz.data.listing import Rate, rate_of
from sceneviz.movie import Movie
from sceneviz.reading.assembly import read_film, read_without_video
from sceneviz.reading.shots import pairs_of_file

Parts = Mapping[str, Path | None]


def movie_of_parts(
    name: str, parts: Parts, rates: Rate | Mapping[str, Rate] | None, rate: Fraction | None = None
) -> tuple[Movie, list[str]]:
    """A movie without its labels, and what is odd about it, in a line each.

    parts: where its video, shots, subtitles and characters are. Without a video it is text only; without a file of
    shots they are detected, which reads the whole video.
    rates, rate: frames a second where there is no video to tell; as given, and by default.
    """
    video, shots, subtitles, characters = (parts.get(part) for part in ("video", "shots", "subtitles", "characters"))
    if video is not None:
        movie, notices = read_film(video, shots=shots or "auto", subtitles=subtitles or False, characters=characters)
        return replace(movie, name=name), notices
    if shots is None:
        raise ScenevizError(f"{name}: there is neither a video of it, to find its shots in, nor a file of its shots")
    pairs = pairs_of_file(shots)
    return read_without_video(name, pairs, rate_of(name, rates, rate), subtitles=subtitles, characters=characters)
