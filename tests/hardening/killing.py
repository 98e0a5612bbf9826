"""Kill a command with -9 at random moments, start it again until it is done, and compare with an undisturbed run.

    python tests/hardening/killing.py segment 50 0 /some/folder

kills `sceneviz segment` 50 times, by the seed 0; `JOBS` names what else can be killed. Each run is a fork of a process
that has its libraries loaded already, so that the moments fall into the work and not into imports.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "models"), str(TESTS / "training"), str(TESTS.parent)]

from running import KINDS  # noqa: E402

RESUME = "resume"
Job = Callable[[Path, Path], None]


def segment(source: Path, out: Path) -> None:
    """`sceneviz segment` on a rendered film."""
    from sceneviz.cli import main

    words = ["segment", str(next(source.glob("*.mp4"))), "--model", str(source / "model"), "--out", str(out)]
    assert main([*words, "--batch-size", "1", "--device", "cpu"]) == 0


def ablate(source: Path, out: Path) -> None:
    """`ablate` on a movie under three recipes; its table as a file, without the seconds that it took."""
    from small import noise_movie

    import sceneviz as sv

    movie = noise_movie(24)
    movie = replace(movie, labels=(np.arange(24) % 5 == 4).astype(np.int8))
    model = sv.load_model(str(source / "model"), device="cpu")
    full = model.recipe
    recipes = {"full": full, "no talk": replace(full, subtitles=False), "alone": replace(full, sequential=False)}
    table = sv.ablate([movie], model, recipes, resume=out / RESUME, batch_size=1, resamples=10, progress=False)
    table.drop(columns="seconds").to_csv(out / "table.csv")


def train(kind: str, source: Path, out: Path) -> None:
    """`finetune` for six steps, with a checkpoint after every second, and a look at a validation movie."""
    import running

    running.train(out, kind, evaluate_every=2)


JOBS: dict[str, Job] = {
    "segment": segment,
    "ablate": ablate,
    **{f"train {kind}": partial(train, kind) for kind in KINDS},
}


LIBRARIES = "pandas peft sklearn.metrics transformers.trainer sceneviz.ablation sceneviz.training.loop small".split()


def prepare(source: Path) -> None:
    """What the jobs read: a small model with random weights, and a rendered film of 24 shots."""
    from small import random_model

    import sceneviz as sv
    from sceneviz.synthetic import write_movie
    from sceneviz.training.loop import save_model

    save_model(random_model(), source / "model")
    write_movie(sv.synthetic.render_movie(9_000_002, 24), source, size=(36, 64))


def start(job: Job, source: Path, out: Path) -> int:
    """The job in a process of its own; gives back its id."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            job(source, out)
        status = 0
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.__stderr__, flush=True)
    finally:
        os._exit(status)


def finished(child: int, seconds: float) -> bool:
    """Wait for a process for so long; False if it is still at work. It must not fail."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert status == 0, f"a run ended with status {status}"
            return True
        time.sleep(0.002)
    return False


def made(out: Path) -> dict[str, bytes]:
    """The files that a job is run for."""
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


def steps(out: Path) -> dict[Path, int]:
    """Finished batches of windows, and checkpoints, and when each was written."""
    found = [*out.glob(f"{RESUME}/*/windows_*.json"), *out.glob("checkpoints/*/trainer_state.json")]
    return {path: path.stat().st_mtime_ns for path in found if path.stat().st_size}


def kept(before: dict[Path, int], out: Path) -> int:
    """How many finished steps a run took up; raises where it did one again. Old checkpoints may go."""
    after = steps(out)
    again = [path for path, written in before.items() if after.get(path, written) != written]
    assert not again, f"done again: {again}"
    return len(before)


def torment(job: Job, kills: int, seed: int, folder: Path) -> str:
    """Kill the job so many times; raises where anything differs in the end. Gives back what was done, in a line."""
    for name in LIBRARIES:
        import_module(name)
    source = folder / "source"
    source.mkdir(parents=True)
    child = os.fork()  # what torch starts while the files are made stays out of this process
    if not child:
        prepare(source)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    (folder / "whole").mkdir()
    begin = time.monotonic()
    assert finished(start(job, source, folder / "whole"), 600)
    length, wanted = time.monotonic() - begin, made(folder / "whole")
    assert wanted
    moments, killed, rounds, taken = random.Random(seed), 0, 0, 0
    while killed < kills:
        rounds += 1
        out = folder / f"round{rounds}"
        out.mkdir()
        ended = False
        while not ended:
            before, begin = steps(out), time.monotonic()
            child = start(job, source, out)
            ended = finished(child, moments.uniform(0, length) if killed < kills else 600)
            if not ended:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                killed += 1
            if ended and not before:  # a whole run, perhaps on a machine that has less else to do than at first
                length = min(length, time.monotonic() - begin)
            taken += kept(before, out)
        found = made(out)
        assert found.keys() == wanted.keys(), (sorted(found), sorted(wanted))
        assert [name for name in wanted if found[name] != wanted[name]] == []
    return f"{killed} kills in {rounds} runs of {length:.1f} s; {len(wanted)} files equal, {taken} steps taken up again"


if __name__ == "__main__":
    os.environ |= {
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "MPLBACKEND": "Agg",
    }

    print(torment(JOBS[sys.argv[1]], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])))
