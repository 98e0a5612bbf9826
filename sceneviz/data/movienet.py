"""MovieNet-318 (Huang et al. 2020; Rao et al. 2020) as it is published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from sceneviz._text import ScenevizError, counted, plain
from sceneviz.data.keyframes import KeyframeFolder, holds_keyframes
from sceneviz.data.labels import read_labels
from sceneviz.data.library import Read
from sceneviz.data.listing import VIDEOS, Listing, Rate, chosen_split, rate_of, read_json, read_splits
from sceneviz.data.parts import Parts
from sceneviz.movie import Movie, Shot
from sceneviz.reading.assembly import read_film, read_without_video
from sceneviz.reading.shots import pairs_of_file
from sceneviz.reading.subtitles import SUFFIXES

FRAME_RATE = Fraction(24000, 1001)  # of most of its movies; no file of it says so
LABELS, SHOTS, SPLITS = "label318", "shot_movie318", "split318.json"
# Folders of movies' keyframes are not entered: there are a thousand, of thousands of files.
MOVIE_FOLDER = r"tt\d+|[.].*"


@dataclass(frozen=True)
class MovieNet:
    """Folders `label318`, `shot_movie318` and the file `split318.json`; beside or below them, wherever they are,
    `<imdb>.srt`, `<imdb>.json` (annotations, and metadata in a folder `meta`), folders of keyframes `<imdb>/`, videos.
    """

    title: str
    splits: Mapping[str, str]
    listing: Listing
    frame_rate: Rate | Mapping[str, Rate] | None

    @classmethod
    def at(cls, root: Path, split: str, frame_rate: Rate | Mapping[str, Rate] | None) -> MovieNet:
        """The data set in a folder."""
        listing = Listing(root, 2, MOVIE_FOLDER)
        path = listing.find(SPLITS)
        if path is None or listing.find(SHOTS) is None:
            raise ScenevizError(
                f"movienet: expected the folders {SHOTS} and {LABELS} and the file {SPLITS}, at most two levels "
                f"down, found no {SPLITS if path is None else SHOTS}: {root}"
            )
        return cls(f"movienet, {split}", chosen_split(read_splits(path), split), listing, frame_rate)

    def parts(self, name: str) -> dict[str, Path | None]:
        """Where its shots, labels, keyframes, video, subtitles and annotations are."""
        find = self.listing.find
        return {
            "shots": find(f"{name}.txt", SHOTS),
            "labels": find(f"{name}.txt", LABELS),
            "keyframes": next(filter(holds_keyframes, self.listing.all(name)), None),
            "video": self.listing.first(name, VIDEOS),
            "subtitles": self.listing.first(name, SUFFIXES),
            "characters": find(f"{name}.json", "(?!meta$).*"),
        }

    def read(self, name: str) -> Read:
        """A movie by its IMDb id. Its frames are its keyframes, or else its video's; with neither it is text only."""
        parts = self.parts(name)
        if parts["shots"] is None:
            raise ScenevizError(f"{name}: there is no {SHOTS}/{name}.txt in {self.listing.root}")
        pairs = pairs_of_file(parts["shots"])
        there: list[tuple[str, ...]] | None = None
        notices: list[str] = []
        if parts["characters"] is not None:
            names = read_names(self.listing.find(f"{name}.json", "meta"))
            there, notices = read_cast(parts["characters"], len(pairs), names)
        movie, odd = self._shown(name, parts, pairs, there)
        notices += odd
        if parts["labels"] is None:
            return Read(movie, notices)
        labels, odd, rows = read_labels(parts["labels"], len(pairs))
        return Read(replace(movie, labels=labels), [*notices, *odd], rows)

    def _shown(
        self, name: str, parts: Parts, pairs: list[tuple[int, int]], there: list[tuple[str, ...]] | None
    ) -> tuple[Movie, list[str]]:
        """The movie without its labels, and what is odd about it."""
        subtitles, keyframes, video = parts["subtitles"], parts["keyframes"], parts["video"]
        if video is not None and keyframes is None:
            movie, notices = read_film(video, shots=pairs, subtitles=subtitles or False)
            shots = movie.shots if there is None else tuple(map(_with_characters, movie.shots, there))
            return replace(movie, name=name, shots=shots), notices
        frames = None if keyframes is None else KeyframeFolder(keyframes, len(pairs))
        rate = rate_of(name, self.frame_rate, FRAME_RATE)
        movie, notices = read_without_video(name, pairs, rate, frames=frames, subtitles=subtitles, characters=there)
        if frames is not None and frames.missing:
            notices.append(f"{counted(frames.missing, 'keyframe')} missing; the nearest of the same shot stand in")
        return movie, notices


def read_names(path: Path | None) -> dict[str, str]:
    """The name of each person of a movie's metadata, `cast: [{"id", "name", "character"}]`: the role's, else the
    actor's. Empty without metadata."""
    names = {}
    for where, person in [] if path is None else _records(path, "metadata"):
        pid = person.get("id")
        if not isinstance(pid, str):
            raise ScenevizError(f"{where}: expected the id of a person, got {plain(repr(pid))}")
        known = (person.get("character"), person.get("name"))
        name = next((" ".join(text.split()) for text in known if isinstance(text, str) and text.strip()), "")
        if name:
            names[pid] = name
    return names


def read_cast(path: Path, n_shots: int, names: Mapping[str, str]) -> tuple[list[tuple[str, ...]], list[str]]:
    """Who is seen in each shot, by a movie's annotations, `cast: [{"shot_idx", "pid"}]`, and what is odd about them.

    names: of people by id; who is not among them goes by the id. "others" are nobody.
    """
    found: list[dict[str, None]] = [{} for _ in range(n_shots)]
    beyond = 0
    for where, person in _records(path, "annotations"):
        shot, pid = person.get("shot_idx"), person.get("pid")
        if type(shot) is not int or shot < 0 or not (pid is None or isinstance(pid, str)):
            raise ScenevizError(
                f"{where}: expected the number of a shot and the id of a person, "
                f"got shot_idx {plain(repr(shot))} and pid {plain(repr(pid))}"
            )
        if shot >= n_shots:
            beyond += 1
        elif pid and pid != "others":
            found[shot][names.get(pid, pid)] = None
    odd = f"{path.name}: {beyond} of its cast are in shots past the last, {n_shots - 1}, and left out"
    return [tuple(sorted(people)) for people in found], [odd] if beyond else []


def _with_characters(shot: Shot, names: tuple[str, ...]) -> Shot:
    return replace(shot, characters=names)


def _records(path: Path, what: str) -> list[tuple[str, dict[str, object]]]:
    """The entries of a file's `cast`, and where each stands; it may be null."""
    content = read_json(path, what)
    cast = content.get("cast") if isinstance(content, dict) else content
    if not isinstance(content, dict) or not isinstance(cast, list | None):
        raise ScenevizError(f'{path}: expected {{"cast": [...]}}, a list of people, got {plain(repr(cast))}')
    records = []
    for place, record in enumerate(cast or ()):
        if not isinstance(record, dict):
            raise ScenevizError(f"{path}, cast, entry {place}: expected a person, got {plain(repr(record))}")
        records.append((f"{path}, cast, entry {place}", record))
    return records
