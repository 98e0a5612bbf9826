"""Do decisions trust the answers before them? Attention to these, beside what cutting and changing them does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.attention import attend
from sceneviz.intervention.actions import Action, Cut, Force
from sceneviz.intervention.run import intervene
from sceneviz.movie import Movie
from sceneviz.recipe import Recipe
from sceneviz.results import AttentionMap, Prediction
from sceneviz.results.attention_tables import with_uniform
from sceneviz.results.means import pooled

if TYPE_CHECKING:
    import pandas as pd

    from sceneviz.models import SceneModel


def trust(
    movies: Sequence[Movie],
    model: SceneModel,
    predictions: Sequence[Prediction],
    *,
    distances: Sequence[int] | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """What decisions make of earlier answers and of the shots around them, by distance: seen, and acted on.

    distances: in shots, from 1; by default all that a focus has.
    A row a subject, measure and distance: subject, measure, distance, value, low, high (95 %, over movies), decisions,
    movies, model. Subjects: "answer", the line written for the shot so far before; "decided shot", the other tokens of
    that shot; "following shot", those of the shot so far behind, which has no answer yet. An answer is there only
    within the window, so decided shots are those whose answer the decision could see. Measures, means over decisions:

    "mass", "lift": attention, mean over layers and heads, sinks left out, as in `AttentionMap.share`.
    "cut": how far the log-odds move (absolute) when no later row of the answer sees it: for an answer that is all of
        its effect, for a shot its direct edges to the answer alone.
    "flip", "flip confidence": how far log-odds and confidence move (absolute) when the answer says the opposite, the
        answers in between held. "flip signed": log-odds after Yes less log-odds after No.

    The paper reads attention to earlier shots as trust in the answers. If so, "cut" and "flip" of answers are as large
    as their attention is. On a model that was hardly taught to use its history, all of this says little.
    Costs about four short passes for each decided shot.
    """
    import pandas as pd

    if len(movies) != len(predictions) or not movies:
        raise ScenevizError(f"trust: expected a prediction for each movie, got {len(movies)} and {len(predictions)}")
    recipe = predictions[0].recipe
    if any(each.recipe != recipe for each in predictions):
        raise ScenevizError("trust: the predictions were made under different recipes; use one")
    if not recipe.sequential:
        raise ScenevizError("trust: with sequential=False no decision sees an earlier answer")
    far = list(range(1, max(2, recipe.focus)) if distances is None else distances)
    if any(not 1 <= distance < recipe.context for distance in far) or not far:
        raise ScenevizError(f"trust: distances are 1 to {recipe.context - 1}, got {far}")
    pairs = zip(movies, predictions, strict=True)
    each = [
        pd.concat([_attention(attend(movie, model, told)), _effects(movie, model, told, far)]).assign(movie=number)
        for number, (movie, told) in enumerate(pairs)
    ]
    table = _over_movies(pd.concat(each, ignore_index=True), far, len(movies), seed)
    return table.assign(model=predictions[0].model_label)


def _attention(attention: AttentionMap) -> pd.DataFrame:
    """A row a decision, subject and measure: distance, value."""
    import pandas as pd

    data = with_uniform(attention.data)
    over = ("layer", "head")
    mass = data["mass"].mean(over).values
    uniform = (data["uniform"] - data["sink_uniform"]).mean(over).values
    shot, decision = data["shot"].values, data["decision"].values[:, None]
    answered = (data["tokens"].values[..., -1] > 0) & (shot < decision)
    tables = []
    for subject, there, parts in (
        ("answer", answered, slice(-1, None)),
        ("decided shot", answered, slice(None, -1)),
        ("following shot", shot > decision, slice(None, -1)),
    ):
        distance = np.abs(shot - decision)[there]
        above, below = mass[..., parts].sum(-1)[there], uniform[..., parts].sum(-1)[there]
        lift = np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)
        for measure, value in (("mass", above), ("lift", lift)):
            tables.append(pd.DataFrame({"distance": distance, "value": value}).assign(subject=subject, measure=measure))
    return pd.concat(tables)


def _effects(movie: Movie, model: SceneModel, prediction: Prediction, distances: Sequence[int]) -> pd.DataFrame:
    """The same for what acting does."""
    import pandas as pd

    parts = _shown(prediction.recipe)
    subjects: dict[Action, str] = {}
    for distance in distances:
        subjects[Cut(offset=-distance, modality="answer")] = "answer"
        subjects[Force(offset=-distance)] = "flip"
        subjects[Cut(offset=-distance, modality=parts)] = "decided shot"
        subjects[Cut(offset=distance, modality=parts)] = "following shot"
    table = intervene(movie, model, prediction, actions=list(subjects))
    table["subject"] = table["action"].map({str(action): subject for action, subject in subjects.items()})
    window = prediction.window
    table["distance"] = table["offset"].abs().astype(int)
    together = [
        window[shot] == window[decision] for shot, decision in zip(table["shot"], table["decision"], strict=True)
    ]
    table = table[(table["subject"] != "decided shot") | np.array(together)]
    flips = table[table["subject"] == "flip"].assign(subject="answer")
    # A flip of a No writes a Yes.
    sign = np.where(prediction.decision[flips["shot"].astype(int)] == 1, -1.0, 1.0)
    measured = [
        table[table["subject"] != "flip"].assign(measure="cut", value=lambda rows: rows["delta_log_odds"].abs()),
        flips.assign(measure="flip", value=flips["delta_log_odds"].abs()),
        flips.assign(measure="flip signed", value=flips["delta_log_odds"] * sign),
        flips.assign(measure="flip confidence", value=flips["delta_confidence"].abs()),
    ]
    return pd.concat(measured)[["subject", "measure", "distance", "value"]]


def _shown(recipe: Recipe) -> tuple[str, ...]:
    """Modalities of a shot in the prompt, its answer left out."""
    parts = {"visual": recipe.visual, "subtitle": recipe.subtitles, "character": recipe.characters}
    return ("shot_id", *(name for name, shown in parts.items() if shown))


def _over_movies(rows: pd.DataFrame, distances: Sequence[int], movies: int, seed: int) -> pd.DataFrame:
    import pandas as pd

    rows = rows[rows["distance"].isin(distances) & rows["value"].notna()]
    table = []
    for (subject, measure, distance), group in rows.groupby(["subject", "measure", "distance"], sort=False):
        of = group.groupby("movie")["value"].agg(["sum", "count"]).reindex(range(movies), fill_value=0)
        value, low, high = pooled(of["sum"].to_numpy(), of["count"].to_numpy(), seed=seed)
        table.append(
            {
                "subject": subject,
                "measure": measure,
                "distance": int(distance),
                "value": float(value),
                "low": float(low),
                "high": float(high),
                "decisions": int(of["count"].sum()),
                "movies": movies,
            }
        )
    order = {
        name: place for place, name in enumerate(("mass", "lift", "cut", "flip", "flip signed", "flip confidence"))
    }
    keys = {"measure": lambda column: column.map(order)}
    frame = pd.DataFrame(table)
    return frame.sort_values(
        ["subject", "measure", "distance"], key=lambda column: keys.get(str(column.name), lambda same: same)(column)
    ).reset_index(drop=True)
