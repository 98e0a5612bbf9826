"""Reading ahead: what is slow to make is made in another thread while what was made before is used."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(eq=False)
class _Shelf(Generic[Item]):
    """What lies between the thread that makes and the one that takes.

    most: how many items are made and not yet taken, at the most. ended: nothing more comes; `error` says why, if it is
    one. left: nobody takes any more.
    """

    most: int
    items: deque[Item] = field(default_factory=deque)
    changed: threading.Condition = field(default_factory=threading.Condition)
    ended: bool = False
    left: bool = False
    error: BaseException | None = None

    def fill(self, source: Iterator[Item]) -> None:
        """Make items until there are no more, or nobody wants them."""
        error = None
        try:
            while self._wanted():
                try:
                    item = next(source)
                except StopIteration:
                    break
                with self.changed:
                    self.items.append(item)
                    self.changed.notify_all()
        except BaseException as caught:  # whatever it is belongs to the thread that takes
            error = caught
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()
            with self.changed:
                self.ended, self.error = True, error
                self.changed.notify_all()

    def _wanted(self) -> bool:
        with self.changed:
            self.changed.wait_for(lambda: self.left or len(self.items) < self.most)
            return not self.left

    def take(self) -> Item:
        """The next item; StopIteration, or what went wrong, when there is none."""
        with self.changed:
            self.changed.wait_for(lambda: self.items or self.ended)
            if self.items:
                self.changed.notify_all()
                return self.items.popleft()
        raise StopIteration if self.error is None else self.error

    def leave(self) -> None:
        """Want no more."""
        with self.changed:
            self.left = True
            self.items.clear()
            self.changed.notify_all()


class Ahead(Iterator[Item]):
    """The items of an iterator, in order, the next few of them made in a thread of their own.

    most: how many are made beforehand. The thread starts with the first item that is asked for, and ends with the
    items, with `close`, or when nobody holds this object any more. An error comes up where its item would have come.
    """

    def __init__(self, source: Iterator[Item], most: int) -> None:
        # The thread knows the shelf alone, so it does not keep this object alive.
        self._shelf: _Shelf[Item] = _Shelf(most)
        self._thread = threading.Thread(target=self._shelf.fill, args=(source,), name="sceneviz-ahead", daemon=True)
        self._started = False

    def __next__(self) -> Item:
        if not self._started:
            self._started = True
            self._thread.start()
        return self._shelf.take()

    def close(self) -> None:
        """Make no more items, and wait for the one that is being made."""
        self._shelf.leave()
        if self._started and self._thread is not threading.current_thread():
            self._thread.join()

    def __del__(self) -> None:
        self._shelf.leave()
