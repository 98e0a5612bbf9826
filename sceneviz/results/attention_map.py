"""Where decisions looked: `AttentionMap`, saved and opened again without a model."""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sceneviz._text import ScenevizError, choice, counted, plain, write_whole
from sceneviz.movie import Movie
from sceneviz.recipe import Recipe
from sceneviz.results import attention_tables as tables
from sceneviz.results.attention_checks import check_data
from sceneviz.results.envelope import told_if_damaged
from sceneviz.results.origin import check_origin

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

FORMAT = "sceneviz attention"
VERSION = 1
PER = ("mass", "token", "lift")
REDUCE = ("decision", "offset")


@dataclass(frozen=True, eq=False)
class AttentionMap:
    """Where the attention of every decision went: by layer, head, shot and modality.

    movies, movie_names: fingerprint and name of each movie. model, model_name, embedded, recipe: as in `Prediction`.
    reduce: "decision", the attention of each decision of one movie; or "offset", sums over each movie's decisions by
        how far a shot stands from the decided one.
    data: an xarray Dataset. For "decision", over `(layer, head, decision, slot, modality)`: `mass`, the share of the
        decision row's attention that went to these tokens, sinks left out; `sink`, what went to sinks among them;
        `sink_tokens` and, without layer and head, `tokens`, how many there are (sinks are in `tokens`); the same of the
        instruction, which has no slot; `shot` of each slot, -1 for none; `log_odds` of Yes as computed along the way.
        `mass`, `instruction` and the two sinks sum to 1. With `frames`: mass on every visual token, mean over layers
        and heads. For "offset", sums of all this a movie, and `decisions`, how many have a shot at the offset.
    verified: largest difference to eager attention, where that was asked for; else None.

    Modalities: those of the prompt, `answer` being the lines already written. The line of the decided shot itself, up
    to its colon, is told apart in tables as `line`.
    A sink is a prompt token to which every decision row of its window gives more than 30 times the uniform share, mean
    over the query heads that share a key-value head (`sceneviz.models.kernel.sinks`).
    """

    movies: tuple[str, ...]
    movie_names: tuple[str, ...]
    model: str
    model_name: str
    embedded: bool
    recipe: Recipe
    reduce: str
    data: xr.Dataset
    verified: float | None = None

    modalities: ClassVar[tuple[str, ...]] = ("shot_id", "visual", "subtitle", "character", "answer")

    def __post_init__(self) -> None:
        choice(self.reduce, REDUCE, "reduce")
        check_origin(self, "attention map")
        check_data(self.data, self.reduce, self.modalities, self.recipe.context)
        if self.verified is not None and not 0 <= self.verified < math.inf:
            raise ScenevizError(f"attention map: verified must be None or a difference, got {self.verified}")
        count = self.data.sizes["movie"] if self.reduce == "offset" else 1
        if not len(self.movies) == len(self.movie_names) == count:
            raise ScenevizError(f"attention map: expected {count} movies, got {self.movies} and {self.movie_names}")
        for variable in self.data.variables.values():
            if isinstance(variable.values, np.ndarray):
                variable.values.setflags(write=False)

    def __len__(self) -> int:
        """How many decisions it tells of."""
        return int(self.data.sizes["decision"] if self.reduce == "decision" else self.data["total"].sum())

    def __repr__(self) -> str:
        names = repr(self.movie_names[0]) if len(self.movies) == 1 else counted(len(self.movies), "movie")
        sizes = self.data.sizes
        verified = "" if self.verified is None else f", within {self.verified:.1g} of eager attention"
        return (
            f"AttentionMap({names} by {self.model_name!r}: {counted(len(self), 'decision')}, "
            f"{counted(sizes['layer'], 'layer')} x {counted(sizes['head'], 'head')}, "
            f"by {self.reduce}{verified})"
        )

    def check(self, movie: Movie) -> None:
        """Raise ScenevizError unless the movie is among those that the map tells of."""
        if movie.fingerprint not in self.movies:
            raise ScenevizError(
                f"the attention map tells of {', '.join(map(repr, self.movie_names))}, not of {movie.name!r} "
                f"({movie.fingerprint})"
            )

    @classmethod
    def together(cls, maps: Sequence[AttentionMap]) -> AttentionMap:
        """Maps of several movies as one, by offset; means then have an interval over movies.

        They must come from the same model, under the same recipe, with the same layers, of different movies.
        """
        import xarray as xr

        if not maps:
            raise ScenevizError("together: expected at least one attention map, got none")
        first = maps[0]
        for other in maps[1:]:
            for name in ("model", "recipe"):
                if getattr(other, name) != getattr(first, name):
                    raise ScenevizError(
                        f"together: {other!r} and {first!r} differ in their {name}; attend with the same one"
                    )
            if not np.array_equal(other.data["layer"], first.data["layer"]):
                raise ScenevizError(
                    f"together: expected layers {first.data['layer'].values.tolist()} in every map, got "
                    f"{other.data['layer'].values.tolist()}"
                )
        movies = [name for each in maps for name in each.movies]
        if len(set(movies)) < len(movies):
            raise ScenevizError("together: a movie is in two of the maps; each must come once")
        data = xr.concat(
            [each.by_movie().data for each in maps],
            "movie",
            data_vars="all",
            coords="minimal",
            join="outer",
            fill_value=0,
        )
        verified = [each.verified for each in maps if each.verified is not None]
        return replace(
            first,
            movies=tuple(movies),
            movie_names=tuple(name for each in maps for name in each.movie_names),
            reduce="offset",
            data=data,
            verified=max(verified) if len(verified) == len(maps) else None,
        )

    def by_movie(self) -> AttentionMap:
        """The same, summed by offset over each movie's decisions."""
        if self.reduce == "offset":
            return self
        return replace(self, reduce="offset", data=tables.summed(self.data))

    def share(self, per: str = "mass", *, sinks: bool = False) -> pd.DataFrame:
        """How each decision (each movie, where reduced) spread its attention; means over layers and heads.

        A row a decision and group: movie, decision and shot (where not reduced), offset of the shot from the decided
        one, modality, tokens (sinks among them), value. Instruction and sinks have no offset.
        per: "mass", the share of all attention; "token", the mean on one token; "lift", that mean over what each
            visible token would get if all got the same. sinks: leave sinks in their groups, not apart.
        With per="mass" a decision's values sum to 1.
        """
        return tables.share(self, choice(per, PER, "per"), sinks)

    def by_offset(self, per: str = "mass", *, sinks: bool = False, seed: int = 0) -> pd.DataFrame:
        """A row an offset and modality: value, low and high (95 %, over movies), decisions that have the offset.

        Pooled over the decisions that have a shot at the offset, and over layers and heads. per, sinks: as in `share`.
        """
        return tables.by(self, ("offset",), choice(per, PER, "per"), sinks, seed)

    def by_layer(self, per: str = "mass", *, sinks: bool = False, seed: int = 0) -> pd.DataFrame:
        """A row a layer and modality, instruction and sinks among them: value, low, high. As `by_offset`."""
        return tables.by(self, ("layer",), choice(per, PER, "per"), sinks, seed)

    def by_head(self, per: str = "mass", *, sinks: bool = False, seed: int = 0) -> pd.DataFrame:
        """A row a layer, head and modality, instruction and sinks among them: value, low, high. As `by_offset`."""
        return tables.by(self, ("layer", "head"), choice(per, PER, "per"), sinks, seed)

    def by_modality(self, per: str = "mass", *, sinks: bool = False, seed: int = 0) -> pd.DataFrame:
        """A row a modality, instruction and sinks among them: value, low, high. As `by_offset`."""
        return tables.by(self, (), choice(per, PER, "per"), sinks, seed)

    def frames(self, decision: int) -> pd.DataFrame:
        """The mass of one decision on every visual token; only where the map was made with `frames=True`.

        A row a token: movie, model, embedded, decision, shot, frame, row and column (in tokens), mass; the mean over
        layers and heads. decision: the decided shot.
        """
        table = tables.frames_table(self.data, decision)
        facts = {"movie": self.movie_names[0], "model": self.model_name, "embedded": self.embedded}
        for place, (name, value) in enumerate((facts | {"decision": decision}).items()):
            table.insert(place, name, value)
        return table

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one netCDF file (version 3, which xarray opens anywhere), whole or not at all; gives back its path."""
        head = {name: getattr(self, name) for name in _HEAD} | {"format": FORMAT, "version": VERSION}
        data = self.data.assign_attrs(sceneviz=json.dumps(head | {"recipe": asdict(self.recipe)}))
        return write_whole(path, bytes(data.to_netcdf(None, engine="scipy")))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> AttentionMap:
        """Read what `save` wrote.

        Raises ScenevizError, in one line, if there is no such file, or it isn't an attention map, or it is damaged.
        """
        import xarray as xr

        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise ScenevizError(f"no attention map to read at {path}: {error.strerror or error}") from error
        try:
            with xr.open_dataset(io.BytesIO(content), engine="scipy") as lazy:
                # A value takes a byte or more; a damaged size would have tables as long as it made of it.
                if max(lazy.sizes.values(), default=0) > len(content):
                    raise ValueError("a dimension is longer than the file")
                data = lazy.load()
            head = json.loads(data.attrs["sceneviz"])
            name, version = head.pop("format"), head.pop("version")
        except Exception as error:  # the reader below raises whatever a damaged header makes it run into
            raise ScenevizError(f"{path}: expected a file written by AttentionMap.save, got something else") from error
        if name != FORMAT or version != VERSION:
            raise ScenevizError(
                f"{path}: expected {FORMAT} {VERSION}, got {plain(name)} {plain(version)}; attend again"
            )
        with told_if_damaged(path, "attention map", again="attend again"):
            head |= {"recipe": Recipe(**head["recipe"]), "data": _bare(data)}
            return cls(**head | {name: tuple(head[name]) for name in ("movies", "movie_names")})


def _bare(data: xr.Dataset) -> xr.Dataset:
    """The same values without what else a file says of them, which would decide how they are written again."""
    import xarray as xr

    parts = ({name: (each.dims, each.values) for name, each in part.items()} for part in (data.data_vars, data.coords))
    return xr.Dataset(*parts)


_HEAD = ("movies", "movie_names", "model", "model_name", "embedded", "reduce", "verified")
