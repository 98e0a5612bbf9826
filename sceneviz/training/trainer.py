"""transformers' Trainer around our loss: one device or many, killed or not, the same curve."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import Trainer, TrainerCallback, TrainingArguments

from sceneviz._text import write_whole
from sceneviz.models.scene_model import SceneModel
from sceneviz.training.config import TrainConfig
from sceneviz.training.samples import TrainingWindows
from sceneviz.training.stores import FeatureStore
from sceneviz.training.trainable import load_adapter
from sceneviz.training.windows import training_loss


class AnswerTrainer(Trainer):
    """The library's loop around our loss; windows are in a random order already, so they are taken as they come.

    The loss of a step is one weighted mean over all its answers, however they are spread over devices and turns.
    look: what is done where the library would evaluate; returns whether to stop.
    """

    def __init__(
        self, scene_model: SceneModel, *, look: Callable[[AnswerTrainer, int], bool] | None = None, **settings: Any
    ) -> None:
        super().__init__(**settings)
        self.scene_model, self.look = scene_model, look
        self.model_accepts_loss_kwargs = True  # the loss is scaled to the whole step, below
        store, tower = getattr(self.data_collator, "store", None), scene_model.module.model.visual
        trained = any(weight.requires_grad for weight in tower.parameters())
        self._sees = trained or (self.args.world_size > 1 and not isinstance(store, FeatureStore))
        self._blank = torch.zeros(1, *scene_model.recipe.frame_size, 3, dtype=torch.uint8)

    def forward(self, total: Tensor | None = None, **batch: Any) -> Tensor:
        """What the model's own forward is while it trains, so that whatever wraps the model sees the whole step."""
        loss, _ = training_loss(self.scene_model, batch, total=total)
        if self._sees and batch["frames"] is None:
            # A step whose windows show no frame looks at a black one: devices wait for each other in every layer, and
            # a weight without a gradient is skipped by AdamW, where a gradient of 0 is not.
            seen = self.scene_model.family.encode(self.scene_model.module, self._blank.to(loss.device))
            loss = loss + 0.0 * seen.float().sum()
        return loss

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Tensor | tuple[Tensor, Any]:
        """The part of the step's loss that these windows make."""
        batch = {name: value for name, value in inputs.items() if name != "layouts"}
        # Devices average their gradients, where the parts of one mean have to be added.
        loss = model(total=num_items_in_batch, **batch) * self.accelerator.num_processes
        return (loss, None) if return_outputs else loss

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> Tensor:
        total = torch.stack([batch["weights"].sum() for batch in batch_samples]).sum().to(device)
        return self.accelerator.gather(total.reshape(1)).sum()  # type: ignore[no-any-return]

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Look at the validation movies, and stop where that was enough."""
        if self.look is not None and self.look(self, self.state.global_step):
            self.control.should_training_stop = True
        return {}

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        if self.is_fsdp_enabled or self.is_deepspeed_enabled:
            super()._load_from_checkpoint(resume_from_checkpoint, model)
        else:
            self.load_weights(Path(resume_from_checkpoint))

    def load_weights(self, folder: Path) -> None:
        """Weights, or those of the adapter, from a checkpoint's folder."""
        if (folder / "adapter_config.json").is_file():
            load_adapter(self.model, folder)
            return
        # Saving renames the weights to the published names; the library's own resume does not rename them back, and
        # would go on from fresh weights with no more than a warning.
        trained = self.scene_model.family.load(str(folder), dtype=self.scene_model.dtype)
        self.scene_model.module.load_state_dict(trained.state_dict())

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        assert output_dir is not None
        if self.args.should_save:
            model: Any = self.model
            model.save_pretrained(output_dir, state_dict=state_dict)

    def _get_train_sampler(self, *_: Any) -> torch.utils.data.Sampler[int]:
        return torch.utils.data.SequentialSampler(cast(TrainingWindows, self.train_dataset))


class History(TrainerCallback):
    """Writes what was logged so far to `history.csv`, whole each time: step, loss, gradient_norm, learning_rate."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """After each logged step, in the main process."""
        if not state.is_world_process_zero:
            return
        rows = [row for row in state.log_history if "loss" in row]
        names = {"step": "step", "loss": "loss", "gradient_norm": "grad_norm", "learning_rate": "learning_rate"}
        lines = [",".join(names), *(",".join(repr(row.get(key, "")) for key in names.values()) for row in rows)]
        write_whole(self.path, "\n".join(lines) + "\n")


@contextmanager
def answering(wrapped: nn.Module, forward: Callable[..., Tensor]) -> Iterator[None]:
    """A model whose forward is ours; afterwards as it was, without what the library has put around it."""
    # Not as a bound method: autocast would take it apart, and bind it to the model.
    vars(wrapped)["forward"] = partial(forward)
    try:
        yield
    finally:
        for name in ("forward", "_original_forward"):
            vars(wrapped).pop(name, None)


@contextmanager
def as_loaded(wrapped: nn.Module) -> Iterator[None]:
    """In the middle of training, a model that predicts: its own forward, eval mode, no gradients."""
    held = vars(wrapped).pop("forward", None)
    wrapped.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        wrapped.train()
        if held is not None:
            vars(wrapped)["forward"] = held


def arguments(config: TrainConfig, folder: Path, *, on_cpu: bool, steps: int, looks: int) -> TrainingArguments:
    """Our config as the library's. looks: steps between evaluations, 0 for none."""
    made = TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        learning_rate=config.learning_rate,
        warmup_steps=config.warmup,
        weight_decay=config.weight_decay,
        adam_beta2=0.98,
        lr_scheduler_type="cosine" if config.schedule == "cosine" else "constant_with_warmup",
        max_grad_norm=1.0,
        logging_steps=1 if steps <= 100 else 10,
        save_steps=config.checkpoint_every,
        save_total_limit=2,
        eval_strategy="steps" if looks else "no",
        eval_steps=looks or None,
        remove_unused_columns=False,
        label_names=["labels"],
        report_to=[],
        seed=config.seed,
        use_cpu=on_cpu,
        bf16=config.autocast,
        dataloader_num_workers=config.workers,
        dataloader_persistent_workers=config.workers > 0,
        ddp_find_unused_parameters=False,
        ddp_timeout=24 * 3600,  # encoding the frames of many movies takes a process longer than another
        disable_tqdm=None,
    )
    made._n_gpu = min(1, made.n_gpu)  # several GPUs in one process would cut our batches apart; a launcher is for that
    together, made.gradient_accumulation_steps = config.shares(made.world_size)
    made.per_device_train_batch_size = together
    return made
