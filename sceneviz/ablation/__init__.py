"""Many conditions, one table: what each modality, window, frame or model is worth, paired over movies."""

from sceneviz.ablation.conditions import GRIDS, Condition, conditions_of
from sceneviz.ablation.sweep import Answers, Sweep, sweep
from sceneviz.ablation.table import ablate, compare

__all__ = ["GRIDS", "Answers", "Condition", "Sweep", "ablate", "compare", "conditions_of", "sweep"]
