"""Windows of rendered movies, told anew each time: other names, topics and lines, and, if wanted, frames drawn anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sceneviz.models.scene_model import SceneModel
from sceneviz.movie import Shot
from sceneviz.synthetic import Story, filmed
from sceneviz.synthetic.source import RenderedFrames
from sceneviz.training.samples import Sample
from sceneviz.training.stores import DirectFrames, FeatureStore
from sceneviz.training.windows import Collator, TrainingWindows


class Telling(Collator):
    """A collator of windows as a story of each tells them.

    store: of the features that are shown; without one, frames are drawn.
    """

    def __init__(
        self, model: SceneModel, windows: TrainingWindows, store: FeatureStore | None, story: Callable[[Sample], Story]
    ) -> None:
        super().__init__(model, windows, store or Drawn(windows.movies, windows.recipe))
        self.story = story

    def shots(self, sample: Sample) -> tuple[Shot, ...]:
        """As the sample's telling has them."""
        return filmed(self.story(sample)).shots


class Drawn(DirectFrames):
    """Keyframes of rendered movies, of which only those are drawn that are asked for."""

    def window(self, movie: int, shots: range, frames: Sequence[int]) -> list[np.ndarray]:
        """Of each shot, `(frames, H, W, 3)` uint8: some of its keyframes."""
        film, count, size = self.movies[movie], self.recipe.frames_per_shot, self.recipe.frame_size
        assert isinstance(film.frames, RenderedFrames)
        return [
            np.stack([film.frames.draw(shot, shot.keyframes(count)[frame], size) for frame in frames])
            for shot in film.shots[shots.start : shots.stop]
        ]
