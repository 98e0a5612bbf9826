"""Painters of rooms and halls: each fills a canvas with one kind of place."""

from __future__ import annotations

from sceneviz.synthetic.canvas import HEIGHT, WIDTH, Canvas


def _floor(c: Canvas, top: int, value: float, hue: float | None = None) -> None:
    c.fade(top, HEIGHT, c.tone(value, hue=hue), c.tone(value * 0.6, hue=hue))
    c.rows(top, HEIGHT, 9, WIDTH + 1, c.tone(value * 0.55, hue=hue))
    c.grit(0.08, (4, 60), top)


def room(c: Canvas) -> None:
    """Papered walls, windows, doors, pictures, tables and cupboards."""
    wall, wood = c.rng.uniform(0.55, 0.9), c.accent
    c.fade(0, 130, c.tone(wall), c.tone(wall * 0.85))
    if c.rng.random() < 0.6:
        for x in range(0, WIDTH, c.between(14, 30)):
            c.rect(x, 0, 6, 129, c.tone(wall * 0.86))
    c.rect(0, 100, WIDTH, 30, c.tone(wall * 0.6))
    _floor(c, 130, 0.5, wood)
    for x in c.steps(60, 110):
        kind = c.rng.integers(4)
        if kind == 0:
            c.rect(x, 25, 48, 60, c.tone(0.98, vivid=0.2), c.tone(0.3, hue=wood))
            c.line(x + 24, 25, x + 24, 85, c.tone(0.3, hue=wood), 3)
            c.line(x, 55, x + 48, 55, c.tone(0.3, hue=wood), 3)
            c.rect(x - 12, 20, 11, 80, c.tone(0.7, hue=c.accent, vivid=1.5))
            c.rect(x + 50, 20, 11, 80, c.tone(0.7, hue=c.accent, vivid=1.5))
        elif kind == 1:
            c.rect(x, 35, 40, 96, c.tone(0.38, hue=wood), c.tone(0.2, hue=wood))
            c.disc(x + 33, 86, 3, c.tone(0.9, hue=0.13))
        elif kind == 2:
            c.rect(x, 30, 34, 26, c.tone(0.7, hue=c.accent, vivid=1.4), c.tone(0.25, hue=wood))
        else:
            c.rect(x, 92, 56, 44, c.tone(0.45, hue=wood), c.tone(0.2, hue=wood))
            c.rect(x + 22, 74, 8, 18, c.tone(0.35))
            c.shape([(x + 10, 76), (x + 18, 56), (x + 34, 56), (x + 42, 76)], c.tone(0.95, hue=0.12))
            c.lamp(x + 10, 56, 32, 20)


def tiles(c: Canvas) -> None:
    """A kitchen or bath: tiled walls, cupboards, a counter with pots."""
    c.fade(0, 125, c.tone(0.9, vivid=0.6), c.tone(0.8, vivid=0.6))
    c.rows(40, 100, 12, 12, c.tone(0.62))
    for x in range(0, WIDTH, 42):
        if c.rng.random() < 0.6:
            c.rect(x, 0, 40, 36, c.tone(0.6, hue=c.accent), c.tone(0.35, hue=c.accent))
        c.rect(x, 104, 40, 40, c.tone(0.55, hue=c.accent), c.tone(0.3, hue=c.accent))
        c.disc(x + 34, 116, 2, c.tone(0.95, vivid=0.1))
        if c.rng.random() < 0.4:
            c.rect(x + 8, 84, 20, 16, c.tone(c.rng.uniform(0.2, 0.9), hue=c.hue + 0.5))
        if c.rng.random() < 0.25:
            c.rect(x + 12, 36, 16, 6, c.tone(1, hue=0.14))
            c.lamp(x + 4, 36, 32, 8)
    c.rect(0, 100, WIDTH, 6, c.tone(0.95, vivid=0.2))
    c.fade(144, HEIGHT, c.tone(0.6), c.tone(0.4))
    for x in range(-40, WIDTH, 24):
        c.line(x, 144, x - 30, HEIGHT, c.tone(0.25), 2)
    c.rows(144, HEIGHT, 12, WIDTH + 1, c.tone(0.25))


