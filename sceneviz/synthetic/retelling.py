"""The same pictures with other words: a story told again."""

from __future__ import annotations

from dataclasses import replace

from sceneviz.synthetic.script import pick
from sceneviz.synthetic.story import Story, Take, generator
from sceneviz.synthetic.takes import people_at, spoken_line
from sceneviz.synthetic.words import NAMES, TOPICS


def retold(story: Story, telling: int) -> Story:
    """The same story with other names, other topics and new lines; what is seen, and what changes when, stays.

    Every name becomes one other name, and every topic one other topic, everywhere, so that all is as alike, and as
    different, as before. Equal arguments give equal stories. Its frames are the story's own.
    """
    rng = generator(story.seed, 6, telling)
    names = dict(zip(story.cast, pick(rng, NAMES, len(story.cast)), strict=True))
    topics = dict(zip(TOPICS, pick(rng, tuple(TOPICS), len(TOPICS)), strict=True))
    cast = tuple(names.values())
    scenes = tuple(
        replace(
            scene,
            topic=topics[scene.topic],
            characters=tuple(names[name] for name in scene.characters),
        )
        for scene in story.scenes
    )

    def told(take: Take) -> Take:
        scene = scenes[take.scene]
        return replace(
            take,
            characters=tuple(names[name] for name in take.characters),
            partner=take.partner and names[take.partner],
            line=spoken_line(rng, scene.topic, people_at(scene, take.place), cast),
        )

    return replace(story, cast=cast, scenes=scenes, takes=tuple(told(take) for take in story.takes))
