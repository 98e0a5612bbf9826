"""A place in space: a floor, a sky or walls, and bodies that stand about.

A painted place is one panorama, of which each camera sees a part. In a place like this a camera has a position, a
direction and a height (`views`), as in real film: what is near to one is far from another, or hidden, what is bright
here is dark from the other side, and it is the same place only by what it is made of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sceneviz.synthetic.canvas import Canvas, noise

TILE = 256  # pixels of a pattern of 4 by 4 metres, which repeats
# Height over width, of each form; how wide it is beside the others.
FORMS = {
    "ball": (1.0, 1.0),
    "block": (1.1, 1.0),
    "cone": (2.2, 1.0),
    "post": (9.0, 0.35),
    "bush": (1.2, 1.0),
    "panel": (0.8, 1.0),
}


@dataclass(frozen=True, slots=True)
class Body:
    """What stands at (x, z), or hangs above it; all in metres. turn: in radians. tone: RGB to 255."""

    form: str
    x: float
    z: float
    width: float
    height: float
    above: float
    turn: float
    tone: np.ndarray
    shines: bool
    knots: np.ndarray


@dataclass(frozen=True)
class World:
    """A place, laid out: lengths in metres, angles in radians, colours RGB to 255.

    floor, wall: patterns `(256, 256, 3)` uint8. sky: at the horizon and above, or of the ceiling `(2, 3)`.
    room: half of its width and depth, and its height; None outdoors. hills: how high what is far stands, all around.
    light: from where it comes, and which share of it. haze: how far one sees.
    """

    floor: np.ndarray
    wall: np.ndarray
    sky: np.ndarray
    room: tuple[float, float, float] | None
    hills: np.ndarray
    light: tuple[float, float]
    haze: float
    bodies: tuple[Body, ...]

    def lit(self, facing: float | np.ndarray) -> np.ndarray:
        """How much light a side has that faces a direction."""
        side, share = self.light
        return np.asarray(1.1 - share + share * np.maximum(np.cos(facing - side), 0))


def laid_out(c: Canvas) -> World:
    """A place in the colours of a canvas, which stays empty."""
    rng = c.rng
    inside = rng.random() < 0.4
    room = (*rng.uniform(3, 9, 2).tolist(), float(rng.uniform(2.6, 6))) if inside else None
    tones = np.array([_tone(c, value) for value in rng.uniform(0.12, 0.95, 6)])
    hue = c.hue if inside else 0.57 + float(rng.normal(0, 0.07))
    pale, deep = c.tone(0.95, hue=hue, vivid=0.4), c.tone(rng.uniform(0.6, 0.85), hue=hue, vivid=1.2)
    return World(
        floor=_pattern(rng, tones[0], tones[1]),
        wall=_pattern(rng, tones[2], tones[3]),
        sky=np.array([pale, deep]),
        room=room,
        hills=rng.uniform(0, 0.16) * np.abs(noise(rng, 1, 1600, (1, int(rng.uniform(20, 200))))[0]),
        light=(float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.2, 0.7))),
        haze=100.0 if inside else float(np.exp(rng.uniform(3, 5))),
        bodies=tuple(_bodies(rng, room, tones)),
    )


def _bodies(rng: np.random.Generator, room: tuple[float, float, float] | None, tones: np.ndarray) -> list[Body]:
    """Several of each of four kinds, in groups."""
    reach = np.array(room[:2]) * 0.95 if room else np.full(2, rng.uniform(12, 30))
    kinds = [(str(rng.choice([*FORMS])), float(np.exp(rng.normal(0, 0.6))), rng.choice(6, 2)) for _ in range(4)]
    groups = rng.uniform(-1, 1, (6, 2)) * reach
    bodies = []
    for _ in range(int(rng.uniform(14, 40) if room else rng.uniform(30, 90))):
        form, size, pair = kinds[int(rng.integers(4))]
        x, z = np.clip(groups[int(rng.integers(6))] + rng.normal(0, 0.2, 2) * reach, -reach, reach)
        width = size * float(rng.uniform(0.6, 1.5)) * (0.7 if room else 1.5)
        tall, wide = FORMS[form]
        bodies.append(
            Body(
                form,
                x=float(x),
                z=float(z),
                width=width * wide,
                height=width * wide * tall * float(rng.uniform(0.8, 1.3)),
                above=float(rng.uniform(0.8, 1.8)) if form == "panel" else 0.0,
                turn=float(rng.uniform(0, np.pi)),
                tone=np.clip(tones[pair[int(rng.random() < 0.25)]] * rng.uniform(0.85, 1.15), 0, 255),
                shines=bool(rng.random() < (0.3 if form == "panel" else 0.04)),
                knots=rng.normal(0, 0.3, (9, 2)),
            )
        )
    return bodies


def _tone(c: Canvas, value: float) -> tuple[float, float, float]:
    hue = float(c.rng.choice(c.hues()))
    return c.tone(value, hue=hue, vivid=float(c.rng.uniform(0.3, 1.6)))


def _pattern(rng: np.random.Generator, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """`(256, 256, 3)` uint8: tiles, planks, bricks, patches or nothing of two tones, and grain."""
    rows, columns = np.mgrid[:TILE, :TILE]
    step = int(rng.choice([16, 32, 64]))
    where = (
        (rows // step + columns // step) % 2,
        rows // step % 2,
        (rows % step < 3) | (columns % (2 * step) < 3),
        noise(rng, TILE, TILE, (40, 40)) > 0.3,
        np.zeros_like(rows),
    )[int(rng.integers(5))]
    mixed = one + (other - one) * rng.uniform(0.2, 0.9) * where[..., None]
    cell = int(rng.integers(4, 40)), int(rng.integers(4, 40))
    grain = 1 + rng.uniform(0.05, 0.2) * noise(rng, TILE, TILE, cell)
    return np.asarray(np.clip(mixed * grain[..., None], 0, 255), np.uint8)
