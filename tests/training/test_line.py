"""The command line of training, on a folder of files: what it leaves, and one clear line for whatever is wrong."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from small import random_model

import sceneviz as sv
from sceneviz.cli import main
from sceneviz.training.loop import save_model

SHOTS = 12
SETTINGS = (
    "--frame-rate 25 --device cpu --preset plain --steps 2 --batch-size 2 --warmup 0 --keep nothing "
    "--context 6 --focus 4 --frames-per-shot 1 --frame-size 56,84"
).split()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    save_model(random_model(1.0), folder)
    return folder


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Three labelled movies of which only the cast is known, two of them to train on."""
    folder = tmp_path / "films"
    folder.mkdir()
    for name in ("one", "two", "three"):
        cast = [{"shot": shot, "characters": ["Ann" if shot % 8 < 4 else "Bob"]} for shot in range(SHOTS)]
        (folder / f"{name}.characters.json").write_text(json.dumps(cast))
        (folder / f"{name}.shots.txt").write_text("".join(f"{10 * i} {10 * i + 9}\n" for i in range(SHOTS)))
        (folder / f"{name}.label.txt").write_text("".join(f"{i:04d} {int(i % 4 == 3)}\n" for i in range(SHOTS - 1)))
    (folder / "split.json").write_text(json.dumps({"train": ["one", "two"], "val": ["three"], "test": []}))
    return folder


def lines(text: str) -> list[str]:
    """What was said in lines of our own; bars of the libraries stand on others."""
    return [line[line.index("sceneviz: ") :] for line in text.splitlines() if "sceneviz: " in line]


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("two.mp4", "no film", "expected a video file"),
        ("two.label.txt", "0000 maybe\n", "two.label.txt, line 1: expected `shot label`"),
    ],
)
def test_one_bad_movie_is_told_and_the_others_train(
    file: str, content: str, said: str, base: Path, films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (films / file).write_text(content)
    out = tmp_path / "out"
    assert main(["train", str(films), "--model", str(base), "--out", str(out), *SETTINGS]) == 0
    told = capsys.readouterr()
    found = [line for line in lines(told.err) if "left out" in line]
    assert len(found) == 1
    assert "1 of 2 movies cannot be read and are left out: two" in found[0]
    assert said in found[0]
    assert "\nmovies   1 movie: 2 steps of 2 windows" in f"\n{told.out}"
    assert f"trained: {out}" in told.out
    looks = json.loads((out / "validation.json").read_text())
    assert sv.load_model(str(out), device="cpu").threshold == max(looks, key=lambda look: look["ap"])["threshold"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--max-tokens", "100"], "14 windows would not fit into 100 tokens: shots 0 to 5 of 'one' take"),
        (["--split", "train", "--root", "nowhere"], "nowhere"),
        (["--split", "tran"], "did you mean 'train'?"),
        (["--batch-size", "3", "--at-once", "2"], "batch_size must be a multiple of 1 devices times at_once"),
        (["--frame-size", "50,84"], "use (56, 84)"),
        (["--no-characters", "--no-subtitles"], "'one' has no frames, and the recipe shows nothing else"),
    ],
)
def test_what_cannot_be_trained_is_one_line(
    words: list[str], said: str, base: Path, films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["train", str(films), "--model", str(base), "--out", str(tmp_path / "out"), *SETTINGS, *words]
    assert main(given) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("sceneviz: ")
    assert said in line
    assert not (tmp_path / "out").exists()


def test_a_movie_without_labels_is_named(
    base: Path, films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (films / "two.label.txt").unlink()
    for verb in (
        ["train", str(films), "--model", str(base), *SETTINGS],
        ["export-set", str(films), "--frame-rate", "25"],
    ):
        assert main([*verb, "--out", str(tmp_path / "out")]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "'two' has no labels" in line


@pytest.mark.parametrize(("format", "file"), [("ms-swift", "sceneviz.jsonl"), ("llava", "sceneviz.json")])
def test_a_set_for_another_trainer_is_one_line_too(
    format: str, file: str, films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = f"export-set {films} --frame-rate 25 --out {tmp_path / 'set'} --context 6 --focus 4".split()
    assert main([*words, "--format", format, "--family", "qwen3_vl", "--movies", "1"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'set' / file}\n"
    text = (tmp_path / "set" / file).read_text()
    assert len(re.findall(r"Shot \d\d: (?:Yes|No)", text)) == SHOTS - 1
    assert "You are a helpful assistant" not in text  # Qwen3-VL's chats begin without
    shutil.rmtree(tmp_path / "set")
    assert main([*words, "--format", format, "--split", "val"]) == 0
    assert ("You are a helpful assistant" in (tmp_path / "set" / file).read_text()) == (format == "ms-swift")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "lava"], "did you mean 'llava'?"),
        (["--family", "qwen"], "supported: qwen2_5_vl, qwen3_vl"),
        (["--split", "test"], "no movies to make a training set of"),
        (["--context", "4"], "expected 1 <= focus <= context <= 100"),
        (["--no-characters", "--no-subtitles"], "has no frames, and the recipe shows nothing else"),
        (["--seed", "x"], "invalid int value: 'x'"),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    words: list[str], said: str, films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export-set", str(films), "--frame-rate", "25", "--out", str(tmp_path / "set"), *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert not (tmp_path / "set").exists()
