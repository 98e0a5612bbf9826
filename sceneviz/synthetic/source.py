"""The camera: draws any frame of a story, at any size, on demand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import cv2
import numpy as np

from sceneviz._text import ScenevizError, fingerprint
from sceneviz.movie import Shot
from sceneviz.synthetic.angles import checked, palette
from sceneviz.synthetic.canvas import HEIGHT, WIDTH
from sceneviz.synthetic.figures import figure
from sceneviz.synthetic.grading import Grade
from sceneviz.synthetic.stage import LIGHT, Set, backdrop_tint, build, pyramid
from sceneviz.synthetic.story import Story, Take, generator

VERSION = 2  # of the drawing: raise it when pixels change
SIZE = (180, 320)
_ZOOM = {"wide": (0.85, 1.0), "medium": (0.55, 0.75), "close": (0.4, 0.5), "insert": (0.4, 0.5)}
_BODY = {"wide": (0.5, 0.75), "medium": (1.2, 1.6), "close": (2.0, 2.9)}  # a figure's height, in frame heights
_SHARPEST = {"wide": 0, "medium": 1, "close": 2, "insert": 2}  # level of the panorama's pyramid: depth of field


@dataclass(frozen=True, slots=True)
class _Sprite:
    """A picture to lay over the plate: left edge, top and height in frame heights, and how it moves."""

    levels: list[np.ndarray]
    left: float
    top: float
    height: float
    drift: float
    phase: float
    gain: np.ndarray
    blurred: bool = False


@dataclass(frozen=True, slots=True)
class _View:
    """A take, set up: the crop of the plate (centre and height in its pixels), how it moves, what stands in it."""

    plate: list[np.ndarray]
    palette: Grade | None
    sharpest: int
    mirrored: bool
    centre: tuple[float, float]
    height: float
    pan: float
    push: float
    sprites: tuple[_Sprite, ...]
    table: np.ndarray


class RenderedFrames:
    """The frames of a story: a `FrameSource` that needs no file.

    Drawn alike at every size (height, width): a smaller frame is the same picture, not a crop.
    angles: how far a place's colours differ from one of its cameras to the next, as of `render_movie`; seed: of these.
    """

    def __init__(self, story: Story, angles: float = 0.0, seed: int = 0) -> None:
        self.story, self.angles, self.seed = story, checked(angles), seed
        self._latest: tuple[int, _View] | None = None
        self._lenses: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels where none is asked for."""
        return SIZE

    @cached_property
    def fingerprint(self) -> str:
        """A short name for the content, equal for equal frames."""
        # A story follows from its seed and length; its sets have no order, so it has no repr to rely on.
        angles = (self.angles, self.seed) if self.angles else ()
        return fingerprint("rendered", VERSION, self.story.seed, len(self.story.takes), *self.story.unusual, *angles)

    def read(self, shots: Sequence[Shot], count: int, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        """Draw the keyframes of each shot in order: `(count, H, W, 3)` uint8 RGB."""
        for shot in shots:
            yield np.stack([self.draw(shot, frame, size or SIZE) for frame in shot.keyframes(count)])

    def draw(self, shot: Shot, frame: int, size: tuple[int, int] = SIZE) -> np.ndarray:
        """One frame of a shot, by its number in the movie: `(H, W, 3)` uint8 RGB."""
        if not 0 <= shot.index < len(self.story.takes) or not shot.start <= frame < shot.end:
            raise ScenevizError(f"{self.story.name}: there is no frame {frame} in shot {shot.index}")
        view = self._view(shot.index)
        moment = (frame - shot.start) / (shot.end - shot.start) - 0.5
        picture = _backdrop(view, moment, size)
        for sprite in view.sprites:
            _overlay(picture, sprite, moment)
        return self._develop(picture, view.table, frame)

    @cached_property
    def _look(self) -> tuple[np.ndarray, np.ndarray, float, float, float, float]:
        """What the film stock does: colour matrix, contrast table, blur, grain, vignette, height of the bars."""
        rng = generator(self.story.seed, 1)
        saturation = 0.0 if rng.random() < 0.12 else rng.uniform(0.5, 1.2)
        grey = np.full((3, 3), 1 / 3, np.float32)
        matrix = (saturation * np.eye(3, dtype=np.float32) + (1 - saturation) * grey) * backdrop_tint(rng)[:, None]
        level = np.linspace(0, 1, 256, dtype=np.float32) ** rng.uniform(0.7, 1.25)
        table = (level - 0.45) * rng.uniform(0.8, 1.25) + 0.45 + rng.uniform(-0.04, 0.06)
        bars = rng.uniform(0.05, 0.13) if rng.random() < 0.35 else 0.0
        return matrix, table, float(rng.uniform(0, 0.006)), float(rng.uniform(1, 9)), float(rng.uniform(0, 0.5)), bars

    def _develop(self, picture: np.ndarray, table: np.ndarray, frame: int) -> np.ndarray:
        """Scene light to film: blur, colour, contrast, vignette, grain, bars."""
        matrix, _, blur, _, _, bars = self._look
        height, width = picture.shape[:2]
        if blur * height > 0.3:
            picture = cv2.GaussianBlur(picture, (0, 0), blur * height)
        picture = cv2.transform(cv2.LUT(picture, table), matrix)  # in this order black and white stays so
        vignette, grain = self._lens(height, width)
        # where the grain is taken from hops about, the same way for every size
        y, x = (frame * 7919) % 61, (frame * 104729) % 59
        film: np.ndarray = picture * vignette + grain[y : y + height, x : x + width]
        film = np.clip(film, 0, 255).astype(np.uint8)
        edge = round(bars * height)
        if edge:
            film[:edge] = film[-edge:] = 0
        return film

    def _lens(self, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        if (height, width) not in self._lenses:
            _, _, _, grain, vignette, _ = self._look
            y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None]
            fall = (1 - vignette * (0.5 * (x**2 + y**2)) ** 1.5).astype(np.float32)[..., None]
            tile = generator(self.story.seed, 2).standard_normal((height + 61, width + 59, 1), dtype=np.float32)
            self._lenses[height, width] = fall, tile * grain * min(1.0, height / SIZE[0]) ** 0.5
        return self._lenses[height, width]

    def _view(self, index: int) -> _View:
        if self._latest is None or self._latest[0] != index:
            self._latest = index, self._set_up(index, self.story.takes[index])
        return self._latest[1]

    def _set_up(self, index: int, take: Take) -> _View:
        rng = generator(self.story.seed, 3, index)
        fixed = generator(self.story.seed, 4, take.place, take.camera)
        place = build(self.story.places[take.place])
        low, high = _ZOOM[take.kind]
        zoom = fixed.uniform(low, high) * rng.uniform(0.96, 1.04)
        height = min(HEIGHT * zoom, HEIGHT - 6)
        half = height * 16 / 9 / 2
        spot = place.cameras[take.camera]
        x = half + spot * (WIDTH - 2 * half) + rng.normal(0, 4)
        y = HEIGHT - height / 2 if take.kind == "wide" else HEIGHT / 2 + fixed.uniform(-0.5, 0.5) * (HEIGHT - height)
        _, table, *_ = self._look
        cast = np.exp(fixed.normal(0, 0.06, 3) + fixed.normal(0, 0.12))
        exposed = 255 * np.clip(table, 0, 1.2)[:, None] * take.light * cast[None]
        return _View(
            plate=place.plate(take.time, take.camera),
            palette=self._palette(take) if self.angles else None,
            sharpest=_SHARPEST[take.kind],
            mirrored=take.mirrored,
            centre=(float(np.clip(x, half, WIDTH - half)), y),
            height=height,
            pan=float(rng.normal(0, 0.05)),
            push=float(rng.normal(0, 0.03)),
            sprites=tuple(self._sprites(rng, index, take, place)),
            table=np.clip(exposed, 0, 255).astype(np.uint8)[:, None],
        )

    def _palette(self, take: Take) -> Grade:
        key = self.story.seed, 7, self.seed
        return palette(self.angles, generator(*key), generator(*key, take.place, take.camera))

    def _sprites(self, rng: np.random.Generator, index: int, take: Take, place: Set) -> Iterator[_Sprite]:
        gain = np.sqrt(np.array(LIGHT[take.time], np.float32))  # people are lit a little better than places

        def motion() -> tuple[float, float]:
            return float(rng.normal(0, 0.04 if take.kind != "wide" else 0.1)), float(rng.uniform(0, 6))

        if take.kind == "insert":
            size = rng.uniform(0.6, 0.9)
            left = 8 / 9 - size / 2 + rng.normal(0, 0.12)
            yield _Sprite(place.props[take.prop], left, rng.uniform(0.12, 0.4), size, *motion(), gain)
            return
        low, high = _BODY[take.kind]
        people = [self._figure(self.story.cast.index(name)) for name in take.characters]
        if take.extra:
            people.insert(0, self._figure(len(self.story.cast) + index % 4))
        for number, levels in enumerate(people):
            size = rng.uniform(low, high)
            centre = 16 / 9 * (number + 1) / (len(people) + 1) + rng.normal(0, 0.08)
            if len(people) == 1 and take.partner is not None:
                centre += 0.2 if not take.mirrored else -0.2
            top = rng.uniform(0.9, 1.02) - size if take.kind == "wide" else rng.uniform(0.06, 0.2)
            yield _Sprite(levels, centre - size / 4, top, size, *motion(), gain)
        if take.partner is not None:
            left = rng.uniform(-0.45, -0.3) if not take.mirrored else rng.uniform(1.25, 1.4)
            behind = self._figure(self.story.cast.index(take.partner), back=True)
            yield _Sprite(behind, left, rng.uniform(0.15, 0.3), 2.6, *motion(), gain * np.float32(0.6), blurred=True)

    def _figure(self, person: int, *, back: bool = False) -> list[np.ndarray]:
        """A member of the cast by number; higher numbers are passers-by without a name."""
        return _dressed(self.story.seed, person, back)


@lru_cache(maxsize=64)
def _dressed(seed: int, person: int, back: bool) -> list[np.ndarray]:
    return pyramid(figure(generator(seed, 5, person), back=back), 4)


def _level(levels: list[np.ndarray], step: float, sharpest: int = 0) -> int:
    """Which copy to take pixels from, when one pixel drawn covers `step` pixels of the full picture."""
    return int(np.clip(round(float(np.log2(max(step, 1)))), sharpest, len(levels) - 1))


def _backdrop(view: _View, moment: float, size: tuple[int, int]) -> np.ndarray:
    """The part of the panorama that the camera sees, `(H, W, 3)` uint8."""
    height, width = size
    tall = view.height * (1 + view.push * moment)
    wide = tall * 16 / 9
    level = _level(view.plate, tall / height, view.sharpest)
    shrink = 2.0**level
    step_y, step_x = tall / height / shrink, wide / width / shrink
    turn = -1 if view.mirrored else 1
    x = (view.centre[0] + view.pan * moment * wide) / shrink - turn * step_x * width / 2
    matrix = np.array([[turn * step_x, 0, x], [0, step_y, view.centre[1] / shrink - tall / shrink / 2]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(view.plate[level], matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT_101)
    return seen if view.palette is None else view.palette.of(seen)


def _overlay(picture: np.ndarray, sprite: _Sprite, moment: float) -> None:
    """Lay a figure or an object over the picture, in place."""
    height, width = picture.shape[:2]
    full = sprite.levels[0].shape
    left = sprite.left + sprite.drift * moment
    top = sprite.top + 0.006 * np.sin(9 * moment + sprite.phase)
    across = width / (16 / 9)  # pixels in one frame height, sideways
    x0, x1 = int(max(0, left * across)), int(min(width, (left + sprite.height * full[1] / full[0]) * across + 1))
    y0, y1 = int(max(0, top * height)), int(min(height, (top + sprite.height) * height + 1))
    if x0 >= x1 or y0 >= y1:
        return
    step_y, step_x = full[0] / (sprite.height * height), full[0] / (sprite.height * across)
    level = _level(sprite.levels, step_y, 2 if sprite.blurred else 0)
    shrink = 2.0**level
    matrix = np.array(
        [
            [step_x / shrink, 0, (x0 - left * across) * step_x / shrink],
            [0, step_y / shrink, (y0 - top * height) * step_y / shrink],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(sprite.levels[level], matrix, (x1 - x0, y1 - y0), flags=flags).astype(np.float32)
    part = picture[y0:y1, x0:x1]
    part[:] = part * (1 - cut[..., 3:] / 255) + cut[..., :3] * sprite.gain
