"""Other ways to get the same answers out of a model: a free list of boundaries alone, and repeated sampling.

The paper compares them with the full list of Yes and No that `predict` reads: 62.1 F1 in 87.2 s a movie; boundaries
only 53.4 in 10.5 s, without AP; repeated sampling 52.6 in 105.2 s.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.deciding import Rows, decide
from sceneviz.movie import Movie
from sceneviz.prompt import Prompt, build_prompt
from sceneviz.recipe import Recipe, Window

if TYPE_CHECKING:
    from torch import Tensor

    from sceneviz.models import SceneModel

YES, NO = (0.0, -math.inf), (-math.inf, 0.0)  # log P(Yes), log P(No) of an answer without a probability
_TOKENS_A_SHOT = 8  # "Shot 07: Yes" and its line's end are seven


@dataclass(frozen=True)
class Samples:
    """The full list, drawn again and again: the confidence is the share of the draws that say Yes.

    Each draw is made in order, every answer in sight of those drawn before it, from P(Yes) and P(No) alone. It is got
    as greedy decisions are, by draft and verify, and not one token at a time, so it costs less here than it did there.
    count: draws a window. temperature: above 0. seed: of the draws; they depend on the window, not on its batch.
    """

    count: int = 10
    temperature: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.count < 1 or not self.temperature > 0:
            raise ScenevizError(
                f"samples: expected count from 1 up and a temperature above 0, got {self.count}, {self.temperature}"
            )

    @property
    def name(self) -> str:
        """What the answers depend on."""
        return f"samples {self.count} {self.temperature} {self.seed}"

    @property
    def ranks(self) -> bool:
        """Are its confidences more than Yes and No."""
        return self.count > 1

    def answer(
        self, model: SceneModel, movie: Movie, recipe: Recipe, windows: Sequence[Window], bundle: Tensor | None
    ) -> Rows:
        """Log of the share of the draws that said Yes, and No, for each shot of each focus."""
        _require_sequence(recipe)
        layouts = [model.layout(build_prompt(movie.shots, window, recipe)) for window in windows]
        prefix, draft = model.prefill(layouts, bundle, [[False] * len(window.focus) for window in windows])
        assert draft is not None
        # A uniform number drawn beforehand turns each random answer into a threshold on its log-odds.
        uniform = [
            np.random.default_rng([self.seed, window.focus.start]).random((self.count, len(window.focus)))
            for window in windows
        ]
        bars = [self.temperature * (np.log(drawn) - np.log1p(-drawn)) for drawn in uniform]
        votes = [np.zeros(len(window.focus)) for window in windows]
        for draw in range(self.count):
            levels = [bar[draw] for bar in bars]
            reading = decide(prefix, draft, levels)
            for vote, answers in zip(votes, reading.above(levels), strict=True):
                vote += answers
        with np.errstate(divide="ignore"):
            logs = [(np.log(vote / self.count), np.log1p(-vote / self.count)) for vote in votes]
        return [list(zip(yes.tolist(), no.tolist(), strict=True)) for yes, no in logs]


@dataclass(frozen=True)
class Boundaries:
    """Only the shots that end a scene are written, greedily and in free form, and read off the text.

    Confidences are 1 and 0: they rank nothing, so there is no AP. A shot that is named outside the focus is passed
    over, and so is a line that says No.
    """

    name = "boundaries"
    ranks = False

    def answer(
        self, model: SceneModel, movie: Movie, recipe: Recipe, windows: Sequence[Window], bundle: Tensor | None
    ) -> Rows:
        """Yes with certainty for each shot of a focus that the text names, No for all others."""
        _require_sequence(recipe)
        prompts = [boundary_prompt(build_prompt(movie.shots, window, recipe)) for window in windows]
        texts = write(model, prompts, bundle)
        return [
            [YES if answer else NO for answer in named(text, prompt.answer_ids)]
            for text, prompt in zip(texts, prompts, strict=True)
        ]


def boundary_prompt(prompt: Prompt) -> Prompt:
    """The same window, asked for its boundaries alone."""
    task, *shots = prompt.pieces
    asked, found, _ = task.text.partition("For each shot from ")
    assert found
    first, last = prompt.answer_ids[0], prompt.answer_ids[-1]
    asked += (
        f'Of the shots from {first} to {last}, list only those with which a scene ends, as "Shot ID", a line each; '
    )
    return replace(prompt, pieces=(replace(task, text=asked + 'if there is none, write "None".\n'), *shots))


def named(text: str, answer_ids: Sequence[str]) -> list[bool]:
    """Which of the shots a free answer names as boundaries."""
    lines = [line for line in text.splitlines() if not re.search(r"\bno\b", line, re.IGNORECASE)]
    numbers = {int(number) for line in lines for number in re.findall(r"\d+", line)}
    return [int(name) in numbers for name in answer_ids]


def write(model: SceneModel, prompts: Sequence[Prompt], bundle: Tensor | None) -> list[str]:
    """What the model writes behind each prompt, greedily, until it ends its turn; at most 8 tokens a shot."""
    import torch

    from sceneviz.models.batch import Batch

    batch = Batch.of([model.layout(prompt) for prompt in prompts], model.pad)
    positions = model.family.positions(model.module, batch.ids, batch.mask, batch.grid).to(model.device)
    length = batch.length
    mask = batch.mask[:, :length].to(model.device)
    ended = torch.zeros(len(prompts), dtype=torch.bool, device=model.device)
    tokens: list[Tensor] = []
    with torch.no_grad():
        logits, cache = model.forward(
            batch.ids[:, :length].to(model.device),
            mask=mask,
            positions=positions[:, :, :length],
            keep=np.array([length - 1]),
            vision={} if bundle is None else model.family.vision(bundle),
        )
        for step in range(_TOKENS_A_SHOT * max(len(prompt.answer_ids) for prompt in prompts)):
            chosen = torch.where(ended, model.pad, logits[:, -1].argmax(-1))
            tokens.append(chosen)
            ended |= chosen == model.tokenizer.eos_token_id
            if bool(ended.all()):
                break
            mask = torch.cat((mask, torch.ones_like(mask[:, :1])), 1)
            place = positions[:, :, length : length + 1] + step
            logits, cache = model.forward(chosen[:, None], mask=mask, positions=place, keep=np.array([0]), past=cache)
    return [str(text) for text in model.tokenizer.batch_decode(torch.stack(tokens, 1), skip_special_tokens=True)]


def _require_sequence(recipe: Recipe) -> None:
    if not recipe.sequential:
        raise ScenevizError("this output scheme writes answers in sequence; use a recipe with sequential=True")
