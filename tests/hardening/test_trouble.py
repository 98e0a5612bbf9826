"""A full disk, a folder that may not be written, a second run on the same folder: one clear line, nothing spoiled."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small import noise_movie, random_model

import sceneviz as sv
from sceneviz import cli
from sceneviz._text import ScenevizError, write_whole
from sceneviz.ablation.sweep import sweep
from sceneviz.journal import Journal
from sceneviz.lock import Busy, held
from sceneviz.models import SceneModel
from sceneviz.movie import Movie
from sceneviz.training import TrainConfig, finetune, planning
from sceneviz.training.checkpoints import last_whole
from sceneviz.training.loop import open_store
from sceneviz.training.samples import TrainingWindows

SIZE = "256k"


@pytest.fixture(scope="module")
def model() -> SceneModel:
    return random_model(1.0)


@pytest.fixture(scope="module")
def movie() -> Movie:
    return noise_movie(24)


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """`full(3)`: the disk is full after three more files."""

    def after(files: int) -> None:
        left = [files]
        write = Path.write_bytes

        def limited(path: Path, data: bytes) -> int:
            left[0] -= 1
            if left[0] < 0:
                write(path, data[: len(data) // 2])  # as much as fits
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(path, data)

        monkeypatch.setattr(Path, "write_bytes", limited)

    return after


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 256 kB, where one may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if os.name != "posix" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system is not allowed here; the scripted disk is tested")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def test_a_full_disk_stops_a_run_that_goes_on_later(
    full: Callable[[int], None], movie: Movie, model: SceneModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sv.predict(movie, model, batch_size=1, progress=False)
    full(2)  # the plan and one batch
    with pytest.raises(OSError, match="No space left") as caught:
        sv.predict(movie, model, batch_size=1, resume=tmp_path, progress=False)
    assert str(tmp_path) in str(caught.value.filename)
    monkeypatch.undo()
    assert not list(tmp_path.rglob("*.part"))
    again = sv.predict(movie, model, batch_size=1, resume=tmp_path, progress=False)
    assert again.to_json() == whole.to_json()


def test_a_disk_that_is_really_full(tiny_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = tiny_disk / "prediction.json"
    write_whole(saved, "x" * 1000)
    with pytest.raises(OSError, match="No space left") as caught:
        write_whole(saved, "y" * 1_000_000)
    assert caught.value.filename == str(saved)
    assert [path.name for path in tiny_disk.iterdir()] == ["prediction.json"]
    assert saved.read_text() == "x" * 1000
    assert cli.main(["render", "9000000", "--out", str(tiny_disk)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "No space left on device" in said


@pytest.mark.parametrize("lora", [0, 8], ids=["weights", "optimiser of an adapter"])
def test_a_training_whose_disk_gets_full_names_it_and_is_undone(
    lora: int, movie: Movie, tiny_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "_refuse_full", lambda *_: None)  # as if others filled it after the beginning
    model, out = random_model(), tiny_disk / "out"
    movie = replace(movie, frames=None, labels=(np.arange(len(movie)) % 5 == 4).astype(np.int8))
    before = {name: weight.clone() for name, weight in model.module.state_dict().items()}
    with pytest.raises(OSError, match="No space left") as caught:
        finetune([movie], model, TrainConfig(steps=1, batch_size=1, lora=lora), out=out)
    assert caught.value.filename == str(out)
    found = model.module.state_dict()
    assert found.keys() == before.keys()
    assert all(torch.equal(weight, found[name]) for name, weight in before.items())
    assert last_whole(out / "checkpoints") is None


@pytest.mark.parametrize("frozen", [False, True], ids=["frames", "features"])
def test_frames_that_find_no_place_name_the_disk(
    frozen: bool, movie: Movie, model: SceneModel, tiny_disk: Path
) -> None:
    labelled = replace(movie, labels=np.zeros(len(movie), np.int8))
    windows = TrainingWindows([labelled], model.recipe, TrainConfig(freeze_vision=frozen))
    (tiny_disk / "others").write_bytes(bytes(200_000))
    with pytest.raises(OSError, match="No space left") as caught:
        open_store(model, windows, tiny_disk / "frames")
    assert caught.value.filename == str(tiny_disk / "frames")


@pytest.mark.parametrize("place", ["film.scenes", "film.scenes/resume"])
def test_a_file_where_a_folder_belongs(
    place: str, calls: dict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("mine")
    assert cli.main(["segment", "film.mp4"]) == 2
    said = capsys.readouterr().err
    assert "folder" in said
    assert said.count("\n") == 1
    assert (tmp_path / place).read_text() == "mine"


def test_a_folder_that_may_not_be_written(calls: dict, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o500)
    immutable = os.geteuid() == 0  # root writes where it likes, unless the file system forbids it
    if immutable and subprocess.run(["chattr", "+i", str(closed)], capture_output=True, check=False).returncode:
        pytest.skip("root may write anywhere here")
    try:
        assert cli.main(["segment", "film.mp4", "--out", str(closed / "out")]) == 2
    finally:
        if immutable:
            subprocess.run(["chattr", "-i", str(closed)], check=False)
        closed.chmod(0o700)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "not permitted" in said or "denied" in said
    assert str(closed / "out") in said
    assert not list(closed.iterdir())


def test_a_second_run_on_a_folder_is_refused(movie: Movie, model: SceneModel, tmp_path: Path) -> None:
    recipe = replace(model.recipe, subtitles=False)
    sv.predict(movie, model, resume=tmp_path, progress=False)
    (key,) = (path.name for path in tmp_path.iterdir())
    first = Journal.open(tmp_path, key, 1)
    with pytest.raises(Busy, match=r"another run is at work on .*: wait until it ends, or give each its own folder"):
        sv.predict(movie, model, resume=tmp_path, progress=False)
    from sceneviz.ablation.conditions import conditions_of

    with pytest.raises(Busy):  # not left out as a bad movie
        sweep([movie], {"": model}, conditions_of({"": model}, {"same": model.recipe}), labelled=False, resume=tmp_path)
    with pytest.warns(UserWarning, match="not the recipe"):  # another condition is another run
        sv.predict(movie, model, recipe, resume=tmp_path, progress=False)
    first.close()
    sv.predict(movie, model, resume=tmp_path, progress=False)


def test_a_second_segment_is_refused_until_the_first_is_dead(
    calls: dict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "import sys, time; from pathlib import Path; from sceneviz.lock import held\n"
    code += "with held(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    command = [sys.executable, "-c", code, str(tmp_path / "out" / "resume")]
    environment = {**os.environ, "PYTHONPATH": str(Path(sv.__file__).parents[1])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert cli.main(["segment", "film.mp4", "--out", "out"]) == 2
        said = capsys.readouterr().err
        assert said.startswith("sceneviz: another run is at work on out/resume")
        assert said.count("\n") == 1
        assert {path.name for path in (tmp_path / "out").iterdir()} == {"resume"}
        other.kill()
    assert cli.main(["segment", "film.mp4", "--out", "out"]) == 0


def test_a_lock_is_let_go_when_the_block_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), held(tmp_path):
        raise ZeroDivisionError
    with held(tmp_path), pytest.raises(Busy), held(tmp_path):
        pass


@pytest.mark.parametrize("content", ["", "{", "[]", '{"windows": [[[0.5, "x"]]]}', '{"windows": 3}', "[" * 100_000])
def test_a_damaged_batch_is_named(content: str, tmp_path: Path) -> None:
    Journal.open(tmp_path, "key", 1).close()
    (tmp_path / "key" / "windows_000000.json").write_text(content)
    journal = Journal.open(tmp_path, "key", 1)
    with pytest.raises(ScenevizError, match=r"windows_000000.json: damaged \(.*\); delete it") as caught:
        journal.load(0, 1)
    assert len(str(caught.value).splitlines()) == 1


def test_a_checkpoint_that_was_cut_off_is_passed_over(tmp_path: Path) -> None:
    assert last_whole(tmp_path / "none") is None
    for step, state in ((2, '{"global_step": 2}'), (10, '{"global_step": 10}'), (12, '{"global_st'), (14, None)):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        if state is not None:
            (folder / "trainer_state.json").write_text(state)
    (tmp_path / "checkpoint-x").mkdir()
    assert last_whole(tmp_path) == str(tmp_path / "checkpoint-10")
