"""A window shown otherwise: its texts and frames after a change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from sceneviz.intervention.actions import Change, Remove, Replace, Shuffle, Swap
from sceneviz.movie import Movie
from sceneviz.prompt import Prompt, build_prompt
from sceneviz.recipe import Recipe, Window

if TYPE_CHECKING:
    from torch import Tensor

    from sceneviz.models import SceneModel


@dataclass
class Showing:
    """What the shots of a window show: for each modality, whose.

    source: for "visual", "subtitle" and "character", the shot that each shot shows; None for nothing.
    unmarked: shots whose frames carry no ID.
    """

    window: Window
    source: dict[str, dict[int, int | None]] = field(default_factory=dict)
    unmarked: set[int] = field(default_factory=set)

    @classmethod
    def after(cls, changes: Sequence[Change], window: Window) -> Showing:
        """The changes, one after the other."""
        showing = cls(window, {name: {i: i for i in window.context} for name in ("visual", "subtitle", "character")})
        for change in changes:
            showing._do(change)
        return showing

    def _do(self, change: Change) -> None:
        if isinstance(change, Remove) and change.modality == "shot_id":
            self.unmarked.add(change.shot)
        elif isinstance(change, Remove):
            self._show(change.modality, {change.shot: None})
        elif isinstance(change, Replace):
            self._show(change.modality, {change.shot: change.by})
        elif isinstance(change, Swap):
            shown = self.source[change.modality]
            one, other = (shown.get(shot, shot) for shot in change.shots)
            self._show(change.modality, {change.shot: other, change.other: one})
        elif isinstance(change, Shuffle):
            shown = self.source[change.modality]
            order = np.random.default_rng([change.seed, self.window.context.start]).permutation(len(shown))
            dealt = list(shown.values())
            self._show(change.modality, {shot: dealt[k] for shot, k in zip(shown, order, strict=True)})

    def _show(self, modality: str, what: dict[int, int | None]) -> None:
        shown = self.source[modality]
        shown.update({shot: source for shot, source in what.items() if shot in shown})

    def prompt(self, movie: Movie, recipe: Recipe) -> Prompt:
        """The window's prompt with these texts, and without the frames that are not shown."""
        shots = list(movie.shots)
        for i in self.window.context:
            talk, cast = self.source["subtitle"][i], self.source["character"][i]
            shots[i] = replace(
                shots[i],
                subtitle="" if talk is None else movie.shots[talk].subtitle,
                characters=() if cast is None else movie.shots[cast].characters,
            )
        prompt = build_prompt(shots, self.window, recipe)
        hidden = {i for i, source in self.source["visual"].items() if source is None}
        kept = [piece for piece in prompt.pieces if piece.modality != "visual" or piece.shot not in hidden]
        return replace(prompt, pieces=tuple(kept))

    def features(self, movie: Movie, model: SceneModel, recipe: Recipe, bundle: Tensor) -> Tensor | None:
        """Features of the frames shown, in order; bundle: of the window as it was. Only what changed is encoded."""
        import torch

        from sceneviz.models.features import marked_frames

        assert movie.frames is not None
        parts = []
        for i, own in zip(self.window.context, bundle.split(recipe.frames_per_shot), strict=True):
            source = self.source["visual"][i]
            if source == i and i not in self.unmarked:
                parts.append(own)
            elif source is not None:
                (pictures,) = movie.frames.read([movie.shots[source]], recipe.frames_per_shot, recipe.frame_size)
                marked = replace(recipe, shot_ids=recipe.shot_ids and i not in self.unmarked)
                parts.append(model.encode(marked_frames([movie.shots[i]], [pictures], marked)))
        return torch.cat(parts) if parts else None
