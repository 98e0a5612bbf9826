"""Painters of streets and landscapes: each fills a canvas with one kind of place."""

from __future__ import annotations

from sceneviz.synthetic.canvas import HEIGHT, WIDTH, Canvas


def _sky(c: Canvas, bottom: int) -> None:
    """A sky, tinted by the place; sometimes with clouds."""
    hue = 0.57 + 0.25 * float(c.rng.normal(0, 0.3))
    c.fade(0, bottom, c.tone(0.8, hue=hue), c.tone(0.97, hue=hue, vivid=0.35))
    if c.rng.random() < 0.6:
        for x in c.steps(60, 140):
            y = c.between(8, bottom * 0.5)
            for k in range(4):
                c.disc(x + 14 * k, y + c.between(-4, 4), 14, c.tone(0.97, hue=hue, vivid=0.12), 0.6)


def _windows(c: Canvas, x: int, y: int, width: int, bottom: int, hue: float) -> None:
    for top in range(y + 8, bottom - 30, 22):
        for left in range(x + 6, x + width - 10, 18):
            c.rect(left, top, 9, 13, c.tone(c.rng.uniform(0.15, 0.5), hue=hue), c.tone(0.75, vivid=0.3))
            if c.rng.random() < 0.45:
                c.lamp(left, top, 9, 13)


def street(c: Canvas) -> None:
    """Facades with windows, shops, lamps, a road with cars."""
    _sky(c, 100)
    x = 0
    while x < WIDTH:
        width, top = c.between(55, 110), c.between(0, 55)
        hue = c.hue + c.rng.normal(0, 0.04)
        c.rect(x, top, width, 140 - top, c.tone(c.rng.uniform(0.45, 0.85), hue=hue))
        _windows(c, x, top, width, 140, c.accent)
        c.rect(x + 4, 112, width - 8, 28, c.tone(0.3, hue=c.accent), c.tone(0.15))
        c.rect(x + 4, 106, width - 8, 8, c.tone(0.8, hue=c.accent, vivid=1.6))
        x += width
    c.rect(0, 138, WIDTH, 10, c.tone(0.65, vivid=0.15))
    c.fade(148, HEIGHT, c.tone(0.35, vivid=0.2), c.tone(0.25, vivid=0.2))
    for x in c.steps(90, 150):
        c.line(x, 148, x, 52, c.tone(0.12), 3)
        c.disc(x, 50, 5, c.tone(1, hue=0.14, vivid=0.5))
        c.lamp(x - 8, 42, 16, 14)
        if c.rng.random() < 0.6:
            body = c.tone(0.75, hue=c.rng.random(), vivid=1.4)
            c.rect(x + 20, 142, 54, 16, body)
            c.shape([(x + 28, 142), (x + 36, 130), (x + 58, 130), (x + 66, 142)], body)
            c.disc(x + 32, 158, 6, c.tone(0.1))
            c.disc(x + 62, 158, 6, c.tone(0.1))


def alley(c: Canvas) -> None:
    """Brick walls, doors, pipes, posters, rubbish."""
    c.fade(0, 145, c.tone(0.62, vivid=1.1), c.tone(0.42, vivid=1.1))
    c.rows(0, 145, 8, 20, c.tone(0.3, vivid=0.6))
    c.grit(0.14, (30, 30), 0, 145)
    for x in c.steps(50, 100):
        kind = c.rng.integers(4)
        if kind == 0:
            c.rect(x, 60, 40, 86, c.tone(0.3, hue=c.accent), c.tone(0.12))
            c.lamp(x + 12, 46, 14, 8)
        elif kind == 1:
            c.rect(x, 0, 8, 146, c.tone(0.5, hue=c.accent, vivid=0.6), c.tone(0.2))
        elif kind == 2:
            c.rect(x, 50, 30, 40, c.tone(0.95, hue=c.accent), c.tone(0.15))
            c.disc(x + 15, 66, 8, c.tone(0.5, hue=c.hue + 0.4, vivid=1.6))
        else:
            c.rect(x, 112, 40, 38, c.tone(0.35, hue=c.accent, vivid=1.3), c.tone(0.12))
    c.fade(145, HEIGHT, c.tone(0.3, vivid=0.4), c.tone(0.18, vivid=0.4))
    c.grit(0.2, (5, 20), 145)


