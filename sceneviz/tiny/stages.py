"""The training of the embedded model, stage by stage; its card says which the shipped checkpoint went through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
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
    from sceneviz.tiny.questions import Lessons

RECIPE = Recipe(frame_size=(56, 84))
# Those to train on are more than a data set's; the first of them are its own. Features are kept of a part of them.
SEEDS: dict[Pace, range] = {"film": range(1_000, 20_000), "quick": range(20_000, 20_320)}
KEPT, DRAWN = SEEDS["film"][:1_600], SEEDS["film"][1_600:]
VALIDATION, TEST = SPLITS["val"], SPLITS["test"][:20]
VOCABULARY = 1_536
SEEN = 400  # movies that the vision tower learns from: their frames are drawn once, 1.7 GB
VISION = TrainConfig(steps=2_000, batch_size=16, learning_rate=1e-3, warmup=100, autocast=True)


@dataclass(frozen=True)
class Stage:
    """A part of the training after the vision warm-up.

    name: of its folder. pace, seeds: of its movies. context, focus: of its windows; short ones first, since a shot is
    easier to find among few. reasons: those that the renderer knows are learned along.
    """

    name: str
    pace: Pace
    seeds: range
    context: int
    focus: int
    config: TrainConfig
    reasons: bool = False

    @property
    def recipe(self) -> Recipe:
        """The embedded model's recipe with this stage's windows."""
        return replace(RECIPE, context=self.context, focus=self.focus)


_READING = TrainConfig(
    modality_dropout=0.12,
    template_weight=0.02,
    freeze_vision=True,
    autocast=True,
)
STAGES = (
    Stage(
        "quick-6", "quick", SEEDS["quick"], 6, 6,
        replace(_READING, steps=900, batch_size=64, learning_rate=2e-3, warmup=50, single_frame=1.0, wide=1.0),
    ),
    # The model learns to say why, too; movies are told anew in each window, or they would be learned by heart.
    Stage(
        "film-20", "film", KEPT, 20, 10,
        replace(
            _READING, steps=2_000, batch_size=64, learning_rate=1.4e-3, warmup=50, single_frame=0.6, wide=0.8, seed=5,
        ),
        reasons=True,
    ),
    # Last, the vision tower learns along, from frames that are drawn anew, one a shot, mostly, of movies that are new;
    # some windows are filmed freely, some from angles that differ (`telling.FREELY`, `telling.ANGLED`).
    Stage(
        "sight-20", "film", DRAWN, 20, 10,
        replace(
            _READING, steps=3_400, batch_size=64, learning_rate=1.4e-3, warmup=60, single_frame=0.9, wide=0.8, seed=7,
            freeze_vision=False, silent=0.12,
        ),
        reasons=True,
    ),
)  # fmt: skip

# Smaller sizes are the trained model without some layers of its language model, and trained on.
SMALLER = {"tiny-4": (0, 2, 4, 5), "tiny-2": (0, 5)}
SHORTENED = Stage(
    "shortened", "film", KEPT, 20, 10,
    replace(_READING, steps=500, batch_size=32, learning_rate=1.2e-3, warmup=20, single_frame=0.6, wide=0.8, seed=13),
    reasons=True,
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """A training of an embedded model, in a folder that a killed one goes on from.

    device: as for `load_model`. workers: processes that draw and lay out beside the training.
    """

    folder: Path
    device: str = "auto"
    workers: int = 0

    def train(self) -> SceneModel:
        """All stages; those that are finished are not done again. The result is in the last stage's folder."""
        parts = {"fresh": self._begin, "warm": self._warm_up}
        parts |= {stage.name: partial(self._run_stage, stage) for stage in STAGES}
        before = self.folder
        for name, part in parts.items():
            before = self._once(part, before, name)
        for name, kept in SMALLER.items():
            self._once(partial(self._run_stage, SHORTENED, kept=kept), before, name)
        return self._loaded(before)

    def _once(self, part: Callable[[Path, Path], None], before: Path, name: str) -> Path:
        """The folder of a part, which is done where it isn't yet."""
        out = self.folder / name
        if not (out / "sceneviz.json").is_file():
            part(before, out)
        return out

    @property
    def results(self) -> dict[str, Path]:
        """Where the trained models are, by name."""
        return {"tiny": self.folder / STAGES[-1].name} | {name: self.folder / name for name in SMALLER}

    def _loaded(self, folder: Path) -> SceneModel:
        from sceneviz.models import load_model

        return load_model(str(folder), device=self.device, dtype="float32")

    def _begin(self, _: Path, out: Path) -> None:
        """A fresh model, and a tokenizer for what rendered movies say."""
        import torch

        from sceneviz.models.family import family_of
        from sceneviz.models.scene_model import SceneModel
        from sceneviz.tiny.build import start_attention, tiny_config, train_tokenizer
        from sceneviz.training.loop import save_model

        torch.manual_seed(0)
        tokenizer = train_tokenizer(prompt_texts(rendered(KEPT, "film")[:200]), VOCABULARY)
        family = family_of("qwen2_5_vl")
        module: Any = family.build(tiny_config(tokenizer, layers=6, head=64))
        start_attention(module)
        save_model(SceneModel(module, tokenizer, family, "tiny", RECIPE), out)

    def _warm_up(self, before: Path, out: Path) -> None:
        """A model whose vision tower can tell places apart."""
        import torch

        from sceneviz.tiny.build import settle_features
        from sceneviz.tiny.warmup import Glimpses, warm_up_vision
        from sceneviz.training.loop import save_model
        from sceneviz.training.stores import FrameStore

        model, movies = self._loaded(before), rendered(KEPT, "film")[:SEEN]
        frames = FrameStore(movies, RECIPE, self.folder / "frames")
        warm_up_vision(model, movies, frames, replace(VISION, workers=self.workers), out)
        others = Glimpses(movies, frames, VISION.batch_size, seed=1)
        with torch.no_grad():
            settle_features(model.module, [model.encode(others[number][0].numpy()) for number in range(8)])
        save_model(model, out)

    def _run_stage(self, stage: Stage, before: Path, out: Path, *, kept: Sequence[int] = ()) -> None:
        """A stage; where some layers are named, of a model that keeps only these."""
        import torch

        from sceneviz.tiny.build import with_fewer_layers
        from sceneviz.tiny.reading import warm_up_reading
        from sceneviz.training.loop import save_model
        from sceneviz.training.rationales import Rendered

        stage, model = replace(stage, config=replace(stage.config, workers=self.workers)), self._loaded(before)
        if kept:
            model = with_fewer_layers(model, kept)
        lessons = self._lessons(stage, model, self.folder / "features")
        reasons = Rendered(lessons.windows.movies, details=()) if stage.reasons else None
        warm_up_reading(model, lessons, out, reasons=reasons, heads=before / "reading.pt")
        if kept:
            model.module.to(torch.bfloat16)  # all sizes come with the package, and are to be light together
        save_model(model, out)

    def _lessons(self, stage: Stage, model: SceneModel, features: Path) -> Lessons:
        from sceneviz.explanation import story_of
        from sceneviz.tiny.facts import Look
        from sceneviz.tiny.questions import Lessons
        from sceneviz.training.stores import FeatureStore
        from sceneviz.training.windows import TrainingWindows

        movies, config = rendered(stage.seeds, stage.pace), stage.config
        windows = TrainingWindows(movies, stage.recipe, config)
        if not config.freeze_vision:
            return Lessons(windows)
        store = FeatureStore(model, movies, stage.recipe, first=windows.first, folder=features, workers=config.workers)
        some: list[Tensor] = [store.whole(number) for number in range(min(200, len(movies)))]
        return Lessons(windows, store, Look(some, [story_of(movie) for movie in movies[: len(some)]]))


@cache
def rendered(seeds: range, pace: Pace) -> list[Movie]:
    """Training movies: every fourth of them among leaves, the others drawn."""
    with ProcessPoolExecutor() as pool:
        return list(pool.map(partial(_rendered, pace=pace), seeds, chunksize=20))


def _rendered(seed: int, pace: Pace) -> Movie:
    return render_movie(seed, pace=pace, style="leaves" if seed % 4 == 3 else "drawn")


def prompt_texts(movies: Sequence[Movie]) -> list[str]:
    """What the tokenizer learns from: every third window's prompt and answers, without frames."""
    from sceneviz.prompt import build_prompt

    prompts = [
        build_prompt(movie.shots, window, RECIPE)
        for movie in movies
        for window in plan_windows(len(movie), RECIPE)[::3]
    ]
    return [prompt.text([i % 2 == 0 for i in range(len(prompt.answer_ids))], frame="") for prompt in prompts]
