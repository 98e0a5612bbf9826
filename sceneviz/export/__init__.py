"""Scenes in the formats of other tools: tables, chapters, timelines."""

from sceneviz.export.writing import FORMATS, NAMES, export

__all__ = ["FORMATS", "NAMES", "export"]