def forest(c: Canvas) -> None:
    """Trunks in three depths, leaves, undergrowth."""
    green = 0.3 + 0.12 * float(c.rng.normal()) if c.rng.random() < 0.7 else c.hue
    c.fade(0, HEIGHT, c.tone(0.85, hue=green, vivid=0.5), c.tone(0.5, hue=green))
    c.grit(0.2, (25, 25))
    for value, width, gap in ((0.6, 7, 20), (0.4, 13, 40), (0.17, 24, 85)):
        for x in c.steps(gap * 0.6, gap * 1.4):
            lean = c.between(-8, 8)
            c.shape([(x, 0), (x + width, 0), (x + width + lean, 165), (x + lean, 165)], c.tone(value, hue=0.08))
            c.line(x + 2, 0, x + 2 + lean, 165, c.tone(value * 1.4, hue=0.1), 2)
        for x in c.steps(6, 16):
            c.disc(x, c.between(-4, 26), c.between(6, 16), c.tone(value * 1.1, hue=green), 0.7)
    c.ridge(152, 5, 40, c.tone(0.3, hue=green))
    for x in c.steps(3, 8):
        y = c.between(146, HEIGHT)
        c.line(x, y, x + c.between(-4, 4), y - 9, c.tone(c.rng.uniform(0.2, 0.65), hue=green, vivid=1.3), 1)


def hills(c: Canvas) -> None:
    """Rolling fields under a sky, hedges, a fence, a house."""
    _sky(c, 110)
    land = float(c.rng.choice([0.1, 0.16, 0.25, 0.33])) if c.rng.random() < 0.75 else c.hue
    for number, base in enumerate((70, 95, 120)):
        hue = land + 0.03 * number
        c.ridge(base, 9, 130, c.tone(0.5 + 0.12 * number, hue=hue))
    for y in range(128, HEIGHT, 9):
        c.line(0, y, WIDTH, y + 6, c.tone(0.5, hue=land + 0.07), 3)
    for x in c.steps(90, 190):
        c.rect(x, 84, 40, 28, c.tone(0.9, hue=c.accent, vivid=0.6), c.tone(0.3))
        c.shape([(x - 6, 84), (x + 20, 64), (x + 46, 84)], c.tone(0.5, hue=c.accent, vivid=1.5))
        c.rect(x + 15, 94, 10, 18, c.tone(0.2))
        c.lamp(x + 28, 92, 8, 8)
        c.disc(x + 66, 92, 18, c.tone(0.3, hue=0.33))
    for x in range(0, WIDTH, 26):
        c.rect(x, 128, 4, 26, c.tone(0.3, hue=0.08))
    c.line(0, 134, WIDTH, 134, c.tone(0.34, hue=0.08), 3)
    c.line(0, 145, WIDTH, 145, c.tone(0.34, hue=0.08), 3)


def sea(c: Canvas) -> None:
    """Sky, waves, boats, a beach."""
    _sky(c, 72)
    water = 0.52 + 0.12 * float(c.rng.normal())
    c.fade(72, 150, c.tone(0.4, hue=water, vivid=1.4), c.tone(0.75, hue=water, vivid=1.1))
    c.grit(0.2, (4, 40), 72, 150)
    for x in c.steps(4, 10):
        y = c.between(76, 146)
        c.line(x, y, x + (y - 60) * 0.25, y, c.tone(0.98, hue=water, vivid=0.2), 1)
    for x in c.steps(120, 210):
        c.shape([(x, 76), (x + 50, 76), (x + 42, 90), (x + 8, 90)], c.tone(0.35, hue=c.accent))
        c.shape([(x + 24, 18), (x + 24, 72), (x + 50, 72)], c.tone(0.95, hue=c.accent, vivid=0.4))
        c.lamp(x + 20, 66, 8, 8)
    c.ridge(150, 3, 90, c.tone(0.85, hue=c.hue, vivid=0.7))
    c.grit(0.08, (3, 5), 154)


