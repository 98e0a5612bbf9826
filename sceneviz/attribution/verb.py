"""attribute: one decision, and what each part of its input did for it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from sceneviz._text import ScenevizError, choice
from sceneviz.attention import checked, decided_shot
from sceneviz.attribution.groups import grouped
from sceneviz.attribution.result import METHODS, Attribution
from sceneviz.movie import Movie
from sceneviz.recipe import Window, plan_windows
from sceneviz.results import Prediction

if TYPE_CHECKING:
    from sceneviz.attribution.methods import Settings
    from sceneviz.models.decision import Decision
    from sceneviz.models.scene_model import SceneModel

COMPLETE = 0.05  # of all values, signs apart: a residual beyond it is said aloud


def attribute(
    movie: Movie,
    model: SceneModel,
    prediction: Prediction,
    *,
    shot: int,
    method: str = "ablation",
    groups: str = "side",
    modalities: Sequence[str] | None = None,
    baseline: str = "mean",
    steps: int = 64,
    samples: int = 5,
    repeats: int = 5,
    seed: int = 0,
    batch: int | None = None,
    progress: bool = True,
) -> Attribution:
    """What each group of inputs did for the decision on `shot`: the log-odds of Yes against No, shared out.

    The decision is read as it was made: in its window, after the answers that the prediction gave before it. A group
    that is off is masked out as a key for every later token, in every layer and head, all others keeping their
    positions; the instruction and the words of the answer template are always there. For earlier answers that means
    the Yes or No itself.

    groups: "side" (each modality before, at and after the shot; at most 13), "modality" (at most 5), or "shot" (each
        modality of each shot, some 80: an exact look for ablation and gradients, costly for Shapley values).
    modalities: switch these alone, the others always there; None for all that the recipe shows.
    method: by causal effect of switching groups off,
        "ablation": what is lost when this group alone goes; groups + 2 inputs.
        "shapley": its mean contribution over orders in which groups come in; values sum to log_odds - log_odds_off.
            Up to 5 groups exact, at most 32 inputs. Else `repeats` (5) runs of `samples` (5) orders drawn from
            `seed` (0), about repeats * samples * (groups - 1) inputs; the standard error is that of the mean of runs.
        By gradients with respect to the input embeddings, visual features included, summed over each group,
        "integrated_gradients": over `steps` (64) from a `baseline`: "mean" (of the window's frames and of its words,
            apart) or "zero"; the instruction stays. Values sum to log_odds - log_odds_off up to the residual, and a
            large one is said aloud. From zero, nearly all happens in the first steps, since layers norm what they read:
            it wants several times as many.
        "gradient_x_input": its first-order shadow, against zero; it need not sum to anything.
        By attention,
        "attention": the share of the decision row's attention, mean over layers and heads; a sink counts to the group
            that it stands in (the first token, of the instruction, to none).
        "rollout": the same followed down through all layers, half of each layer's flow going past its attention
            (Abnar and Zuidema 2020); exact, summed by group on the way.
        "gradient_x_attention": attention times the gradient with respect to it, summed over all rows, heads and
            layers: the slope of the log-odds when all attention to the group is scaled, unrenormalised.
    batch: inputs in one forward; None fits them to memory.
    progress: show a bar; its total, there before the first forward, is the most inputs that the method will put through
        the model.

    Raises ScenevizError where the prediction was made on another movie or by another model, and where shot, method,
    groups or a modality isn't there. The model is left as it was found.
    """
    (found,) = survey(
        movie,
        model,
        prediction,
        shots=[shot],
        methods=[method],
        groups=groups,
        modalities=modalities,
        progress=progress,
        baseline=baseline,
        steps=steps,
        samples=samples,
        repeats=repeats,
        seed=seed,
        batch=batch,
    )
    return found


def survey(
    movie: Movie,
    model: SceneModel,
    prediction: Prediction,
    *,
    shots: Sequence[int],
    methods: Sequence[str] = METHODS,
    groups: str = "side",
    modalities: Sequence[str] | None = None,
    progress: bool = True,
    **settings: Any,
) -> Iterator[Attribution]:
    """`attribute` for several decisions and methods: decisions in ascending order, for each the methods as given.

    settings: `baseline`, `steps`, `samples`, `repeats`, `seed` and `batch`, as for `attribute`.
    Every frame is encoded once, and an input that several methods ask for is computed once.
    """
    from sceneviz.attribution.methods import Settings

    checked(movie, model, prediction)
    for shot in shots:
        decided_shot(prediction, shot)
    for method in methods:
        choice(method, METHODS, "method")
    for name in settings:
        choice(name, [field.name for field in fields(Settings)], "a setting of attribute")
    chosen = Settings(**settings)
    return _survey(movie, model, prediction, sorted(shots), methods, groups, modalities, progress, chosen)


def _survey(
    movie: Movie,
    model: SceneModel,
    prediction: Prediction,
    shots: Sequence[int],
    methods: Sequence[str],
    per: str,
    modalities: Sequence[str] | None,
    progress: bool,
    settings: Settings,
) -> Iterator[Attribution]:
    from tqdm.auto import tqdm

    from sceneviz.attribution.methods import METHODS, Game, cost

    for shot, window, decision in decisions(movie, model, prediction, shots):
        groups, member = grouped(decision, window, prediction.recipe, per=per, modalities=modalities)
        if not groups:
            raise ScenevizError(f"attribute: no answer stands before shot {shot} in its window; name another modality")
        batch = settings.batch or model.windows_that_fit(movie, [window], prediction.recipe)
        game = Game(decision, member, len(groups), batch)
        for method in methods:
            before, label = game.forwards, f"shot {shot}, {method}"
            total = cost(method, len(groups), settings)
            with tqdm(total=total, desc=label, unit="input", disable=None if progress else True) as bar:
                game.tick = bar.update
                outcome = METHODS[method](game, settings)
                full = game.all(True)
            found = Attribution(
                **prediction.origin,
                shot=shot,
                method=method,
                settings=outcome.said,
                groups=tuple(groups),
                value=outcome.value,
                standard_error=outcome.standard_error,
                log_odds=full,
                log_odds_off=outcome.off,
                forwards=game.forwards - before,
            )
            # Switches are complete or know no completeness; an integral is as good as its steps.
            if method == "integrated_gradients" and abs(found.residual) > COMPLETE * np.abs(found.value).sum():
                warnings.warn(
                    f"integrated gradients of shot {shot} miss completeness by {found.residual:.2g} of "
                    f"{found.log_odds - found.log_odds_off:.2g}; take more steps than {settings.steps}",
                    stacklevel=3,
                )
            yield found


def decisions(
    movie: Movie, model: SceneModel, prediction: Prediction, shots: Sequence[int]
) -> Iterator[tuple[int, Window, Decision]]:
    """Each shot's window, and its decision as it was made: after the answers that were given before it."""
    from sceneviz.models.decision import Decision
    from sceneviz.models.features import FrameFeatures
    from sceneviz.prompt import build_prompt

    recipe = prediction.recipe
    windows = plan_windows(len(movie), recipe)
    features = FrameFeatures(model, movie, recipe) if recipe.visual else None
    for shot in shots:
        window = windows[prediction.window[shot]]
        bundle = None
        if features is not None:
            features.forget(window.context.start)
            bundle = features.window(window.context)
        place = int(prediction.position[shot])
        given = prediction.decision[shot - place : shot] == 1
        yield (
            shot,
            window,
            Decision(
                model,
                model.layout(build_prompt(movie.shots, window, recipe)),
                bundle,
                place=place,
                history=given.tolist() if recipe.sequential else None,
            ),
        )
