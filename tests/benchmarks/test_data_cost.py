"""What a data set costs, in seconds of the processor: MovieNet-318 in full size, generated, text only."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

import sceneviz as sv
from sceneviz.data import check, totals

SPLITS = {"train": 190, "val": 64, "test": 64}
MEAN_SHOTS = 1_600
SECONDS = 2.0


def write_movienet(root: Path) -> dict[str, np.ndarray]:
    """318 movies of about 1,600 shots, two of them irregular; the label rows of each."""
    rng = np.random.default_rng(0)
    names = [f"tt{number:07d}" for number in range(sum(SPLITS.values()))]
    for folder in ("label318", "shot_movie318", "meta", "subtitle"):
        (root / folder).mkdir(parents=True)
    firsts = np.cumsum([0, *SPLITS.values()])
    splits = {
        split: names[first : first + count] for first, (split, count) in zip(firsts, SPLITS.items(), strict=False)
    }
    (root / "meta" / "split318.json").write_text(json.dumps(splits | {"all": names}))
    written = {}
    for place, name in enumerate(names):
        shots = int(rng.integers(MEAN_SHOTS - 400, MEAN_SHOTS + 400))
        ends = np.cumsum(rng.integers(12, 180, shots))
        starts = np.append(0, ends[:-1])
        rows = [f"{a} {b - 1} {a} {(a + b) // 2} {b - 1}" for a, b in zip(starts, ends, strict=True)]
        (root / "shot_movie318" / f"{name}.txt").write_text("\n".join(rows) + "\n")
        labels = rng.choice([0, 1, -1], shots - {0: 0, 1: 2}.get(place, 1), p=[0.9, 0.08, 0.02])
        text = "".join(f"{shot:04d} {label}\n" for shot, label in enumerate(labels))
        (root / "label318" / f"{name}.txt").write_text(text)
        written[name] = labels
    return written


@pytest.mark.benchmark
def test_movienet_318_lists_at_once_and_counts_right(tmp_path: Path) -> None:
    written = write_movienet(tmp_path)
    start = time.process_time()
    movies = sv.read_movies("movienet", tmp_path, split="all")
    table = movies.to_frame()
    listed = time.process_time() - start
    assert table["labels"].all()
    start = time.process_time()
    checked = check(movies, progress=False)
    read = time.process_time() - start
    print(f"\n318 movies listed in {listed:.2f} s; {checked['shots'].sum():,} shots read and counted in {read:.1f} s")
    print(totals(checked).to_string(index=False))
    assert (checked["error"] == "").all()
    assert (checked["odd"] != "").sum() == 2
    sums = totals(checked).set_index("split")
    for split, names in (
        (split, movies.names[a:b]) for split, a, b in [("train", 0, 190), ("val", 190, 254), ("test", 254, 318)]
    ):
        rows = np.concatenate([written[name] for name in names])
        # The label of the last shot, which one movie has, is a row, but ends nothing.
        extra = written[names[0]][-1:] if split == "train" else np.array([])
        assert sums.loc[split, "movies"] == SPLITS[split]
        assert sums.loc[split, "rows"] == len(rows)
        assert sums.loc[split, "ones"] == np.sum(rows == 1) - np.sum(extra == 1)
        assert sums.loc[split, "uncertain"] == np.sum(rows == -1) - np.sum(extra == -1)
    assert listed < SECONDS
