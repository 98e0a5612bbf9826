"""For a while, another function computes a model's text attention.

transformers calls attention by a name in the text config, under which the function and its mask are registered. The
vision tower has a config of its own, and keeps its attention.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from sceneviz._text import ScenevizError

_lock = Lock()
_busy: set[int] = set()  # identities of the configs that are changed just now


def register(name: str, attention: Callable[..., Any], mask: Callable[..., Any]) -> None:
    """Make a name known to transformers; one without its mask function would see the future."""
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(name, attention)
    AttentionMaskInterface.register(name, mask)


@contextmanager
def using(module: Any, name: str) -> Iterator[None]:
    """For a while text attention of this module is the one of that name, for one caller; then all is as before."""
    parts = [module.config.get_text_config(), *(part.config for part in text_attention(module))]
    configs = {id(config): config for config in parts}
    with _lock:
        if any(key in _busy for key in configs):
            raise ScenevizError("this model is being probed already; let that call end before the next one starts")
        _busy.update(configs)
    before = [(config, config._attn_implementation) for config in configs.values()]
    try:
        for config, _ in before:
            config._attn_implementation = name
        yield
    finally:
        for config, old in before:
            config._attn_implementation = old
        with _lock:
            _busy.difference_update(configs)


def text_attention(module: Any) -> list[Any]:
    """Its text attention modules in order: they know their layer's number and share keys among query heads, which
    vision attention does not.
    """
    parts = module.modules()
    return [part for part in parts if hasattr(part, "layer_idx") and hasattr(part, "num_key_value_groups")]
