"""One run at a time on a folder; the lock goes with the process, so a killed one leaves none behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sceneviz._text import ScenevizError

NAME = ".lock"


class Busy(ScenevizError):
    """Another run is at work on the same folder."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The folder is made, and while the block runs no other run holds it, in this process or another.

    Raises `Busy` at once where one does. Where a file system knows no locks (some network drives), there is none.
    """
    release = hold(folder)
    try:
        yield
    finally:
        release.close()


class Held:
    """A lock that is held until it is closed."""

    def __init__(self, lock: object) -> None:
        self._lock = lock

    def close(self) -> None:
        """Let go; a second time does nothing."""
        release = getattr(self._lock, "release", None)
        if release is not None:
            release()


def hold(folder: Path) -> Held:
    """As `held`, until the result is closed."""
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ScenevizError(f"expected a folder, a file is in its place: {folder}") from None
    lock = FileLock(folder / NAME, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise Busy(f"another run is at work on {folder}: wait until it ends, or give each its own folder") from None
    except (NotImplementedError, BlockingIOError):
        return Held(None)
    return Held(lock)
