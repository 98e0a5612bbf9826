"""Some hundred bad and rare files: each gives a result or one clear line, in bounded time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from badfiles import bent_text, clip, flipped, huge_subtitles, subtitles, videos
from parsers import Parser, parsers, survives

import sceneviz as sv
from sceneviz._text import ScenevizError
from sceneviz.reading.subtitles import read_cues

SECONDS, MEGABYTES = 10.0, 1500  # a file may take, of a processor and at most, however bad
BUDGET_S = 600  # for all
FORMATS = "shots characters labels starts scenes bassl splits metadata cast prediction attribution attention folder"
SEEDS = range(12)


def read_apart(paths: list[Path], good: Path) -> list[dict]:
    """What `reader.py` makes of them, in a process of its own."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("reader.py")), str(good)],
        input="".join(f"{path}\n" for path in paths),
        capture_output=True,
        text=True,
        timeout=BUDGET_S,
        env={"PYTHONPATH": str(Path(sv.__file__).parents[1]), "OMP_NUM_THREADS": "1"},
        check=False,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["file"] for each in found] == [path.name for path in paths], done.stderr[-1000:]
    assert done.returncode == 0, done.stderr[-1000:]
    return found


def check(found: list[dict]) -> None:
    """A result, or one line; never a traceback, and soon."""
    assert [each for each in found if "trace" in each] == []
    assert [each for each in found if len(each.get("line", "x").splitlines()) != 1] == []
    assert [each for each in found if any(len(told.splitlines()) != 1 for told in each["warnings"])] == []
    assert [each for each in found if each["seconds"] > SECONDS] == []
    assert max(each["megabytes"] for each in found) < MEGABYTES


@pytest.mark.slow
def test_every_bad_film_and_subtitle_is_read_or_told(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    paths = [*videos(tmp_path), *subtitles(tmp_path / "texts")]
    assert len(paths) >= 300
    found = read_apart(paths, tmp_path / "whole.mp4")
    check(found)
    by_name = {each["file"]: each for each in found}
    for name in ("whole.mp4", "whole.mkv", "twice.mkv", "dense.mkv", "pause.mp4", "negative.mkv", "8k.mkv", "one.mp4"):
        assert by_name[name].get("frames"), by_name[name]
    assert all("line" in each for name, each in by_name.items() if name.startswith("none-"))
    nine = [each for name, each in by_name.items() if name.endswith(".vtt")]
    assert len(nine) == 9
    assert all(each.get("said") == 2 for each in nine), nine
    told = sum("line" in each for each in found)
    print(f"{len(found)} files: {told} refused in a line, {len(found) - told} read")


@pytest.mark.parametrize("name", ["cut", "flipped", "none", "picture", "page"])
def test_some_bad_films(name: str, tmp_path: Path) -> None:
    whole = clip(tmp_path / "whole.mkv")
    data = whole.read_bytes()
    bad = {
        "cut": data[: len(data) // 2],
        "flipped": flipped(data, 3, 3),
        "none": b"no film" * 100,
        "picture": picture_file(),
        "page": b"<html>Not Found</html>",
    }[name]
    (tmp_path / "bad.mp4").write_bytes(bad)
    if name in ("none", "picture", "page"):
        with pytest.raises(ScenevizError, match="got a picture" if name == "picture" else "got one that is none"):
            sv.read_movie(tmp_path / "bad.mp4", shots="pyscenedetect")
        return
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        movie = sv.read_movie(tmp_path / "bad.mp4", shots="pyscenedetect")
    assert any("cut" in str(each.message) for each in told) == (name == "cut")
    assert movie.frames is not None
    assert all(frames.shape == (3, 28, 28, 3) for frames in movie.frames.read(movie.shots, 3, (28, 28)))


def picture_file() -> bytes:
    """A PNG of one frame."""
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    return buffer.getvalue()


def test_subtitles_of_fifty_megabytes_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ScenevizError, match="got a file of 50 MB"):
        read_cues(huge_subtitles(tmp_path / "huge.srt"))


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Parser]:
    """All parsers."""
    return parsers(tmp_path_factory.mktemp("made"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FORMATS.split())
def test_every_annotation_format_bent(name: str, every: dict[str, Parser], tmp_path: Path) -> None:
    parser = every[name]
    refused = 0
    for file, good in parser.good.items():
        for seed in SEEDS:
            (tmp_path / file).write_bytes(bent_text(good, seed))
            refused += survives(parser, tmp_path / file) != ""
    assert refused  # most are no longer what they were


def test_a_shot_that_says_too_much_is_told(make_talk: Callable[[int], object]) -> None:
    with pytest.raises(ScenevizError, match=r"shots 0 to 11 make [\d,]+ tokens, and 'random' reads 8,192 at once"):
        make_talk(200_000)
    make_talk(10)


@pytest.fixture
def make_talk() -> Callable[[int], object]:
    """`make_talk(n)`: predict a movie in one of whose shots n words are said."""
    from dataclasses import replace

    from small import noise_movie, random_model

    def predict(words: int) -> object:
        movie = noise_movie(12)
        shots = [replace(shot, subtitle="river " * words if shot.index == 3 else "") for shot in movie.shots]
        return sv.predict(replace(movie, shots=tuple(shots)), random_model(), progress=False)

    return predict
