"""The methods: captum on one vector of switches, or on the embeddings, of one decision."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sceneviz._text import ScenevizError, choice
from sceneviz.models.decision import Decision, inputs_only
from sceneviz.models.flow import attention_gradients, shares

EXACT = 5  # groups up to which all orders are tried: 120 orders, but at most 32 different inputs
BASELINES = ("mean", "zero")


@dataclass(frozen=True)
class Settings:
    """What the methods can be told.

    baseline: what embeddings are integrated from, "mean" or "zero". steps: of the integral.
    samples, repeats, seed: random orders of a Shapley run, runs, and the first run's seed.
    batch: inputs in one forward; None fits them to memory.
    """

    baseline: str = "mean"
    steps: int = 64
    samples: int = 5
    repeats: int = 5
    seed: int = 0
    batch: int | None = None

    def __post_init__(self) -> None:
        choice(self.baseline, BASELINES, "baseline")
        for name, least in (("steps", 1), ("samples", 1), ("repeats", 2), ("seed", 0), ("batch", 1)):
            value = getattr(self, name)
            if name == "batch" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ScenevizError(f"attribute: {name} must be a whole number of at least {least}, got {value!r}")


@dataclass(frozen=True)
class Outcome:
    """What a method found: `(n_groups,)` values and standard errors, the log-odds with nothing there, its settings."""

    value: np.ndarray
    standard_error: np.ndarray
    off: float
    said: str


@dataclass
class Game:
    """A decision as a game of its groups: which are there, to log-odds. Nothing is ever computed twice.

    member: `(n,)` the group of each token, -1 for what is always there. tick: told of every input computed.
    """

    decision: Decision
    member: np.ndarray
    n_groups: int
    batch: int
    tick: Callable[[int], object] = lambda inputs: None
    forwards: int = 0
    _known: dict[bytes, float] = field(default_factory=dict)

    def __call__(self, there: Tensor) -> Tensor:
        """`(batch,)` log-odds for switches `(batch, n_groups)`, 1 there and 0 off."""
        switches = np.append(there.detach().cpu().numpy() > 0.5, np.ones((len(there), 1), bool), axis=1)
        present = switches[:, self.member]  # -1 takes the last column, which is always on
        keys = [row.tobytes() for row in present]
        missing = list({key: row for key, row in zip(keys, present, strict=True) if key not in self._known}.items())
        for start in range(0, len(missing), self.batch):
            part = missing[start : start + self.batch]
            odds = self.decision.log_odds(np.stack([row for _, row in part]))
            self._known |= zip((key for key, _ in part), odds.tolist(), strict=True)
            self.count(len(part))
        return torch.tensor([self._known[key] for key in keys], dtype=torch.float64)

    def all(self, on: bool) -> float:
        """Log-odds with every group there, or with none."""
        return float(self(torch.full((1, self.n_groups), float(on))))

    def count(self, inputs: int) -> None:
        """Note that so many inputs went through the model."""
        self.forwards += inputs
        self.tick(inputs)

    def per_group(self, each: Tensor) -> np.ndarray:
        """`(n_groups,)` sums over each group's tokens of `(n,)` values."""
        inside = self.member >= 0
        weights = each.double().cpu().numpy()[inside]
        return np.bincount(self.member[inside], weights=weights, minlength=self.n_groups)


def ablation(game: Game, settings: Settings) -> Outcome:
    """What switching one group off takes from the log-odds, all others there."""
    from captum.attr import FeatureAblation

    value = FeatureAblation(game).attribute(torch.ones(1, game.n_groups), perturbations_per_eval=game.batch)
    return Outcome(value[0].double().numpy(), _unknown(game), game.all(False), "one group off at a time")


def shapley(game: Game, settings: Settings) -> Outcome:
    """The mean of what a group adds to those before it, over orders: all of them, or some drawn at random."""
    from captum.attr import ShapleyValues, ShapleyValueSampling

    on = torch.ones(1, game.n_groups)
    if game.n_groups <= EXACT:
        found = ShapleyValues(game).attribute(on, perturbations_per_eval=game.batch)
        exact = found[0].double().numpy()
        return Outcome(exact, np.zeros_like(exact), game.all(False), "all orders")
    runs = []
    with torch.random.fork_rng(devices=[]):
        for run in range(settings.repeats):
            torch.default_generator.manual_seed(settings.seed + run)
            found = ShapleyValueSampling(game).attribute(
                on, n_samples=settings.samples, perturbations_per_eval=game.batch
            )
            runs.append(found[0].double().numpy())
    error = np.std(runs, axis=0, ddof=1) / math.sqrt(len(runs))
    said = f"{settings.repeats} runs of {settings.samples} random orders, seed {settings.seed}"
    return Outcome(np.mean(runs, axis=0), error, game.all(False), said)


