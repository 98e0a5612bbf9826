"""Timelines are read back by OpenTimelineIO and its adapters, in whole frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import opentimelineio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sceneviz._text import ScenevizError, plain
from sceneviz.export import export
from sceneviz.export.rates import STANDARD, exact_rate, frame_rate_of
from sceneviz.movie import Movie, Shot

NTSC = [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)]
EVEN = [Fraction(24), Fraction(25), Fraction(30), Fraction(50)]
# Boundaries on both sides of the minutes at which drop-frame timecode leaves numbers out, and beyond an hour.
EDGES = [0, 1799, 1800, 1801, 3597, 3598, 17981, 17982, 107891, 107892, 259_000]


def film(rate: Fraction, edges: list[int] = EDGES, name: str = "a film") -> Movie:
    """A shot from each edge to the next, every one a scene."""
    pairs = enumerate(pairwise(edges))
    shots = tuple(Shot(k, start, end, float(start / rate), float(end / rate)) for k, (start, end) in pairs)
    return Movie(name, shots, frame_rate=rate, labels=[1] * len(shots))  # type: ignore[arg-type]


def ranges(timeline: Any) -> list[tuple[float, float, float, float]]:
    """Of each clip: first frame and length in the film, the same on the timeline."""
    found = []
    for clip in timeline.find_clips():
        source, record = clip.source_range, clip.range_in_parent()
        found.append((source.start_time.value, source.duration.value, record.start_time.value, record.duration.value))
    return found


def wanted(edges: list[int] = EDGES) -> list[tuple[float, float, float, float]]:
    """What `ranges` must find."""
    return [(start, end - start, start, end - start) for start, end in pairwise(edges)]


@pytest.mark.parametrize("rate", [*NTSC, *EVEN], ids=str)
@pytest.mark.parametrize("ending", ["otio", "edl"])
def test_frames_are_exact(ending: str, rate: Fraction, make_prediction: Callable, tmp_path: Path) -> None:
    movie = film(rate)
    path = export(movie, make_prediction(movie), tmp_path / f"film.{ending}")
    options = {"rate": float(rate)} if ending == "edl" else {}
    timeline = opentimelineio.adapters.read_from_file(str(path), **options)
    assert timeline.name == "a film"
    assert ranges(timeline) == wanted()
    assert [clip.name for clip in timeline.find_clips()] == [f"Scene {k}" for k in range(1, len(EDGES))]
    assert {clip.source_range.start_time.rate for clip in timeline.find_clips()} == {float(rate)}


def test_drop_frame_timecode_by_hand(make_prediction: Callable, tmp_path: Path) -> None:
    """At 29.97 the numbers ;00 and ;01 are left out at each minute but every tenth, so an hour is an hour."""
    movie = film(Fraction(30000, 1001))
    text = export(movie, make_prediction(movie), tmp_path / "film.edl").read_text()
    assert text.startswith("TITLE: a film\nFCM: DROP FRAME\n")
    record = [line.split()[-2] for line in text.splitlines() if line[:3].isdigit()]
    assert record[:6] == ["00:00:00;00", "00:00:59;29", "00:01:00;02", "00:01:00;03", "00:01:59;29", "00:02:00;02"]
    assert record[6:] == ["00:09:59;29", "00:10:00;00", "00:59:59;29", "01:00:00;00"]
    for rate in (Fraction(24000, 1001), Fraction(25)):
        text = export(film(rate), make_prediction(film(rate)), tmp_path / "film.edl").read_text()
        assert "\nFCM: NON-DROP FRAME\n" in text
        assert ";" not in text


def seconds(text: str) -> Fraction:
    """`1001/24000s`."""
    return Fraction(text.removesuffix("s"))


@pytest.mark.parametrize("rate", [*NTSC, *EVEN], ids=str)
def test_fcpxml_is_exact(rate: Fraction, make_prediction: Callable, tmp_path: Path) -> None:
    movie = film(rate)
    root = ElementTree.parse(export(movie, make_prediction(movie), tmp_path / "film.fcpxml")).getroot()
    (shape,) = root.iter("format")
    assert seconds(shape.attrib["frameDuration"]) == 1 / rate
    found = []
    for clip in root.iter("asset-clip"):
        start, length, offset = (seconds(clip.attrib[key]) * rate for key in ("start", "duration", "offset"))
        found.append((start, length, offset, length))
    assert found == wanted()
    (sequence,) = root.iter("sequence")
    assert seconds(sequence.attrib["duration"]) * rate == EDGES[-1]
    assert sequence.attrib["tcFormat"] == ("DF" if rate in NTSC[1:] else "NDF")
    ids = {element.attrib["id"] for element in root.find("resources")}  # type: ignore[union-attr]
    assert {clip.attrib[key] for clip in root.iter("asset-clip") for key in ("ref", "format")} == ids


def test_fcpxml_opens_with_the_adapter(make_prediction: Callable, tmp_path: Path) -> None:
    """It rounds times down, so a frame may be missing: it is asked for the scenes, not for exact frames."""
    movie = film(Fraction(25), [0, 100, 260, 400])
    path = export(movie, make_prediction(movie), tmp_path / "film.fcpxml")
    timeline = opentimelineio.adapters.read_from_file(str(path), "fcpx_xml")
    assert timeline.name == "a film"
    found = ranges(timeline)
    assert len(found) == 3
    assert all(abs(a - b) <= 1 for got, true in zip(found, wanted([0, 100, 260, 400]), strict=True)
               for a, b in zip(got, true, strict=True))  # fmt: skip


def test_a_film_that_starts_late_keeps_its_frame_numbers(make_prediction: Callable, tmp_path: Path) -> None:
    edges = [48, 100, 300]
    movie = film(Fraction(24), edges)
    for name, options in (("film.otio", {}), ("film.edl", {"rate": 24})):
        path = export(movie, make_prediction(movie), tmp_path / name)
        timeline = opentimelineio.adapters.read_from_file(str(path), **options)
        starts = [(clip.source_range.start_time.value, clip.transformed_time_range(
            clip.trimmed_range(), timeline.tracks).start_time.value) for clip in timeline.find_clips()]  # fmt: skip
        assert starts == [(48, 48), (100, 100)]
    root = ElementTree.parse(export(movie, make_prediction(movie), tmp_path / "film.fcpxml")).getroot()
    (gap,) = root.iter("gap")
    assert seconds(gap.attrib["duration"]) == 2


def test_a_clip_lasts_until_the_next_starts(make_prediction: Callable, tmp_path: Path) -> None:
    """Also across a gradual transition, which belongs to no shot."""
    shots = (Shot(0, 0, 40, 0.0, 40 / 24), Shot(1, 60, 100, 2.5, 100 / 24))
    movie = Movie("gap", shots, frame_rate=Fraction(24), labels=[1, -2])  # type: ignore[arg-type]
    path = export(movie, make_prediction(movie), tmp_path / "film.otio")
    assert ranges(opentimelineio.adapters.read_from_file(str(path))) == wanted([0, 60, 100])


def test_metadata_names_shots_model_and_confidence(
    make_movie: Callable, make_prediction: Callable, tmp_path: Path
) -> None:
    movie = make_movie()
    answer = make_prediction(movie, [0.1, 0.2, 0.9, 0, 0.8, 0, 0, 0, 0, 0.4, 0])
    timeline = opentimelineio.adapters.read_from_file(str(export(movie, answer, tmp_path / "film.otio", threshold=0.5)))
    assert dict(timeline.metadata["sceneviz"]) == {"model": "a fake", "threshold": 0.5}
    about = [dict(clip.metadata["sceneviz"]) for clip in timeline.find_clips()]
    assert about == [
        {"first_shot": 0, "last_shot": 2, "confidence": 0.9},
        {"first_shot": 3, "last_shot": 4, "confidence": 0.8},
        {"first_shot": 5, "last_shot": 11, "confidence": None},
    ]


@settings(max_examples=40)
@given(st.text(max_size=30) | st.sampled_from(['<a> & "b" ]]>', "x\n001  AX V C 00:00:00:00", "\ufffe\x00", "é/..\\"]))
def test_a_name_is_a_title_and_nothing_else(
    make_prediction: Callable, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    movie, folder = film(Fraction(25), [0, 50, 100], name), tmp_path_factory.mktemp("named")
    answer = make_prediction(movie)
    for ending, options in (("otio", {}), ("edl", {"rate": 25})):
        path = export(movie, answer, folder / f"film.{ending}")
        timeline = opentimelineio.adapters.read_from_file(str(path), **options)
        assert ranges(timeline) == wanted([0, 50, 100])
        assert (timeline.name or "").strip() == plain(name)
    root = ElementTree.parse(export(movie, answer, folder / "film.fcpxml")).getroot()
    assert [project.attrib["name"] for project in root.iter("project")] == [plain(name)]
    assert len(list(root.iter("asset-clip"))) == 2


def test_the_film_on_disk_is_referred_to(make_movie: Callable, make_prediction: Callable, tmp_path: Path) -> None:
    class OnDisk(type(make_movie().frames)):  # type: ignore[misc]
        path = tmp_path / "my film & more.mp4"

    movie = make_movie()
    movie = replace(movie, frames=OnDisk(movie.frames.scenes))
    timeline = opentimelineio.adapters.read_from_file(
        str(export(movie, make_prediction(movie), tmp_path / "film.otio"))
    )
    urls = {clip.media_reference.target_url for clip in timeline.find_clips()}
    assert urls == {OnDisk.path.as_uri()}
    root = ElementTree.parse(export(movie, make_prediction(movie), tmp_path / "film.fcpxml")).getroot()
    (asset,) = root.iter("asset")
    assert asset.attrib["src"] == OnDisk.path.as_uri()
    (shape,) = root.iter("format")
    assert (shape.attrib["width"], shape.attrib["height"]) == ("160", "90")


def test_what_a_format_cannot_hold_is_one_clear_line(
    make_movie: Callable, make_prediction: Callable, tmp_path: Path
) -> None:
    variable = replace(make_movie(), frame_rate=None)
    for ending in ("edl", "otio", "fcpxml"):
        with pytest.raises(ScenevizError, match="needs a constant frame rate, and 'plain' has none"):
            export(variable, make_prediction(variable), tmp_path / f"film.{ending}")
    odd = film(Fraction(25, 2))
    with pytest.raises(ScenevizError, match=r"timecode, which exists at 23.976, 24, .* frames/s, not 12.5"):
        export(odd, make_prediction(odd), tmp_path / "film.edl")
    many = film(Fraction(25), list(range(1001)))
    with pytest.raises(ScenevizError, match="holds 999 events, got 1000 scenes"):
        export(many, make_prediction(many), tmp_path / "film.edl")
    assert not list(tmp_path.iterdir())
    assert export(odd, make_prediction(odd), tmp_path / "film.otio").exists()


def test_rounded_rates_are_the_exact_ones() -> None:
    for text, rate in (("23.976", NTSC[0]), ("23.98", NTSC[0]), ("29.97", NTSC[1]), ("59.94", NTSC[2]), ("24", 24)):
        assert exact_rate(Fraction(text)) == rate
    assert exact_rate(Fraction("12.5")) == Fraction(25, 2)


@given(
    rate=st.sampled_from([*STANDARD, Fraction(25, 2), Fraction(15)]),
    lengths=st.lists(st.integers(5, 400), min_size=30, max_size=60),
    unit=st.sampled_from([1e-6, 1e-3]),
    offset=st.floats(0, 2),
)
def test_the_rate_is_read_off_the_times(rate: Fraction, lengths: list[int], unit: float, offset: float) -> None:
    """Also where a container rounds them to milliseconds."""
    edges = [0]
    for length in lengths:
        edges.append(edges[-1] + length)
    times = [round((float(edge / rate) + offset) / unit) * unit for edge in edges]
    rows = enumerate(zip(edges, edges[1:], times, times[1:], strict=False))
    assert frame_rate_of([Shot(k, *row) for k, row in rows]) == rate


def test_a_variable_rate_is_none() -> None:
    assert frame_rate_of([Shot(0, 0, 100, 0.0, 4.0), Shot(1, 100, 200, 4.0, 12.0)]) is None
