"""BBC Planet Earth (Baraldi et al. 2015) as it is published: eleven episodes, five annotators."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from sceneviz._text import ScenevizError, choice
from sceneviz.data.labels import UNLABELLED, read_starts
from sceneviz.data.library import Read
from sceneviz.data.listing import VIDEOS, Listing, Rate
from sceneviz.data.parts import movie_of_parts
from sceneviz.reading.subtitles import SUFFIXES

FRAME_RATE = Fraction(25)


@dataclass(frozen=True)
class Bbc:
    """`annotations/shots/<episode>.txt` and `annotations/scenes/<annotator>/<episode>.txt`; beside or below them
    videos and subtitles, by the episode's name or number (`bbc_01.mp4`).

    scenes: the folder of each annotator. rule: which boundaries count, see `combined`.
    """

    title: str
    splits: Mapping[str, str]
    shots: Mapping[str, Path]
    scenes: tuple[Path, ...]
    rule: str
    listing: Listing
    frame_rate: Rate | Mapping[str, Rate] | None

    @classmethod
    def at(cls, root: Path, rule: str | None, frame_rate: Rate | Mapping[str, Rate] | None) -> Bbc:
        """The data set in a folder."""
        listing = Listing(root, 1)
        annotations = root if (root / "shots").is_dir() else root / "annotations"
        shots = sorted(annotations.glob("shots/*.txt"))
        scenes = tuple(sorted(path for path in annotations.glob("scenes/*") if path.is_dir()))
        if not shots or not scenes:
            raise ScenevizError(
                "bbc: expected annotations/shots/<episode>.txt and annotations/scenes/<annotator>/<episode>.txt, "
                f"found {len(shots)} files of shots and {len(scenes)} annotators: {root}"
            )
        rule = _known(rule or "each", scenes)
        names = {path.stem: path for path in shots}
        return cls(f"bbc, annotators {rule!r}", dict.fromkeys(names, ""), names, scenes, rule, listing, frame_rate)

    def parts(self, name: str) -> dict[str, Path | None]:
        """Where its shots, labels (the first annotator's), video and subtitles are."""
        labels = [_of_episode(name, list(folder.glob("*.txt"))) for folder in self.scenes]
        return {
            "shots": self.shots[name],
            "labels": None if None in labels else labels[0],
            "video": _of_episode(name, [path for path in self.listing if path.suffix.lower() in VIDEOS]),
            "subtitles": _of_episode(name, [path for path in self.listing if path.suffix.lower() in SUFFIXES]),
        }

    def read(self, name: str) -> Read:
        """An episode by its name; without its video it is text only."""
        movie, notices = movie_of_parts(name, self.parts(name), self.frame_rate, FRAME_RATE)
        labels = [self._labels(name, folder, len(movie)) for folder in self.scenes]
        return Read(replace(movie, labels=combined(np.stack(labels), self.rule, self.scenes)), notices)

    def _labels(self, name: str, folder: Path, n_shots: int) -> np.ndarray:
        path = _of_episode(name, list(folder.glob("*.txt")))
        if path is None:
            raise ScenevizError(f"{name}: there is no {name}.txt of annotator {folder.name}: {folder}")
        return read_starts(path, n_shots)


def combined(labels: np.ndarray, rule: str, scenes: tuple[Path, ...]) -> np.ndarray:
    """Labels `(annotators, n_shots)` under a rule, int8 of the same kind.

    "each": as they are. "union": `(1, n_shots)`, a boundary is what anyone marked; "k_of_n": what at least k of the n
    marked; an annotator's name: that one's.
    """
    if rule == "each":
        return labels
    names = [folder.name for folder in scenes]
    if rule in names:
        return labels[[names.index(rule)]]
    least = 1 if rule == "union" else int(rule.split("_")[0])
    agreed = np.array(np.sum(labels == 1, axis=0, keepdims=True) >= least, np.int8)
    agreed[:, -1] = UNLABELLED
    return agreed


def _known(rule: str, scenes: tuple[Path, ...]) -> str:
    count = len(scenes)
    rules = ["each", "union", *(f"{least}_of_{count}" for least in range(1, count + 1))]
    return choice(rule, [*rules, *(folder.name for folder in scenes)], "annotators")


def _of_episode(name: str, paths: list[Path]) -> Path | None:
    """The file of an episode: of its name, or else of its number, since names vary (`03_Ice Worlds`, `bbc_03`)."""
    exact = [path for path in paths if path.stem == name]
    number = _number(name)
    return min(exact or [path for path in paths if number is not None and _number(path.stem) == number], default=None)


def _number(name: str) -> int | None:
    found = re.match(r"(?:bbc[ _-]*)?0*(\d+)(?!\d)", name, re.IGNORECASE)
    return int(found[1]) if found else None
