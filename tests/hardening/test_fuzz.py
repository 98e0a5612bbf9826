"""Every parser takes whatever it is given: a result, or one clear line, and soon.

`SCENEVIZ_FUZZ_SECONDS=3600 python -m pytest -s tests/hardening/test_fuzz.py` goes on for as many seconds of the
processor, with new examples; what it finds is kept in `finds.py`.
"""

from __future__ import annotations

import faulthandler
import os
import time
import traceback
from functools import partial
from pathlib import Path

import pytest
from bending import bent
from finds import FINDS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parsers import Parser, parsers, survives

SECONDS = float(os.environ.get("SCENEVIZ_FUZZ_SECONDS", "0"))
NAMES = "text subtitles shots characters labels starts scenes bassl splits metadata cast rate prediction".split()
NAMES += "attribution explanation attention figure journal done adapter card looks list keyframes folder".split()
EXAMPLES = 40
ROUND = 100  # examples a turn, when asked to go on: every parser gets its turn soon
SLOW_S = 5.0
HUNG_S = 600.0  # by the clock: a reading that never comes back is found by nothing else


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Parser, Path]]:
    """Each parser, with a folder of its own."""
    made = parsers(tmp_path_factory.mktemp("made"))
    assert list(made) == NAMES
    return {name: (parser, tmp_path_factory.mktemp(name)) for name, parser in made.items()}


def attempt(parser: Parser, folder: Path, name: str, data: bytes) -> str:
    """Write a file, and read it."""
    (folder / name).write_bytes(data)
    begin = time.process_time()
    said = survives(parser, folder / name)
    assert time.process_time() - begin < SLOW_S
    return said


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_good_files_are_read(name: str, every: dict[str, tuple[Parser, Path]]) -> None:
    parser, folder = every[name]
    for file, data in parser.good.items():
        assert attempt(parser, folder, file, data) == ""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_bent_files_give_a_result_or_a_line(name: str, every: dict[str, tuple[Parser, Path]]) -> None:
    _try(*every[name], settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "file", "data"), FINDS)
def test_what_was_found(name: str, file: str, data: bytes, every: dict[str, tuple[Parser, Path]]) -> None:
    attempt(*every[name], file, data)


@pytest.mark.skipif(not SECONDS, reason="goes on for as long as SCENEVIZ_FUZZ_SECONDS says")
@pytest.mark.filterwarnings("ignore")
def test_going_on(every: dict[str, tuple[Parser, Path]]) -> None:
    end, turns, found = time.process_time() + SECONDS, 0, {}
    more = settings(max_examples=ROUND, deadline=None, derandomize=False, suppress_health_check=list(HealthCheck))
    while time.process_time() < end and len(found) < len(NAMES):
        for name in (name for name in NAMES if name not in found and time.process_time() < end):
            turns, before = turns + 1, time.process_time()
            faulthandler.dump_traceback_later(HUNG_S, exit=True)
            try:
                _try(*every[name], more)
            except Exception as error:
                found[name] = "".join(traceback.format_exception(error))
                print(f"\n{name}: {found[name]}", flush=True)
            took, left = time.process_time() - before, end - time.process_time()
            print(f"{turns * ROUND:,} examples; {name} took {took:.1f} s; {left:.0f} s to go", flush=True)
    faulthandler.cancel_dump_traceback_later()
    assert list(found) == []


def _try(parser: Parser, folder: Path, how: settings) -> None:
    files = st.sampled_from(sorted(parser.good)).flatmap(lambda file: st.tuples(st.just(file), bent(parser.good[file])))

    @how
    @given(files)
    def test(drawn: tuple[str, bytes]) -> None:
        attempt(parser, folder, *drawn)

    partial(test)()