def desert(c: Canvas) -> None:
    """Dunes, flat-topped rocks, cacti."""
    _sky(c, 105)
    sand = 0.08 + 0.04 * float(c.rng.normal()) if c.rng.random() < 0.6 else c.hue
    for x in c.steps(110, 200):
        top, width = c.between(40, 75), c.between(40, 90)
        c.shape([(x, 115), (x + 10, top), (x + width, top), (x + width + 14, 115)], c.tone(0.55, hue=sand - 0.04))
        c.shape([(x + width, top), (x + width + 14, 115), (x + width - 14, 115)], c.tone(0.35, hue=sand - 0.04))
    for number, base in enumerate((105, 125, 150)):
        c.ridge(base, 7, 120, c.tone(0.72 + 0.1 * number, hue=sand))
        c.grit(0.05, (3, 24), base)
    for x in c.steps(60, 130):
        cactus = c.tone(0.35, hue=c.accent)
        c.rect(x, 92, 8, 54, cactus)
        c.rect(x - 12, 108, 14, 6, cactus)
        c.rect(x - 13, 94, 6, 16, cactus)


def mountains(c: Canvas) -> None:
    """Snowy peaks, firs, snow with tracks."""
    _sky(c, 120)
    for value, base, height in ((0.6, 110, 90), (0.4, 125, 65)):
        for x in c.steps(60, 120):
            peak = base - height * c.rng.uniform(0.7, 1.1)
            c.shape([(x - 80, base), (x, peak), (x + 85, base)], c.tone(value))
            c.shape([(x - 22, peak + 24), (x, peak), (x + 24, peak + 24), (x + 4, peak + 18)], c.tone(0.98, vivid=0.1))
    c.ridge(122, 5, 100, c.tone(0.95, vivid=0.25))
    for x in c.steps(20, 60):
        y = c.between(120, 150)
        fir = c.tone(c.rng.uniform(0.15, 0.35), hue=c.accent)
        for k in range(3):
            c.shape([(x - 14 + 3 * k, y - 13 * k), (x + 14 - 3 * k, y - 13 * k), (x, y - 24 - 13 * k)], fir)
    c.grit(0.04, (6, 60), 125)


def market(c: Canvas) -> None:
    """Stalls with striped awnings, crates of fruit."""
    c.fade(0, 150, c.tone(0.6), c.tone(0.4))
    c.grit(0.15, (20, 40), 0, 150)
    x = 0
    while x < WIDTH:
        width = c.between(70, 110)
        c.rect(x + 4, 60, width - 8, 46, c.tone(0.18))
        for k, left in enumerate(range(x, x + width, 12)):
            stripe = c.tone(0.95, vivid=0.15) if k % 2 else c.tone(0.8, hue=c.accent, vivid=1.6)
            c.shape([(left + 3, 28), (left + 13, 28), (left + 11, 58), (left - 1, 58)], stripe)
        for left in range(x + 4, x + width - 20, 22):
            hue = c.rng.choice([c.hue, c.accent, 0.05, 0.3])
            c.rect(left, 112, 20, 24, c.tone(0.4, hue=0.08), c.tone(0.2, hue=0.08))
            for k in range(6):
                c.disc(left + 4 + 6 * (k % 3), 110 - 5 * (k // 3), 4, c.tone(0.9, hue=hue, vivid=1.7))
        c.lamp(x + width // 2, 62, 9, 9)
        x += width
    c.fade(142, HEIGHT, c.tone(0.5, vivid=0.4), c.tone(0.35, vivid=0.4))
    c.rows(142, HEIGHT, 10, 16, c.tone(0.28, vivid=0.4))


def garden(c: Canvas) -> None:
    """Hedges, flower beds, a path, statues, a pond."""
    _sky(c, 70)
    green = 0.3 + 0.04 * float(c.rng.normal())
    for x in c.steps(25, 55):
        c.disc(x, c.between(56, 76), c.between(20, 34), c.tone(c.rng.uniform(0.3, 0.6), hue=green))
    c.rect(0, 80, WIDTH, 40, c.tone(0.35, hue=green))
    c.grit(0.25, (6, 6), 40, 120)
    c.fade(118, HEIGHT, c.tone(0.8, hue=c.hue, vivid=0.5), c.tone(0.65, hue=c.hue, vivid=0.5))
    for x in c.steps(5, 11):
        hue = c.accent if c.rng.random() < 0.6 else c.hue
        c.disc(x, c.between(100, 130), 4, c.tone(0.95, hue=hue, vivid=1.8))
    for x in c.steps(110, 180):
        c.rect(x, 104, 24, 34, c.tone(0.85, vivid=0.1), c.tone(0.5, vivid=0.1))
        c.disc(x + 12, 84, 10, c.tone(0.9, vivid=0.08), 2.0)
        c.disc(x + 12, 58, 7, c.tone(0.9, vivid=0.08))
        c.lamp(x + 60, 90, 8, 8)
