"""The training of the embedded model, stage by stage; its card says which the shipped checkpoint went through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sceneviz.data import SEEDS as SPLITS
from sceneviz.movie import Movie
from sceneviz.recipe import Recipe, plan_windows
from sceneviz.synthetic import render_movie
from sceneviz.synthetic.story import Pace
from sceneviz.training import TrainConfig

if TYPE_CHECKING:
    from torch import Tensor

    from sceneviz.models import SceneModel
    from sceneviz.tiny.lessons import Lessons

RECIPE = Recipe(frame_size=(56, 84))
SEEDS: dict[Pace, range] = {"film": SPLITS["train"], "quick": range(20_000, 20_320)}
VALIDATION, TEST = SPLITS["val"], SPLITS["test"][:20]
VOCABULARY = 1_536
VISION_STEPS, VISION_MOVIES = 600, 400


@dataclass(frozen=True)
class Stage:
    """A part of the training after the vision warm-up.

    name: of its folder. pace: of its movies. context, focus: of its windows; short ones first, since a shot is easier
    to find among few. reasons: it is `align`, on what the renderer knows; else the heads of `warm_up_reading` learn
    along.
    """

    name: str
    pace: Pace
    context: int
    focus: int
    config: TrainConfig
    reasons: bool = False

    @property
    def recipe(self) -> Recipe:
        """The embedded model's recipe with this stage's windows."""
        return replace(RECIPE, context=self.context, focus=self.focus)


_READING = TrainConfig(
    batch_size=12,
    learning_rate=1.5e-3,
    warmup=30,
    modality_dropout=0.05,
    single_frame=1.0,
    wide=1.0,
    template_weight=0.02,
    freeze_vision=True,
    autocast=True,
    checkpoint_every=200,
)
STAGES = (
    Stage("quick-6", "quick", 6, 6, replace(_READING, steps=3_000)),
    Stage(
        "film-20", "film", 20, 10,
        replace(
            _READING, steps=2_000, batch_size=8, learning_rate=1e-3, warmup=40, modality_dropout=0.08,
            single_frame=0.3, wide=0.8, seed=5,
        ),
    ),
)  # fmt: skip

# Last, the model learns to say why, on windows that are short at first: reasons lie near the cut. Answers, which are
# learned along, have the last word at full length.
REASONS = (
    Stage(
        "reasons-12", "film", 12, 8,
        replace(_READING, steps=350, batch_size=6, learning_rate=8e-4, single_frame=0.8, wide=0.3, seed=6),
        reasons=True,
    ),
    Stage(
        "reasons-20", "film", 20, 10,
        replace(_READING, steps=450, batch_size=6, learning_rate=7e-4, single_frame=0.2, wide=0.6, seed=7),
        reasons=True,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """A training of the embedded model, in a folder that a killed one goes on from."""

    folder: Path

    def train(self) -> SceneModel:
        """All stages; those that are finished are not done again. The result is in the last stage's folder."""
        done = self.folder / "warm"
        if not (done / "sceneviz.json").is_file():
            self._warm_up(done)
        for stage in (*STAGES, *REASONS):
            out = self.folder / stage.name
            if not (out / "sceneviz.json").is_file():
                self._run_stage(stage, self._loaded(done), out)
            done = out
        return self._loaded(done)

    @property
    def result(self) -> Path:
        """Where the trained model is."""
        return self.folder / REASONS[-1].name

    def _loaded(self, folder: Path) -> SceneModel:
        from sceneviz.models import load_model

        return load_model(str(folder), device="cpu")

    def _warm_up(self, out: Path) -> None:
        """A fresh model whose vision tower can tell places apart."""
        import torch

        from sceneviz.models.family import family_of
        from sceneviz.models.scene_model import SceneModel
        from sceneviz.tiny.build import settle_features, start_attention, tiny_config, train_tokenizer
        from sceneviz.tiny.warmup import warm_up_vision
        from sceneviz.training.loop import save_model
        from sceneviz.training.stores import FrameStore

        torch.manual_seed(0)
        movies = rendered("film")[:VISION_MOVIES]
        tokenizer = train_tokenizer(prompt_texts(movies[:200]), VOCABULARY)
        family = family_of("qwen2_5_vl")
        module: Any = family.build(tiny_config(tokenizer, layers=6, head=64))
        start_attention(module)
        model = SceneModel(module, tokenizer, family, "tiny", RECIPE)
        frames = FrameStore(movies, RECIPE, self.folder / "frames")
        warm_up_vision(model, list(SEEDS["film"][:VISION_MOVIES]), frames, steps=VISION_STEPS)
        settle_features(module, [model.encode(frames[number][:, 1]) for number in range(32)])
        save_model(model, out)

    def _run_stage(self, stage: Stage, model: SceneModel, out: Path) -> None:
        from sceneviz.tiny.reading import warm_up_reading
        from sceneviz.tiny.reasons import learn_reasons
        from sceneviz.training.loop import save_model

        features = self.folder / "features"
        if stage.reasons:
            learn_reasons(model, stage, features, out)
        else:
            warm_up_reading(model, self._lessons(stage, model, features), out)
            save_model(model, out)

    def _lessons(self, stage: Stage, model: SceneModel, features: Path) -> Lessons:
        from sceneviz.tiny.facts import Look
        from sceneviz.tiny.lessons import Lessons
        from sceneviz.training.stores import FeatureStore
        from sceneviz.training.windows import TrainingWindows

        windows = TrainingWindows(rendered(stage.pace), stage.recipe, stage.config)
        store = FeatureStore(model, windows.movies, stage.recipe, first=windows.first, folder=features)
        seeds = SEEDS[stage.pace]
        some: list[Tensor] = [store.whole(number) for number in range(min(200, len(seeds)))]
        return Lessons(seeds, stage.pace, windows, store, Look(some, seeds[: len(some)], stage.pace))


def rendered(pace: Pace) -> list[Movie]:
    """The training movies of a pace."""
    return [render_movie(seed, pace=pace) for seed in SEEDS[pace]]


def prompt_texts(movies: Sequence[Movie]) -> list[str]:
    """What the tokenizer learns from: every third window's prompt and answers, without frames."""
    from sceneviz.prompt import build_prompt

    prompts = [
        build_prompt(movie.shots, window, RECIPE)
        for movie in movies
        for window in plan_windows(len(movie), RECIPE)[::3]
    ]
    return [prompt.text([i % 2 == 0 for i in range(len(prompt.answer_ids))], frame="") for prompt in prompts]