def machines(c: Canvas) -> None:
    """A machine hall: girders, pipes, gauges, warning stripes."""
    c.fade(0, 140, c.tone(0.22), c.tone(0.4))
    c.grit(0.15, (40, 40))
    for y in (18, 40, 70):
        value = c.rng.uniform(0.4, 0.8)
        c.rect(0, y, WIDTH, 9, c.tone(value, hue=c.accent))
        c.line(0, y + 2, WIDTH, y + 2, c.tone(value * 1.4, hue=c.accent), 2)
    for x in c.steps(45, 90):
        c.rect(x, 0, 14, 150, c.tone(0.3), c.tone(0.12))
        for y in range(6, 150, 12):
            c.disc(x + 7, y, 2, c.tone(0.6))
        if c.rng.random() < 0.7:
            c.rect(x + 20, 92, 44, 60, c.tone(0.55, vivid=1.3), c.tone(0.15))
            c.disc(x + 34, 108, 9, c.tone(0.95, vivid=0.1))
            c.line(x + 34, 108, x + 40, 102, c.tone(0.7, hue=0.0, vivid=2), 2)
            c.rect(x + 50, 102, 8, 8, c.tone(0.95, hue=c.accent, vivid=2))
            c.lamp(x + 48, 100, 12, 12)
    c.fade(150, HEIGHT, c.tone(0.35), c.tone(0.2))
    for x in range(0, WIDTH, 24):
        c.shape([(x, 150), (x + 12, 150), (x + 6, 158), (x - 6, 158)], c.tone(0.9, hue=0.14, vivid=1.6))


def library(c: Canvas) -> None:
    """Shelves of books from floor to ceiling."""
    c.rect(0, 0, WIDTH, 150, c.tone(0.25))
    for y in range(4, 140, 29):
        x = 0
        while x < WIDTH:
            width = c.between(4, 11)
            tall = c.between(17, 25)
            hue = c.hue if c.rng.random() < 0.5 else c.accent + c.rng.normal(0, 0.05)
            c.rect(x, y + 25 - tall, width - 1, tall, c.tone(c.rng.uniform(0.35, 0.9), hue=hue, vivid=1.3))
            x += width
        c.rect(0, y + 25, WIDTH, 4, c.tone(0.5, hue=0.08))
    for x in c.steps(90, 150):
        c.rect(x, 0, 9, 150, c.tone(0.42, hue=0.08), c.tone(0.15, hue=0.08))
        c.rect(x - 2, 30, 13, 14, c.tone(1, hue=0.13))
        c.lamp(x - 4, 26, 18, 20)
    _floor(c, 149, 0.4, 0.07)


def crowd(c: Canvas) -> None:
    """A stage: curtain folds, footlights, rows of heads in the dark."""
    c.fade(0, 110, c.tone(0.75, vivid=1.4), c.tone(0.4, vivid=1.4))
    for x in range(0, WIDTH, c.between(14, 26)):
        c.rect(x, 0, 6, 110, c.tone(0.33, vivid=1.4))
        c.rect(x + 6, 0, 3, 110, c.tone(0.9, vivid=1.2))
    c.rect(0, 0, WIDTH, 16, c.tone(0.8, hue=c.accent))
    c.fade(110, 130, c.tone(0.75, hue=0.09), c.tone(0.5, hue=0.09))
    for x in c.steps(40, 60):
        c.disc(x, 112, 5, c.tone(1, hue=0.14, vivid=0.6))
        c.lamp(x - 5, 106, 10, 10)
    c.rect(0, 130, WIDTH, 50, c.tone(0.12))
    for y in (138, 154, 172):
        for x in c.steps(18, 34):
            value = c.rng.uniform(0.1, 0.35)
            c.disc(x, y, 8, c.tone(value), 1.2)
            c.disc(x, y + 20, 14, c.tone(value * 0.8))


