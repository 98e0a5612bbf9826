"""What the vision tower costs as it is read here, beside the library's way: frame by frame, patches by a convolution.

Seconds are of the processor, on one thread, so that whatever else the machine has to do stays out.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from test_prediction_cost import processor_seconds

from sceneviz.models import SceneModel, load_model
from sceneviz.models.loading import EMBEDDED
from sceneviz.tiny.stages import RECIPE

PAIRS, FRAMES = 5, 192


@pytest.fixture
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.benchmark
@pytest.mark.parametrize("training", [False, True], ids=["read", "trained"])
def test_the_embedded_models_tower(training: bool, one_thread: None) -> None:
    """192 frames; read: in float32, without gradients; trained: forward and backward, in bfloat16 as far as it goes."""
    frames = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (FRAMES, 56, 84, 3), np.uint8))
    theirs, ours = as_the_library_has_it(EMBEDDED["tiny"]), load_model(device="cpu")
    assert type(ours.module.model.visual.patch_embed.proj) is not type(theirs.module.model.visual.patch_embed.proj)
    ratios = []
    for _ in range(PAIRS + 1):
        spent = [processor_seconds(lambda: once(model, frames, training)) for model in (ours, theirs)]  # noqa: B023
        ratios.append(spent[0] / spent[1])
    found = ratios[1:]
    said = "forward and backward" if training else "forward"
    print(
        f"\nvision tower, {said}: ours / library = {statistics.median(found):.2f} ({min(found):.2f}-{max(found):.2f})"
    )
    assert statistics.median(found) < 0.9


def once(model: SceneModel, frames: torch.Tensor, training: bool) -> None:
    with torch.set_grad_enabled(training), torch.autocast("cpu", torch.bfloat16, enabled=training):
        features = model.family.encode(model.module, frames)
    if training:
        features.float().square().mean().backward()


def as_the_library_has_it(folder: Path) -> SceneModel:
    """The model of a folder without what makes its tower faster."""
    from transformers import AutoTokenizer

    from sceneviz.models.family import family_of

    family = family_of("qwen2_5_vl")
    module = family.load(str(folder), dtype=torch.float32, attn_implementation="sdpa")
    return SceneModel(module.eval(), AutoTokenizer.from_pretrained(folder), family, "tiny", RECIPE)
