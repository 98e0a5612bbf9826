"""Many movies: on one machine with a worker a GPU, or on a Ray cluster; resumable, and a bad one stops no other."""

from sceneviz.many.items import Item, items_of
from sceneviz.many.run import Outcome, Reading, Settings, segment_all

__all__ = ["Item", "Outcome", "Reading", "Settings", "items_of", "segment_all"]
