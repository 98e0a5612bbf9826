"""Scenes as timelines for editing programs: a clip a scene, in whole frames of the film.

A clip lasts until the next starts, also across a gradual transition, and stands on the timeline where it stands in the
film, so that frame numbers are the same on both.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from sceneviz._text import ScenevizError, plain
from sceneviz.export.rates import STANDARD, exact_rate
from sceneviz.movie import Movie
from sceneviz.results import Prediction

EDL_MOST = 999  # an event number has three digits
_MOST_TITLE = 70  # letters, in an EDL


@dataclass(frozen=True)
class Clip:
    """A scene on the timeline. first, last: its shots. start, end: frames of the film, half-open."""

    name: str
    first: int
    last: int
    start: int
    end: int
    confidence: float | None


def clips(prediction: Prediction, threshold: float | None) -> list[Clip]:
    """The scenes, in order; the confidence of the last is None."""
    scenes = prediction.scenes(threshold)
    starts = [prediction.shots[shot].start for shot in scenes["first_shot"]]
    ends = [*starts[1:], prediction.shots[-1].end]
    rows = zip(scenes["first_shot"].tolist(), scenes["last_shot"].tolist(), starts, ends, strict=True)
    sure = [*scenes["confidence"].tolist()[:-1], None]
    return [Clip(f"Scene {number}", *row, sure[number - 1]) for number, row in enumerate(rows, 1)]


def edl(movie: Movie, prediction: Prediction, threshold: float | None) -> str:
    """A CMX3600 edit decision list; drop-frame timecode at 29.97 and 59.94."""
    rate = _rate(movie)
    if rate not in STANDARD:
        known = ", ".join(f"{float(each):.5g}" for each in STANDARD)
        raise ScenevizError(f"export: an EDL counts in timecode, which exists at {known} frames/s, not {float(rate):g}")
    if (count := len(clips(prediction, threshold))) > EDL_MOST:
        raise ScenevizError(
            f"export: an EDL holds {EDL_MOST} events, got {count} scenes; raise the threshold, or write .otio"
        )
    timeline = _timeline(movie, prediction, threshold)
    timeline.name = plain(movie.name, _MOST_TITLE)
    text: str = _otio().adapters.write_to_string(timeline, "cmx_3600", rate=float(rate), reelname_len=None)
    mode = "DROP FRAME" if ";" in text.partition("\n001 ")[2].partition("\n")[0] else "NON-DROP FRAME"
    title, _, events = text.partition("\n")
    return f"{title}\nFCM: {mode}\n{events}"


def otio(movie: Movie, prediction: Prediction, threshold: float | None) -> str:
    """An OpenTimelineIO timeline; shots and confidence of each scene are in its clip's metadata."""
    timeline = _timeline(movie, prediction, threshold)
    return str(_otio().adapters.write_to_string(timeline, "otio_json")) + "\n"


def fcpxml(movie: Movie, prediction: Prediction, threshold: float | None) -> str:
    """A Final Cut Pro project (FCPXML 1.8): every time a fraction of a second, and so exact."""
    # Not by otio-fcpx-xml-adapter 1.0: it writes an empty frameDuration at 23.976 and 29.97, and starts ffprobe.
    rate = _rate(movie)
    parts = clips(prediction, threshold)

    def seconds(frames: int) -> str:
        time = frames / rate
        return f"{time.numerator}/{time.denominator}s" if time.denominator > 1 else f"{time.numerator}s"

    drop = "DF" if rate in (Fraction(30000, 1001), Fraction(60000, 1001)) else "NDF"
    length = seconds(parts[-1].end)
    name = plain(movie.name, 500)
    root = ElementTree.Element("fcpxml", version="1.8")
    resources = ElementTree.SubElement(root, "resources")
    shape = {} if movie.frames is None else dict(zip(("height", "width"), map(str, movie.frames.size), strict=True))
    frame = f"{rate.denominator}/{rate.numerator}s"
    ElementTree.SubElement(resources, "format", {"id": "r1", "frameDuration": frame} | shape)
    source = {"id": "r2", "name": name, "src": _url(movie), "format": "r1", "start": "0s", "duration": length}
    ElementTree.SubElement(resources, "asset", source | {"hasVideo": "1"})
    project = ElementTree.SubElement(root, "project", name=name)
    frame_of = {"format": "r1", "duration": length, "tcStart": "0s", "tcFormat": drop}
    spine = ElementTree.SubElement(ElementTree.SubElement(project, "sequence", frame_of), "spine")
    if parts[0].start:
        ElementTree.SubElement(spine, "gap", name="Gap", offset="0s", start="0s", duration=seconds(parts[0].start))
    for part in parts:
        place = {"offset": seconds(part.start), "start": seconds(part.start)}
        place |= {"duration": seconds(part.end - part.start), "format": "r1", "tcFormat": drop}
        ElementTree.SubElement(spine, "asset-clip", {"name": part.name, "ref": "r2"} | place)
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n{body}\n'


def _timeline(movie: Movie, prediction: Prediction, threshold: float | None) -> Any:
    """The scenes as an `opentimelineio` Timeline of one video track."""
    library = _otio()
    rate = float(_rate(movie))

    def span(start: int, end: int) -> Any:
        time = library.opentime.RationalTime
        return library.opentime.TimeRange(time(start, rate), time(end - start, rate))

    parts = clips(prediction, threshold)
    level = prediction.threshold if threshold is None else threshold
    timeline = library.schema.Timeline(plain(movie.name, 500))
    timeline.metadata["sceneviz"] = {"model": plain(prediction.model_name), "threshold": level}
    track = library.schema.Track("Scenes", kind=library.schema.TrackKind.Video)
    timeline.tracks.append(track)
    if parts[0].start:
        track.append(library.schema.Gap(source_range=span(0, parts[0].start)))
    for part in parts:
        film = library.schema.ExternalReference(_url(movie), span(0, parts[-1].end))
        about = {"first_shot": part.first, "last_shot": part.last, "confidence": part.confidence}
        metadata = {"sceneviz": about, "cmx_3600": {"reel": "AX"}}
        track.append(library.schema.Clip(part.name, film, span(part.start, part.end), metadata))
    return timeline


def _rate(movie: Movie) -> Fraction:
    """Frames a second, exactly."""
    if not movie.frame_rate:
        raise ScenevizError(
            f"export: a timeline needs a constant frame rate, and {plain(movie.name)!r} has none that is known; "
            "write chapters (.vtt), or give the movie its frame_rate"
        )
    return exact_rate(movie.frame_rate)


def _url(movie: Movie) -> str:
    """Where the film lies; its name, where that is unknown, for the program to ask."""
    path = getattr(movie.frames, "path", None)
    return Path(path).resolve().as_uri() if path is not None else f"file:///{quote(plain(movie.name, 200))}"


def _otio() -> Any:
    """The library; it is small, but loads in a noticeable time."""
    import opentimelineio

    return opentimelineio
