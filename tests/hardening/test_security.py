"""What comes with data stays data: no code of a checkpoint runs, no weights are unpickled, nothing is fetched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from small import random_model

import sceneviz as sv
from sceneviz._text import ScenevizError
from sceneviz.training.loop import save_model

LINE = """
import socket, sys, warnings
warnings.simplefilter("ignore")
tried = []
def refuse(*args, **options):
    tried.append(repr(args[:2]))
    raise OSError("no network in this test")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from pathlib import Path
import sceneviz as sv
from sceneviz.cli import main
from sceneviz.synthetic import render_movie, write_movie
out = Path(sys.argv[1])
film = write_movie(render_movie(9_000_003, 8), out, size=(36, 64))
assert main(["segment", str(film), "--out", str(out / "scenes"), "--device", "cpu"]) == 0
movie, model = sv.read_movie(film), sv.load_model(device="cpu")
sv.attend(movie, model, sv.predict(movie, model, progress=False))
print("tried", tried, flush=True)
assert main(["segment", str(film), "--model", "nobody/nothing", "--out", str(out / "other")]) == 2
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "small"
    save_model(random_model(), folder)
    return folder


def test_pickled_weights_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(checkpoint, folder)
    (folder / "model.safetensors").unlink()

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return (os.mkdir, (str(tmp_path / "hacked"),))

    torch.save({"weights": Evil()}, folder / "pytorch_model.bin")
    with pytest.raises(ScenevizError) as caught:
        sv.load_model(str(folder), device="cpu")
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "hacked").exists()


def test_code_that_comes_with_a_model_is_not_run(checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "custom"
    shutil.copytree(checkpoint, folder)
    (folder / "evil.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'hacked')!r})\nclass Evil: pass\n")
    for name in ("config.json", "tokenizer_config.json"):
        data = json.loads((folder / name).read_text())
        data["auto_map"] = {"AutoConfig": "evil.Evil", "AutoModel": "evil.Evil", "AutoTokenizer": ["evil.Evil", None]}
        (folder / name).write_text(json.dumps(data))
    sv.load_model(str(folder), device="cpu")  # the known classes serve
    config = json.loads((folder / "config.json").read_text()) | {"model_type": "evil"}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ScenevizError):
        sv.load_model(str(folder), device="cpu")
    assert not (tmp_path / "hacked").exists()


@pytest.mark.slow
def test_nothing_is_fetched_unless_asked(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    environment |= {"PYTHONPATH": str(Path(sv.__file__).parents[1]), "HF_HOME": str(tmp_path / "hub")}
    done = subprocess.run(
        [sys.executable, "-c", LINE, str(tmp_path)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "\ntried []\n" in done.stdout
    assert done.stderr.strip().splitlines()[-1].startswith("sceneviz: model 'nobody/nothing' is not on this machine")
