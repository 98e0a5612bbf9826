"""Windows of rendered movies, told anew each time: other names, topics and lines, and, if wanted, frames drawn anew.

Of the windows whose frames are drawn, some are filmed freely, and some in places that look unlike from each of their
cameras, each to its own degree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sceneviz.models.scene_model import SceneModel
from sceneviz.movie import Shot
from sceneviz.synthetic import Freedom, Story, filmed
from sceneviz.synthetic.freely import larger
from sceneviz.synthetic.source import RenderedFrames
from sceneviz.training.samples import Sample
from sceneviz.training.stores import DirectFrames, FeatureStore
from sceneviz.training.windows import Collator, TrainingWindows

FREELY = 0.4  # share of the windows that are filmed freely
FREEST = Freedom(crop=0.5, light=0.35)
ANGLED, MOST_ANGLED = 0.45, 1.0  # share of the windows whose cameras have colours of their own, and how far these go


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

    def frames(self, sample: Sample) -> list[np.ndarray]:
        """Drawn, in some windows filmed freely or from angles that differ: the same way for each telling."""
        assert isinstance(self.store, Drawn)
        rng = np.random.default_rng((sample.telling, 1))
        freely, angled = rng.random(2) < (FREELY, ANGLED)
        freedom = Freedom(rng.uniform(0, FREEST.crop), rng.uniform(0, FREEST.light))
        size = sample.recipe.frame_size
        angles = rng.uniform(0, MOST_ANGLED) if angled else 0.0
        shown = sample.movie, sample.window.context, sample.frames
        drawn = self.store.window(*shown, larger(size) if freely else size, (angles, sample.telling))
        return [freedom.film(pictures, size, rng) for pictures in drawn] if freely else drawn


class Drawn(DirectFrames):
    """Keyframes of rendered movies, of which only those are drawn that are asked for."""

    def window(
        self,
        movie: int,
        shots: range,
        frames: Sequence[int],
        size: tuple[int, int] | None = None,
        angles: tuple[float, int] = (0.0, 0),
    ) -> list[np.ndarray]:
        """Of each shot, `(frames, H, W, 3)` uint8: some of its keyframes.

        size: (H, W), the recipe's by default. angles: how far those of the cameras differ, and the seed of it.
        """
        film, count, size = self.movies[movie], self.recipe.frames_per_shot, size or self.recipe.frame_size
        source = film.frames
        assert isinstance(source, RenderedFrames)
        if angles[0]:
            source = RenderedFrames(source.story, *angles)
        return [
            np.stack([source.draw(shot, shot.keyframes(count)[frame], size) for frame in frames])
            for shot in film.shots[shots.start : shots.stop]
        ]
