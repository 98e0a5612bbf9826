"""Tables of the second level, each computed where its subject is; nothing is loaded before it is asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from sceneviz._text import ScenevizError, choice

if TYPE_CHECKING:
    from sceneviz.attribution.agreement import agreement as agreement
    from sceneviz.attribution.agreement import compared as compared
    from sceneviz.attribution.pointing import carried as carried
    from sceneviz.attribution.pointing import pointing as pointing
    from sceneviz.intervention.trust import trust as trust

_HOMES = {
    "agreement": "attribution.agreement",
    "carried": "attribution.pointing",
    "compared": "attribution.agreement",
    "pointing": "attribution.pointing",
    "trust": "intervention.trust",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    """A table's function, fetched from its module on first use."""
    try:
        choice(name, __all__, "a name of sceneviz.tables")
    except ScenevizError as error:
        raise AttributeError(str(error)) from None
    return getattr(importlib.import_module(f"sceneviz.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
