"""What a camera sees of a place in space (`solids`): a panorama from where it stands, as it turns."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import cache
from operator import itemgetter

import cv2
import numpy as np

from sceneviz.synthetic.canvas import HEIGHT, WIDTH, Canvas, Colour
from sceneviz.synthetic.solids import TILE, Body, World, laid_out
from sceneviz.synthetic.story import generator

_FOCAL = 250.0  # pixels in one radian: a panorama is 147 degrees wide


@dataclass(frozen=True, slots=True)
class Camera:
    """Where a camera stands in a world, in metres, and how high; where it looks, in radians; the row of its horizon."""

    x: float
    z: float
    eye: float
    heading: float
    horizon: float

    def distance(self, x: float, z: float) -> float:
        """How far a place is, along the ground."""
        return float(np.hypot(x - self.x, z - self.z))

    def column(self, x: float, z: float) -> float:
        """Where in the panorama a place is."""
        turn = np.arctan2(x - self.x, z - self.z) - self.heading
        return float(WIDTH / 2 + _FOCAL * ((turn + np.pi) % (2 * np.pi) - np.pi))

    def row(self, height: float, far: float) -> float:
        """Where in the panorama a height is, so far away."""
        return float(self.horizon + _FOCAL * (self.eye - height) / far)


def views(c: Canvas, seed: int) -> Callable[[int], Canvas]:
    """A place in the colours of a canvas: what its camera of a number sees. seed: of where the cameras stand."""
    world = laid_out(c)

    @cache  # at every time of day it is the same
    def seen(number: int) -> Canvas:
        rng = generator(seed, number)
        canvas = copy(c)
        canvas.rng, canvas.rgb, canvas.lamps = rng, np.zeros_like(c.rgb), np.zeros_like(c.lamps)
        View(world, _put_up(world, rng), canvas).paint()
        return canvas

    return seen


def _put_up(world: World, rng: np.random.Generator) -> Camera:
    x, z = 0.7 * rng.uniform(-1, 1, 2) * (world.room[:2] if world.room else (8.0, 8.0))
    heading, eye = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.7, 2.2))
    return Camera(float(x), float(z), eye, heading, horizon=float(rng.uniform(60, 120)))


class View:
    """A world, a camera in it, and the canvas that is to show what it sees."""

    def __init__(self, world: World, camera: Camera, canvas: Canvas) -> None:
        self.world, self.camera, self.canvas = world, camera, canvas
        self.ground = world.floor.mean((0, 1))

    def paint(self) -> None:
        """Fill the canvas, from what is far to what is near."""
        angle = self.camera.heading + (np.arange(WIDTH) - WIDTH / 2) / _FOCAL
        down = (np.arange(HEIGHT)[:, None] - self.camera.horizon) / _FOCAL
        shell = self._room(angle, down, *self.world.room) if self.world.room else self._open(angle, down)
        self.canvas.rgb[:] = shell.clip(0, 255)
        bodies = [(self.camera.distance(body.x, body.z), body) for body in self.world.bodies]
        for far, body in sorted(bodies, key=itemgetter(0), reverse=True):
            if far > max(1.2, 1.2 * body.width):  # or there would be nothing else to see
                self._stand(body, far)
        self.canvas.grit(0.07, (3, 4))

    def _floor(self, angle: np.ndarray, far: np.ndarray) -> np.ndarray:
        return _tiles(self.world.floor, self.camera.x + far * np.sin(angle), self.camera.z + far * np.cos(angle))

    def _open(self, angle: np.ndarray, down: np.ndarray) -> np.ndarray:
        """Ground to the horizon, hills and sky, brighter where the light comes from: `(H, W, 3)`."""
        world = self.world
        side, share = world.light
        far = np.broadcast_to(self.camera.eye / np.maximum(down, 1e-3), (HEIGHT, WIDTH))
        ground = self._hazy(self._floor(angle, far), far[..., None])
        up = np.clip(-down / 0.45, 0, 1)[..., None]
        off = np.cos(angle - side)[None, :, None]
        sky = world.sky[0] * (1 - up) + world.sky[1] * up
        sky = sky * (1 + 0.35 * share * (off - 1)) + 60 * share * np.exp(8 * (off - 1))
        hills = world.hills[(angle % (2 * np.pi) * _FOCAL).astype(int) % len(world.hills)]
        sky = np.where((-down <= hills)[..., None], 0.55 * world.sky[0] + 0.25 * self.ground, sky)
        return np.where((down > 0)[..., None], ground, sky)

    def _room(self, angle: np.ndarray, down: np.ndarray, wide: float, deep: float, high: float) -> np.ndarray:
        """Floor, four walls, each in a light of its own, and the ceiling: `(H, W, 3)`."""
        x, z, eye = self.camera.x, self.camera.z, self.camera.eye
        east, north = np.sin(angle), np.cos(angle)
        across = np.where(east > 0, wide - x, wide + x) / np.maximum(np.abs(east), 1e-6)
        along = np.where(north > 0, deep - z, deep + z) / np.maximum(np.abs(north), 1e-6)
        sideways = across < along
        wall = np.minimum(across, along)
        far = np.where(down > 0, eye, high - eye) / np.maximum(np.abs(down), 1e-3)
        place = np.tile(np.where(sideways, z + wall * north, x + wall * east), (HEIGHT, 1))
        facing = np.where(sideways, -np.sign(east) * np.pi / 2, np.where(north > 0, np.pi, 0.0))
        walls = _tiles(self.world.wall, place, eye - down * wall) * self.world.lit(facing)[None, :, None]
        flat = np.where((down > 0)[..., None], self._floor(angle, far), 0.85 * self.world.sky[0])
        return np.where((far > wall)[..., None], walls, flat)

    def _hazy(self, colours: np.ndarray, far: float | np.ndarray) -> np.ndarray:
        clear = np.exp(-far / self.world.haze)
        return np.asarray(colours * clear + self.world.sky[0] * (1 - clear))

    def _shade(self, tone: np.ndarray, far: float) -> Colour:
        red, green, blue = np.clip(self._hazy(tone, far), 0, 255).tolist()
        return red, green, blue

    def _stand(self, body: Body, far: float) -> None:
        """Paint a body that is so far away, its sides as they face the light, and its shadow."""
        c, camera = self.canvas, self.camera
        middle, half = camera.column(body.x, body.z), _FOCAL * body.width / 2 / far
        if half < 0.7 or not -2 * half < middle < WIDTH + 2 * half:
            return
        foot, top = camera.row(body.above, far), camera.row(body.above + body.height, far)
        high = foot - top
        back = float(np.arctan2(camera.x - body.x, camera.z - body.z))  # from the body to the camera
        left, right = (float(self.world.lit(back + turn)) for turn in (0.8, -0.8))

        def shade(light: float) -> Colour:
            return self._shade(body.tone * light, far)

        if not body.above:
            c.disc(middle, foot, 1.15 * half, self._shade(0.45 * self.ground, far), 0.2)
        if body.form == "ball":
            c.disc(middle, foot - high / 2, half, shade(min(left, right)), high / 2 / half)
            brighter = middle + 0.22 * half * (1 if right > left else -1)
            c.disc(brighter, foot - 0.58 * high, 0.7 * half, shade(max(left, right)), high / 2 / half)
        elif body.form == "bush":
            for across, up in body.knots:
                light = right if across > 0 else left
                lit = shade(light * (1 + 0.4 * up))
                c.disc(middle + 1.6 * across * half, foot - (0.5 + up) * high, 0.5 * half, lit)
        elif body.form == "cone":
            c.shape([(middle - half, foot), (middle, top), (middle + half, foot)], shade(right))
            c.shape([(middle - half, foot), (middle, top), (middle - 0.1 * half, foot)], shade(left))
        elif body.form == "post":
            c.rect(middle - half, top, 2 * half, high, shade(right))
            c.rect(middle - half, top, half, high, shade(left))
        else:
            self._block(body, shade)
        if body.shines:
            c.lamp(middle - 0.5 * half, foot - 0.8 * high, half, 0.6 * high)

    def _block(self, body: Body, shade: Callable[[float], Colour]) -> None:
        """The sides of a block that face the camera, and its top where that is seen; a panel is a flat block."""
        camera = self.camera
        deep = 0.04 if body.form == "panel" else 0.7
        turn = np.array([[np.cos(body.turn), np.sin(body.turn)], [-np.sin(body.turn), np.cos(body.turn)]])
        corners = np.array([(-1, -deep), (1, -deep), (1, deep), (-1, deep)]) * body.width / 2 @ turn
        corners += (body.x, body.z)
        away = [camera.distance(*corner) for corner in corners]
        columns = [camera.column(*corner) for corner in corners]
        if np.ptp(columns) > WIDTH / 2:  # around the seam of the panorama, behind the camera
            return
        foot, top = ([camera.row(at, max(far, 0.3)) for far in away] for at in (body.above, body.above + body.height))
        if body.above + body.height < camera.eye:
            self.canvas.shape(list(zip(columns, top, strict=True)), shade(1.15))
        for one in range(4):
            other = (one + 1) % 4
            edge = (corners[one] + corners[other]) / 2
            outward = edge - (body.x, body.z)
            if outward @ ((camera.x, camera.z) - edge) > 0:
                side = [(columns[k], row[k]) for k, row in ((one, foot), (one, top), (other, top), (other, foot))]
                self.canvas.shape(side, shade(float(self.world.lit(np.arctan2(*outward)))))


def _tiles(pattern: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What a pattern shows at places in metres: `(H, W, 3)` float32."""
    columns, rows = (side.astype(np.float32) * np.float32(TILE / 4) % TILE for side in (x, y))
    return cv2.remap(pattern, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP).astype(np.float32)
