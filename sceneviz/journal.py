"""Finished batches on disk, so that a run can be killed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sceneviz._text import ScenevizError, write_whole

_PLAN = "plan.json"


@dataclass
class Journal:
    """The batches of one run, in a folder named by what they depend on; nothing is kept where there is no folder.

    batch_size: how many windows a batch holds. It is stored, so that a rerun forms the same batches, and with them
        the same bits; it gets smaller where memory runs out.
    seconds: what its batches, stored or loaded, took to compute.
    """

    folder: Path | None
    batch_size: int
    seconds: float = 0.0

    @classmethod
    def open(cls, folder: str | Path | None, key: str, batch_size: int) -> Journal:
        """The journal of the run `key`, new or found; a found one keeps its batch size."""
        if folder is None:
            return cls(None, batch_size)
        inner = Path(folder) / key
        try:
            inner.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise ScenevizError(f"resume={str(folder)!r}: a folder is expected there, a file was found") from None
        plan = _read(inner / _PLAN)
        journal = cls(inner, int(plan["batch_size"]) if plan else batch_size)
        journal._write_plan()
        return journal

    def _write_plan(self) -> None:
        if self.folder is not None:
            write_whole(self.folder / _PLAN, json.dumps({"batch_size": self.batch_size}))

    def halve(self) -> None:
        """Make batches half as large from here on."""
        self.batch_size = max(1, self.batch_size // 2)
        self._write_plan()

    def _path(self, start: int) -> Path:
        assert self.folder is not None
        return self.folder / f"windows_{start:06d}.json"

    def load(self, start: int, count: int) -> list[Any] | None:
        """What was stored for the batch from this window on, if it holds as many windows."""
        if self.folder is None:
            return None
        stored = _read(self._path(start))
        if stored is None or len(stored["windows"]) != count:
            return None
        self.seconds += stored.get("seconds", 0.0)
        return [[tuple(row) for row in rows] for rows in stored["windows"]]

    def store(self, start: int, windows: list[Any], seconds: float) -> None:
        """Keep a finished batch; floats are written exactly."""
        self.seconds += seconds
        if self.folder is not None:
            write_whole(self._path(start), json.dumps({"windows": windows, "seconds": seconds}))


def _read(path: Path) -> Any:
    """A JSON file that was written whole; None where there is none."""
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ScenevizError(f"{path}: damaged ({error}); delete it, and its batch is computed again") from error
