"""Looking at the validation movies while training: when to stop, which weights to keep, and their threshold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sceneviz._text import ScenevizError, plain, whole, write_whole
from sceneviz.metrics import score
from sceneviz.models.scene_model import SceneModel
from sceneviz.movie import Movie
from sceneviz.prediction import predict
from sceneviz.results.envelope import told_if_damaged
from sceneviz.training.trainer import as_loaded

if TYPE_CHECKING:
    from sceneviz.training.trainer import AnswerTrainer


@dataclass(frozen=True)
class Look:
    """One look. step: after which it was. ap: `bassl`, all movies pooled. f1: at `threshold`, the best of them."""

    step: int
    ap: float
    f1: float
    threshold: float

    def __post_init__(self) -> None:
        shares = (self.ap, self.f1, self.threshold)
        if not whole(self.step) or not all(isinstance(share, Real) and 0 <= share <= 1 for share in shares):
            raise ScenevizError(f"a look has a step and shares from 0 to 1, got {plain((self.step, *shares), 200)}")


class Validation:
    """Looks at the same movies again and again, and keeps the weights of the best look in `out/best`.

    Nothing else decides when training stops, which weights are saved, and which threshold goes into their card.
    """

    def __init__(self, movies: Sequence[Movie], out: Path, patience: int) -> None:
        self.movies, self.folder, self.patience = list(movies), out / "best", patience
        self.path = out / "validation.json"
        for movie in self.movies:
            if movie.labels is None:
                raise ScenevizError(f"validation movie {movie.name!r} has no labels; a threshold is tuned on them")
        if not any((movie.labels[0] == 1).any() for movie in self.movies if movie.labels is not None):
            raise ScenevizError("the validation movies have no boundary, so no threshold can be tuned on them")
        self.looks: list[Look] = []

    def go_on_from(self, step: int) -> None:
        """Forget what was seen after this step, since it will be seen again."""
        if self.path.is_file():
            with told_if_damaged(self.path, "list of looks", again="delete it, and validation begins anew"):
                looks = [Look(**row) for row in json.loads(self.path.read_text("utf-8"))]
            self.looks = [look for look in looks if look.step <= step]

    @property
    def best(self) -> Look:
        """The first look with the highest AP."""
        return max(self.looks, key=lambda look: look.ap)

    def __call__(self, trainer: AnswerTrainer, step: int) -> bool:
        """Look once a step; keeps better weights, and tells whether patience has run out."""
        if any(look.step == step for look in self.looks):
            return False
        found = self._look(trainer, step)
        better = not self.looks or found.ap > self.best.ap
        self.looks.append(found)
        if better:
            trainer.save_model(str(self.folder), _internal_call=True)
        if trainer.is_world_process_zero():
            write_whole(self.path, json.dumps([asdict(look) for look in self.looks], indent=2) + "\n")
            print(
                f"validation after step {step}: AP {found.ap:.3f}, F1 {found.f1:.3f} at threshold "
                f"{found.threshold:.3f} ({'kept' if better else f'best: {self.best.ap:.3f}'})",
                flush=True,
            )
        worse = sum(look.step > self.best.step for look in self.looks)
        return bool(self.patience) and worse >= self.patience

    def _look(self, trainer: AnswerTrainer, step: int) -> Look:
        from accelerate.utils import gather_object

        wrapped: Any = trainer.model
        rank, world = trainer.args.process_index, trainer.args.world_size
        own = range(rank, len(self.movies), world)
        with as_loaded(wrapped):
            made = [(place, self._predicted(trainer.scene_model, self.movies[place])) for place in own]
        predictions = dict(gather_object(made))
        answers = [predictions[place] for place in range(len(self.movies))]
        table = score(self.movies, answers, validation=(self.movies, answers), resamples=0)
        row = table[table["pooling"] == "micro"].set_index("measure")
        return Look(
            step, *(float(row.loc[at]) for at in (("AP", "value"), ("F1@val", "value"), ("F1@val", "threshold")))
        )

    def _predicted(self, model: SceneModel, movie: Movie) -> Any:
        # What was loaded has changed: the model's name for its weights is made anew.
        vars(model).pop("fingerprint", None)
        return predict(movie, model, progress=False)
