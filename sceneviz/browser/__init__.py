"""The interactive explorer: a movie's decisions, looked into and played with in a notebook."""

from sceneviz.browser.explorer import Explorer, browse
from sceneviz.browser.state import State, WhatIf

__all__ = ["Explorer", "State", "WhatIf", "browse"]
