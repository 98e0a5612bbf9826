"""What is compared: the paper's grids by name, or recipes of one's own, and which model reads each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sceneviz._text import ScenevizError, choice
from sceneviz.recipe import Recipe
from sceneviz.schemes import Boundaries, Samples

if TYPE_CHECKING:
    from sceneviz.models import SceneModel

ONE = ""  # the key of a model that reads every condition

# The ablations of the paper on MovieNet-318, as changes to the recipe that a model was trained with.
GRIDS: dict[str, dict[str, dict[str, Any]]] = {
    "modalities": {
        "full": {},
        "no visual": {"visual": False},
        "no shot-ID": {"shot_ids": False},
        "no subtitles": {"subtitles": False},
        "no characters": {"characters": False},
        "visual only": {"subtitles": False, "characters": False},
        "subtitles only": {"visual": False, "characters": False},
        "characters only": {"visual": False, "subtitles": False},
    },
    "windows": {
        f"{context} / {focus}": {"context": context, "focus": focus}
        for context, focus in ((20, 10), (20, 5), (20, 1), (10, 10), (5, 5))
    },
    "frames": {f"{count} a shot": {"frames_per_shot": count} for count in (1, 2, 3)},
    "scheme": {"full list": {}, "boundaries only": {}, "repeated sampling": {}},
    "size": {},
}
SCHEMES: dict[str, Samples | Boundaries] = {"boundaries only": Boundaries(), "repeated sampling": Samples()}


@dataclass(frozen=True)
class Condition:
    """One row of a grid.

    name: unique in its grid. model: key of the model that reads it. recipe: a whole one, or changes to the one that the
    model was trained with. scheme: how answers are got; None is the full list of Yes and No.
    """

    name: str
    model: str = ONE
    recipe: Recipe | Mapping[str, Any] = field(default_factory=dict)
    scheme: Samples | Boundaries | None = None

    def recipe_for(self, trained: Recipe) -> Recipe:
        """The recipe to read with, given the one that the model was trained with."""
        return self.recipe if isinstance(self.recipe, Recipe) else replace(trained, **self.recipe)


def conditions_of(models: Mapping[str, SceneModel | str], recipes: str | Mapping[str, Recipe]) -> tuple[Condition, ...]:
    """The conditions of a grid, or of recipes by name; each is read by the model of its name, or by the only one."""
    single = list(models) == [ONE]
    if recipes == "size":
        if single:
            raise ScenevizError("ablate: \"size\" compares models; give them by name, as {'3B': model, '7B': other}")
        return tuple(Condition(name, name) for name in models)
    if isinstance(recipes, str):
        rows: Mapping[str, Any] = GRIDS[choice(recipes, GRIDS, "ablate: recipes")]
    else:
        rows = recipes
        for name, recipe in rows.items():
            if not isinstance(recipe, Recipe):
                raise ScenevizError(
                    f"ablate: recipes are a grid's name or {{name: Recipe}}, got {recipe!r} for {name!r}"
                )
    if not rows:
        raise ScenevizError("ablate: recipes are empty; at least one is needed")
    if not single:
        for name in models:
            choice(name, rows, "ablate: a model that is trained for a condition has its name, which")
        rows = {name: row for name, row in rows.items() if name in models}
    schemes = SCHEMES if recipes == "scheme" else {}
    return tuple(Condition(name, ONE if single else name, row, schemes.get(name)) for name, row in rows.items())
