"""A data set in memory: a list of movies, each read when it is asked for."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, overload

from sceneviz._text import ScenevizError, choice, counted
from sceneviz.movie import Movie

if TYPE_CHECKING:
    import pandas as pd

KEPT = 64  # movies held in memory: a test split of MovieNet, 25 MB and its texts
TOLD = 3  # failures whose reasons a warning gives; `failed` holds all


class Read(NamedTuple):
    """One movie read. notices: what is odd about its files, a line each. rows: of its label file, None without one."""

    movie: Movie
    notices: Sequence[str] = ()
    rows: int | None = None


class Layout(Protocol):
    """How a data set lies on disk. Making one lists files, and reads none but the split."""

    @property
    def title(self) -> str:
        """The data set, and what was chosen of it."""

    @property
    def splits(self) -> Mapping[str, str]:
        """The movies by name, in order, and the split that each belongs to ("" where there are none)."""

    def parts(self, name: str) -> Mapping[str, Path | None]:
        """What there may be to a movie, and where it is; None where it is missing."""

    def read(self, name: str) -> Read:
        """Read one movie. Raises `ScenevizError` where that is impossible."""


class Movies(Sequence[Movie]):
    """The movies of a data set, each read when it is first asked for, by place or by name.

    names: of the movies, in order.
    failed: the movies that could not be read so far, and why.

    `movies[3]` and `movies["tt0120338"]` read a movie, and raise `ScenevizError` where that is impossible;
    `movies[:10]` reads nothing. A loop passes over movies that cannot be read, lists them in a warning at its end, and
    raises only where none can be. What is odd about a movie's files is a warning when it is first read.
    """

    def __init__(
        self, layout: Layout, names: Sequence[str] | None = None, *, read: Callable[[str], Read] | None = None
    ) -> None:
        self.layout = layout
        self.names = tuple(layout.splits if names is None else names)
        self.failed: dict[str, str] = {}
        self._read = read or lru_cache(KEPT)(layout.read)
        self._told: set[str] = set()

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    @overload
    def __getitem__(self, place: int | str) -> Movie: ...

    @overload
    def __getitem__(self, place: slice) -> Movies: ...

    def __getitem__(self, place: int | str | slice) -> Movie | Movies:
        if isinstance(place, slice):
            return Movies(self.layout, self.names[place], read=self._read)
        name = choice(place, self.names, "a movie") if isinstance(place, str) else self.names[place]
        return self._movie(name, 3)

    def __iter__(self) -> Iterator[Movie]:
        failed = {}
        for name in self.names:
            movie = self._tried(name)
            if movie is None:
                failed[name] = self.failed[name]
            else:
                yield movie
        self._list_failed(failed, 3)

    def readable(self) -> Movies:
        """The movies that can be read, after trying each; the others are in `failed`, and listed in a warning."""
        names = [name for name in self.names if self._tried(name) is not None]
        self._list_failed({name: self.failed[name] for name in self.names if name not in set(names)}, 3)
        return Movies(self.layout, names, read=self._read)

    def to_frame(self) -> pd.DataFrame:
        """A row a movie: its name, its split, and whether each of its parts is there. No movie is read."""
        import pandas as pd

        rows = [
            {"movie": name, "split": self.layout.splits[name]}
            | {part: path is not None for part, path in self.layout.parts(name).items()}
            for name in self.names
        ]
        return pd.DataFrame(rows, columns=None if rows else ["movie", "split"])

    def read(self, name: str) -> Read:
        """One movie with what is odd about its files, as a value instead of a warning."""
        return self._read(choice(name, self.names, "a movie"))

    def _movie(self, name: str, stacklevel: int) -> Movie:
        found = self._read(name)
        if name not in self._told:
            self._told.add(name)
            for notice in found.notices:
                warnings.warn(f"{name}: {notice}", stacklevel=stacklevel)
        return found.movie

    def _tried(self, name: str) -> Movie | None:
        try:
            movie = self._movie(name, 4)
        except (ScenevizError, OSError) as error:
            self.failed[name] = str(error)
            return None
        self.failed.pop(name, None)
        return movie

    def _list_failed(self, failed: Mapping[str, str], stacklevel: int) -> None:
        if not failed:
            return
        reasons = [f"{name} ({reason})" for name, reason in list(failed.items())[:TOLD]]
        if len(failed) > TOLD:
            reasons.append(f"and {len(failed) - TOLD} more, in `failed`")
        if len(failed) == len(self):
            raise ScenevizError(f"{self.layout.title}: none of its movies can be read: {'; '.join(reasons)}")
        text = f"{self.layout.title}: {len(failed)} of {counted(len(self), 'movie')} cannot be read and are left out"
        warnings.warn(f"{text}: {'; '.join(reasons)}", stacklevel=stacklevel)

    def __repr__(self) -> str:
        return f"Movies({self.layout.title}: {counted(len(self), 'movie')})"

    def _repr_html_(self) -> str:
        from sceneviz._text import escape

        return f"<code>{escape(repr(self))}</code>{self.to_frame().to_html(max_rows=12)}"
