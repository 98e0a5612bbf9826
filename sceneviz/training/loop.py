"""Training a model to write `Shot i: Yes/No`: movies and a config in, a checkpoint with its card out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from sceneviz._text import ScenevizError
from sceneviz.lock import held
from sceneviz.models.loading import write_card
from sceneviz.models.scene_model import SceneModel
from sceneviz.movie import Movie
from sceneviz.recipe import Recipe
from sceneviz.training.checkpoints import ended_with, last_whole, of_this_model
from sceneviz.training.config import PAPER, TrainConfig
from sceneviz.training.disk import told_when_full
from sceneviz.training.planning import Plan, planned_windows, refuse_impossible
from sceneviz.training.samples import TrainingWindows
from sceneviz.training.stores import DirectFrames, FeatureStore, FrameStore
from sceneviz.training.trainable import checkpoint_activations, made_trainable
from sceneviz.training.trainer import AnswerTrainer, History, answering, arguments
from sceneviz.training.undo import undone_on_failure
from sceneviz.training.validation import Validation
from sceneviz.training.windows import Collator, Store

BEGAN = "began.json"


def finetune(
    movies: Sequence[Movie],
    model: SceneModel,
    config: TrainConfig | None = None,
    *,
    out: str | Path,
    recipe: Recipe | None = None,
    validation: Sequence[Movie] | None = None,
    frames: str | Path | None = None,
) -> SceneModel:
    """Train a model in place on labelled movies, and save it to a folder, as `load_model` takes it.

    movies: with labels; those without frames are shown with their texts.
    config: the paper's settings (`PAPER`) by default. recipe: how movies are shown; the model's own by default.
    out: gets the weights, or the adapter, with tokenizer, recipe and threshold; `history.csv`, a row a logged step; and
        `checkpoints/`, from which a killed run goes on: the same call again gives the curve, and the model, of an
        undisturbed run.
    validation: other movies with labels. The weights with the best AP on them are kept, and the threshold with the
        best F1 goes into the card; the training may stop early for them. Without, the last weights, and .5.
    frames: a folder for decoded keyframes, or their features where the vision tower is frozen; `out/frames` by default.

    Before the first step it prints its plan: tokens a window, memory, steps, time. Started by `accelerate launch` it
    runs on many devices, in data parallel, FSDP or DeepSpeed, as accelerate is told; the config stays the same.
    Stopped early, by an error or an interrupt, it leaves the model as it found it.
    Raises ScenevizError where a window is too long (its shots are named), the memory too small (with what to change),
    or the folder that of another model's training.
    """
    config, recipe, out = config or PAPER, recipe or model.recipe, Path(out)
    model.check(recipe)
    windows = planned_windows(movies, model, recipe, config)
    looking = Validation(validation, out, config.patience) if validation is not None else None
    looks = (config.evaluate_every or windows.steps_an_epoch) if looking else 0
    settings = arguments(
        config, out / "checkpoints", on_cpu=model.device.type == "cpu", steps=windows.steps, looks=looks
    )
    coming = Plan.of(model, windows, settings.world_size)
    if settings.process_index == 0:
        print(coming, flush=True)
    refuse_impossible(coming, model, Path(frames or out), out)
    with undone_on_failure(model, config), told_when_full(out):
        began = model.fingerprint
        base, model.recipe, model.threshold = model.name, recipe, 0.5
        share = (settings.process_index, settings.world_size)
        store = open_store(model, windows, Path(frames or out / "frames"), share=share)
        wrapped = made_trainable(model.module, config)
        if config.checkpoint_activations:
            checkpoint_activations(model.module)
        trainer = AnswerTrainer(
            model,
            look=looking,
            model=wrapped,
            args=settings,
            train_dataset=windows,
            eval_dataset=windows if looks else None,
            data_collator=Collator(model, windows, store),
            callbacks=[History(out / "history.csv")],
        )
        _train(trainer, looking, out, began)
        model.module.eval()
        if config.checkpoint_activations:
            checkpoint_activations(model.module, False)
        if config.lora:
            model.adapter, model.name = wrapped, f"{model.name} + {out.name}"
        else:
            model.module.requires_grad_(True)
        vars(model).pop("fingerprint", None)
        _save(trainer, looking, base, out)
        if settings.process_index == 0 and not _sharded(trainer):
            ended_with(out / "checkpoints" / BEGAN, model.fingerprint)
    return model


def _train(trainer: AnswerTrainer, looking: Validation | None, out: Path, began: str) -> None:
    """To the end, from wherever an earlier run got to; then the best weights."""
    if looking and _sharded(trainer):
        raise ScenevizError(
            "validation needs whole weights in every process, which FSDP and DeepSpeed ZeRO-3 do not leave; train "
            "without validation movies, then make the same call with them and without sharding"
        )
    wrapped: Any = trainer.model
    wrapped.train()
    trainer.accelerator.wait_for_everyone()  # until all have done their share of the frames
    checkpoints = out / "checkpoints"
    with held(checkpoints) if trainer.is_world_process_zero() else nullcontext(), answering(wrapped, trainer.forward):
        checkpoint = last_whole(checkpoints)
        if trainer.is_world_process_zero():
            of_this_model(checkpoints / BEGAN, began, goes_on=checkpoint is not None)
        if looking and checkpoint:
            looking.go_on_from(int(checkpoint.rpartition("-")[2]))
        trainer.train(resume_from_checkpoint=checkpoint)
        if looking:
            looking(trainer, trainer.state.global_step)
    if looking:
        trainer.load_weights(looking.folder)
        trainer.scene_model.threshold = looking.best.threshold


def _sharded(trainer: AnswerTrainer) -> bool:
    """Whether no process has all weights."""
    plugin = trainer.accelerator.state.deepspeed_plugin if trainer.is_deepspeed_enabled else None
    return trainer.is_fsdp_enabled or (plugin is not None and plugin.zero_stage == 3)


def open_store(model: SceneModel, windows: TrainingWindows, folder: Path, share: tuple[int, int] = (0, 1)) -> Store:
    """What training sees of the movies: frames, or their features where the vision tower stays as it is."""
    config = windows.config
    if config.keep == "nothing":
        return DirectFrames(windows.movies, windows.recipe)
    with told_when_full(folder):
        if config.keeps_features and windows.recipe.visual:
            return FeatureStore(
                model, windows.movies, windows.recipe,
                first=windows.first, folder=folder, share=share, workers=config.workers,
            )  # fmt: skip
        return FrameStore(windows.movies, windows.recipe, folder, share=share)


def save_model(model: SceneModel, folder: Path, **more: object) -> None:
    """Weights (safetensors), tokenizer, recipe and threshold, as `load_model` takes them. more: for the card."""
    folder.mkdir(parents=True, exist_ok=True)
    (model.adapter or model.module).save_pretrained(folder)
    model.tokenizer.save_pretrained(folder)
    write_card(folder, model.recipe, model.threshold, **more)


def _save(trainer: AnswerTrainer, looking: Validation | None, base: str, out: Path) -> None:
    """The result, its card last: a folder with a card is a finished training."""
    model = trainer.scene_model
    trainer.save_model(str(out), _internal_call=True)
    if not trainer.is_world_process_zero():
        return
    model.tokenizer.save_pretrained(out)
    looks = [asdict(look) for look in looking.looks] if looking else []
    kept = looking.best.step if looking else trainer.state.global_step
    config = cast(TrainingWindows, trainer.train_dataset).config
    training = {"base": base, "config": asdict(config), "step": kept, "validation": looks}
    write_card(out, model.recipe, model.threshold, training=training)
