"""The same on a Ray cluster, through Ray Data, which places, restarts and retries."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from sceneviz._text import ScenevizError
from sceneviz.many.items import Item
from sceneviz.many.one import Outcome, Reading, Settings, Worker, told

RETRIES = 3  # how often a movie is given to another worker when its own dies


class OnRay:
    """A worker as Ray Data calls it: plain rows in, plain rows out."""

    def __init__(self, settings: dict[str, Any], device: str) -> None:
        settings = settings | {"reading": Reading(**settings["reading"])}
        try:
            self.worker: Worker | str = Worker(Settings(**settings), device)
        except Exception as error:  # told with each movie: a worker that can't begin would be begun again for ever
            self.worker = told(error)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """One movie."""
        item = Item(**{name: str(row[name]) for name in ("name", "path", "source", "root", "split")})
        outcome = Outcome(item.name, error=self.worker) if isinstance(self.worker, str) else self.worker.work(item)
        return asdict(outcome) | {"notices": "\n".join(outcome.notices)}


def over_cluster(items: Sequence[Item], settings: Settings, address: str, workers: int | None) -> Iterator[Outcome]:
    """As they come, from workers of a Ray cluster, one a GPU where it has any.

    address: of the cluster ("auto": the one that this machine belongs to), or "local" for one of this machine alone.
    workers: how many; None for as many as it has GPUs, else one. The folder of results, and the films, must lie where
    every worker finds them under the same path.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
    try:
        import ray
        from ray.data import ActorPoolStrategy, DataContext, from_items
        from ray.exceptions import RayError
    except ImportError:
        raise ScenevizError("--ray needs Ray: pip install 'sceneviz[ray]'") from None
    started = not ray.is_initialized()
    if started:
        local = {"num_cpus": workers or 1} if address == "local" else {"address": address}
        try:
            ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR, **local)
        except (ConnectionError, RayError, RuntimeError) as error:
            raise ScenevizError(f"no Ray cluster at {address!r}: {str(error).splitlines()[0]}") from None
    DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    calls: Any = ray  # parts of it have no types
    try:
        gpus = int(calls.cluster_resources().get("GPU", 0))
        count = min(workers or gpus or 1, len(items))
        rows = [asdict(item) for item in items]
        rows_to_come: Any = from_items(rows, override_num_blocks=len(rows))
        found = rows_to_come.map(
            OnRay,
            fn_constructor_args=(asdict(settings), "cuda" if gpus else "cpu"),
            compute=ActorPoolStrategy(size=count, max_tasks_in_flight_per_actor=1),
            num_gpus=1 if gpus else 0,
            num_cpus=1,
            max_task_retries=RETRIES,
        )
        for row in found.iter_rows():
            yield Outcome(**row | {"notices": tuple(filter(None, row["notices"].split("\n")))})
    except RayError as error:
        reason = str(error).strip().splitlines()
        raise ScenevizError(f"the Ray cluster gave up: {reason[-1] if reason else type(error).__name__}") from None
    finally:
        if started:
            ray.shutdown()
