"""Workers on this machine: one where there is no GPU, in this process; else a process a GPU."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from threading import Event, Thread

from sceneviz.many.items import Item
from sceneviz.many.one import Outcome, Settings, Worker

ATTEMPTS = 3  # a movie whose worker dies as often is given up

_worker: list[Worker | Exception] = []  # in a worker's process, its own, or why it has none


def here(items: Sequence[Item], settings: Settings, device: str) -> Iterator[Outcome]:
    """One after the other, in this process."""
    worker = Worker(settings, device)
    for item in items:
        yield worker.work(item)


def over_devices(items: Sequence[Item], settings: Settings, devices: Sequence[str]) -> Iterator[Outcome]:
    """As they come, from a process a device. One that dies is replaced, and its movie goes on where it was."""
    waiting: queue.SimpleQueue[Item] = queue.SimpleQueue()
    for item in items:
        waiting.put(item)
    outcomes: queue.SimpleQueue[Outcome | BaseException] = queue.SimpleQueue()
    stop = Event()
    threads = [Thread(target=_feed, args=(waiting, outcomes, settings, device, stop)) for device in devices]
    for thread in threads:
        thread.start()
    try:
        for _ in items:
            outcome = outcomes.get()
            if isinstance(outcome, BaseException):
                raise outcome
            yield outcome
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _feed(
    waiting: queue.SimpleQueue[Item],
    outcomes: queue.SimpleQueue[Outcome | BaseException],
    settings: Settings,
    device: str,
    stop: Event,
) -> None:
    """Give one device a movie after the other, until there are none."""
    pool = _process(settings, device)
    try:
        while not stop.is_set():
            try:
                item = waiting.get_nowait()
            except queue.Empty:
                return
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    outcomes.put(pool.submit(_work, item).result())
                    break
                except BrokenProcessPool:
                    pool.shutdown()
                    pool = _process(settings, device)
                    if attempt == ATTEMPTS:
                        outcomes.put(Outcome(item.name, error=f"its worker died {ATTEMPTS} times (memory?)"))
    except BaseException as error:
        outcomes.put(error)
    finally:
        pool.shutdown(cancel_futures=True)


def _process(settings: Settings, device: str) -> ProcessPoolExecutor:
    # Spawned, since CUDA does not survive a fork.
    return ProcessPoolExecutor(1, get_context("spawn"), initializer=_begin, initargs=(settings, device))


def _begin(settings: Settings, device: str) -> None:
    try:
        _worker.append(Worker(settings, device))
    except Exception as error:
        _worker.append(error)


def _work(item: Item) -> Outcome:
    (worker,) = _worker
    if isinstance(worker, Exception):
        raise worker
    return worker.work(item)
