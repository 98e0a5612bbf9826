"""What every result says of itself: of which movie, by which model, shown how."""

from __future__ import annotations

from typing import Any

from sceneviz._text import ScenevizError, plain, writable
from sceneviz.recipe import Recipe


def check_origin(result: Any, what: str) -> None:
    """Raise ScenevizError unless movie, model, their names, `embedded` and `recipe` of a result are of their kinds.

    what: the kind of result, in lower case. An attention map, which may be of several movies, has tuples of them. Texts
    are made writable: a name that pandas or a file won't take would show only later.
    """
    for name in ("movies", "movie_names") if hasattr(result, "movies") else ("movie", "movie_name"):
        check_text(result, name, what)
    for name in ("model", "model_name"):
        check_text(result, name, what)
    if not isinstance(result.embedded, bool) or not isinstance(result.recipe, Recipe):
        raise ScenevizError(
            f"{what}: embedded must be a bool and recipe a Recipe, got {result.embedded!r} and {result.recipe!r}"
        )


def check_text(result: Any, name: str, what: str) -> None:
    """Raise ScenevizError unless a field of a frozen result is text, or a tuple of texts; makes it writable."""
    value = getattr(result, name)
    if isinstance(value, str):
        object.__setattr__(result, name, writable(value))
    elif isinstance(value, tuple) and all(isinstance(each, str) for each in value):
        object.__setattr__(result, name, tuple(map(writable, value)))
    else:
        more = ", or a tuple of texts" if isinstance(value, tuple | list) else ""
        raise ScenevizError(f"{what}: {name} must be text{more}, got {plain(repr(value), 200)}")
