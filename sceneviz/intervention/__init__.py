"""Act on a decision and see what it does: cut attention, change earlier answers, change what is shown."""

from sceneviz.intervention.actions import Action, Change, Cut, Force, Remove, Replace, Shuffle, Swap
from sceneviz.intervention.run import intervene

__all__ = ["Action", "Change", "Cut", "Force", "Remove", "Replace", "Shuffle", "Swap", "intervene"]
