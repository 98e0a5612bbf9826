"""Models: loading them, and the prompt computed once that answers many suffixes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sceneviz.models.loading import load_model

if TYPE_CHECKING:
    from sceneviz.models.features import FrameFeatures
    from sceneviz.models.prefix import Prefix
    from sceneviz.models.reading import Reading
    from sceneviz.models.scene_model import SceneModel

__all__ = ["FrameFeatures", "Prefix", "Reading", "SceneModel", "load_model"]

_HOME = {"FrameFeatures": "features", "Prefix": "prefix", "Reading": "reading", "SceneModel": "scene_model"}


def __getattr__(name: str) -> Any:
    """Classes that need torch load when they are first asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
