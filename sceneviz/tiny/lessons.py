"""How far the embedded model is from answering what it is asked while it learns to read (`questions`)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sceneviz.models.flow import seeing
from sceneviz.models.scene_model import SceneModel
from sceneviz.synthetic.story import TIMES
from sceneviz.synthetic.words import TOPICS
from sceneviz.tiny.facts import CHANGES, WIDTH
from sceneviz.tiny.looks import Layer, looking
from sceneviz.tiny.questions import Questions, on_device
from sceneviz.tiny.warmup import glimpse_losses
from sceneviz.training.alignment import kept_apart, reason_loss
from sceneviz.training.windows import training_loss

# What each lesson counts for in the sum.
WEIGHTS = {
    "answers": 3.0,
    "changes": 3.0,
    "next": 6.0,
    "soon": 3.0,
    "recall": 1.0,
    "number": 0.5,
    "look": 1.0,
    "text": 0.1,
    "topic": 1.0,
    "time": 0.5,
    "alike": 0.5,  # this and the next: of frames, where the vision tower learns along
    "light": 0.3,
    "reasons": 25.0,  # few of a reason's tokens say what changes, the others follow from those before
}
KINDS = 3  # look, topic, people
DIGITS = 30.0  # what a digit counts for among the tokens of text: counting is learned from few of them
SPREAD = 10.0  # features enter the language model at a tenth of the usual spread (`settle_features`)


class Heads(nn.Module):
    """What is asked at the end of a shot and at a decision; thrown away after training."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.changes = nn.Linear(hidden, len(CHANGES))
        self.next = nn.Linear(hidden, len(CHANGES))
        self.soon = nn.Linear(hidden, len(CHANGES))  # as next, a layer earlier, where the words of a reason read it
        self.recall = nn.Linear(hidden, 2 * KINDS * WIDTH)  # this shot, and the one before
        self.number = nn.Linear(hidden, 4 * 10)  # the digits of this shot's ID, and of the one's before
        self.topic = nn.Linear(hidden, len(TOPICS))
        self.time = nn.Linear(hidden, len(TIMES))
        self.asked = nn.Linear(hidden, 2 * 10)  # the digits of the shot that is decided
        self.alike = nn.Linear(hidden, WIDTH)
        self.light = nn.Linear(hidden, len(TIMES))


def losses(model: SceneModel, heads: Heads, batch: dict[str, Any], asked: Questions) -> dict[str, Tensor]:
    """A loss for each of WEIGHTS; "reasons" only where the batch holds some, "alike" and "light" where it has frames.

    asked: about this batch.
    """
    batch, glimpsed = _glimpses(model, heads, batch, asked)
    device, explained = model.device, "reason" in batch
    truth = {name: on_device(getattr(asked, name), device) for name in ("changed", "foretold", "about")}
    shown: list[Layer] = []
    places = (asked.ends, asked.decisions, asked.words, asked.lines[0], asked.pictures[0])
    ends, decisions, words, lines, pictures = (on_device(each, device) for each in places)
    # Attention runs in torch's own kernel, which never makes the matrix: its few rows that are judged are made apart.
    watch = seeing(model.module, lambda query, key, _, scale: shown.append(Layer(query, key, scale)))
    with torch.autocast(device.type, torch.bfloat16):
        if explained:
            batch = kept_apart(model, batch)
        with watch:
            answers, output = training_loss(model, batch, inner=True)
        layers = output.hidden_states
        half = len(layers) // 2
        middle = _normed(layers[half])
        told = heads.changes(_normed(layers[max(half, len(layers) - 3)][*ends])).float()
        foretold = heads.next(layers[-1][*decisions]).float()
        soon = heads.soon(_normed(layers[-2][*decisions])).float()
        recalled = heads.recall(middle[*ends]).float().unflatten(-1, (2, KINDS, WIDTH))
        named = heads.number(middle[*ends]).view(-1, 10), heads.asked(middle[*decisions]).view(-1, 10)
        heard, seen = heads.topic(middle[*lines]).float(), heads.time(middle[*pictures]).float()
        text = model.module.lm_head(layers[-1][*words]).float()
        said = {"reasons": reason_loss(model, batch, output)} if explained else {}
    entropy, certainty = nn.functional.cross_entropy, nn.functional.binary_cross_entropy_with_logits
    following = batch["ids"].to(device)[words[0], words[1] + 1]
    return (
        said
        | glimpsed
        | {
            "answers": answers,
            "changes": certainty(told, truth["changed"]),
            "next": certainty(foretold, truth["foretold"]),
            "soon": certainty(soon, truth["foretold"]),
            "recall": (recalled[:, :, -truth["about"].shape[2] :] - truth["about"]).square().sum(-1).mean(),
            "number": entropy(torch.cat(named).float(), on_device(asked.digits, device)),
            "look": looking(shown, asked.looks, batch.get("mask")),
            "text": entropy(text, following, weight=_text_weights(model)),
            "topic": entropy(heard, on_device(asked.lines[1], device), reduction="sum") / max(1, len(heard)),
            "time": entropy(seen, on_device(asked.pictures[1], device), reduction="sum") / max(1, len(seen)),
        }
    )


def _glimpses(
    model: SceneModel, heads: Heads, batch: dict[str, Any], asked: Questions
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A batch with the features of its frames in their stead, and how far these are from telling place and time."""
    if batch["frames"] is None:
        return batch, {}
    with torch.autocast(model.device.type, torch.bfloat16):
        features = model.family.encode(model.module, batch["frames"].to(model.device)).float()
        seen = SPREAD * features.mean(1)
        alike, light = heads.alike(seen).float(), heads.light(seen).float()
    found = glimpse_losses(alike, light, on_device(asked.frames, model.device))
    return batch | {"features": features, "frames": None}, dict(zip(("alike", "light"), found, strict=True))


def _normed(hidden: Tensor) -> Tensor:
    return nn.functional.rms_norm(hidden, hidden.shape[-1:])


def _text_weights(model: SceneModel) -> Tensor:
    weights = torch.ones(model.module.config.text_config.vocab_size, device=model.device)
    weights[[model.encoder.text(digit, data=True)[0] for digit in "0123456789"]] = DIGITS
    return weights
