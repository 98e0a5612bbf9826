"""Data sets in their published layouts, and folders of one's own: lists of movies, each read when it is asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sceneviz._text import ScenevizError, choice
from sceneviz.data.bbc import Bbc
from sceneviz.data.checking import check, totals
from sceneviz.data.keyframes import KeyframeFolder
from sceneviz.data.labels import read_bassl
from sceneviz.data.library import Layout, Movies, Read
from sceneviz.data.listing import Rate
from sceneviz.data.movienet import MovieNet
from sceneviz.data.ovsd import Ovsd
from sceneviz.data.own import SEEDS, Folder, Rendered

__all__ = ["SEEDS", "KeyframeFolder", "Movies", "Read", "check", "read_bassl", "read_movies", "totals"]

SOURCES = ("movienet", "bbc", "ovsd", "synthetic")
SPLITS = ("train", "val", "validation", "test", "all")
UNSPLIT = ("test", "all")


def read_movies(
    source: str | os.PathLike[str],
    root: str | os.PathLike[str] | None = None,
    *,
    split: str = "test",
    frame_rate: Rate | Mapping[str, Rate] | None = None,
    annotators: str | None = None,
) -> Movies:
    """The movies of a data set, as a list that reads each when it is asked for.

    source: "movienet", "bbc", "ovsd", "synthetic", or a folder of one's own.
    root: the folder that holds a published data set.
    split: "train", "val", "test" or "all". BBC and OVSD have none, a folder those of its `split.json`: without one,
        "test" and "all" are all of its movies.
    frame_rate: frames a second where there is no video to tell: one for all (25, 23.976, "24000/1001"), or one each in
        a mapping by name. MovieNet's is 24000/1001 unless it is given, BBC's is 25. A wrong one shows by few subtitles
        that lie inside the movie, of which a warning tells.
    annotators: of BBC, whose boundaries count: "each" (all five, the default), "union", "2_of_5" (what at least two
        marked), "annotator_0". It moves AP by more than 10 points: name it beside a number.

    Only names are read here; `check` tells what is missing and odd. Raises `ScenevizError`, in a line with file and
    line, for what cannot be read: here where it is the data set, else when the movie is asked for.
    """
    choice(split, SPLITS, "split")
    kind = source if isinstance(source, str) and source in SOURCES else "folder"
    if kind == "folder" and isinstance(source, str) and not Path(source).is_dir():
        choice(source, SOURCES, "source, where it is not a folder,")
    if annotators is not None and kind != "bbc":
        raise ScenevizError(f"annotators: only bbc has several, not {str(source)!r}")
    if kind in ("bbc", "ovsd") and split not in UNSPLIT:
        raise ScenevizError(f"split {split!r}: {kind} has no splits; 'test' and 'all' are all of it")
    return Movies(_layout(kind, _folder(kind, source, root), split, frame_rate, annotators))


def _folder(kind: str, source: str | os.PathLike[str], root: str | os.PathLike[str] | None) -> Path:
    """The folder that holds the data set."""
    if kind == "folder" or kind == "synthetic":
        if root is not None:
            raise ScenevizError(f"root: {str(source)!r} needs none, got {str(root)!r}")
        return Path(source)
    if root is None:
        raise ScenevizError(f"root: give the folder that holds {kind}: read_movies({kind!r}, 'path/to/it')")
    return Path(root)


def _layout(
    kind: str, root: Path, split: str, frame_rate: Rate | Mapping[str, Rate] | None, annotators: str | None
) -> Layout:
    match kind:
        case "movienet":
            return MovieNet.at(root, split, frame_rate)
        case "bbc":
            return Bbc.at(root, annotators, frame_rate)
        case "ovsd":
            return Ovsd.at(root, frame_rate)
        case "synthetic":
            return Rendered.of(split)
    return Folder.at(root, split, frame_rate)
