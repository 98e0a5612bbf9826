"""Which movies are meant: films, folders, lists, data sets; each told by a few words that travel to a worker."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

from sceneviz._text import ScenevizError, fingerprint, plain
from sceneviz.reading.text import read_text

if TYPE_CHECKING:
    from sceneviz.data import Movies

LIST = ".txt"


@dataclass(frozen=True)
class Item:
    """One movie to come.

    name: also of the folder that its files go to. path: the film, where it is a file of its own; else it is the movie
    of that name in a data set: source, root and split as for `read_movies`.
    """

    name: str
    path: str = ""
    source: str = ""
    root: str = ""
    split: str = "all"

    @property
    def state(self) -> str:
        """Words that change whenever one of its files does."""
        paths = self._beside() if self.path else [path for path in self._parts() if path is not None]
        stats = [(str(path), path.stat()) for path in sorted(paths) if path.exists()]
        return fingerprint(self, [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats])

    def movies(self) -> Movies:
        """The data set that it belongs to."""
        return _opened(self.source, self.root, self.split)

    def _beside(self) -> Sequence[Path]:
        """The film, and files of its name beside it: subtitles are among them."""
        film = Path(self.path)
        return [path for path in film.parent.glob(f"{escape(film.stem)}.*") if path.is_file()]

    def _parts(self) -> Sequence[Path | None]:
        movies = self.movies()
        return list(movies.layout.parts(self.name).values()) if self.name in movies.names else []


def items_of(paths: Sequence[str | Path], *, data: str | None = None, split: str = "all") -> list[Item]:
    """The movies that are meant, in order, each with a name of its own.

    paths: films; folders of films (as `read_movies` takes them, with shots, subtitles, characters beside each); lists,
        `.txt` files with the path of a film a line, relative to the list, `#` before a comment. With `data`, the folder
        of that data set ("movienet", "bbc", "ovsd"; for "synthetic" none).
    split: of a data set or a folder.

    Raises `ScenevizError` where there are none, or two have one name. A film is looked for when its turn comes.
    """
    items: list[Item] = []
    if data is not None:
        if len(paths) != (data != "synthetic"):
            needed = "no folder" if data == "synthetic" else "one folder"
            raise ScenevizError(f"the data set {data!r} needs {needed}, got {len(paths)}")
        items = _members(data, str(paths[0]) if paths else "", split)
    else:
        for path in map(Path, paths):
            if path.is_dir():
                items += _members(str(path), "", split)
            elif path.suffix.lower() == LIST:
                items += _listed(path)
            else:
                items.append(Item(path.stem, path=str(path)))
    if not items:
        raise ScenevizError("no movie is named; give films, a folder of films, a list (.txt) or a data set")
    twice = [name for name, count in Counter(item.name.casefold() for item in items).items() if count > 1]
    if twice:
        found = [item.path or item.source for item in items if item.name.casefold() == twice[0]]
        raise ScenevizError(
            f"{len(found)} movies are called {plain(twice[0])!r} ({plain(', '.join(found), 200)}), and their files "
            "would go to one folder; rename one, or segment them apart"
        )
    return items


def _members(source: str, root: str, split: str) -> list[Item]:
    names = _opened(source, root, split).names
    for name in names:
        if not re.fullmatch(r"(?![.])[^/\\\x00-\x1f\x7f]+", name):
            raise ScenevizError(f"{source}: {plain(repr(name))} cannot be the name of a folder")
    return [Item(name, source=source, root=root, split=split) for name in names]


def _listed(path: Path) -> list[Item]:
    lines = [line.strip() for line in read_text(path, "a list of movies").splitlines()]
    films = [path.parent / line for line in lines if line and not line.startswith("#")]
    if not films:
        raise ScenevizError(f"expected the path of a film a line, found none: {path}")
    return [Item(film.stem, path=str(film)) for film in films]


@lru_cache(8)
def _opened(source: str, root: str, split: str) -> Movies:
    from sceneviz.data import read_movies

    return read_movies(source, root or None, split=split)
