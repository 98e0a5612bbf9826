"""The slow way that prediction must equal: the library's own preprocessing and `generate`, one token at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from sceneviz.models import SceneModel
from sceneviz.models.features import marked_frames
from sceneviz.movie import Movie
from sceneviz.prompt import Prompt, build_prompt
from sceneviz.recipe import Recipe, Window


@dataclass(frozen=True)
class Written:
    """Decisions and confidences of one window's focus."""

    decisions: list[bool]
    confidence: np.ndarray


def generated(
    model: SceneModel, movie: Movie, window: Window, recipe: Recipe, lines: list[int] | None = None
) -> Written:
    """Greedy `generate`, constrained to the answer template, from text and pixels made by the library.

    lines: write only these lines of the answer.
    """
    prompt = build_prompt(movie.shots, window, recipe)
    ids = tokens(model, prompt)
    pieces = prompt.lines([False] * len(window.focus))
    kept = range(len(window.focus)) if lines is None else lines
    text = "".join(piece.text for line in kept for piece in pieces[3 * line : 3 * line + 3])
    template = model.tokenizer(text, add_special_tokens=False)["input_ids"]
    yes, no = model.encoder.yes, model.encoder.no
    length = ids.shape[1]

    def allowed(_: int, written: torch.Tensor) -> list[int]:
        token = template[len(written) - length]
        return [yes, no] if token == no else [token]

    output = model.module.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        **pixels(model, movie, window, recipe, ids),
        max_new_tokens=len(template),
        min_new_tokens=len(template),
        do_sample=False,
        prefix_allowed_tokens_fn=allowed,
        return_dict_in_generate=True,
        output_logits=True,
        pad_token_id=model.pad,
        eos_token_id=-1,
    )
    places = [i for i, token in enumerate(template) if token == no]
    answer = output.sequences[0, length:].tolist()
    logits = torch.stack([output.logits[i][0, [yes, no]] for i in places]).double()
    return Written([answer[i] == yes for i in places], torch.softmax(logits, 1)[:, 0].numpy())


# Pixels along a visual token's side, and what a chat begins with, as published.
SIDES = {"qwen2_5_vl": 28, "qwen3_vl": 32}
CHATS = {
    "qwen2_5_vl": "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n",
    "qwen3_vl": "<|im_start|>user\n",
}


def tokens(model: SceneModel, prompt: Prompt) -> torch.Tensor:
    """`(1, n)` IDs of a whole prompt, tokenised at one go."""
    kind = model.module.config.model_type
    rows, columns = (side // SIDES[kind] for side in prompt.recipe.frame_size)
    text = prompt.text(frame="<|image_pad|>" * rows * columns, opening=CHATS[kind])
    return model.tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]


# What the published preprocessor_config.json changes of the image processor's defaults.
PROCESSORS: dict[str, dict[str, Any]] = {
    "qwen2_5_vl": {},
    "qwen3_vl": {"patch_size": 16, "image_mean": [0.5] * 3, "image_std": [0.5] * 3},
}


def pixels(
    model: SceneModel, movie: Movie, window: Window, recipe: Recipe, ids: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Vision inputs by the family's own image processor."""
    if not recipe.visual:
        return {}
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    assert movie.frames is not None
    shots = [movie.shots[index] for index in window.context]
    frames = marked_frames(shots, list(movie.frames.read(shots, recipe.frames_per_shot, recipe.frame_size)), recipe)
    processor = Qwen2VLImageProcessorPil(**PROCESSORS[model.module.config.model_type])
    batch = processor(images=list(frames), return_tensors="pt")
    return {
        "pixel_values": batch["pixel_values"],
        "image_grid_thw": batch["image_grid_thw"],
        "mm_token_type_ids": (ids == model.encoder.placeholder).int(),
    }
