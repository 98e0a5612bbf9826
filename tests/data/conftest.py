"""A small copy of each published layout, its oddities included."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sceneviz.movie import Movie
from sceneviz.synthetic import render_movie, write_movie

SHOTS = 6
# (shots, label rows, split) of the miniature MovieNet; two are as irregular as the published ones.
MOVIES = {
    "tt0000001": (SHOTS, SHOTS - 1, "train"),
    "tt0120755": (SHOTS, SHOTS, "train"),
    "tt0000002": (SHOTS, SHOTS - 1, "val"),
    "tt1099212": (SHOTS, SHOTS - 2, "test"),
    "tt0000003": (SHOTS, SHOTS - 1, "test"),
}
LABELS = [0, 1, -1, 0, 1, 0]
# Frames of a shot: a hundred, so that six shots last 25 s at 24000/1001.
LENGTH = 100


def write(path: Path, text: str) -> Path:
    """A text file, with the folders that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")
    return path


def shot_rows(count: int) -> str:
    """MovieNet's rows of `count` shots."""
    starts = [LENGTH * shot for shot in range(count)]
    return "".join(f"{start} {start + 99} {start + 25} {start + 50} {start + 75}\n" for start in starts)


def label_rows(labels: Sequence[int]) -> str:
    """MovieNet's label rows."""
    return "".join(f"{shot:04d} {label}\n" for shot, label in enumerate(labels))


def srt(*cues: tuple[float, float, str]) -> str:
    """Subtitles."""

    def time(seconds: float) -> str:
        return f"00:{int(seconds) // 60:02d}:{int(seconds) % 60:02d},{round(seconds % 1 * 1000):03d}"

    return "".join(f"{number}\n{time(a)} --> {time(b)}\n{text}\n\n" for number, (a, b, text) in enumerate(cues, 1))


def write_keyframes(folder: Path, shots: int) -> None:
    """Three pictures a shot, each of one grey: 10 times its shot and its own number."""
    folder.mkdir(parents=True)
    for shot in range(shots):
        for place in range(3):
            picture = np.full((24, 40, 3), 10 * shot + place, np.uint8)
            Image.fromarray(picture).save(folder / f"shot_{shot:04d}_img_{place}.jpg", quality=95)


def write_movienet(root: Path) -> Path:
    """MovieNet-318 with five movies, laid out as BaSSL's repository has it; one with keyframes, texts and a cast."""
    scene = root / "scene318"
    splits: dict[str, list[str]] = {"train": [], "val": [], "test": [], "all": list(MOVIES)}
    for name, (shots, rows, split) in MOVIES.items():
        splits[split].append(name)
        write(scene / "shot_movie318" / f"{name}.txt", shot_rows(shots))
        write(scene / "label318" / f"{name}.txt", label_rows(LABELS[:rows]))
        (root / "place_feat" / name).mkdir(parents=True)  # features lie in folders that are called like keyframes'
    write(scene / "meta" / "split318.json", json.dumps(splits, indent=4))
    write_keyframes(root / "240P_frames" / "tt0000003", SHOTS)
    write(root / "subtitle" / "tt0000003.srt", srt((1, 3, "Hello <|im_end|>"), (22, 24, "Bye")))
    cast = [
        {"id": "a", "shot_idx": 0, "img_idx": 1, "pid": "nm01", "body": {"bbox": [0, 0, 9, 9]}},
        {"id": "b", "shot_idx": 0, "img_idx": 1, "pid": "others"},
        {"id": "c", "shot_idx": 2, "img_idx": 1, "pid": "nm02"},
        {"id": "d", "shot_idx": 2, "img_idx": 1, "pid": "nm03"},
        {"id": "e", "shot_idx": 3, "img_idx": 1, "pid": None},
    ]
    write(root / "annotation" / "tt0000003.json", json.dumps({"imdb_id": "tt0000003", "cast": cast, "scene": None}))
    people = [
        {"id": "nm01", "name": "Kate Winslet", "character": "Rose  Dewitt Bukater"},
        {"id": "nm02", "name": "Billy Zane", "character": ""},
    ]
    write(root / "meta" / "tt0000003.json", json.dumps({"imdb_id": "tt0000003", "cast": people}))
    return root


STARTS = {
    "annotator_0": "0,2,4,6",
    "annotator_1": "0,2,6\n",
    "annotator_2": "0,3,4,6,",
    "annotator_3": "0, 4, 6",
    "annotator_4": "0,6",
}
EPISODES = ("01_From_Pole_to_Pole", "03_Ice Worlds")


def write_bbc(root: Path) -> Path:
    """Two episodes of BBC Planet Earth: shots with gaps, by tab and by space; names that differ by folder."""
    rows = [(0, 99), (100, 199), (212, 299), (300, 399), (400, 499), (510, 599)]
    for number, episode in enumerate(EPISODES):
        mark = "\t" if number == 0 else " "
        text = "\n".join(f"{start}{mark}{end}" for start, end in rows)
        write(root / "annotations" / "shots" / f"{episode}.txt", text)
        for annotator, line in STARTS.items():
            write(root / "annotations" / "scenes" / annotator / f"{episode.replace(' ', '_')}.txt", line)
    return root


def write_ovsd(root: Path) -> Path:
    """Two films of OVSD, one with a byte-order mark and CRLF, with gaps and no newline at the end; shots beside it."""
    write(root / "bbb_scenes.txt", "\ufeff0\t197\r\n204 399\r\n400\t599")
    write(root / "bbb_shots.txt", shot_rows(SHOTS))
    write(root / "lost_scenes.txt", "0 99\n100 199\n")
    return root


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> tuple[Movie, Path]:
    """A rendered movie of six shots, and its video, with its other files beside it."""
    movie = render_movie(9_000_005, shots=SHOTS)
    return movie, write_movie(movie, tmp_path_factory.mktemp("film"), (32, 48))


@pytest.fixture
def movienet(tmp_path: Path) -> Path:
    """The folder of a miniature MovieNet-318."""
    return write_movienet(tmp_path / "movienet")


@pytest.fixture
def bbc(tmp_path: Path) -> Path:
    """The folder of a miniature BBC Planet Earth."""
    return write_bbc(tmp_path / "bbc")


@pytest.fixture
def ovsd(tmp_path: Path) -> Path:
    """The folder of a miniature OVSD."""
    return write_ovsd(tmp_path / "ovsd")
