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

    placeholder: the text of the token that stands for one visual token. opening: what a chat begins with, up to the
    user's turn. frame_size: (height, width) at which frames are shown where a checkpoint doesn't say otherwise.
    """

    model_type: str
    placeholder: str
    opening: str
    frame_size: tuple[int, int]

    def build(self, config: Any) -> nn.Module:
        """The real class for a config, randomly initialised."""

    def load(self, folder: str, **options: Any) -> nn.Module:
        """The real class with weights, all of them, through `from_pretrained`."""

    def token_pixels(self, module: nn.Module) -> int:
        """The side, in pixels, of the square that one visual token covers."""

    def encode(self, module: nn.Module, frames: Tensor) -> Tensor:
        """Frames `(n, H, W, 3)` uint8 to their feature bundle `(n, tokens, …)`."""

    def positions(self, module: nn.Module, ids: Tensor, mask: Tensor, grid: tuple[int, int]) -> Tensor:
        """`(3, batch, length)` rotary positions, all frames having `grid` (rows, columns) of merged tokens."""

    def embed(self, module: nn.Module, ids: Tensor, bundle: Tensor | None) -> Tensor:
        """`(batch, length, width)`: what the layers are given to read for these tokens, features in their places."""

    def read(self, module: nn.Module, embedded: Tensor, mask: Tensor, positions: Tensor) -> Tensor:
        """`(batch, vocabulary)` logits behind the last token of what `embed` gave; differentiable by it."""

    def vision(self, bundle: Tensor) -> dict[str, Any]:
        """The forward arguments that hand over a bundle of all frames of a batch, in order of their tokens."""


def family_of(model_type: str) -> Family:
    """The family that a config's `model_type` belongs to."""
    from sceneviz.models.qwen3vl import Qwen3VL
    from sceneviz.models.qwen25vl import Qwen25VL

    known: dict[str, Family] = {family.model_type: family for family in (Qwen25VL(), Qwen3VL())}
    if model_type not in known:
        raise ScenevizError(f"model type {model_type!r} is not supported; supported: {', '.join(sorted(known))}")
    return known[model_type]
