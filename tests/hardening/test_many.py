"""Many movies: which are meant, what is done once, and that neither a bad movie nor a dead worker costs any."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from small import noise_movie, random_model

import sceneviz as sv
from sceneviz import cli, many
from sceneviz._text import ScenevizError
from sceneviz.lock import held
from sceneviz.many import Item, Settings, items_of, run, segment_all
from sceneviz.many.cluster import OnRay
from sceneviz.many.local import over_devices
from sceneviz.many.one import Worker
from sceneviz.movie import Movie
from sceneviz.synthetic import render_movie, write_movie
from sceneviz.training.loop import save_model

MOVIES = int(os.environ.get("SCENEVIZ_MOVIES", "6"))
LONG, SHORT = 40, 6  # shots


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small model with random weights, on disk."""
    folder = tmp_path_factory.mktemp("models") / "small"
    save_model(random_model(), folder)
    return str(folder)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Films are drawn from noise, except that "broken" is none; the names of those that were read."""
    seen: list[str] = []

    def read(worker: Worker, item: Item) -> Movie:
        seen.append(item.name)
        if item.name == "broken":
            raise ScenevizError("expected a video file, got one that is none")
        if item.name == "strange":
            raise ZeroDivisionError("division by\nzero")
        return noise_movie(12 + len(item.name))

    monkeypatch.setattr(Worker, "_read", read)
    return seen


def test_films_folders_and_lists(tmp_path: Path) -> None:
    films = tmp_path / "films"
    films.mkdir()
    for name in ("b.mkv", "a.mp4", "notes.md", "a.srt"):
        (films / name).touch()
    (tmp_path / "list.txt").write_text("# mine\nfilms/a.mp4\n\n/elsewhere/c.mov\n")
    assert [(item.name, item.source) for item in items_of([films])] == [("a", str(films)), ("b", str(films))]
    assert [(item.name, item.path) for item in items_of([tmp_path / "list.txt", "d.avi"])] == [
        ("a", str(tmp_path / "films" / "a.mp4")),
        ("c", "/elsewhere/c.mov"),
        ("d", "d.avi"),
    ]
    assert len(items_of([], data="synthetic", split="val")) == 64


@pytest.mark.parametrize(
    ("words", "options", "line"),
    [
        (["a.mp4", "x/A.mkv"], {}, "2 movies are called 'a'"),
        (["empty.txt"], {}, "expected the path of a film a line"),
        ([], {}, "no movie is named"),
        (["none.txt"], {}, "no such file for a list of movies"),
        (["a", "b"], {"data": "bbc"}, "the data set 'bbc' needs one folder, got 2"),
        (["."], {}, "expected videos"),
    ],
)
def test_words_that_name_no_movies(
    words: list[str], options: dict[str, str], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").write_text("# nothing\n")
    with pytest.raises(ScenevizError, match=re.escape(line)):
        items_of(words, **options)  # type: ignore[arg-type]


def test_a_bad_movie_stops_no_other(
    scripted: list[str], model_folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["segment", "a.mp4", "broken.mp4", "strange.mp4", "bb.mp4", "--model", model_folder, "--out", str(out)]
    assert cli.main([*words, "--device", "cpu"]) == 2
    said, complaint = capsys.readouterr()
    assert complaint == (
        "sceneviz: 2 of 4 movies failed: broken: expected a video file, got one that is none; "
        "strange: unexpected ZeroDivisionError: division by zero\n"
    )
    assert "a: 13 shots" in said
    table = pd.read_csv(out / "movies.csv", keep_default_na=False)
    assert table["movie"].tolist() == ["a", "broken", "strange", "bb"]
    assert (table["error"] != "").tolist() == [False, True, True, False]
    one = sv.Prediction.load(out / "bb" / "prediction.json")
    alone = sv.predict(noise_movie(14), sv.load_model(model_folder, device="cpu"), progress=False)
    assert one.to_json() == alone.to_json()

    made = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    scripted.clear()
    assert cli.main([*words, "--device", "cpu"]) == 2
    assert scripted == ["broken", "strange"]  # what is finished is not read again
    assert "a: 13 shots, " in (again := capsys.readouterr().out)
    assert again.count("found finished") == 2
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == made
    assert cli.main([*words, "--device", "cpu", "--threshold", "0.9"]) == 2
    assert scripted[-4:] == ["a", "broken", "strange", "bb"]  # another question is another answer


def test_a_movie_whose_files_changed_is_done_again(
    scripted: list[str], model_folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).touch()
    settings = Settings(out=str(tmp_path / "out"), model=model_folder)
    for text, expected in (("", ["a", "b"]), ("", []), ("new", ["b"]), ("new", [])):
        scripted.clear()
        if text and expected:
            (tmp_path / "b.srt").write_text(text)
        segment_all(items_of(["a.mp4", "b.mp4"]), settings, device="cpu")
        assert scripted == expected


def test_one_run_at_a_time(scripted: list[str], model_folder: str, tmp_path: Path) -> None:
    settings = Settings(out=str(tmp_path), model=model_folder)
    with held(tmp_path), pytest.raises(ScenevizError, match="another run is at work"):
        segment_all([Item("a", "a.mp4")], settings, device="cpu")
    with held(tmp_path / "a" / "resume"):  # somebody segments this one by hand
        table = segment_all([Item("a", "a.mp4"), Item("b", "b.mp4")], settings, device="cpu")
    assert table["error"].str.contains("another run is at work").tolist() == [True, False]


def test_a_model_that_is_none_is_one_line(tmp_path: Path) -> None:
    settings = Settings(out=str(tmp_path), model="./no-such-folder")
    with pytest.raises(ScenevizError, match="no model"):
        segment_all([Item("a", "a.mp4")], settings, device="cpu")
    on_ray = OnRay({**vars(settings), "reading": vars(many.Reading())}, "cpu")
    row = dict.fromkeys(("path", "source", "root"), "") | {"name": "a", "split": "all"}
    assert on_ray(row)["error"].startswith("no model './no-such-folder'")


def test_without_ray_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ScenevizError, match="pip install 'sceneviz"):
        segment_all([Item("a", "a.mp4")], Settings(out=str(tmp_path)), ray="local")


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rendered films, the first a long one; the last is broken."""
    folder = tmp_path_factory.mktemp("films")
    for number in range(MOVIES - 1):
        write_movie(render_movie(9_000_100 + number, SHORT if number else LONG), folder, size=(36, 64))
    (folder / "zz-broken.mp4").write_bytes(b"\x00\x00\x00 ftypisom" + b"no film" * 100)
    return folder