def integrated_gradients(game: Game, settings: Settings) -> Outcome:
    """The gradient along a straight line from a baseline to the embeddings, times the way, summed over each group."""
    from captum.attr import IntegratedGradients

    decision = game.decision
    baseline = _baseline(game, settings.baseline)
    layers = decision.model.module.config.get_text_config().num_hidden_layers  # a gradient keeps what each has made
    with inputs_only(decision.model):
        found = IntegratedGradients(_counted(game)).attribute(
            decision.embeddings[None].clone().requires_grad_(),
            baselines=baseline[None],
            n_steps=settings.steps,
            internal_batch_size=max(1, game.batch // layers),
        )
    with torch.no_grad():
        off = float(_counted(game)(baseline[None]))
    said = f"{settings.steps} steps from the {settings.baseline} embedding"
    return Outcome(game.per_group(found[0].detach().double().sum(-1)), _unknown(game), off, said)


def gradient_x_input(game: Game, settings: Settings) -> Outcome:
    """The slope of the log-odds when a group's embeddings are scaled: to first order, what scaling them to 0 takes."""
    from captum.attr import InputXGradient

    with inputs_only(game.decision.model):
        found = InputXGradient(_counted(game)).attribute(game.decision.embeddings[None].clone().requires_grad_())
    return Outcome(game.per_group(found[0].detach().double().sum(-1)), _unknown(game), math.nan, "at the input itself")


def gradient_x_attention(game: Game, settings: Settings) -> Outcome:
    """The slope of the log-odds when all attention to a group is scaled, in every row, head and layer."""
    each = torch.from_numpy(attention_gradients(game.decision))
    game.count(1)
    return Outcome(game.per_group(each), _unknown(game), math.nan, "all rows, heads and layers")


def rollout(game: Game, settings: Settings) -> Outcome:
    """The share of each group in what flows into the decision row along attention, through all layers."""
    _, found = shares(game.decision, game.member, game.n_groups)
    game.count(1)
    return Outcome(found[:-1], _unknown(game), math.nan, "mean over heads, half of each layer goes past attention")


def attention(game: Game, settings: Settings) -> Outcome:
    """The share of each group in the decision row's own attention."""
    found, _ = shares(game.decision, game.member, game.n_groups)
    game.count(1)
    return Outcome(found[:-1], _unknown(game), math.nan, "mean over layers and heads, sinks included")


def _baseline(game: Game, kind: str) -> Tensor:
    """`(n, hidden)`: the embeddings, those of the groups replaced by zero, or by the mean of their own kind.

    Means of frames and of words apart, since they lie far from each other.
    """
    baseline = game.decision.embeddings.clone()
    layout = game.decision.layout
    visual = layout.frame[game.decision.tokens] >= 0
    for chosen in (visual, ~visual):
        where = torch.from_numpy(np.flatnonzero(chosen & (game.member >= 0))).to(baseline.device)
        of_kind = torch.from_numpy(np.flatnonzero(chosen)).to(baseline.device)
        if len(where):
            baseline[where] = 0 if kind == "zero" else game.decision.embeddings[of_kind].mean(0)
    return baseline


def _counted(game: Game) -> Callable[[Tensor], Tensor]:
    """The decision as a function of embeddings, its inputs counted."""

    def read(embeddings: Tensor) -> Tensor:
        odds = game.decision.read(embeddings)
        game.count(len(embeddings))
        return odds

    return read


def _unknown(game: Game) -> np.ndarray:
    return np.full(game.n_groups, math.nan)


Method = Callable[[Game, Settings], Outcome]
METHODS: dict[str, Method] = {
    "ablation": ablation,
    "shapley": shapley,
    "integrated_gradients": integrated_gradients,
    "gradient_x_input": gradient_x_input,
    "gradient_x_attention": gradient_x_attention,
    "rollout": rollout,
    "attention": attention,
}


def cost(method: str, n_groups: int, settings: Settings) -> int:
    """At most how many inputs a method puts through the model."""
    orders = settings.repeats * settings.samples
    most: dict[str, Any] = {
        "ablation": n_groups + 2,
        "shapley": 2**n_groups if n_groups <= EXACT else orders * (n_groups - 1) + 2,
        "integrated_gradients": settings.steps + 1,
    }
    return int(most.get(method, 2))
