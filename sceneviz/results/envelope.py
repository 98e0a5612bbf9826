"""The JSON that results are saved in: one object that names its format and version."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sceneviz._text import ScenevizError, plain


def packed(data: dict[str, Any]) -> str:
    """A JSON object, a line an entry."""
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in data.items())
    return "{\n" + lines + "\n}\n"


def opened(
    path: str | os.PathLike[str], what: str, *, form: str, version: int, again: str, by: str | None = None
) -> dict[str, Any]:
    """What was packed, without format and version; ScenevizError, in one line, where it isn't there or something else.

    what: the kind of result, in lower case. again: what to do about another version. by: what writes such a file; None
    where it is the method `save` of the class that is called like the result.
    """
    by = by or f"{what.title()}.save"
    try:
        data = json.loads(Path(path).read_bytes(), parse_float=_finite, parse_constant=_finite)
    except OSError as error:
        raise ScenevizError(f"no {what} to read at {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ScenevizError(f"{path}: expected JSON written by {by}, got something else") from error
    if not isinstance(data, dict) or data.pop("format", None) != form:
        raise ScenevizError(f"{path}: expected a file written by {by}, got other JSON")
    if (found := data.pop("version", None)) != version:
        raise ScenevizError(f"{path}: expected {what} format {version}, got {found!r}; {again}")
    return data


def _finite(text: str) -> float:
    """A number of a saved result; `packed` writes no NaN and no infinity, and nothing that reads as one."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{plain(text)} is no number")
    return value


@contextmanager
def told_if_damaged(path: str | os.PathLike[str], what: str, *, again: str) -> Iterator[None]:
    """What goes wrong while a result is made of what was opened is ScenevizError, in one line; words as in `opened`."""
    try:
        yield
    except KeyError as error:
        raise ScenevizError(f"{path}: the {what} is damaged, {plain(error)} is missing; {again}") from error
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ScenevizError(f"{path}: the {what} is damaged ({plain(error, 300)}); {again}") from error
