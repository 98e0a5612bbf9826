"""What differs from one model family to the next, in one small class each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from sceneviz._text import ScenevizError

if TYPE_CHECKING:
    from torch import Tensor, nn


class Family(Protocol):
    """The few things that prediction, attention and training must know about a vision-language family.

    A feature bundle is what the vision tower makes of one frame and the language model takes in: a tensor whose first
    axes are (frames, tokens). It is opaque to everything outside the family.
    """

    model_type: str
    placeholder: str

    def build(self, config: Any) -> nn.Module:
        """The real class for a config, randomly initialised."""

    def load(self, folder: str, **options: Any) -> nn.Module:
        """The real class with weights, through `from_pretrained`."""

    def encode(self, module: nn.Module, frames: Tensor) -> Tensor:
        """Frames `(n, H, W, 3)` uint8 to their feature bundle `(n, tokens, …)`."""

    def positions(self, module: nn.Module, ids: Tensor, mask: Tensor, grid: tuple[int, int]) -> Tensor:
        """`(3, batch, length)` rotary positions, all frames having `grid` (rows, columns) of merged tokens."""

    def embed(self, module: nn.Module, ids: Tensor, bundle: Tensor | None) -> Tensor:
        """`(batch, length, hidden)`: what the first layer reads for these tokens, features in their places."""

    def vision(self, bundle: Tensor) -> dict[str, Any]:
        """The forward arguments that hand over a bundle of all frames of a batch, in order of their tokens."""


def family_of(model_type: str) -> Family:
    """The family that a config's `model_type` belongs to."""
    from sceneviz.models.qwen25vl import Qwen25VL

    known: dict[str, Family] = {Qwen25VL.model_type: Qwen25VL()}
    if model_type not in known:
        raise ScenevizError(f"model type {model_type!r} is not supported; supported: {', '.join(sorted(known))}")
    return known[model_type]