@pytest.fixture(scope="session")
def undisturbed(films: Path, model_folder: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one worker makes of them, in this process."""
    out = tmp_path_factory.mktemp("undisturbed")
    settings = Settings(out=str(out), model=model_folder, batch_size=1)
    table = segment_all(items_of([films]), settings, device="cpu")
    assert (table["error"] == "").sum() == MOVIES - 1
    return made(out)


def made(out: Path) -> dict[str, bytes]:
    """All files of results, by their path in the folder; what finished batches took in seconds is no result."""
    return {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file() and "resume" not in p.parts}


def kill_a_worker(out: Path, told: dict[Path, int], until: Callable[[], bool]) -> None:
    """Wait until a movie has a finished batch but isn't finished, and kill whoever is at work on it.

    told: gets the batches that were finished by then, and when each was written. Whoever holds a movie's lock is at
    work on it.
    """
    while not until():
        time.sleep(0.01)
        for lock in out.glob("*/resume/.lock"):
            movie = lock.parent.parent
            if (movie / "done.json").exists() or not list(movie.glob("resume/*/windows_*.json")):
                continue
            for process in Path("/proc").glob("[0-9]*"):
                if int(process.name) != os.getpid() and lock in opened(process):
                    os.kill(int(process.name), signal.SIGKILL)
                    told |= {path: path.stat().st_mtime_ns for path in out.glob("*/resume/*/windows_*.json")}
                    return


def opened(process: Path) -> set[Path]:
    """The files that a process has open."""
    found = set()
    try:
        for link in (process / "fd").iterdir():
            found.add(Path(os.readlink(link)))
    except OSError:
        pass
    return found


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="finds a worker's process in /proc")


@pytest.mark.slow
@needs_proc
def test_a_worker_of_this_machine_is_killed(
    films: Path, undisturbed: dict[str, bytes], model_folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_devices", lambda _: ["cpu", "cpu"])
    finished: dict[Path, int] = {}
    done = threading.Event()
    killer = threading.Thread(target=kill_a_worker, args=(tmp_path, finished, done.is_set))
    killer.start()
    settings = Settings(out=str(tmp_path), model=model_folder, batch_size=1)
    segment_all(items_of([films]), settings)
    done.set()
    killer.join()
    assert finished, "nobody was killed"
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert made(tmp_path) == undisturbed


@pytest.mark.slow
def test_a_model_that_is_none_ends_the_workers(tmp_path: Path) -> None:
    with pytest.raises(ScenevizError, match="no model"):
        list(over_devices([Item("a", "a.mp4")] * 3, Settings(out=str(tmp_path), model="./none"), ["cpu", "cpu"]))


@pytest.mark.slow
@needs_proc
def test_a_worker_of_a_ray_cluster_is_killed(
    films: Path, undisturbed: dict[str, bytes], model_folder: str, tmp_path: Path
) -> None:
    pytest.importorskip("ray", reason="needs the extra sceneviz[ray]")
    words = ["segment", str(films), "--model", model_folder, "--batch-size", "1", "--out", str(tmp_path)]
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(sv.__file__).parents[1]),
        "RAY_raylet_start_wait_time_s": "600",  # where many share a processor
        "RAY_worker_niceness": "0",
    }
    finished: dict[Path, int] = {}
    command = [sys.executable, "-m", "sceneviz", *words, "--ray", "local", "--workers", "2"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as driver:
        kill_a_worker(tmp_path, finished, lambda: driver.poll() is not None)
        said, complaint = driver.communicate()
    assert finished, f"nobody was killed: {complaint}"
    assert driver.returncode == 2, complaint
    assert complaint.splitlines()[-1].startswith(f"sceneviz: 1 of {MOVIES} movies failed: zz-broken: ")
    assert said.count("shots, ") == MOVIES - 1
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert made(tmp_path) == undisturbed
