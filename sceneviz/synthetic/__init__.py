"""Movies rendered from a seed, with known scenes and known reasons why each scene ends."""

from sceneviz.synthetic.files import filmed, render_movie, write_movie
from sceneviz.synthetic.freely import FilmedFreely, Freedom
from sceneviz.synthetic.retelling import retold
from sceneviz.synthetic.script import TEST_SEEDS, reasons, story
from sceneviz.synthetic.story import REASONS, Place, Scene, Story, Take

__all__ = [
    "REASONS",
    "TEST_SEEDS",
    "FilmedFreely",
    "Freedom",
    "Place",
    "Scene",
    "Story",
    "Take",
    "filmed",
    "reasons",
    "render_movie",
    "retold",
    "story",
    "write_movie",
]
