"""The first warm start: the vision tower, on frames alone.

Frames of one place and time should look alike, all others not. Rendered movies know the place of every shot, so a
contrastive loss (InfoNCE with several positives, Khosla et al. 2020) teaches it in minutes. Since a place should also
look like itself at another time, that loss leaves such pairs out; so the time of day is asked for apart.
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
from sceneviz.synthetic.story import TIMES
from sceneviz.tiny.learning import learn
from sceneviz.training import TrainConfig
from sceneviz.training.steps import Steps
from sceneviz.training.stores import FrameStore

RUN = 24  # consecutive shots taken from each movie of a step
TEMPERATURE = 0.1
WEIGHTS = {"alike": 1.0, "time": 0.5}


def contrastive_loss(points: Tensor, group: Tensor, ignore: Tensor) -> Tensor:
    """Mean InfoNCE over all ordered pairs of one group.

    points: `(n, d)`. group: `(n,)` int64. ignore: `(n, n)` bool, pairs that count neither way.
    """
    points = nn.functional.normalize(points, dim=1)
    itself = torch.eye(len(points), dtype=torch.bool, device=points.device)
    scores = (points @ points.T / TEMPERATURE).masked_fill(itself | ignore, -torch.inf)
    same = (group[:, None] == group[None]) & ~itself & ~ignore
    return -torch.log_softmax(scores, 1)[same].mean()


def glimpse_losses(alike: Tensor, light: Tensor, placed: Tensor) -> tuple[Tensor, Tensor]:
    """How far frames are from showing their place and time by what they resemble, and from telling the time of day.

    alike: `(n, d)` points. light: `(n, 4)` logits. placed: `(n, 3)`, see `placing`. Pairs of one place at different
    times count neither way: they are neither alike nor strangers.
    """
    place, group, time = placed.T
    unsure = (place[:, None] == place) & (group[:, None] != group)
    return contrastive_loss(alike, group, unsure), nn.functional.cross_entropy(light, time)


class Glimpses(Dataset[tuple[Tensor, Tensor]]):
    """Runs of shots of a few rendered movies, a frame each with its mark; the i-th ones always the same.

    An item: frames `(n, H, W, 3)` uint8, and where and when each is, `(n, 3)`: see `placing`.
    """

    def __init__(self, movies: Sequence[Movie], frames: FrameStore, together: int, seed: int) -> None:
        self.movies, self.frames, self.together, self.seed = list(movies), frames, together, seed

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng((self.seed, step))
        frames: list[np.ndarray] = []
        groups: list[tuple[int, int, str]] = []
        for number in rng.choice(len(self.movies), self.together, replace=False).tolist():
            takes, held = story_of(self.movies[number]).takes, self.frames[number]
            start = int(rng.integers(max(1, len(held) - RUN)))
            for shot in range(start, min(start + RUN, len(held))):
                picture = held[shot, int(rng.integers(held.shape[1]))].copy()
                frames.append(draw_mark(picture, shot_id(shot, int(rng.integers(100)))))
                groups.append((number, takes[shot].place, takes[shot].time))
        return torch.from_numpy(np.stack(frames)), placing(groups)


def warm_up_vision(
    model: SceneModel, movies: Sequence[Movie], frames: FrameStore, config: TrainConfig, out: Path
) -> None:
    """Train the vision tower of a model in place on rendered movies, so many in each step as the config's batch.

    out: gets `vision.pt`, from which a killed run goes on.
    """
    torch.manual_seed(config.seed)
    module, device = model.module.train(), model.device
    width = module.config.text_config.hidden_size
    heads = nn.ModuleDict({"alike": nn.Linear(width, 64), "time": nn.Linear(width, len(TIMES))}).to(device)
    trained = dict(module.model.visual.named_parameters()) | {
        f"heads.{name}": weight for name, weight in heads.named_parameters()
    }

    def losses(turn: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        pictures, placed = (part.to(device) for part in turn)
        with torch.autocast(device.type, torch.bfloat16, enabled=config.autocast):
            seen = model.family.encode(module, pictures).mean(1)
            alike, told = heads["alike"](seen).float(), heads["time"](seen).float()
        return dict(zip(("alike", "time"), glimpse_losses(alike, told, placed), strict=True))

    turns = Glimpses(movies, frames, config.batch_size, config.seed)
    learn(turns, losses, WEIGHTS, Steps(trained, decay=config.weight_decay), config, out / "vision.pt")
    module.eval()


def placing(seen: Sequence[tuple[int, int, str]]) -> Tensor:
    """`(n, 3)` int64: the numbers of each frame's place, of its place and time, and of the time of day.

    seen: movie, place and time of each.
    """
    times = torch.tensor([TIMES.index(time) for _, _, time in seen], dtype=torch.long)
    return torch.stack((numbered([each[:2] for each in seen]), numbered(seen), times), 1)


def numbered(keys: Sequence[object]) -> Tensor:
    """Keys as the numbers of their groups, `(n,)` int64."""
    known = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return torch.tensor([known[key] for key in keys], dtype=torch.long)
