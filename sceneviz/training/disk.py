"""A full disk, told as the system tells it, whichever library met it."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LEAST = 1 << 20  # bytes; with less than this a disk is full


@contextmanager
def told_when_full(folder: Path) -> Iterator[None]:
    """What is written in the block goes to this folder: a full disk is an OSError that names it.

    safetensors, torch and numpy raise errors of their own, and not all of them say why they could not write.
    """
    from safetensors import SafetensorError

    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            error.filename = error.filename or str(folder)
            raise
        if error.errno is None and _full(folder):  # numpy wrote less than it had
            raise _no_space(folder) from error
        raise
    except (SafetensorError, RuntimeError) as error:
        # The one says so, and takes its part of a file away; the other leaves it, and so the disk full.
        if f"os error {errno.ENOSPC}" in str(error) or ("inline_container" in str(error) and _full(folder)):
            raise _no_space(folder) from error
        raise


def _full(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < LEAST


def _no_space(folder: Path) -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
