"""Which checkpoint a stopped training goes on from."""

from __future__ import annotations

import json
import re
from pathlib import Path

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
