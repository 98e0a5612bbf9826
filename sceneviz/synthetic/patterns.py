"""Painters of no place in particular: pictures with the statistics of photographs, unlike anything else drawn here.

What is learned from drawn places may be about drawing. These two tell: one style to vary the training with, and one
that is never trained on, to choose by. Textures like these are known to teach features that carry over to photographs
(Baradad et al. 2021, "Learning to See by Looking at Noise").
"""

from __future__ import annotations

import cv2
import numpy as np

from sceneviz.synthetic.canvas import HEIGHT, WIDTH, Canvas, Colour, noise


def _palette(c: Canvas, count: int) -> list[Colour]:
    """Tones around the place's hue, its accent, and one of its own; from dark to light."""
    hues = c.rng.choice(c.hues(), count)
    vivid = c.rng.uniform(0.3, 1.7, count)
    values = np.linspace(c.rng.uniform(0.05, 0.3), c.rng.uniform(0.6, 1.0), count)
    return [c.tone(v, hue=float(h), vivid=float(s)) for v, h, s in zip(values, hues, vivid, strict=True)]


def leaves(c: Canvas) -> None:
    """Shapes that cover each other, the large ones first, lit from above, grained: a wood, a crowd, a shelf, a wall."""
    tones = _palette(c, 6)
    top, bottom = (tones[i] for i in c.rng.choice(6, 2, replace=False))
    c.fade(0, HEIGHT, top, bottom)
    form, squeeze, lean = int(c.rng.integers(4)), float(c.rng.uniform(0.4, 2.2)), float(c.rng.uniform(-0.4, 0.4))
    horizon = c.rng.uniform(-0.2, 0.7) * HEIGHT  # above it, less
    largest, steepness = c.rng.uniform(40, 110), c.rng.uniform(0.6, 1.6)
    for share in np.linspace(1, 0.001, int(c.rng.uniform(120, 420))):
        size = max(3.0, float(largest * share**steepness))
        x, y = c.between(-20, WIDTH + 20), c.between(horizon - 10, HEIGHT + 20)
        if c.rng.random() < 0.15:
            y = c.between(0, HEIGHT)
        fill = tones[int(c.rng.integers(6))]
        light = 1.15 - 0.4 * y / HEIGHT + float(c.rng.normal(0, 0.06))
        fill = (min(fill[0] * light, 255), min(fill[1] * light, 255), min(fill[2] * light, 255))
        if form == 0:
            c.disc(x, y, size / 2, fill, squeeze)
        elif form == 1:
            c.rect(x - size / 2, y - size * squeeze / 2, size, size * squeeze, fill)
        elif form == 2:
            high = size * squeeze
            c.shape([(x - size / 2, y), (x + lean * high, y - high), (x + size / 2, y)], fill)
        else:
            angles = np.sort(c.rng.uniform(0, 2 * np.pi, 6))
            c.shape([(x + size * np.cos(a), y + size * squeeze * np.sin(a)) for a in angles], fill)
        if c.rng.random() < 0.02:
            c.lamp(x - 6, y - 6, 12, 12)
    c.grit(float(c.rng.uniform(0.03, 0.22)), (int(c.rng.integers(2, 12)), int(c.rng.integers(2, 30))))


def marble(c: Canvas) -> None:
    """Bent noise through a ramp of colours: clouds, water, rock, cloth."""
    cell = (int(c.rng.uniform(12, 90)), int(c.rng.uniform(16, 160)))
    bend = float(c.rng.uniform(2, 22))
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    field = noise(c.rng, HEIGHT, WIDTH, cell, 5)
    field = field + float(c.rng.normal(0, 1.2)) * (rows / HEIGHT - 0.5)
    down, across = (bend * noise(c.rng, HEIGHT, WIDTH, (40, 60), 2) for _ in range(2))
    field = cv2.remap(field, columns + across, rows + down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    if c.rng.random() < 0.4:
        field = np.sin(field * float(c.rng.uniform(1.5, 4)))  # veins
    rank = np.clip((field - field.min()) / max(float(np.ptp(field)), 1e-6), 0, 1)
    tones = np.asarray(_palette(c, 5), np.float32)
    if c.rng.random() < 0.3:
        tones = tones[c.rng.permutation(5)]
    stops = np.linspace(0, 1, 5)
    c.rgb[:] = np.dstack([np.interp(rank, stops, tones[:, channel]) for channel in range(3)]).astype(np.uint8)
    c.grit(float(c.rng.uniform(0.03, 0.15)), (3, 5))
    for x in c.steps(120, 240):
        c.lamp(x, c.between(20, 140), 14, 14)
