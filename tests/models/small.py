"""A small model of the real classes with random weights, and a scripted movie to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from sceneviz.models import SceneModel
from sceneviz.models.family import family_of
from sceneviz.movie import Movie, Shot
from sceneviz.recipe import Recipe
from sceneviz.tiny.build import tiny_config, train_tokenizer

WORDS = "river stone garden doctor engine letter train harbor winter kitchen soldier mirror Shot Yes No".split()
RECIPE = Recipe(frame_size=(56, 84))
# As many visual tokens, six a frame, for each family; and a seed with which about half of the answers are Yes.
RECIPES = {"qwen2_5_vl": RECIPE, "qwen3_vl": replace(RECIPE, frame_size=(64, 96))}
BALANCED = {"qwen2_5_vl": 0, "qwen3_vl": 3}


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


def small_config(tokenizer: Any, family: str) -> Any:
    """A config of two layers, wide enough for four heads."""
    plain = tiny_config(tokenizer, width=128, layers=2, vision_width=64, depth=2)
    if family == "qwen2_5_vl":
        return plain
    from transformers import Qwen3VLConfig

    text = {name: getattr(plain.text_config, name) for name in SAME_TEXT}
    vision = {name: getattr(plain.vision_config, name) for name in SAME_VISION}
    return Qwen3VLConfig(
        **{name: getattr(plain, name) for name in SAME},
        # Heads wider than their share of the hidden state, as published; 24, 20, 20 of 64 pairs, interleaved.
        text_config=text
        | {
            "head_dim": 48,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 5_000_000.0,
                "mrope_section": [10, 7, 7],
                "mrope_interleaved": True,
            },
        },
        # Position embeddings on a grid of 6 x 6, resampled to each frame's; features from both blocks go deep.
        vision_config=vision | {"depth": 3, "num_position_embeddings": 36, "deepstack_visual_indexes": [0, 1]},
    )


SAME = "image_token_id video_token_id vision_start_token_id vision_end_token_id tie_word_embeddings".split()
SAME_TEXT = (
    "vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads num_key_value_heads "
    "max_position_embeddings bos_token_id eos_token_id pad_token_id tie_word_embeddings"
).split()
SAME_VISION = "hidden_size intermediate_size num_heads out_hidden_size".split()


def random_model(yes_bias: float = 0.0, seed: int = 0, spread: float = 6.0, family: str = "qwen2_5_vl") -> SceneModel:
    """The real classes at small size. Weights are scaled up, so that answers depend on what is read and written.

    yes_bias: moves the balance towards Yes.
    """
    torch.manual_seed(seed)
    tokenizer = train_tokenizer([" ".join(WORDS), 'Shot 0: Yes\nShot 1: No\n<shot id="2">\n</shot>\n'] * 50, 320)
    kind = family_of(family)
    module = kind.build(small_config(tokenizer, family)).eval()
    model = SceneModel(module, tokenizer, kind, "random", RECIPES[family])
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if weight.ndim == 2 and "embed" not in name:
                weight.mul_(spread)
            if "q_norm" in name or "k_norm" in name:
                weight.uniform_(0.5, 2.5)
        embedding = module.get_input_embeddings().weight
        embedding.mul_(4)
        embedding[model.encoder.yes] = embedding[model.encoder.no] + yes_bias * torch.randn(embedding.shape[1])
    return model
