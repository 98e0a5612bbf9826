"""The first warm start: the vision tower, on frames alone.

Frames of one place and time should look alike, all others not. Rendered movies know the place of every shot, so a
contrastive loss (InfoNCE with several positives, Khosla et al. 2020) teaches it in minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from sceneviz.explanation import story_of
from sceneviz.models.scene_model import SceneModel
from sceneviz.movie import Movie
from sceneviz.prompt import draw_mark, shot_id
from sceneviz.recipe import Recipe
from sceneviz.synthetic.source import RenderedFrames
from sceneviz.tiny.learning import learn
from sceneviz.training import TrainConfig
from sceneviz.training.steps import Steps

RUN = 24  # consecutive shots taken from each movie of a step
TEMPERATURE = 0.1


def contrastive_loss(points: Tensor, group: Tensor, ignore: Tensor) -> Tensor:
    """Mean InfoNCE over all ordered pairs of one group.

    points: `(n, d)`. group: `(n,)` int64. ignore: `(n, n)` bool, pairs that count neither way.
    """
    points = nn.functional.normalize(points, dim=1)
    itself = torch.eye(len(points), dtype=torch.bool, device=points.device)
    scores = (points @ points.T / TEMPERATURE).masked_fill(itself | ignore, -torch.inf)
    same = (group[:, None] == group[None]) & ~itself & ~ignore
    return -torch.log_softmax(scores, 1)[same].mean()


class Glimpses(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Runs of shots of a few rendered movies, a frame each with its mark; the i-th ones always the same.

    An item: frames `(n, H, W, 3)` uint8, the group `(n,)` of each (place and time), and pairs that count neither way,
    `(n, n)` bool: of one place at different times, neither alike nor strangers.
    """

    def __init__(self, movies: Sequence[Movie], recipe: Recipe, together: int, seed: int) -> None:
        self.movies, self.recipe, self.together, self.seed = list(movies), recipe, together, seed

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        rng = np.random.default_rng((self.seed, step))
        frames: list[np.ndarray] = []
        groups: list[tuple[int, int, str]] = []
        for number in rng.choice(len(self.movies), self.together, replace=False):
            movie = self.movies[number]
            takes, source = story_of(movie).takes, movie.frames
            assert isinstance(source, RenderedFrames)
            start = int(rng.integers(max(1, len(movie) - RUN)))
            for shot in movie.shots[start : start + RUN]:
                moment = rng.choice(shot.keyframes(self.recipe.frames_per_shot))
                picture = source.draw(shot, int(moment), self.recipe.frame_size)
                frames.append(draw_mark(picture, shot_id(shot.index, int(rng.integers(100)))))
                groups.append((int(number), takes[shot.index].place, takes[shot.index].time))
        group, place = numbered(groups), numbered([each[:2] for each in groups])
        unsure = (place[:, None] == place[None]) & (group[:, None] != group[None])
        return torch.from_numpy(np.stack(frames)), group, unsure


def warm_up_vision(model: SceneModel, movies: Sequence[Movie], config: TrainConfig, out: Path) -> None:
    """Train the vision tower of a model in place on rendered movies, so many in each step as the config's batch.

    out: gets `vision.pt`, from which a killed run goes on.
    """
    torch.manual_seed(config.seed)
    module, device = model.module.train(), model.device
    head = nn.Linear(module.config.text_config.hidden_size, 64).to(device)
    trained = dict(module.model.visual.named_parameters()) | {
        f"head.{name}": weight for name, weight in head.named_parameters()
    }

    def loss(turn: tuple[Tensor, Tensor, Tensor]) -> dict[str, Tensor]:
        frames, group, unsure = (part.to(device) for part in turn)
        features = model.family.encode(module, frames)
        return {"alike": contrastive_loss(head(features.mean(1)), group, unsure)}

    turns = Glimpses(movies, model.recipe, config.batch_size, config.seed)
    learn(turns, loss, {"alike": 1.0}, Steps(trained, decay=config.weight_decay), config, out / "vision.pt")
    module.eval()


def numbered(keys: Sequence[object]) -> Tensor:
    """Keys as the numbers of their groups, `(n,)` int64."""
    known = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return torch.tensor([known[key] for key in keys])
