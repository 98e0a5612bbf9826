"""The vision tower over many frames in one call says what the library's frame by frame says."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from small import random_model

from sceneviz.models import load_model
from sceneviz.models.vision_tower import NAME, all_at_once


# Windows are four blocks wide: whole ones, cut ones, and frames smaller than one.
@pytest.mark.parametrize("size", [(56, 84), (224, 224), (140, 252), (28, 28)])
def test_all_frames_together_are_each_alone(size: tuple[int, int]) -> None:
    model = random_model(spread=1.0)
    frames = np.random.default_rng(size).integers(0, 256, (3, *size, 3), np.uint8)
    alone = model.encode(frames)
    all_at_once(model.module)
    together = model.encode(frames)
    assert model.module.config.vision_config._attn_implementation == NAME
    assert model.module.config.text_config._attn_implementation != NAME
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("size", [(56, 84), (224, 224), (140, 252), (28, 28)])
def test_the_places_of_all_frames_are_what_the_library_reckons_for_each(size: tuple[int, int]) -> None:
    model = random_model(spread=1.0)
    frames = torch.from_numpy(np.random.default_rng(size).integers(0, 256, (3, *size, 3), np.uint8))
    ours = model.family.encode(model.module, frames)
    grid = torch.tensor([[1, size[0] // 14, size[1] // 14]]).expand(3, 3)
    pixels = model.family.patches(frames)  # type: ignore[attr-defined]
    theirs = model.module.model.get_image_features(pixels, grid, return_dict=True).pooler_output
    torch.testing.assert_close(ours, torch.stack(theirs), rtol=0, atol=0)


def test_gradients_are_the_librarys() -> None:
    frames = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 140, 252, 3), np.uint8))
    slopes = []
    for at_once in (False, True):
        model = random_model(spread=1.0)
        if at_once:
            all_at_once(model.module)
        model.module.requires_grad_(True)
        model.family.encode(model.module, frames).square().sum().backward()
        slopes.append([weight.grad for weight in model.module.model.visual.parameters()])
    for alone, together in zip(*slopes, strict=True):
        torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-3)


def test_a_model_is_built_anew_from_the_config_of_a_loaded_one() -> None:
    model = load_model(device="cpu")
    assert model.module.config.vision_config._attn_implementation == NAME
    built = model.family.build(model.module.config)
    assert model.module.config.vision_config._attn_implementation == NAME
    assert built.config.vision_config._attn_implementation == "sdpa"
    built.load_state_dict(copy.deepcopy(model.module).state_dict())
    frames = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 56, 84, 3), np.uint8))
    with torch.no_grad():
        ours, theirs = (model.family.encode(each, frames) for each in (copy.deepcopy(model.module), built.eval()))
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
