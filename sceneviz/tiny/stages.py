"""The training of the embedded model, stage by stage. What stands here is what was run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sceneviz.movie import Movie
from sceneviz.recipe import Recipe, plan_windows
from sceneviz.synthetic import render_movie
from sceneviz.training import TrainConfig

if TYPE_CHECKING:
    from sceneviz.models import SceneModel

RECIPE = Recipe(frame_size=(56, 84))
TRAIN = range(1_000, 1_300)
VALIDATION = range(8_500_000, 8_500_004)
TEST = range(9_000_000, 9_000_020)
VOCABULARY = 1_536
VISION_STEPS = 600


@dataclass(frozen=True)
class Stage:
    """A part of the training after the vision warm-up.

    context, focus: of its windows; short ones first, since a shot is easier to find among few.
    reading: train the probe along with the answers (`warm_up_reading`), not the answers alone (`finetune`).
    """

    context: int
    focus: int
    config: TrainConfig
    reading: bool = False

    @property
    def recipe(self) -> Recipe:
        """The embedded model's recipe with this stage's windows."""
        return replace(RECIPE, context=self.context, focus=self.focus)


_SHORT = TrainConfig(
    batch_size=24,
    learning_rate=1e-3,
    warmup=20,
    schedule="constant",
    modality_dropout=0.05,
    single_frame=1.0,
    template_weight=0.02,
    freeze_vision=True,
    autocast=True,
    checkpoint_every=50,
)
STAGES = (
    Stage(8, 6, replace(_SHORT, steps=350, wide=0.6)),
    Stage(8, 6, replace(_SHORT, steps=260, wide=0.8, warmup=10), reading=True),
    Stage(
        20, 10,
        replace(_SHORT, steps=280, batch_size=8, learning_rate=6e-4, schedule="cosine", wide=0.6, single_frame=0.7),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """A training of the embedded model, in a folder that a killed one goes on from."""

    folder: Path

    def train(self) -> SceneModel:
        """All stages; those that are finished are not done again. The result is in `trained`."""
        movies = [render_movie(seed) for seed in TRAIN]
        done = self.folder / "warm"
        if not (done / "sceneviz.json").is_file():
            self._warm_up(movies, done)
        for number, stage in enumerate(STAGES):
            out = self.folder / (f"stage-{number}" if stage is not STAGES[-1] else "trained")
            if not (out / "sceneviz.json").is_file():
                self._run_stage(stage, movies, done, out)
            done = out
        return self._loaded(done)

    def _loaded(self, folder: Path) -> SceneModel:
        from sceneviz.models import load_model

        return load_model(str(folder), device="cpu")

    def _warm_up(self, movies: Sequence[Movie], out: Path) -> None:
        import torch

        from sceneviz.models.family import family_of
        from sceneviz.models.scene_model import SceneModel
        from sceneviz.tiny.build import match_alike, tiny_config, train_tokenizer
        from sceneviz.tiny.warmup import warm_up_vision
        from sceneviz.training.loop import save_model
        from sceneviz.training.windows import FrameStore

        torch.manual_seed(0)
        tokenizer = train_tokenizer(prompt_texts(movies[:200]), VOCABULARY)
        family = family_of("qwen2_5_vl")
        module = family.build(tiny_config(tokenizer))
        match_alike(module)
        model = SceneModel(module, tokenizer, family, "tiny", RECIPE)
        store = FrameStore(movies, RECIPE, self.folder / "frames")
        warm_up_vision(model, list(TRAIN), store, steps=VISION_STEPS)
        save_model(model, out)

    def _run_stage(self, stage: Stage, movies: Sequence[Movie], start: Path, out: Path) -> None:
        from sceneviz.tiny.warmup import warm_up_reading
        from sceneviz.training.loop import finetune, save_model
        from sceneviz.training.windows import FrameStore, TrainingWindows

        model, frames = self._loaded(start), self.folder / "frames"
        if stage.reading:
            windows = TrainingWindows(movies, stage.recipe, stage.config)
            warm_up_reading(model, windows, FrameStore(movies, stage.recipe, frames))
            save_model(model, out)
        else:
            finetune(movies, model, stage.config, out=out, recipe=stage.recipe, frames=frames)


def prompt_texts(movies: Sequence[Movie]) -> list[str]:
    """What the tokenizer learns from: every third window's prompt and answers, without frames."""
    from sceneviz.prompt import build_prompt

    prompts = [
        build_prompt(movie.shots, window, RECIPE)
        for movie in movies
        for window in plan_windows(len(movie), RECIPE)[::3]
    ]
    return [prompt.text([i % 2 == 0 for i in range(len(prompt.answer_ids))], frame="") for prompt in prompts]
