"""Tensors without content, entered in a ledger: what is alive, what comes and goes, and autocast as it is for real."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map


class Ledger(TorchDispatchMode):
    """Bytes that are alive, and the most that ever were, of tensors made while it is active.

    module: whose weights do not count, though a view of one looks like a new tensor.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._held = {part.untyped_storage()._cdata: 0 for part in (*module.parameters(), *module.buffers())}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(output):
            if isinstance(leaf, Tensor):
                self._enter(leaf.untyped_storage())
        return output

    def _enter(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self._held:
            return
        self._held[key] = storage.nbytes()
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._leave, key)

    def _leave(self, key: int) -> None:
        self.now -= self._held.pop(key, 0)


class Autocast(TorchFunctionMode):
    """Autocast for tensors without a device: products in bfloat16, casts of trained weights kept as it keeps them."""

    _NARROW = frozenset({nn.functional.linear, torch.matmul, Tensor.matmul, Tensor.__matmul__, nn.functional.conv3d})

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[int, Tensor] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in self._NARROW:
            args, kwargs = tree_map(self._narrow, (args, kwargs or {}))
        return func(*args, **(kwargs or {}))

    def _narrow(self, value: object) -> object:
        if not isinstance(value, Tensor) or value.dtype != torch.float32:
            return value
        if not (value.is_leaf and value.requires_grad):
            return value.to(torch.bfloat16)
        if id(value) not in self._kept:
            self._kept[id(value)] = value.to(torch.bfloat16)
        return self._kept[id(value)]


def recompute_contexts() -> tuple[Any, Any]:
    """For activation checkpointing: what is on in the forward is on when it runs again, which torch sees to for real
    autocast alone."""
    mode = torch.overrides._get_current_function_mode()
    return nullcontext(), nullcontext() if mode is None else mode


@contextmanager
def rehearsing(module: nn.Module, *, autocast: bool) -> Iterator[Ledger]:
    """A ledger that is active; checks that would look into tensors are off, since there is nothing in them."""
    name = "TRANSFORMERS_DISABLE_TORCH_CHECK"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        with Ledger(module) as ledger, Autocast() if autocast else nullcontext():
            yield ledger
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before
