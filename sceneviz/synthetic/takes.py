"""How a scene is shot: which camera, how near, who is in frame, what is said. No pixels."""

from __future__ import annotations

import numpy as np

from sceneviz.synthetic.story import CAMERAS, FRAME_RATE, PROPS, Kind, Scene, Take
from sceneviz.synthetic.words import SMALL_TALK, TEMPLATES, TOPICS

TALK, SMALL, SECONDS = 0.62, 0.22, (1.0, 6.0)


def takes_of(rng: np.random.Generator, number: int, scene: Scene, cast: tuple[str, ...]) -> list[Take]:
    """The takes of scene `number`, in order: runs of talk in shot and reverse shot, wide shots, inserts, cutaways."""
    cameras = [int(camera) for camera in rng.permutation(CAMERAS)[: int(rng.integers(3, 5))]]
    takes: list[Take] = []
    n_takes = scene.last - scene.first + 1
    elsewhere = False
    pair = _pair(rng, scene.characters)
    for step in range(n_takes):
        if scene.parallel is not None and step and rng.random() < 0.55:
            elsewhere = not elsewhere
        place = scene.parallel if scene.parallel is not None and elsewhere else scene.place
        people = people_at(scene, place)
        if rng.random() < 0.15:
            pair = _pair(rng, people)
        speakers = [name for name in pair if name in people] or list(people)
        kind: Kind = "wide" if step == 0 and rng.random() < 0.4 else _KINDS[rng.choice(4, p=[0.14, 0.33, 0.40, 0.13])]
        turn = step % 2
        camera = cameras[turn if kind != "wide" else int(rng.integers(len(cameras)))]
        if rng.random() < 0.12:
            camera = cameras[-1]
        shown, partner = _in_frame(rng, kind, speakers, people, turn)
        light = float(np.exp(rng.normal(0, 0.17)))
        low, high = SECONDS
        seconds = float(np.clip(np.exp(rng.normal(0.9, 0.5)), low, high))
        takes.append(
            Take(
                scene=number,
                place=place,
                time=scene.time,
                camera=camera,
                kind=kind,
                mirrored=kind == "close" and turn == 1,
                characters=shown,
                partner=partner,
                extra=kind == "wide" and rng.random() < 0.3,
                prop=int(rng.integers(PROPS)),
                light=light,
                n_frames=round(seconds * FRAME_RATE),
                line=spoken_line(rng, scene.topic, people, cast),
            )
        )
    return takes


_KINDS: tuple[Kind, ...] = ("wide", "medium", "close", "insert")


def _pair(rng: np.random.Generator, people: tuple[str, ...]) -> list[str]:
    return [people[i] for i in rng.permutation(len(people))[:2]]


def _in_frame(
    rng: np.random.Generator, kind: Kind, speakers: list[str], people: tuple[str, ...], turn: int
) -> tuple[tuple[str, ...], str | None]:
    """Who is seen, in order from the left, and who is seen from behind."""
    if kind == "insert":
        return (), None
    if kind == "wide":
        return tuple(name for name in people if rng.random() < 0.7), None
    if kind == "medium" and rng.random() < 0.6:
        return tuple(speakers), None
    facing, other = speakers[turn % len(speakers)], speakers[(turn + 1) % len(speakers)]
    return (facing,), other if other != facing and rng.random() < 0.4 else None


def people_at(scene: Scene, place: int) -> tuple[str, ...]:
    """Who is at a place of the scene: where it cuts to and fro, each place has its own half of the people."""
    if scene.parallel is None:
        return scene.characters
    half = (len(scene.characters) + 1) // 2
    return scene.characters[half:] if place == scene.parallel else scene.characters[:half]


def spoken_line(rng: np.random.Generator, topic: str, people: tuple[str, ...], cast: tuple[str, ...]) -> str:
    """What is said: mostly about the topic, sometimes small talk, often nothing. Rarely, an absent person is named."""
    if rng.random() >= TALK:
        return ""
    nouns, verbs, adjectives = TOPICS[topic]
    template = str(rng.choice(SMALL_TALK if rng.random() < SMALL else TEMPLATES))
    n, m = (nouns[i] for i in rng.choice(len(nouns), size=2, replace=False))
    named = rng.choice(people if rng.random() < 0.8 else cast)
    return template.format(n=n, m=m, v=rng.choice(verbs), a=rng.choice(adjectives), name=named)
