"""sceneviz: a movie in, its scenes out, and a look inside every decision.

The public names stand in the order of the flow:

    movie = sv.read_movie("film.mp4")           # or sv.render_movie(seed), or one of sv.read_movies("movienet", root)
    model = sv.load_model()                     # the small embedded model; or a Qwen2.5-VL, by name or folder
    prediction = sv.predict(movie, model)
    prediction.scenes()                         # a table
    sv.plot.timeline(movie, prediction)         # a figure
    attention = sv.attend(movie, model, prediction)   # where each decision looked
    sv.plot.attention(attention)
    sv.explain(movie, model, prediction, shot=41)     # why, in the model's words
    sv.score([movie], [prediction])             # where the movie has labels
    sv.ablate([movie], model, "modalities")     # what each modality is worth
    sv.export(movie, prediction, "chapters.txt")
    sv.browse(movie, prediction, attention, model=model)  # the explorer, in a notebook

Importing sceneviz is cheap: a name brings its libraries when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from sceneviz._text import ScenevizError, choice

# At once, since it is called like its module, which would else take its place whenever that is imported.
from sceneviz.export import export as export

if TYPE_CHECKING:
    from sceneviz import data as data
    from sceneviz import plot as plot
    from sceneviz import tables as tables
    from sceneviz import training as train  # noqa: F401  in __all__ by way of _MODULES
    from sceneviz.ablation import ablate as ablate
    from sceneviz.attention import attend as attend
    from sceneviz.attribution import attribute as attribute
    from sceneviz.browser import browse as browse
    from sceneviz.data import read_movies as read_movies
    from sceneviz.explanation import explain as explain
    from sceneviz.intervention import intervene as intervene
    from sceneviz.metrics import score as score
    from sceneviz.models import load_model as load_model
    from sceneviz.movie import Movie as Movie
    from sceneviz.prediction import predict as predict
    from sceneviz.reading import read_movie as read_movie
    from sceneviz.recipe import Recipe as Recipe
    from sceneviz.results import AttentionMap as AttentionMap
    from sceneviz.results import Prediction as Prediction
    from sceneviz.synthetic import render_movie as render_movie

__version__ = "0.1.0"

_HOMES = {
    "read_movie": "reading",
    "read_movies": "data",
    "render_movie": "synthetic",
    "Movie": "movie",
    "Recipe": "recipe",
    "load_model": "models",
    "predict": "prediction",
    "Prediction": "results",
    "attend": "attention",
    "AttentionMap": "results",
    "intervene": "intervention",
    "attribute": "attribution",
    "explain": "explanation",
    "score": "metrics",
    "ablate": "ablation",
    "export": "export",
    "browse": "browser",
}
_MODULES = {"tables": "tables", "train": "training", "plot": "plot", "data": "data"}
__all__ = [*_HOMES, *_MODULES]


def __getattr__(name: str) -> object:
    """A public name, fetched from its module on first use."""
    try:
        choice(name, __all__, "a name of sceneviz")
    except ScenevizError as error:
        raise AttributeError(str(error)) from None
    module = importlib.import_module(f"{__name__}.{(_HOMES | _MODULES).get(name, name)}")
    globals()[name] = found = getattr(module, name) if name in _HOMES else module
    return found


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
