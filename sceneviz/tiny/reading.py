"""The second warm start: the language model learns to read a movie, before it is asked for answers alone.

From Yes and No alone a small model takes hours to leave the base rate: it must find out at once what a shot is about,
where to look it up, what to compare it with, and how to say so. Rendered movies know all that, so it is told
(`lessons`), and learns the answers along with it. The vision tower stays as it is, or learns along from frames that are
drawn anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset

from sceneviz.models.scene_model import SceneModel
from sceneviz.tiny.learning import learn
from sceneviz.tiny.lessons import WEIGHTS, Heads, losses
from sceneviz.tiny.questions import Lessons
from sceneviz.training.rationales import ExplainedWindows, Rationales
from sceneviz.training.steps import Steps, Turns

EVERY = 2  # one turn in so many has reasons; their mask makes it slower
MOST, PLAIN = 4, 0.25  # in such a turn: reasons in a window, and the share of windows that explain nothing
TOWER = 0.5  # learning rate of the vision tower, where it learns along, over that of all else
MATRICES = 1.5  # learning rate of the inner matrices, by Muon, over that of all others, by AdamW


def warm_up_reading(
    model: SceneModel, lessons: Lessons, out: Path, *, reasons: Rationales | None = None, heads: Path | None = None
) -> None:
    """Train a model in place, as the windows' config says: its vision tower too, unless that is frozen.

    reasons: learned along, behind the answers. heads: a `reading.pt` whose heads for what is asked go on.
    out: gets `reading.pt`, from which a killed run goes on.
    """
    windows, module = lessons.windows, model.module
    config = windows.config
    torch.manual_seed(config.seed)
    asked = Heads(module.config.text_config.hidden_size).to(model.device)
    if heads is not None and heads.is_file():
        held = torch.load(heads, weights_only=True, map_location="cpu")["weights"]
        asked.load_state_dict({name: held[f"heads.{name}"] for name in asked.state_dict()})
    module.train().model.visual.requires_grad_(not config.freeze_vision)
    trained = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
    trained |= {f"heads.{name}": weight for name, weight in asked.named_parameters()}
    steps = Steps(trained, decay=0.0, muon=MATRICES, muon_decay=0.1, visual=TOWER)
    turns: Dataset[Any] = Turns(windows, lessons.asking(model), config.batch_size)
    if reasons is not None:
        explained = ExplainedWindows(windows, reasons, most=MOST, plain=PLAIN)
        turns = _Between(turns, Turns(explained, lessons.asking(model, explained=True), config.batch_size))
    learn(turns, lambda turn: losses(model, asked, *turn), WEIGHTS, steps, config, out / "reading.pt")
    module.eval().requires_grad_(True)


class _Between(Dataset[Any]):
    """Turns, every so many of which is another's."""

    def __init__(self, most: Dataset[Any], some: Dataset[Any]) -> None:
        self.most, self.some = most, some

    def __getitem__(self, turn: int) -> Any:
        return (self.some if turn % EVERY == EVERY - 1 else self.most)[turn]
