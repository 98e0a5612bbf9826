"""Escaping, thumbnails, errors, whole-file writes: the only odds and ends that several modules share."""

from __future__ import annotations

import base64
import contextlib
import difflib
import hashlib
import html
import io
import os
import re
import unicodedata
from collections.abc import Iterable
from numbers import Integral
from pathlib import Path

import numpy as np


class ScenevizError(ValueError):
    """A mistake in what came in, told in one line: what was expected, what came, where, what to do.

    The command line prints the message alone; in a notebook it is an ordinary ValueError.
    """


def whole(value: object) -> bool:
    """Is it a whole number, Python's or numpy's? A bool is none, nor is a float without a fraction."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def writable(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair, which odd file names and JSON have, and no file takes."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def escape(text: object) -> str:
    """Text from a file, made safe to stand inside HTML (also in a quoted attribute)."""
    return html.escape(str(text), quote=True)


def choice(value: str, allowed: Iterable[str], what: str) -> str:
    """The value, if it is one of those allowed; else an error that names them and the nearest."""
    options = list(allowed)
    if value in options:
        return value
    near = difflib.get_close_matches(str(value), options, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ScenevizError(f"{what} must be one of {', '.join(map(repr, options))}, not {value!r}{hint}")


def fingerprint(*parts: object) -> str:
    """A short stable name (16 hex digits) for what the parts say; equal parts give equal names.

    Bytes enter as they are, everything else by its `repr`, so pass plain values and frozen dataclasses,
    and no sets: their order changes from one process to the next.
    """
    digest = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else repr(part).encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:16]


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 scene`, `2 scenes`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss.mmm, as a person reads a place in a film."""
    milliseconds = round(abs(seconds) * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    sign = "-" if seconds < 0 and milliseconds else ""
    return f"{sign}{hours}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def thumbnail(frame: np.ndarray, height: int = 54) -> str:
    """An `(H, W, 3)` uint8 RGB frame as a JPEG data URI of the given height in pixels."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg(frame, height)).decode("ascii")


def jpeg(frame: np.ndarray, height: int | None = None) -> bytes:
    """An `(H, W, 3)` uint8 RGB frame as a JPEG file, of the given height in pixels or of its own."""
    from PIL import Image

    image = Image.fromarray(frame)
    if height is not None:
        width = max(1, round(image.width * height / image.height))
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def write_whole(path: str | os.PathLike[str], data: str | bytes) -> Path:
    """Write a file in one piece: a reader, or a run killed midway, sees the old content or the new, never a part."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name[:40]}.{os.getpid()}.part")
    try:
        draft.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
        os.replace(draft, path)
    except BaseException as error:
        with contextlib.suppress(OSError):  # a folder that refuses the file refuses this too
            draft.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None:
            error.filename = error.filename or str(path)  # a full disk does not say where
        raise
    return path


def plain(text: object, most: int = 80) -> str:
    """Text from a file on one line, without control characters (escape codes, bidirectional marks), cut at `most`."""
    kept = "".join(" " if unicodedata.category(letter)[0] == "C" else letter for letter in str(text))
    line = " ".join(kept.split())
    return line if len(line) <= most else line[: most - 1] + "…"
