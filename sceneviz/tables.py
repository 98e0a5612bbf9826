"""Tables beyond the score, by short names: `sv.tables.pr(movies, predictions)`. Each comes when it is first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from sceneviz._text import ScenevizError, choice

if TYPE_CHECKING:
    from sceneviz.attribution.agreement import agreement as agreement
    from sceneviz.attribution.agreement import compared as compared
    from sceneviz.attribution.pointing import carried as carried
    from sceneviz.attribution.pointing import pointing as pointing
    from sceneviz.explanation import factuality as explanations
    from sceneviz.explanation import faithfulness as faithfulness
    from sceneviz.intervention.trust import trust as trust
    from sceneviz.metrics import calibration_table as calibration
    from sceneviz.metrics import error_table as errors
    from sceneviz.metrics import position_table as position
    from sceneviz.metrics import pr_table as pr
    from sceneviz.paper import beside_paper as beside_paper
    from sceneviz.paper import paper_table as paper

# The module that holds each, and its name there.
_HOMES = {
    "pr": ("metrics", "pr_table"),
    "position": ("metrics", "position_table"),
    "calibration": ("metrics", "calibration_table"),
    "errors": ("metrics", "error_table"),
    "trust": ("intervention.trust", "trust"),
    "compared": ("attribution.agreement", "compared"),
    "agreement": ("attribution.agreement", "agreement"),
    "carried": ("attribution.pointing", "carried"),
    "pointing": ("attribution.pointing", "pointing"),
    "explanations": ("explanation.facts", "factuality"),
    "faithfulness": ("explanation.faith", "faithfulness"),
    "paper": ("paper", "paper_table"),
    "beside_paper": ("paper", "beside_paper"),
}
__all__ = [
    "agreement",
    "beside_paper",
    "calibration",
    "carried",
    "compared",
    "errors",
    "explanations",
    "faithfulness",
    "paper",
    "pointing",
    "position",
    "pr",
    "trust",
]


def __getattr__(name: str) -> object:
    """A table, fetched from its module on first use."""
    try:
        module, own = _HOMES[choice(name, _HOMES, "a name of sceneviz.tables")]
    except ScenevizError as error:
        raise AttributeError(str(error)) from None
    globals()[name] = found = getattr(importlib.import_module(f"sceneviz.{module}"), own)
    return found


def __dir__() -> list[str]:
    return __all__