def office(c: Canvas) -> None:
    """Ceiling lights, glass partitions, blinds, desks with screens."""
    c.fade(0, 30, c.tone(0.8, vivid=0.3), c.tone(0.7, vivid=0.3))
    c.fade(30, 140, c.tone(0.85, vivid=0.5), c.tone(0.65, vivid=0.5))
    for x in c.steps(60, 80):
        c.shape([(x, 8), (x + 34, 8), (x + 28, 18), (x + 6, 18)], c.tone(1, vivid=0.1))
        c.lamp(x, 8, 34, 10)
    for x in range(10, WIDTH, 80):
        c.rect(x, 38, 62, 52, c.tone(0.7, hue=0.56), c.tone(0.3))
        if c.rng.random() < 0.6:
            for y in range(42, 90, 6):
                c.line(x, y, x + 62, y, c.tone(0.95, vivid=0.2), 2)
    for x in c.steps(70, 120):
        c.rect(x, 112, 66, 6, c.tone(0.4, hue=c.accent))
        c.rect(x + 4, 118, 5, 34, c.tone(0.2))
        c.rect(x + 56, 118, 5, 34, c.tone(0.2))
        c.rect(x + 20, 88, 28, 20, c.tone(0.12), c.tone(0.25))
        c.rect(x + 23, 91, 22, 14, c.tone(0.8, hue=c.accent + 0.4))
        c.lamp(x + 22, 90, 24, 16)
    c.fade(140, HEIGHT, c.tone(0.45), c.tone(0.3))
    c.grit(0.1, (3, 3), 152)


def hull(c: Canvas) -> None:
    """Inside a vessel: riveted plates, portholes, a rail, cables."""
    c.fade(0, HEIGHT, c.tone(0.65), c.tone(0.3))
    for x in range(0, WIDTH, 64):
        c.line(x, 0, x, HEIGHT, c.tone(0.25), 3)
        for y in range(8, HEIGHT, 14):
            c.disc(x + 6, y, 2, c.tone(0.9))
    for y in (14, 128):
        c.rect(0, y, WIDTH, 10, c.tone(0.5, hue=c.accent), c.tone(0.2))
    for x in c.steps(70, 100):
        c.disc(x, 66, 25, c.tone(0.35, hue=c.accent))
        c.disc(x, 66, 19, c.tone(0.9, hue=0.55, vivid=0.8))
        c.lamp(x - 4, 34, 10, 6)
        if c.rng.random() < 0.5:
            c.rect(x + 32, 40, 22, 70, c.tone(0.25), c.tone(0.75, hue=c.accent))
    c.grit(0.1, (50, 12))


def castle(c: Canvas) -> None:
    """Stone walls, arches, banners, torches."""
    c.fade(0, 145, c.tone(0.6, vivid=0.5), c.tone(0.45, vivid=0.5))
    c.rows(0, 145, 16, 34, c.tone(0.25, vivid=0.5))
    c.grit(0.16, (12, 18), 0, 145)
    for x in c.steps(75, 120):
        kind = c.rng.integers(3)
        if kind == 0:
            c.disc(x + 24, 70, 26, c.tone(0.12))
            c.rect(x - 2, 70, 52, 76, c.tone(0.1))
        elif kind == 1:
            banner = c.tone(0.7, hue=c.accent, vivid=1.8)
            c.shape([(x, 12), (x + 30, 12), (x + 30, 88), (x + 15, 74), (x, 88)], banner)
            c.disc(x + 15, 40, 9, c.tone(0.95, hue=0.14))
        else:
            c.rect(x, 62, 5, 30, c.tone(0.2))
            c.disc(x + 2, 54, 8, c.tone(1, hue=0.09, vivid=1.4), 1.4)
            c.lamp(x - 8, 40, 20, 22)
    _floor(c, 145, 0.38)


def cave(c: Canvas) -> None:
    """Rock, stalactites, a bright opening."""
    c.fade(0, HEIGHT, c.tone(0.3), c.tone(0.2))
    c.grit(0.35, (30, 50))
    for x in c.steps(200, 330):
        c.disc(x, 78, 52, c.tone(0.9, hue=c.accent, vivid=0.7), 0.9)
        c.disc(x + 10, 86, 34, c.tone(1, hue=c.accent, vivid=0.4), 0.9)
        c.lamp(x - 30, 60, 60, 50)
    for x in c.steps(14, 40):
        c.shape([(x - 12, 0), (x + 12, 0), (x, c.between(20, 75))], c.tone(c.rng.uniform(0.08, 0.3)))
    c.ridge(150, 8, 60, c.tone(0.12))
    for x in c.steps(30, 90):
        c.shape([(x - 14, HEIGHT), (x + 14, HEIGHT), (x, c.between(120, 150))], c.tone(0.22, hue=c.accent))
