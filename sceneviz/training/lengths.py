"""How many tokens a training window takes, without writing it out: the pieces of a prompt are tokenised apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sceneviz._text import ScenevizError, counted
from sceneviz.models.scene_model import SceneModel
from sceneviz.movie import Movie
from sceneviz.prompt import build_prompt
from sceneviz.recipe import Recipe, Window

_KINDS = ("shot_id", "visual", "subtitle", "character", "answer")


@dataclass(frozen=True)
class Lengths:
    """Tokens of the shots of one movie.

    instruction: tokens that every window has. frame: tokens of one frame, its two brackets included.
    shots: `(n_shots, 5)` int64, tokens of text by kind: shot ID, around frames, subtitle, characters, answer line.
    """

    instruction: int
    frame: int
    shots: np.ndarray

    @cached_property
    def _sums(self) -> np.ndarray:
        return np.concatenate((np.zeros((1, len(_KINDS)), np.int64), self.shots.cumsum(0)))

    def window(self, window: Window, recipe: Recipe) -> int:
        """Tokens of a window shown under a recipe, its true answers included; equals the layout's."""
        shown = self._sums[window.context.stop] - self._sums[window.context.start]
        answers = self._sums[window.focus.stop, 4] - self._sums[window.focus.start, 4]
        frames = len(window.context) * recipe.frames_per_shot * self.frame
        kinds = (True, recipe.visual, recipe.subtitles, recipe.characters)
        return int(self.instruction + shown[:4][list(kinds)].sum() + recipe.visual * frames + answers)

    def longest(self, recipe: Recipe, *, wide: bool = False) -> np.ndarray:
        """`(n,)` tokens of every run of `context` shots with its focus decided, or all of it where `wide`."""
        count = min(recipe.context, len(self.shots))
        decided = count if wide else min(recipe.focus, count)
        starts = range(len(self.shots) - count + 1)
        windows = [Window(range(start, start + count), range(start, start + decided)) for start in starts]
        return np.array([self.window(window, recipe) for window in windows])


def lengths_of(model: SceneModel, movie: Movie, recipe: Recipe) -> Lengths:
    """Count the tokens of a movie's shots, each text once."""
    rows = np.zeros((len(movie), len(_KINDS)), np.int64)
    frame = instruction = 0
    for shot in movie.shots:
        alone = range(shot.index, shot.index + 1)
        prompt = build_prompt(movie.shots, Window(alone, alone), recipe)
        counts = dict.fromkeys(("instruction", *_KINDS), 0)
        for piece in (*prompt.pieces, *prompt.lines([False])):
            if piece.frame < 0:
                counts[piece.modality] += len(model.encoder.text(piece.text, data=piece.data))
        if recipe.visual:
            brackets = sum(len(model.encoder.text(f"<|vision_{side}|>", data=False)) for side in ("start", "end"))
            counts["visual"] -= brackets * recipe.frames_per_shot
            height, width = recipe.frame_size
            frame = brackets + (height // model.token_pixels) * (width // model.token_pixels)
        rows[shot.index] = [counts[kind] for kind in _KINDS]
        instruction = counts["instruction"] + len(model.encoder.text(model.encoder.opening, data=False))
    return Lengths(instruction, frame, rows)


def refuse_too_long(
    movies: Sequence[Movie], lengths: Sequence[Lengths], recipe: Recipe, most: int, *, wide: bool = False
) -> None:
    """Nothing is ever cut off: an error that names the shots of windows that are longer than `most` tokens."""
    count, worst = 0, (0, "")
    for movie, held in zip(movies, lengths, strict=True):
        tokens = held.longest(recipe, wide=wide)
        count += int((tokens > most).sum())
        if tokens.size and tokens.max() > worst[0]:
            start = int(tokens.argmax())
            shots = range(start, min(start + recipe.context, len(movie)))
            heavy = max(shots, key=lambda shot: int(held.shots[shot].sum()))
            said = f"shots {shots[0]} to {shots[-1]} of {movie.name!r} take {int(tokens.max()):,} tokens"
            worst = (int(tokens.max()), f"{said} (most text: shot {heavy}, {int(held.shots[heavy].sum()):,})")
    if count:
        raise ScenevizError(
            f"{counted(count, 'window')} would not fit into {most:,} tokens: {worst[1]}; make the recipe's "
            "context, frames_per_shot or frame_size smaller, or that text shorter: nothing is cut off silently"
        )
