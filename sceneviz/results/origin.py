"""What every result says of itself: of which movie, by which model, shown how."""

from __future__ import annotations

from typing import Any

from sceneviz._text import ScenevizError
from sceneviz.recipe import Recipe


def check_origin(result: Any, what: str) -> None:
    """Raise ScenevizError unless movie, model, their names, `embedded` and `recipe` of a result are of their kinds.

    what: the kind of result, in lower case. An attention map, which may be of several movies, has tuples of them.
    """
    for name in ("movie", "movie_name", "model", "model_name"):
        value = getattr(result, name, "")
        if not isinstance(value, str):
            raise ScenevizError(f"{what}: {name} must be text, got {value!r}")
    for name in ("movies", "movie_names"):
        names = getattr(result, name, ())
        if not isinstance(names, tuple) or not all(isinstance(value, str) for value in names):
            raise ScenevizError(f"{what}: {name} must be a tuple of texts, got {names!r}")
    if not isinstance(result.embedded, bool) or not isinstance(result.recipe, Recipe):
        raise ScenevizError(
            f"{what}: embedded must be a bool and recipe a Recipe, got {result.embedded!r} and {result.recipe!r}"
        )
