"""Tables of scores. No number is printed without the variant that it is, nor without the prevalence beside it."""

from sceneviz.metrics.bootstrap import paired_difference
from sceneviz.metrics.curves import calibration_table, pr_table
from sceneviz.metrics.groups import error_table, position_table
from sceneviz.metrics.presets import PRESETS, Preset
from sceneviz.metrics.scores import score

__all__ = [
    "PRESETS",
    "Preset",
    "calibration_table",
    "error_table",
    "paired_difference",
    "position_table",
    "pr_table",
    "score",
]
