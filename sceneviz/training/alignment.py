"""`align`: after the training for boundaries, a model learns to say why, and goes on answering as before."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sceneviz._text import ScenevizError, counted, write_whole
from sceneviz.explanation.asking import request
from sceneviz.lock import held
from sceneviz.models.scene_model import SceneModel
from sceneviz.movie import Movie
from sceneviz.prompt import shot_id
from sceneviz.recipe import Recipe
from sceneviz.training.checkpoints import ended_with, of_this_model
from sceneviz.training.config import PAPER, TrainConfig
from sceneviz.training.disk import told_when_full
from sceneviz.training.loop import open_store, save_model
from sceneviz.training.rationales import Annotated, Explained, ExplainedWindows, Rationale, Rationales, Rendered
from sceneviz.training.samples import TrainingWindows
from sceneviz.training.steps import Steps, Turns, turns_from
from sceneviz.training.trainable import checkpoint_activations, made_trainable
from sceneviz.training.undo import undone_on_failure
from sceneviz.training.windows import Collator, training_loss

SAID_EVERY = 10  # steps
# Few, small steps: 35 rationales are seen some twenty times.
SETTINGS = replace(PAPER, epochs=0, steps=100, batch_size=8, learning_rate=5e-5, warmup=10, patience=0)


def align(
    movies: Sequence[Movie],
    model: SceneModel,
    rationales: Sequence[Rationale] | Rationales | None = None,
    *,
    config: TrainConfig | None = None,
    out: str | Path,
    recipe: Recipe | None = None,
    frames: str | Path | None = None,
    most: int = 6,
    plain: float = 0.25,
    weight: float = 1.0,
    muon: bool = False,
) -> SceneModel:
    """Teach a model, in place, to explain its answers, after `finetune` has taught it to give them.

    movies: with labels. rationales: why some of their answers are what they are, in the language of
        `sceneviz.explanation`: a list (the paper has 35 for a 7B model), or what gives them; by default those that the
        renderer knows, for rendered movies.
    config: as for `finetune`, `SETTINGS` by default; on one device. recipe, frames: too. A model with an adapter goes
        on with it; else the config says whether it gets one, or is trained whole.
    out: gets the model, `alignment.jsonl` with a line of losses for every ten steps, and `alignment.pt`, from which a
        killed run goes on. Stopped early, by an error or an interrupt, it leaves the model as it found it.
    most: reasons in one window, which are computed behind one prompt.
    plain: share of windows that explain nothing. In these and in all others the answers are learned along, as in
        `finetune`, so that they stay what they are. weight: what a reason's tokens, on average, count for beside them.
    muon: train the matrices between embedding and head by Muon, not AdamW: for a small model that is trained whole.
    """
    config, recipe, out = config or SETTINGS, recipe or model.recipe, Path(out)
    if most < 1 or not 0 <= plain < 1 or weight <= 0:
        raise ScenevizError(f"align: expected most >= 1, 0 <= plain < 1, weight > 0; got {most}, {plain}, {weight}")
    if rationales is None:
        rationales = Rendered(movies)
    elif isinstance(rationales, Sequence):
        rationales = Annotated(movies, rationales)
    model.check(recipe)
    base, began = model.name, model.fingerprint
    windows = TrainingWindows(movies, recipe, config)
    explained = ExplainedWindows(windows, rationales, most=most, plain=plain)
    store = open_store(model, windows, Path(frames or out / "frames"))
    collator = Reasoned(model, Collator(model, windows, store))
    with held(out), undone_on_failure(model, config), told_when_full(out):
        _make_trainable(model, config, out)
        if config.checkpoint_activations:
            checkpoint_activations(model.module)
        trained = {name: parameter for name, parameter in model.module.named_parameters() if parameter.requires_grad}
        steps = Steps(trained, decay=config.weight_decay, muon=float(muon), muon_decay=config.weight_decay)
        of_this_model(out / "alignment.began.json", began, goes_on=(out / "alignment.pt").is_file())
        steps.load(out / "alignment.pt")
        model.module.train()
        _run(model, explained, collator, steps, weight, out)
        model.module.eval()
        if config.checkpoint_activations:
            checkpoint_activations(model.module, False)
        if model.adapter is None:
            model.module.requires_grad_(True)
        model.recipe = recipe
        vars(model).pop("fingerprint", None)
        save_model(model, out, training={"base": base, "alignment": asdict(config), "step": steps.done})
        ended_with(out / "alignment.began.json", model.fingerprint)
    return model


def _make_trainable(model: SceneModel, config: TrainConfig, out: Path) -> None:
    """An adapter where there is one, or where the config wants one; else all weights, as for `finetune`."""
    if model.adapter is not None:
        for name, parameter in model.module.named_parameters():
            parameter.requires_grad_("lora_" in name)
        return
    wrapped = made_trainable(model.module, config)
    if config.lora:
        model.adapter, model.name = wrapped, f"{model.name} + {out.name}"


class Reasoned:
    """Explained windows to what a step takes in: the training batch, and behind each answer its reasons.

    Each reason follows the whole answer as if it were the only one: none sees another, and all count their positions
    on from the answer's last token.
    """

    def __init__(self, model: SceneModel, collator: Collator) -> None:
        self.model, self.collator = model, collator

    def __call__(self, explained: Sequence[Explained]) -> dict[str, Any]:
        """As `Collator`, with ids and positions longer, and reason `(batch, length)`: which one, from 1, a token is of;

        reason_rows, reason_columns, reason_targets: for each token of a reason, its end included, the place whose
        output has to say it, and its ID; reason_asked: the column where its request has named the shot, and tells the
        answer next.
        """
        batch = self.collator([each.sample for each in explained])
        parts = [self._parts(each) for each in explained]
        plain = [len(layout) for layout in batch["layouts"]]
        length = max(start + sum(map(len, own)) for start, (own, _) in zip(plain, parts, strict=True))
        short = batch["ids"].shape[1]
        ids = torch.full((len(parts), length), self.model.pad)
        ids[:, :short] = batch["ids"]
        positions = torch.zeros(3, len(parts), length, dtype=batch["positions"].dtype)
        positions[:, :, :short] = batch["positions"]
        reason = torch.zeros(len(parts), length, dtype=torch.int16)
        rows: list[int] = []
        columns: list[int] = []
        named: list[int] = []
        for row, (start, (reasons, asked)) in enumerate(zip(plain, parts, strict=True)):
            at = start
            for number, (tokens, silent) in enumerate(zip(reasons, asked, strict=True), 1):
                stop = at + len(tokens)
                ids[row, at:stop] = torch.tensor(tokens)
                positions[:, row, at:stop] = positions[:, row, start - 1, None] + 1 + torch.arange(len(tokens))
                reason[row, at:stop] = number
                columns += range(at + silent - 1, stop - 1)
                rows += [row] * (len(tokens) - silent)
                named += [at + self._named(tokens)] * (len(tokens) - silent)
                at = stop
        reason_rows, reason_columns = torch.tensor(rows, dtype=torch.long), torch.tensor(columns, dtype=torch.long)
        return {
            **batch,
            "ids": ids,
            "positions": positions,
            "reason": reason,
            "reason_rows": reason_rows,
            "reason_columns": reason_columns,
            "reason_targets": ids[reason_rows, reason_columns + 1],
            "reason_asked": torch.tensor(named, dtype=torch.long),
        }

    def _parts(self, explained: Explained) -> tuple[list[list[int]], list[int]]:
        """For each reason its tokens, those that ask for it first, and how many of them ask."""
        encoder, sample = self.model.encoder, explained.sample
        found, asked = [], []
        for shot, text in zip(explained.shots, explained.texts, strict=True):
            labels = self.collator.movies[sample.movie].labels
            assert labels is not None
            asking = request(encoder, shot_id(shot, sample.first), bool(labels[0, shot] in (1, -1)))
            found.append([*asking, *encoder.text(text, data=True), int(self.model.tokenizer.eos_token_id)])
            asked.append(len(asking))
        return found, asked

    def _named(self, tokens: list[int]) -> int:
        """Where a request has named its shot: before its answer."""
        encoder = self.model.encoder
        return next(at for at, token in enumerate(tokens) if token in (encoder.yes, encoder.no)) - 1


def alignment_losses(model: SceneModel, batch: dict[str, Any]) -> dict[str, Tensor]:
    """The loss of the answers, as in `finetune`, and the mean next-token loss of the reasons; 0 where there is none."""
    answers, output = training_loss(model, kept_apart(model, batch))
    return {"answers": answers, "reasons": reason_loss(model, batch, output)}


def kept_apart(model: SceneModel, batch: dict[str, Any]) -> dict[str, Any]:
    """A batch of `Reasoned` for `training_loss`: with the mask by which no reason sees another."""
    return batch | {"mask": _added(seen_by_each(batch["reason"].to(model.device)), model.dtype)}


def reason_loss(model: SceneModel, batch: dict[str, Any], output: Any) -> Tensor:
    """The mean next-token loss of the reasons in a batch of which the model put this out."""
    logits = model.module.lm_head(output.last_hidden_state[batch["reason_rows"], batch["reason_columns"]]).float()
    targets = batch["reason_targets"].to(model.device)
    return nn.functional.cross_entropy(logits, targets, reduction="sum") / max(1, len(targets))


def seen_by_each(reason: Tensor) -> Tensor:
    """`(batch, 1, length, length)` bool: what a token sees: all before it but other reasons."""
    own = (reason[:, None] == 0) | (reason[:, None] == reason[:, :, None])
    return own.tril()[:, None]


def _added(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """A mask as what is added to scores, in the type they are computed in: made once, not again in every layer."""
    if torch.is_autocast_enabled(mask.device.type):
        dtype = torch.get_autocast_dtype(mask.device.type)
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(~mask, -torch.inf)


def _run(
    model: SceneModel, explained: ExplainedWindows, collator: Reasoned, steps: Steps, weight: float, out: Path
) -> None:
    config, count, log = explained.windows.config, explained.windows.steps, out / "alignment.jsonl"
    kept = log.read_text("utf-8").splitlines() if log.is_file() else []
    lines = [line for line in kept if json.loads(line)["step"] <= steps.done]
    together, times = config.shares(1)
    turns = Turns(explained, collator, together)
    seen: list[dict[str, Tensor]] = []
    for turn, batch in enumerate(turns_from(turns, steps.done * times, count * times, config.workers), 1):
        with torch.autocast(model.device.type, torch.bfloat16, enabled=config.autocast):
            losses = alignment_losses(model, batch)
        ((losses["answers"] + weight * losses["reasons"]) / times).backward()
        seen.append({name: loss.detach() for name, loss in losses.items()})
        if turn % times:
            continue
        steps.take(_rate(config, steps.done, count))
        if steps.done % SAID_EVERY == 0 or steps.done == count:
            means = {name: round(float(np.mean([float(each[name]) for each in seen])), 4) for name in losses}
            lines.append(json.dumps({"step": steps.done, **means}))
            write_whole(log, "\n".join(lines) + "\n")
            print(f"alignment {steps.done}/{counted(count, 'step')}: {means}", flush=True)
            seen = []
        if steps.done % config.checkpoint_every == 0 or steps.done == count:
            steps.save(out / "alignment.pt")


def _rate(config: TrainConfig, step: int, count: int) -> float:
    """The learning rate of a step: up in a line, then down as the schedule says."""
    falling = 0.5 * (1 - math.cos(math.pi * (count - step) / count)) if config.schedule == "cosine" else 1.0
    return config.learning_rate * min((step + 1) / max(1, config.warmup), falling)
