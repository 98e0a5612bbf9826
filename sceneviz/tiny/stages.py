"""The training of the embedded model, stage by stage. What stands here is what was run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sceneviz.movie import Movie
from sceneviz.recipe import Recipe, plan_windows
from sceneviz.synthetic import render_movie
from sceneviz.training import TrainConfig

if TYPE_CHECKING:
    from sceneviz.models import SceneModel

RECIPE = Recipe(frame_size=(56, 84))
TRAIN = range(1_000, 1_500)
VALIDATION = range(8_500_000, 8_500_010)
TEST = range(9_000_000, 9_000_020)
VOCABULARY = 1_536
WARM_UP_STEPS = 600
STAGES = (
    TrainConfig(
        steps=1_000, batch_size=8, learning_rate=8e-4, warmup=100, schedule="constant", single_frame=0.8, wide=0.7,
        autocast=True, checkpoint_every=50,
    ),
    TrainConfig(
        steps=150, batch_size=8, learning_rate=8e-4, warmup=1, single_frame=0.5, wide=0.5, autocast=True,
        checkpoint_every=50, seed=1,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """A training of the embedded model, in a folder that a killed one goes on from."""

    folder: Path

    def train(self) -> SceneModel:
        """All stages; those that are finished are not done again."""
        movies = [render_movie(seed) for seed in TRAIN]
        done = self.folder / "warm"
        if not (done / "config.json").is_file():
            self._warm_up(movies, done)
        for number, config in enumerate(STAGES):
            done = self._stage(number, movies, done, config)
        return self._loaded(done)

    def _loaded(self, folder: Path) -> SceneModel:
        from sceneviz.models import load_model

        return load_model(str(folder), device="cpu")

    def _warm_up(self, movies: Sequence[Movie], out: Path) -> None:
        import torch

        from sceneviz.models.family import family_of
        from sceneviz.models.scene_model import SceneModel
        from sceneviz.tiny.build import tiny_config, train_tokenizer
        from sceneviz.tiny.warmup import warm_up_vision
        from sceneviz.training.loop import save_model
        from sceneviz.training.windows import FrameStore

        torch.manual_seed(0)
        tokenizer = train_tokenizer(prompt_texts(movies[:200]), VOCABULARY)
        family = family_of("qwen2_5_vl")
        model = SceneModel(family.build(tiny_config(tokenizer)), tokenizer, family, "tiny", RECIPE)
        store = FrameStore(movies, RECIPE, self.folder / "frames")
        warm_up_vision(model, list(TRAIN), store, steps=WARM_UP_STEPS)
        save_model(model, out)

    def _stage(self, number: int, movies: Sequence[Movie], start: Path, config: TrainConfig) -> Path:
        from sceneviz.training import finetune

        out = self.folder / f"stage-{number}"
        if not (out / "config.json").is_file():
            finetune(movies, self._loaded(start), config, out=out, recipe=RECIPE, frames=self.folder / "frames")
        return out


def prompt_texts(movies: Sequence[Movie]) -> list[str]:
    """What the tokenizer learns from: every third window's prompt and answers, without frames."""
    from sceneviz.prompt import build_prompt

    prompts = [
        build_prompt(movie.shots, window, RECIPE)
        for movie in movies
        for window in plan_windows(len(movie), RECIPE)[::3]
    ]
    return [prompt.text([i % 2 == 0 for i in range(len(prompt.answer_ids))], frame="") for prompt in prompts]
