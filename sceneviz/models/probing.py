"""Between a probe, which speaks of prompts and their tokens, and the watched pass, which speaks of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from sceneviz.models.kernel import Edges, Pairs, Watch
from sceneviz.models.probe import Capture, Probe, inside
from sceneviz.prompt import TokenLayout

if TYPE_CHECKING:
    from sceneviz.models.reading import Tail
    from sceneviz.models.scene_model import SceneModel


class Probing:
    """A probe under way: makes the watch of each pass, and collects what the passes saw."""

    def __init__(self, model: SceneModel, layouts: Sequence[TokenLayout], length: int, probe: Probe) -> None:
        text = model.module.config.get_text_config()
        self._heads = int(text.num_attention_heads)
        probe.checked(layouts, int(text.num_hidden_layers), self._heads)
        self._layers = inside("layer", probe.layers, int(text.num_hidden_layers))
        self._model, self._layouts, self._length, self._probe = model, layouts, length, probe
        self._token_heads = None if probe.token_heads is None else probe.token_heads or tuple(range(self._heads))
        shape = (len(self._layers), self._heads)
        focus = [len(layout.answer_places) for layout in layouts]
        self._mass = [np.zeros((*shape, size, probe.count), np.float32) for size in focus]
        self._sink = [np.zeros_like(mass) for mass in self._mass]
        self._gradient = [np.zeros_like(mass) for mass in self._mass] if probe.gradient else None
        self._sink_tokens = [np.zeros(mass.shape, np.int32) for mass in self._mass]
        self._visible = [np.zeros((size, probe.count), np.int32) for size in focus]
        self._tokens = None
        if self._token_heads is not None:
            sizes = zip(focus, layouts, strict=True)
            self._tokens = [np.zeros((size, len(layout)), np.float32) for size, layout in sizes]

    def watch(self, past: Pairs, among: list[int], tail: Tail) -> Watch:
        """The watch of one pass; among: which of the probe's prompts take part, in the batch's order."""
        device, suffix = self._model.device, tail.ids.shape[1]
        members = np.zeros((len(among), self._length + suffix, self._probe.count), np.float32)
        for i, prompt in enumerate(among):
            tokens, columns = self._columns(prompt, tail)
            members[i, columns, self._probe.groups[prompt][tokens]] = 1.0
        most = max(map(len, tail.decides))
        # Rows that fill up are any others of the same prompt: all must differ, since their results are scattered back.
        rows = np.array(
            [[*places, *np.setdiff1d(np.arange(suffix), places)[: most - len(places)]] for places in tail.decides]
        )
        real = np.array([[place < len(places) for place in range(most)] for places in tail.decides])
        gates = {}
        if self._probe.gradient:
            shape = (len(among), self._heads, most, self._probe.count)
            gates = {layer: torch.ones(shape, device=device, requires_grad=True) for layer in self._layers}
        return Watch(
            past=past,
            rows=torch.from_numpy(rows).to(device),
            real=torch.from_numpy(real).to(device),
            members=torch.from_numpy(members).to(device),
            layers=frozenset(self._layers),
            cuts=self._edges(among, tail),
            gates=gates,
            token_heads=self._token_heads,
        )

    def _columns(self, prompt: int, tail: Tail) -> tuple[np.ndarray, np.ndarray]:
        """Tokens of a prompt's layout that take part in a pass, and where they stand in the batch."""
        layout = self._layouts[prompt]
        start = layout.prompt_length + tail.start
        answer = np.arange(start, min(start + tail.ids.shape[1], len(layout)))
        before = np.arange(layout.prompt_length)
        columns = (before + self._length - layout.prompt_length, answer - start + self._length)
        return np.concatenate((before, answer)), np.concatenate(columns)

    def _edges(self, among: list[int], tail: Tail) -> list[Edges]:
        found = []
        suffix = tail.ids.shape[1]
        for cut in self._probe.cuts:
            keys = np.zeros((len(among), self._length + suffix), bool)
            for i, prompt in enumerate(among):
                tokens, columns = self._columns(prompt, tail)
                keys[i, columns] = cut.keys[prompt][tokens]
            rows = np.zeros((len(among), suffix), bool)
            for i, prompt in enumerate(among):
                part = cut.rows[prompt][tail.start : tail.start + suffix]
                rows[i, : len(part)] = part
            edges = [torch.from_numpy(each).to(self._model.device) for each in (rows, keys)]
            if (rows.any(1) & keys.any(1)).any():
                found.append(Edges(edges[0], edges[1], cut.layers, cut.heads))
        return found

    def keep(self, watch: Watch, among: list[int], places: slice, tail: Tail, log_odds: list[Tensor]) -> None:
        """Take over what a pass saw; places: of the focus, that it decided."""
        gradient = self._differentiated(watch, log_odds) if self._probe.gradient else None
        mass, sink, sink_tokens = (
            torch.stack([seen[layer].float().cpu() for layer in self._layers], 1).numpy()
            for seen in (watch.mass, watch.sink, watch.sink_tokens)
        )
        for i, prompt in enumerate(among):
            count = int(watch.real[i].sum())
            self._mass[prompt][:, :, places] = mass[i, :, :, :count]
            self._sink[prompt][:, :, places] = sink[i, :, :, :count]
            self._sink_tokens[prompt][:, :, places] = sink_tokens[i, :, :, None]
            self._visible[prompt][places] = self._seen(prompt, tail, tail.decides[i])
            if self._tokens is not None and watch.tokens is not None and self._token_heads:
                tokens, columns = self._columns(prompt, tail)
                mean = watch.tokens[i, :count].cpu().numpy() / (len(self._layers) * len(self._token_heads))
                self._tokens[prompt][places][:, tokens] = mean[:, columns]
            if gradient is not None and self._gradient is not None:
                self._gradient[prompt][:, :, places] = gradient[i, :, :, :count]

    def _seen(self, prompt: int, tail: Tail, decides: np.ndarray) -> np.ndarray:
        """`(decisions, groups)`: how many tokens of each group stand at or before a decision row of this pass."""
        tokens, _ = self._columns(prompt, tail)
        rows = self._layouts[prompt].prompt_length + tail.start + decides
        groups = self._probe.groups[prompt]
        return np.array([np.bincount(groups[tokens[tokens <= row]], minlength=self._probe.count) for row in rows])

    def _differentiated(self, watch: Watch, log_odds: list[Tensor]) -> np.ndarray:
        """`(batch, layers, heads, decisions, groups)`: each decision's log-odds by the gates of its own row."""
        gates = [watch.gates[layer] for layer in self._layers]
        result = np.zeros((len(log_odds), len(gates), *gates[0].shape[1:]), np.float32)
        most = watch.real.shape[1]
        for place in range(most):
            # Prompts of a batch do not see each other: one backward pass serves them all.
            together = torch.stack([odds[place] for odds in log_odds if place < len(odds)]).sum()
            for layer, slope in enumerate(torch.autograd.grad(together, gates, retain_graph=place + 1 < most)):
                result[:, layer, :, place] = slope[:, :, place].float().cpu().numpy()
        return result

    def capture(self) -> Capture:
        """All that the passes saw."""
        return Capture(
            self._layers, self._mass, self._sink, self._sink_tokens, self._visible, self._tokens, self._gradient
        )
