"""What each part of the input did for a decision, by several methods on one axis, and whether they agree."""

from sceneviz.attribution.groups import Group
from sceneviz.attribution.result import METHODS, Attribution
from sceneviz.attribution.verb import attribute, survey

__all__ = ["METHODS", "Attribution", "Group", "attribute", "survey"]
