"""Open Video Scene Detection (Rotman et al. 2016) as it is published: scenes of 21 free films, without shots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sceneviz._text import ScenevizError
from sceneviz.data.labels import read_scenes
from sceneviz.data.library import Read
from sceneviz.data.listing import VIDEOS, Listing, Rate
from sceneviz.data.parts import movie_of_parts
from sceneviz.reading.subtitles import SUFFIXES

ENDING = "_scenes.txt"


@dataclass(frozen=True)
class Ovsd:
    """`<film>_scenes.txt`, and `<film>_shots.txt` or the video `<film>.mp4`, beside or one level below them."""

    title: str
    splits: Mapping[str, str]
    listing: Listing
    frame_rate: Rate | Mapping[str, Rate] | None

    @classmethod
    def at(cls, root: Path, frame_rate: Rate | Mapping[str, Rate] | None) -> Ovsd:
        """The data set in a folder."""
        listing = Listing(root, 1)
        names = sorted({path.name.removesuffix(ENDING) for path in listing if path.name.endswith(ENDING)})
        if not names:
            raise ScenevizError(f"ovsd: expected files <film>{ENDING}, found none: {root}")
        return cls("ovsd", dict.fromkeys(names, ""), listing, frame_rate)

    def parts(self, name: str) -> dict[str, Path | None]:
        """Where its labels, shots, video and subtitles are."""
        return {
            "labels": self.listing.find(name + ENDING),
            "shots": self.listing.first(name, ("_shots.txt", "_shots.csv", "-Scenes.csv")),
            "video": self.listing.first(name, VIDEOS),
            "subtitles": self.listing.first(name, SUFFIXES),
        }

    def read(self, name: str) -> Read:
        """A film by its name. Where no file holds its shots they are detected, which reads the whole video."""
        parts = self.parts(name)
        movie, notices = movie_of_parts(name, parts, self.frame_rate)
        assert parts["labels"] is not None
        labels, odd = read_scenes(parts["labels"], [(shot.start, shot.end) for shot in movie.shots])
        return Read(replace(movie, labels=labels), [*notices, *odd])
