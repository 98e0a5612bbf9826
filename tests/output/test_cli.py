"""The command line: its files, its words, and one clear line for whatever goes wrong."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest

import sceneviz as sv
from sceneviz import cli
from sceneviz._text import ScenevizError

FILES = {"resume", "scenes.csv", "shots.csv", "prediction.json", "chapters.txt", "timeline.png", "timeline.figure.json"}


@dataclass
class FakeModel:
    """What the command line sees of a model."""

    name: str = "a fake"
    embedded: bool = False


@pytest.fixture
def calls(make_movie: Callable, make_prediction: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict:
    """The functions of the package, scripted; what they were called with."""
    seen: dict[str, tuple] = {}
    movie = make_movie(name="a <b>film</b> of $5")

    def read_movie(*args: object, **options: object) -> sv.Movie:
        seen["read_movie"] = (args, options)
        return movie

    def load_model(name: str, **options: object) -> FakeModel:
        seen["load_model"] = (name, options)
        return FakeModel(name, embedded=name == "tiny")

    def predict(shown: sv.Movie, model: FakeModel, **options: object) -> sv.Prediction:
        seen["predict"] = (shown, options)
        confidence = [0.1, 0.2, 0.9, 0.0, 0.8, 0.0, 0.0, 0.0, 0.0, 0.4, 0.0]
        return make_prediction(shown, confidence, model_name=model.name, embedded=model.embedded)

    for function in (read_movie, load_model, predict):
        monkeypatch.setitem(vars(sv), function.__name__, function)
    monkeypatch.delenv("SCENEVIZ_DEBUG", raising=False)
    monkeypatch.chdir(tmp_path)
    return seen


def test_segment_writes_every_file(calls: dict, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["segment", "films/my film.mp4"]) == 0
    out = tmp_path / "my film.scenes"
    assert {path.name for path in out.iterdir()} == FILES
    assert pd.read_csv(out / "scenes.csv")["last_shot"].tolist() == [2, 4, 11]
    assert sv.Prediction.load(out / "prediction.json").model_name == "tiny"
    said, complaints = capsys.readouterr()
    assert not complaints
    assert "3 scenes at threshold 0.5" in said
    assert "no claim about the paper" in said
    assert "    1          3-4   0:00:06.000   0:00:10.000  0.800" in said
    assert "end of film" in said


def test_options_reach_the_functions(calls: dict, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = (
        "segment f.mp4 --shots s.csv --subtitles none --subtitle-shift -432.5 --characters c.json --model m --adapter a"
    )
    words += " --device cpu --dtype float32 --batch-size 3 --threshold 0.3 --out here"
    assert cli.main(words.split()) == 0
    assert calls["read_movie"] == (
        (Path("f.mp4"),),
        {"shots": "s.csv", "subtitles": False, "subtitle_shift_s": -432.5, "characters": Path("c.json")},
    )
    assert calls["load_model"] == ("m", {"adapter": "a", "device": "cpu", "dtype": "float32"})
    assert calls["predict"][1] == {"batch_size": 3, "resume": Path("here/resume")}
    assert pd.read_csv(tmp_path / "here" / "scenes.csv")["last_shot"].tolist() == [2, 4, 9, 11]
    assert "no claim about the paper" not in capsys.readouterr().out


def test_many_scenes_are_cut_short_on_the_screen(
    calls: dict, make_movie: Callable, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    movie = make_movie([1] * 100)
    monkeypatch.setitem(vars(sv), "read_movie", lambda *_, **__: movie)
    monkeypatch.setitem(vars(sv), "predict", lambda *_, **__: _certain(movie))
    assert cli.main(["segment", "f.mp4"]) == 0
    assert "... and 60 more, in scenes.csv" in capsys.readouterr().out


def _certain(movie: sv.Movie) -> sv.Prediction:
    from sceneviz.baselines import constant

    return constant(movie)


def test_demo_of_a_film_is_segment(calls: dict, tmp_path: Path) -> None:
    assert cli.main(["demo", "--movie", "film.mp4"]) == 0
    assert {path.name for path in (tmp_path / "demo").iterdir()} == FILES
    assert calls["read_movie"][1] == {
        "shots": "auto",
        "subtitles": "auto",
        "subtitle_shift_s": 0.0,
        "characters": None,
    }


def test_demo_renders_segments_and_scores(
    calls: dict, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sceneviz import synthetic

    movie = sv.read_movie("the fake one")
    monkeypatch.setitem(vars(sv), "render_movie", lambda seed: replace(movie, name=f"rendered-{seed}"))
    monkeypatch.setattr(synthetic, "write_movie", lambda made, folder: folder / f"{made.name}.mp4")
    assert cli.main(["demo", "--out", "here"]) == 0
    stem = str(Path("here/movie/rendered-9000001"))
    assert [str(path) for path in (calls["read_movie"][0][0], calls["read_movie"][1]["shots"])] == [
        f"{stem}.mp4",
        f"{stem}.shots.txt",
    ]
    scores = pd.read_csv(tmp_path / "here" / "scores.csv")
    assert scores["model"].unique().tolist() == ["tiny (embedded)", "colour histogram", "constant"]
    assert scores.loc[scores["measure"] == "F1@val", "model"].tolist() == ["tiny (embedded)"]
    assert (scores["preset"] == "bassl").all()
    said = capsys.readouterr().out
    assert "prevalence" in said
    assert "colour histogram" in said


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (ScenevizError("expected a film,\ngot a song"), 2, "expected a film, got a song"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "x.mp4"), 2, "No such file or directory: x.mp4"),
        (
            OSError(errno.ENOSPC, "No space left on device", "out/shots.csv"),
            2,
            "No space left on device: out/shots.csv",
        ),
        (KeyboardInterrupt(), 130, "interrupted"),
        (RuntimeError("a \x1b[31mbug"), 1, "unexpected RuntimeError: a [31mbug; SCENEVIZ_DEBUG=1"),
    ],
)
def test_whatever_goes_wrong_is_one_line(
    error: BaseException,
    status: int,
    line: str,
    calls: dict,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setitem(vars(sv), "predict", fail)
    assert cli.main(["segment", "film.mp4"]) == status
    said = capsys.readouterr().err
    assert said.startswith(f"sceneviz: {line}")
    assert said.count("\n") == 1
    monkeypatch.setenv("SCENEVIZ_DEBUG", "1")
    with pytest.raises(type(error)):
        cli.main(["segment", "film.mp4"])


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("", "required: COMMAND"),
        ("segmnt", "choose from"),
        ("segment", "required: MOVIE"),
        ("segment f.mp4 --threshold 2", "expected a number from 0 to 1, got '2'"),
        ("segment f.mp4 --threshold nan", "expected a number from 0 to 1, got 'nan'"),
        ("segment f.mp4 --batch-size 0", "expected auto or a number from 1 up, got '0'"),
        ("--colour segment f.mp4", "unrecognized arguments: --colour; `sceneviz --help` tells more"),
        ("segment f.mp4 --colour", "unrecognized arguments: --colour; `sceneviz segment --help` tells more"),
        ("demo --colour", "unrecognized arguments: --colour; `sceneviz demo --help` tells more"),
        ("export p.json --out f.edl --colour", "--colour; `sceneviz export --help` tells more"),
        ("figures here there", "unrecognized arguments: there; `sceneviz figures --help` tells more"),
        ("render 3 --colour x", "unrecognized arguments: --colour x; `sceneviz render --help` tells more"),
        ("train synthetic --out o --colour", "--colour; `sceneviz train --help` tells more"),
        ("export-set synthetic --out o --colour", "--colour; `sceneviz export-set --help` tells more"),
        ("render many", "invalid int value: 'many'"),
    ],
)
def test_wrong_words_are_one_line(words: str, line: str, calls: dict, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words.split()) == 2
    said = capsys.readouterr().err
    assert line in said
    assert said.count("\n") == 1
    assert "read_movie" not in calls


def test_a_saved_prediction_is_exported(calls: dict, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["segment", "film.mp4", "--out", "here"]) == 0
    capsys.readouterr()
    assert cli.main("export here/prediction.json --out cut/film.edl --threshold 0.3".split()) == 0
    assert capsys.readouterr() == (f"{Path('cut/film.edl')}\n", "")
    assert (tmp_path / "cut" / "film.edl").read_text().count("FROM CLIP NAME") == 4
    assert cli.main("export here/prediction.json --out film.mp3".split()) == 2
    assert "the file's name must end in scenes.csv" in capsys.readouterr().err
    assert cli.main("export here/scenes.csv --out film.edl".split()) == 2
    assert "expected JSON written by Prediction.save" in capsys.readouterr().err


def test_a_film_that_cannot_be_read_leaves_nothing_behind(
    calls: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_movie(*_: object, **__: object) -> None:
        raise ScenevizError("no such file")

    monkeypatch.setitem(vars(sv), "read_movie", read_movie)
    assert cli.main(["segment", "film.mp4"]) == 2
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_way_of_the_folder(calls: dict, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "here").write_text("mine")
    assert cli.main(["segment", "film.mp4", "--out", "here"]) == 2
    assert capsys.readouterr().err == "sceneviz: --out must be a folder, here is a file\n"
    assert (tmp_path / "here").read_text() == "mine"


@pytest.mark.filterwarnings("default")
def test_warnings_are_one_line_and_settings_stay(
    calls: dict, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], make_movie: Callable
) -> None:
    def read_movie(*_: object, **__: object) -> sv.Movie:
        warnings.warn("3 cues lie\noutside the film", stacklevel=2)
        return make_movie(name="\N{GRINNING FACE} film")

    monkeypatch.setitem(vars(sv), "read_movie", read_movie)
    before = warnings.showwarning
    assert cli.main(["segment", "film.mp4"]) == 0
    assert capsys.readouterr().err == "sceneviz: warning: 3 cues lie outside the film\n"
    assert warnings.showwarning is before


def test_help_is_quick_and_loads_nothing_heavy() -> None:
    code = "import sys; from sceneviz.cli import main\ntry: main(['segment', '--help'])\nexcept SystemExit: pass\n"
    code += "print(sorted({'torch', 'transformers', 'pandas', 'matplotlib', 'av', 'cv2'} & set(sys.modules)))"
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
    assert "--subtitle-shift S" in done.stdout
    assert time.perf_counter() - started < 5  # about 0.3 s on an idle machine


def test_a_closed_pipe_is_no_error() -> None:
    code = "import sys; from sceneviz import cli\n"
    code += "cli.render.run = lambda _: [print('x' * 80) for _ in range(100_000)]\n"
    code += "sys.exit(cli.main(['render', '1']))"
    command = f'"{sys.executable}" -c "$CODE" | head -n 1'
    done = subprocess.run(
        ["bash", "-c", command], env={**os.environ, "CODE": code}, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
