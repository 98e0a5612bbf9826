"""Saved data and tables out of it: no torch, so that figures open without a model."""

from sceneviz.results.attention_map import AttentionMap
from sceneviz.results.prediction import EMBEDDED_MARK, Prediction, checked_threshold, shot_table

__all__ = ["EMBEDDED_MARK", "AttentionMap", "Prediction", "checked_threshold", "shot_table"]
