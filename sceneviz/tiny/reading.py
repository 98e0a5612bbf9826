"""The second warm start: the language model learns to read a movie, before it is asked for answers alone.

From Yes and No alone a small model takes hours to leave the base rate: it must find out at once what a shot is about,
where to look it up, what to compare it with, and how to say so. Rendered movies know all that, so it is told
(`lessons`), and learns the answers along with it. The vision tower stays as it is.
"""

from __future__ import annotations

from pathlib import Path

import torch

from sceneviz.models.scene_model import SceneModel
from sceneviz.tiny.learning import learn
from sceneviz.tiny.lessons import WEIGHTS, Heads, losses
from sceneviz.tiny.questions import Lessons
from sceneviz.training.steps import Steps, Turns
from sceneviz.training.windows import Collator

MATRICES = 1.5  # learning rate of the inner matrices, by Muon, over that of all others, by AdamW


def warm_up_reading(model: SceneModel, lessons: Lessons, out: Path) -> None:
    """Train the language model in place, as the windows' config says.

    out: gets `reading.pt`, from which a killed run goes on.
    """
    config, module = lessons.windows.config, model.module
    torch.manual_seed(config.seed)
    heads = Heads(module.config.text_config.hidden_size).to(model.device)
    module.train().model.visual.requires_grad_(False)
    trained = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
    trained |= {f"heads.{name}": weight for name, weight in heads.named_parameters()}
    steps = Steps(trained, decay=0.0, muon=MATRICES, muon_decay=0.1)
    turns = Turns(lessons.windows, lessons.asking(Collator(model, lessons.windows, lessons.store)), config.batch_size)
    learn(turns, lambda turn: losses(model, heads, *turn), WEIGHTS, steps, config, out / "reading.pt")
    module.eval().requires_grad_(True)
