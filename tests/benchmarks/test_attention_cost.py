"""What looking inside costs, as ratios: `attend` beside `predict`, and its memory beside full attention.

Seconds are of the processor, on one thread, so that whatever else the machine has to do stays out.
Memory is what torch allocates at its peak beyond what was there before, by its own profiler (weights and the prompts'
keys and values are there before).
"""

from __future__ import annotations

import statistics
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from probes import wide_model
from test_prediction_cost import Decoded, processor_seconds

from sceneviz.attention import attend
from sceneviz.models import SceneModel, load_model
from sceneviz.models.prefix import Prefix
from sceneviz.models.probe import Probe
from sceneviz.prediction import predict
from sceneviz.prompt import SHOWN, TokenLayout, group_count
from sceneviz.synthetic import render_movie

PAIRS = 5


@pytest.mark.benchmark
def test_attend_beside_predict() -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    model = load_model(device="cpu")
    movie = render_movie(9_000_001, shots=62)
    movie = replace(movie, frames=Decoded(movie, model.recipe))
    ways: dict[str, dict[str, Any]] = {"": {}, "reduce='offset'": {"reduce": "offset"}, "frames=True": {"frames": True}}
    ratios: dict[str, list[float]] = {name: [] for name in ways}
    try:
        prediction = predict(movie, model, progress=False)
        attend(movie, model, prediction)
        for _ in range(PAIRS):
            below = processor_seconds(lambda: predict(movie, model, progress=False))
            for name, options in ways.items():
                above = processor_seconds(lambda: attend(movie, model, prediction, **options))  # noqa: B023
                ratios[name].append(above / below)
    finally:
        torch.set_num_threads(threads)
    for name, found in ratios.items():
        print(f"\nattend({name}) / predict = {statistics.median(found):.2f} ({min(found):.2f}-{max(found):.2f})")
        assert statistics.median(found) <= 1.25


@pytest.mark.benchmark
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
def test_memory_beside_full_attention_at_the_shapes_of_7b(dtype: torch.dtype) -> None:
    """Ten decisions, 101 groups, two layers. Full attention is computed, and measured where it fits."""
    model = wide_model(dtype)
    heads, layers = 28, 2
    for length in (1_024, 8_192):
        prefix, probe, answers = prompt(model, length)
        plain = peak(lambda: prefix.read(answers))  # noqa: B023
        probed = peak(lambda: prefix.probe(answers, probe))  # noqa: B023
        full = layers * heads * (length + 70) ** 2 * dtype.itemsize
        told = f"{full / 2**20:,.0f} MiB computed"
        if length <= 1_024:
            told += f", {peak(lambda: everything(prefix, answers)) / 2**20:,.0f} MiB measured at the peak"  # noqa: B023
        print(
            f"\n{length:,} tokens, {dtype}: output_attentions {told}; plain read {plain / 2**20:.1f} MiB; probed "
            f"{probed / 2**20:.1f} MiB, which is 1/{full / probed:,.0f} of full attention"
        )
    assert probed <= full / 500


def prompt(model: SceneModel, length: int) -> tuple[Prefix, Probe, list[list[bool]]]:
    """A prompt of random text tokens and ten answer lines, in about 100 groups of equal size, prefilled."""
    rng = np.random.default_rng(0)
    words = (model.encoder.no, model.encoder.yes)
    line = [*model.encoder.text("Shot 47:", data=False), words[0], *model.encoder.text("\n", data=False)]
    ids = np.concatenate([rng.integers(100, 200, length), np.tile(line, 10)])
    none = np.full(len(ids), -1, np.int16)
    places = length + np.arange(10) * len(line) + len(line) - 2
    layout = TokenLayout(ids, none.astype(np.int32), np.zeros(len(ids), np.int8), none, none, none, length, places)
    prefix, _ = model.prefill([layout], None)
    count = group_count(20)
    assert count == 1 + 20 * len(SHOWN)
    groups = np.arange(len(ids)) * count // len(ids)
    return prefix, Probe((groups,), count), [[False] * 10]


def everything(prefix: Prefix, answers: list[list[bool]]) -> None:
    """The library's own way, keeping all."""
    module = prefix.model.module
    module.set_attn_implementation({"text_config": "eager"})
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module(
            input_ids=prefix._written(answers, [0]),
            attention_mask=prefix._mask,
            position_ids=prefix._positions,
            output_attentions=True,
            logits_to_keep=1,
        )
    module.set_attn_implementation({"text_config": "sdpa"})


def peak(work: Callable[[], object]) -> int:
    """Bytes allocated on the CPU at the worst moment of a call, beyond what was there before it."""
    work()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        work()
    events = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    events.sort(key=lambda event: event.start_ns())
    return int(np.cumsum([event.nbytes() for event in events]).max())
