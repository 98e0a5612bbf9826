"""What the embedded model scores, measured and written on its card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sceneviz.ablation import ablate, compare, conditions_of, sweep
from sceneviz.ablation.conditions import ONE
from sceneviz.baselines import color_histogram, constant
from sceneviz.explanation import story_of
from sceneviz.intervention import Force, intervene
from sceneviz.metrics import score
from sceneviz.movie import Movie
from sceneviz.prediction import predict
from sceneviz.synthetic import FilmedFreely, Freedom
from sceneviz.synthetic.script import restyled
from sceneviz.synthetic.source import RenderedFrames
from sceneviz.synthetic.story import Style

if TYPE_CHECKING:
    from sceneviz.models import SceneModel

LEFT_OUT: dict[str, dict[str, Any]] = {
    "all inputs": {},
    "without visual": {"visual": False},
    "without shot IDs": {"shot_ids": False},
    "without subtitles": {"subtitles": False},
    "without characters": {"characters": False},
    "visual only": {"subtitles": False, "characters": False},
    "subtitles only": {"visual": False, "characters": False},
    "point-wise answers": {"sequential": False},
}


@dataclass(frozen=True)
class Filming:
    """How shots are filmed, how far a place's cameras differ, and a style where it isn't the movie's own."""

    freedom: Freedom = field(default_factory=Freedom)
    angles: float = 0.0
    style: Style | None = None

    def of(self, movie: Movie, seed: int) -> Movie:
        """A rendered movie, filmed this way; seed: of what is free."""
        story = story_of(movie)
        frames = RenderedFrames(restyled(story, self.style) if self.style else story, self.angles)
        free = self.freedom != Freedom()
        return replace(movie, frames=FilmedFreely(frames, self.freedom, seed) if free else frames)


FILMED = {
    "as rendered": Filming(),
    "freely": Filming(Freedom(0.4, 0.3)),
    "most freely": Filming(Freedom(0.6, 0.45)),
    "from unlike angles": Filming(angles=0.6),
    "freely, from unlike angles": Filming(Freedom(0.4, 0.3), 0.6),
    "in space": Filming(style="solid"),
    "freely, in space": Filming(Freedom(0.4, 0.3), style="solid"),
}
MEASURES = (("micro", "AP"), ("macro", "AP"), ("micro", "F1@.5"), ("micro", "F1@val"))


def best_threshold(model: SceneModel, movies: Sequence[Movie]) -> float:
    """The confidence with the best pooled F1 on validation movies."""
    predictions = [predict(movie, model, progress=False) for movie in movies]
    table = score(movies, predictions, resamples=0)
    return float(table.query("pooling == 'micro' and measure == 'F1@oracle'")["threshold"].iloc[0])


def results(model: SceneModel, movies: Sequence[Movie]) -> pd.DataFrame:
    """A row a condition: pooled (micro) and per-movie (macro) AP, F1 at .5 and at the threshold of validation.

    The columns beside AP are its 95 % interval, and that of its paired difference to all inputs.
    """
    recipes = {name: replace(model.recipe, **changes) for name, changes in LEFT_OUT.items()}
    models = {ONE: model}
    read = sweep(movies, models, conditions_of(models, recipes), progress=False)
    whole = next(each for each in read.answers if each.condition.name == "all inputs")
    tuned = score(read.movies, whole.predictions, validation=model.threshold, resamples=0).query("measure == 'F1@val'")
    others = [
        score(movies, [baseline(movie) for movie in movies]).assign(condition=name)
        for name, baseline in (("colour histogram", color_histogram), ("constant", constant))
    ]
    ours = [compare(read, reference="all inputs"), tuned.assign(condition="all inputs")]
    table = pd.concat([*ours, *others], ignore_index=True)
    values = table.query("pooling != 'movie'").set_index(["condition", "pooling", "measure"])
    rows = []
    for condition in [*LEFT_OUT, "colour histogram", "constant"]:
        found = values.loc[condition]
        ap = found.loc["micro", "AP"]
        named = {f"{measure} ({pooling})": found["value"].get((pooling, measure)) for pooling, measure in MEASURES}
        about = {"AP 95 %": _between(ap["low"], ap["high"]), "prevalence": ap["prevalence"]}
        paired = _between(ap["difference_low"], ap["difference_high"])
        rows.append({"condition": condition} | named | about | {"difference of AP (micro) 95 %": paired})
    return pd.DataFrame(rows)


def sizes(names: Sequence[str], movies: Sequence[Movie]) -> pd.DataFrame:
    """A row a model: pooled AP and F1 at .5 on these movies, and the 95 % of AP's paired difference to the first."""
    table = ablate(movies, {name: name for name in names}, "size", progress=False).query("pooling == 'micro'")
    rows = []
    for name in names:
        found = table.query("condition == @name").set_index("measure")
        ap = found.loc["AP"]
        rows.append(
            {
                "model": name,
                "AP (micro)": ap["value"],
                "AP 95 %": _between(ap["low"], ap["high"]),
                "F1@.5 (micro)": found.loc["F1@.5", "value"],
                "difference of AP (micro) 95 %": _between(ap["difference_low"], ap["difference_high"]),
            }
        )
    return pd.DataFrame(rows)


def freely(model: SceneModel, movies: Sequence[Movie]) -> pd.DataFrame:
    """A row for each way of filming and of telling scenes: pooled AP on these movies, and its 95 %.

    Filmed freely, each shot has its own light and is cut its own way; from unlike angles, each camera of a place has
    its own colours; in space, each stands somewhere of its own.
    """
    recipes = {name: replace(model.recipe, **LEFT_OUT[name]) for name in ("all inputs", "visual only")}
    rows = []
    for name, way in FILMED.items():
        shown = [way.of(movie, seed) for seed, movie in enumerate(movies)]
        ours = ablate(shown, model, recipes, progress=False)
        baseline = score(shown, [color_histogram(movie) for movie in shown]).assign(condition="colour histogram")
        table = pd.concat([ours, baseline]).query("pooling == 'micro' and measure == 'AP'")
        for _, ap in table.iterrows():
            about = {"filmed": name} | asdict(way.freedom) | {"angles": way.angles, "style": way.style}
            told = {"condition": ap["condition"], "AP (micro)": ap["value"], "AP 95 %": _between(ap["low"], ap["high"])}
            rows.append(about | told)
    return pd.DataFrame(rows)


def _between(low: float, high: float) -> str:
    return "" if np.isnan(low) else f"{low:.3f} to {high:.3f}"


def effect_of_a_flip(model: SceneModel, movies: Sequence[Movie]) -> dict[str, float]:
    """How far changing the answer just before moves a decision: mean and 90th percentile of absolute differences."""
    tables = [
        intervene(movie, model, predict(movie, model, progress=False), actions=Force(offset=-1)) for movie in movies
    ]
    moved = pd.concat(tables)[["delta_log_odds", "delta_confidence"]].abs()
    return {
        "mean |difference of the log-odds|": float(moved["delta_log_odds"].mean()),
        "90th percentile": float(moved["delta_log_odds"].quantile(0.9)),
        "mean |difference of the confidence|": float(moved["delta_confidence"].mean()),
    }
