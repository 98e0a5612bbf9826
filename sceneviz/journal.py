"""Finished batches on disk, so that a run can be killed."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sceneviz._text import ScenevizError, plain, write_whole
from sceneviz.lock import Held, hold

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
    _lock: Held | None = None

    @classmethod
    def open(cls, folder: str | Path | None, key: str, batch_size: int) -> Journal:
        """The journal of the run `key`, new or found; a found one keeps its batch size. `close` it when done.

        Raises `Busy` where another run is writing it.
        """
        if folder is None:
            return cls(None, batch_size)
        inner = Path(folder) / key
        try:
            lock = hold(inner)
        except ScenevizError as error:
            raise type(error)(f"resume={str(folder)!r}: {error}") from None
        try:
            plan = _read(inner / _PLAN, _plan)
            journal = cls(inner, batch_size if plan is None else plan, _lock=lock)
            if plan is None:
                journal._write_plan()
        except BaseException:
            lock.close()
            raise
        return journal

    def close(self) -> None:
        """Let another run have the folder."""
        if self._lock is not None:
            self._lock.close()

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
        stored: tuple[list[Any], float] | None = _read(self._path(start), _batch)
        if stored is None or len(stored[0]) != count:
            return None
        windows, seconds = stored
        self.seconds += seconds
        return windows

    def store(self, start: int, windows: list[Any], seconds: float) -> None:
        """Keep a finished batch; floats are written exactly."""
        self.seconds += seconds
        if self.folder is not None:
            write_whole(self._path(start), json.dumps({"windows": windows, "seconds": seconds}))


def _read(path: Path, understood: Any) -> Any:
    """A JSON file that was written whole, as `understood` takes it; None where there is none."""
    try:
        return understood(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ScenevizError(
            f"{path}: damaged ({plain(error, 300)}); delete it, and what it held is computed again"
        ) from None


def _plan(content: Any) -> int:
    size = content["batch_size"]
    if type(size) is not int or size < 1:
        raise ValueError(f"batch_size {size!r}")
    return size


def _batch(content: Any) -> tuple[list[list[tuple[float, float]]], float]:
    """The rows of each window, and the seconds that they took."""
    windows = [[(float(yes), float(no)) for yes, no in rows] for rows in content["windows"]]
    seconds = float(content.get("seconds", 0.0))
    numbers = [value for rows in windows for row in rows for value in row]
    if any(math.isnan(value) or value > 1e-3 for value in numbers) or not 0 <= seconds < math.inf:
        raise ValueError("expected log-probabilities and seconds")
    return windows, seconds
