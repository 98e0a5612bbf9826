"""Training a model to write `Shot i: Yes/No`, through transformers' Trainer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from transformers import Trainer, TrainingArguments

from sceneviz.lock import held
from sceneviz.models.loading import write_card
from sceneviz.models.scene_model import SceneModel
from sceneviz.movie import Movie
from sceneviz.recipe import Recipe
from sceneviz.training.checkpoints import last_whole
from sceneviz.training.config import TrainConfig
from sceneviz.training.stores import FeatureStore, FrameStore
from sceneviz.training.windows import Collator, TrainingWindows, training_loss


def finetune(
    movies: Sequence[Movie],
    model: SceneModel,
    config: TrainConfig | None = None,
    *,
    out: str | Path,
    recipe: Recipe | None = None,
    frames: str | Path | None = None,
) -> SceneModel:
    """Train all weights of a model in place on labelled movies, and save it to a folder.

    movies: with labels. recipe: how they are shown; the model's own by default.
    out: gets the trained model, its tokenizer and recipe, and `checkpoints/`, from which a killed run goes on: the
        same call again gives the model that an undisturbed run gives.
    frames: a folder where decoded keyframes, or their features where the vision tower is frozen, are kept; `out/frames`
        by default.
    """
    config = config or TrainConfig()
    recipe = recipe or model.recipe
    model.check(recipe)
    out = Path(out)
    windows = TrainingWindows(movies, recipe, config)
    store = open_store(model, windows, Path(frames) if frames is not None else out / "frames")
    trainer = _AnswerTrainer(
        model=model.module,
        args=_arguments(config, out / "checkpoints", on_cpu=model.device.type == "cpu"),
        train_dataset=windows,
        data_collator=Collator(model, windows, store),
    )
    trainer.scene_model = model
    model.module.train()
    model.module.model.visual.requires_grad_(not config.freeze_vision)
    checkpoints = out / "checkpoints"
    with held(checkpoints):
        trainer.train(resume_from_checkpoint=last_whole(checkpoints))
    model.module.eval().requires_grad_(True)
    model.recipe = recipe
    save_model(model, out)
    return model


def open_store(model: SceneModel, windows: TrainingWindows, folder: Path) -> FrameStore | FeatureStore:
    """Frames of the training movies, or their features where the vision tower stays as it is."""
    if windows.config.freeze_vision and windows.recipe.visual:
        return FeatureStore(model, windows.movies, windows.recipe, first=windows.first, folder=folder)
    return FrameStore(windows.movies, windows.recipe, folder)


def save_model(model: SceneModel, folder: Path) -> None:
    """Weights (safetensors), tokenizer, recipe and threshold, as `load_model` takes them."""
    folder.mkdir(parents=True, exist_ok=True)
    model.module.save_pretrained(folder)
    model.tokenizer.save_pretrained(folder)
    write_card(folder, model.recipe, model.threshold)


class _AnswerTrainer(Trainer):
    """The library's loop around our loss; windows are drawn at random already, so they come in order."""

    scene_model: SceneModel

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor | tuple[torch.Tensor, Any]:
        loss, _ = training_loss(self.scene_model, inputs)
        return (loss, None) if return_outputs else loss

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        # Saving renames the weights to the published names; the library's own resume does not rename them back, and
        # would go on from fresh weights with no more than a warning.
        trained = self.scene_model.family.load(resume_from_checkpoint, dtype=self.scene_model.dtype)
        self.scene_model.module.load_state_dict(trained.state_dict())

    def _get_train_sampler(self, *_: Any) -> torch.utils.data.Sampler[int]:
        return torch.utils.data.SequentialSampler(cast(TrainingWindows, self.train_dataset))


def _arguments(config: TrainConfig, folder: Path, on_cpu: bool) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=config.steps,
        per_device_train_batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        warmup_steps=config.warmup,
        weight_decay=config.weight_decay,
        adam_beta2=0.98,
        lr_scheduler_type="cosine" if config.schedule == "cosine" else "constant_with_warmup",
        max_grad_norm=1.0,
        logging_steps=10,
        save_steps=config.checkpoint_every,
        save_total_limit=2,
        remove_unused_columns=False,
        label_names=["labels"],
        report_to=[],
        seed=config.seed,
        use_cpu=on_cpu,
        bf16=config.autocast,
        disable_tqdm=None,
    )
