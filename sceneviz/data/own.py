"""Movies of one's own: a folder, as `sceneviz render` leaves it; and movies rendered from seeds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sceneviz._text import ScenevizError
from sceneviz.data.labels import read_labels
from sceneviz.data.library import Read
from sceneviz.data.listing import VIDEOS, Listing, Rate, chosen_split, read_splits
from sceneviz.data.parts import movie_of_parts
from sceneviz.reading.subtitles import find_subtitles
from sceneviz.synthetic import TEST_SEEDS, render_movie

SHOTS = (".shots.txt", ".shots.csv", "-Scenes.csv")
CHARACTERS = (".characters.json", ".characters.csv")
LABELS = ".label.txt"
# As many to validate and to test on as in MovieNet; none is in two splits, and none to train on is for testing.
SEEDS = {
    "train": range(1_000, 1_800),
    "val": range(8_500_000, 8_500_064),
    "test": range(TEST_SEEDS, TEST_SEEDS + 64),
}


@dataclass(frozen=True)
class Folder:
    """`NAME.mp4` (or another video), and beside it `NAME.srt`, `NAME.characters.json`, `NAME.shots.txt` and
    `NAME.label.txt`, as far as they are there; without a video, `NAME.shots.txt` at least; perhaps a `split.json`."""

    title: str
    splits: Mapping[str, str]
    listing: Listing
    frame_rate: Rate | Mapping[str, Rate] | None

    @classmethod
    def at(cls, root: Path, split: str, frame_rate: Rate | Mapping[str, Rate] | None) -> Folder:
        """The movies in a folder. Without a `split.json`, "test" and "all" are all of them."""
        listing = Listing(root, 0)
        endings = "|".join(map(re.escape, (*VIDEOS, *SHOTS)))
        found = (re.fullmatch(rf"([^.].*?)({endings})", path.name, re.IGNORECASE) for path in listing)
        names = sorted({match[1] for match in found if match})
        if not names:
            raise ScenevizError(f"expected videos, or files NAME.shots.txt of movies without one, found none: {root}")
        table = listing.find("split.json")
        if table is not None:
            splits = chosen_split(read_splits(table), split)
        elif split in ("test", "all"):
            splits = dict.fromkeys(names, "")
        else:
            raise ScenevizError(f"split {split!r}: there is no split.json that tells which movies are in it: {root}")
        return cls(f"{root.resolve().name}, {split}", splits, listing, frame_rate)

    def parts(self, name: str) -> dict[str, Path | None]:
        """Where its video, subtitles, characters, shots and labels are."""
        return {
            "video": self.listing.first(name, VIDEOS),
            "subtitles": find_subtitles(self.listing.root / f"{name}.none"),
            "characters": self.listing.first(name, CHARACTERS),
            "shots": self.listing.first(name, SHOTS),
            "labels": self.listing.find(name + LABELS),
        }

    def read(self, name: str) -> Read:
        """A movie by its name. Where no file holds its shots they are detected, which reads the whole video."""
        parts = self.parts(name)
        movie, notices = movie_of_parts(name, parts, self.frame_rate)
        if parts["labels"] is None:
            return Read(movie, notices)
        labels, odd, rows = read_labels(parts["labels"], len(movie))
        return Read(replace(movie, labels=labels), [*notices, *odd], rows)


@dataclass(frozen=True)
class Rendered:
    """Movies with known scenes, drawn on demand, by their seeds; those of the split "test" are never trained on."""

    title: str
    splits: Mapping[str, str]

    @classmethod
    def of(cls, split: str) -> Rendered:
        """The movies of a split."""
        seeds = {f"rendered-{seed}": name for name, numbers in SEEDS.items() for seed in numbers}
        return cls(f"synthetic, {split}", chosen_split(seeds, split))

    def parts(self, name: str) -> dict[str, Path | None]:
        """Nothing lies on disk."""
        return {}

    def read(self, name: str) -> Read:
        """A movie by its name, `rendered-SEED`."""
        return Read(render_movie(int(name.removeprefix("rendered-"))))
