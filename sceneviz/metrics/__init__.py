"""Tables of scores. No number is printed without the variant that it is, nor without the prevalence beside it."""

from sceneviz.metrics.bootstrap import paired_difference
from sceneviz.metrics.presets import PRESETS, Preset
from sceneviz.metrics.scores import score

__all__ = ["PRESETS", "Preset", "paired_difference", "score"]
