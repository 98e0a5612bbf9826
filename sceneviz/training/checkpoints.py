"""Which checkpoint a stopped training goes on from."""

from __future__ import annotations

import json
import re
from pathlib import Path

from sceneviz._text import ScenevizError, write_whole

LAST_WRITTEN = "trainer_state.json"


def last_whole(folder: Path) -> str | None:
    """The furthest checkpoint in a folder that was written to its end; None where there is none.

    The library takes the furthest, also one that the run was killed in, and then fails on it. Of all files of a
    checkpoint it writes the trainer's state last.
    """
    found = {path: re.fullmatch(r"checkpoint-(\d+)", path.name) for path in folder.glob("checkpoint-*")}
    whole = [(int(match[1]), path) for path, match in found.items() if match and _whole(path)]
    return str(max(whole)[1]) if whole else None


def _whole(checkpoint: Path) -> bool:
    try:
        json.loads((checkpoint / LAST_WRITTEN).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return True


def of_this_model(note: Path, fingerprint: str, *, goes_on: bool) -> None:
    """Note which model a training begins with.

    Raises ScenevizError where it would go on from what another model's training left: neither the one that it began
    with, nor the one that it ended with.
    """
    known = _noted(note) if goes_on else []
    if known and fingerprint not in known:
        raise ScenevizError(
            f"{note.parent} holds the training of another model than this one, from which it would go on; choose "
            "another folder, or remove that one, or begin with the model that it began with"
        )
    if not known:
        write_whole(note, json.dumps([fingerprint]) + "\n")


def ended_with(note: Path, fingerprint: str) -> None:
    """Note which model a training made of the one that it began with."""
    write_whole(note, json.dumps([*_noted(note)[:1], fingerprint]) + "\n")


def _noted(note: Path) -> list[str]:
    """What it began and ended with, as far as that is known; a training of an older version has no note."""
    try:
        return [str(each) for each in json.loads(note.read_text("utf-8"))]
    except (OSError, ValueError, TypeError, RecursionError):
        return []
