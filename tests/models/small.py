"""A small model of the real classes with random weights, and a scripted movie to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from sceneviz.models import SceneModel
from sceneviz.models.family import family_of
from sceneviz.movie import Movie, Shot
from sceneviz.recipe import Recipe
from sceneviz.tiny.build import tiny_config, train_tokenizer

WORDS = "river stone garden doctor engine letter train harbor winter kitchen soldier mirror Shot Yes No".split()
RECIPE = Recipe(frame_size=(56, 84))


class NoiseFrames:
    """Frames drawn from noise, the same ones for a shot whenever it is read."""

    fingerprint = "noise"
    size = (56, 84)

    def __init__(self) -> None:
        self.reads: list[int] = []

    def read(self, shots: Sequence[Shot], count: int, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        for shot in shots:
            self.reads.append(shot.index)
            rng = np.random.default_rng(shot.index)
            yield rng.integers(0, 256, (count, *(size or self.size), 3), np.uint8)


def noise_movie(n_shots: int, frames: bool = True) -> Movie:
    """A movie whose shots differ in everything, in length of text above all."""
    rng = np.random.default_rng(n_shots)
    shots = tuple(
        Shot(
            i,
            10 * i,
            10 * i + 10,
            float(i),
            i + 1.0,
            subtitle=" ".join(rng.choice(WORDS, rng.integers(0, 12))),
            characters=tuple(rng.choice(["Ann", "Bob", "Cid"], rng.integers(0, 3), replace=False)),
        )
        for i in range(n_shots)
    )
    return Movie(f"noise-{n_shots}", shots, frames=NoiseFrames() if frames else None)


def random_model(yes_bias: float = 0.0, seed: int = 0, spread: float = 6.0) -> SceneModel:
    """The real classes at small size. Weights are scaled up, so that answers depend on what is read and written.

    yes_bias: moves the balance towards Yes.
    """
    torch.manual_seed(seed)
    tokenizer = train_tokenizer([" ".join(WORDS), 'Shot 0: Yes\nShot 1: No\n<shot id="2">\n</shot>\n'] * 50, 320)
    family = family_of("qwen2_5_vl")
    module = family.build(tiny_config(tokenizer, width=128, layers=2, vision_width=64, depth=2)).eval()
    model = SceneModel(module, tokenizer, family, "random", RECIPE)
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if weight.ndim == 2 and "embed" not in name:
                weight.mul_(spread)
        embedding = module.get_input_embeddings().weight
        embedding.mul_(4)
        embedding[model.encoder.yes] = embedding[model.encoder.no] + yes_bias * torch.randn(embedding.shape[1])
    return model
