"""A decision to attribute, and the slow ways that attributions must equal."""

from __future__ import annotations

import itertools
import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from small import BALANCED, RECIPE, noise_movie, random_model

from sceneviz.attribution import attribute
from sceneviz.attribution.groups import grouped
from sceneviz.attribution.verb import decisions
from sceneviz.models import SceneModel
from sceneviz.models.decision import Decision
from sceneviz.movie import Movie
from sceneviz.prediction import predict
from sceneviz.recipe import Recipe
from sceneviz.results import Prediction

SMALL = replace(RECIPE, context=6, focus=4, frames_per_shot=1, frame_size=(28, 56))
N_SHOTS = 11  # three windows of different length, the first and the last clipped


def predicted(movie: Movie, model: SceneModel, recipe: Recipe = SMALL) -> Prediction:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return predict(movie, model, recipe, progress=False)


def exact_model(family: str = "qwen2_5_vl") -> SceneModel:
    """The random model in float64 throughout, where differences are not rounding."""
    model = random_model(1.0, BALANCED[family], family=family)
    for parent in list(model.module.modules()):
        for name, norm in list(parent.named_children()):
            if "RMSNorm" in type(norm).__name__:  # transformers' own computes in float32, whatever it is given
                ours = torch.nn.RMSNorm(norm.weight.shape, eps=norm.variance_epsilon)
                ours.load_state_dict(norm.state_dict())
                setattr(parent, name, ours)
    model.module.double()
    return model


def brief_movie(frames: bool = True) -> Movie:
    """At most two words a subtitle, so that windows are short."""
    movie = noise_movie(N_SHOTS, frames=frames)
    return replace(
        movie, shots=tuple(replace(shot, subtitle=" ".join(shot.subtitle.split()[:2])) for shot in movie.shots)
    )


def decision_of(movie: Movie, model: SceneModel, prediction: Prediction, shot: int) -> tuple[Any, Decision]:
    ((_, window, decision),) = decisions(movie, model, prediction, [shot])
    return window, decision


def log_odds(prediction: Prediction, shot: int) -> float:
    confidence = prediction.confidence[shot]
    return float(np.log(confidence) - np.log1p(-confidence))


def check_gradients(movie: Movie, model: SceneModel, prediction: Prediction, shot: int) -> None:
    """Each group's gradient times input is the slope of the log-odds along its embeddings, by finite differences."""
    found = attribute(movie, model, prediction, shot=shot, method="gradient_x_input", progress=False)
    window, decision = decision_of(movie, model, prediction, shot)
    groups, member = grouped(decision, window, prediction.recipe, per="side")
    step = 1e-5
    for number in range(len(groups)):
        inside = torch.from_numpy(member == number)[:, None].double()
        with torch.no_grad():
            ends = decision.read(torch.stack([decision.embeddings * (1 + sign * step * inside) for sign in (1, -1)]))
        assert found.value[number] == pytest.approx(float(ends[0] - ends[1]) / (2 * step), rel=1e-4, abs=1e-6)


def eager_log_odds(model: SceneModel, decision: Decision, present: np.ndarray) -> float:
    """With every token computed, by explicit attention under an explicit mask."""
    n = len(decision)
    seen = torch.ones(n, n).tril().bool() & torch.from_numpy(present)[None] | torch.eye(n).bool()
    mask = torch.zeros(n, n, dtype=model.dtype).masked_fill(~seen, torch.finfo(model.dtype).min)
    return float(eager(model, decision, mask)[0])


def eager(model: SceneModel, decision: Decision, mask: torch.Tensor, **options: Any) -> tuple[torch.Tensor, Any]:
    before = model.module.config.get_text_config()._attn_implementation
    model.module.set_attn_implementation("eager")
    try:
        output = model.module(
            inputs_embeds=decision.embeddings[None],
            attention_mask=mask[None, None],
            position_ids=decision.positions[:, None],
            use_cache=False,
            **options,
        )
    finally:
        model.module.set_attn_implementation(before)
    odds = output.logits[0, -1, model.encoder.yes] - output.logits[0, -1, model.encoder.no]
    return odds[None], output


def coalition_values(
    film: Movie, model: SceneModel, prediction: Prediction, shot: int, **options: Any
) -> dict[tuple[int, ...], float]:
    window, decision = decision_of(film, model, prediction, shot)
    groups, member = grouped(decision, window, prediction.recipe, **options)
    every = list(itertools.product((0, 1), repeat=len(groups)))
    present = np.append(np.array(every, bool), np.ones((len(every), 1), bool), axis=1)[:, member]
    return dict(zip(every, decision.log_odds(present).tolist(), strict=True))


def shapley_by_definition(worth: dict[tuple[int, ...], float]) -> np.ndarray:
    n = len(next(iter(worth)))
    values = np.zeros(n)
    for there, value in worth.items():
        for player in range(n):
            others = sum(there) - there[player]
            weight = math.factorial(others) * math.factorial(n - others - 1) / math.factorial(n)
            values[player] += weight * value * (1 if there[player] else -1)
    return values
