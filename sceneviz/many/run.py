"""Many movies into one folder: a folder a movie, a table of all, and in the end what failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sceneviz._text import ScenevizError, writable, write_whole
from sceneviz.lock import held
from sceneviz.many.cluster import over_cluster
from sceneviz.many.items import Item
from sceneviz.many.local import here, over_devices
from sceneviz.many.one import Outcome, Reading, Settings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Item", "Outcome", "Reading", "Settings", "segment_all"]

TABLE = "movies.csv"


def segment_all(
    items: Sequence[Item],
    settings: Settings,
    *,
    device: str = "auto",
    ray: str | None = None,
    workers: int | None = None,
    told: Callable[[Outcome], None] = lambda _: None,
) -> pd.DataFrame:
    """Segment every movie into a folder of its name in `settings.out`; write and give back a table, a row a movie.

    device: "auto" takes every CUDA GPU, with a worker each, or else the CPU (or MPS), with one; else the one named.
    ray: the address of a Ray cluster that does it instead ("auto", "local", "ray://…"); workers: how many there.
    told: called with each outcome as it comes.

    Columns: movie, shots, scenes, error (why it failed, "" if it did not). What is finished is not done again: a movie
    of an earlier run under the same model and settings is taken as it is, one that was stopped goes on from its last
    batch. A movie that fails is in the table, and stops no other. One run at a time on a folder.
    """
    import pandas as pd

    out = Path(settings.out)
    if out.exists() and not out.is_dir():
        raise ScenevizError(f"--out must be a folder, {out} is a file")
    places = {item.name: place for place, item in enumerate(items)}
    with held(out):
        outcomes: dict[int, Outcome] = {}
        for outcome in _outcomes(items, settings, device, ray, workers):
            outcomes[places[outcome.name]] = outcome
            told(outcome)
        rows = [
            {"movie": writable(each.name), "shots": each.shots, "scenes": each.scenes, "error": each.error}
            for _, each in sorted(outcomes.items())
        ]
        table = pd.DataFrame(rows, columns=["movie", "shots", "scenes", "error"])
        write_whole(out / TABLE, table.to_csv(index=False))
    return table


def _outcomes(
    items: Sequence[Item], settings: Settings, device: str, ray: str | None, workers: int | None
) -> Iterator[Outcome]:
    if ray is not None:
        return over_cluster(items, settings, ray, workers)
    devices = _devices(device)[: len(items)]
    return here(items, settings, devices[0]) if len(devices) == 1 else over_devices(items, settings, devices)


def _devices(device: str) -> list[str]:
    """Every GPU where any will do."""
    if device != "auto":
        return [device]
    import torch

    return [f"cuda:{number}" for number in range(torch.cuda.device_count())] or ["auto"]
