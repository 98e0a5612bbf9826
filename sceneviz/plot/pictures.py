"""Frames as they stand on a figure: small JPEGs, so that what was drawn is also what is kept beside the figure."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sceneviz._text import ScenevizError, fingerprint
from sceneviz.movie import Movie, Shot

QUALITY = 90
Pictures = dict[int, list[str]]  # by shot: its frames as JPEG in base64


@dataclass(frozen=True)
class KeptFrames:
    """The frames that a saved figure shows: a `FrameSource` of these alone.

    size: (height, width) of the film's own frames. pictures: by shot.
    """

    size: tuple[int, int]
    pictures: Mapping[int, Sequence[str]]

    @property
    def fingerprint(self) -> str:
        """A short name for the content, equal for equal frames."""
        return fingerprint("kept", self.size, sorted(self.pictures.items()))

    def read(self, shots: Sequence[Shot], count: int, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        """Frames of the shots, as they were drawn, whatever the size asked for: `(count, H, W, 3)` uint8 RGB."""
        for shot in shots:
            yield np.stack([_decoded(text) for text in self.of(shot.index, count)])

    def of(self, shot: int, count: int) -> list[str]:
        """The pictures of a shot."""
        found = list(self.pictures.get(shot, ()))
        if len(found) != count:
            raise ScenevizError(f"the saved figure shows {len(found)} frames of shot {shot}, and not {count}")
        return found


def pictures(
    movie: Movie, shots: Sequence[int], count: int, pixels: tuple[int, int]
) -> Iterator[tuple[list[np.ndarray], list[str]]]:
    """For each shot its frames as they will be drawn, and the same as text to keep. pixels: (height, width)."""
    chosen = [movie.shots[shot] for shot in shots]
    if isinstance(movie.frames, KeptFrames):  # encoded again, they would not be quite the same
        kept: Iterator[list[str]] = (movie.frames.of(shot, count) for shot in shots)
    else:
        assert movie.frames is not None
        kept = ([_encoded(frame) for frame in frames] for frames in movie.frames.read(chosen, count, pixels))
    for texts in kept:
        yield [_decoded(text) for text in texts], texts


def kept_movie(movie: Movie, shown: Pictures) -> dict[str, Any]:
    """What of a movie a figure needs to be drawn again, as plain values."""
    names = ("start", "end", "start_s", "end_s")
    shots = {name: [getattr(shot, name) for shot in movie.shots] for name in names}
    kept: dict[str, Any] = {"shots": shots}
    if movie.labels is not None:
        kept["labels"] = movie.labels[0].tolist()
    if movie.frames is not None:
        kept |= {"size": list(movie.frames.size), "pictures": shown}
    return kept


def reopened(name: str, kept: Mapping[str, Any]) -> Movie:
    """The movie that `kept_movie` has kept: its shots and first labels, and the frames that were shown."""
    shots = kept["shots"]
    rows = zip(shots["start"], shots["end"], shots["start_s"], shots["end_s"], strict=True)
    frames = None
    if "pictures" in kept:
        height, width = kept["size"]
        frames = KeptFrames((height, width), {int(shot): texts for shot, texts in kept["pictures"].items()})
    labels = kept.get("labels")
    return Movie(
        name,
        tuple(Shot(place, *row) for place, row in enumerate(rows)),
        frames,
        labels=None if labels is None else np.array([labels], np.int8),
    )


def _encoded(frame: np.ndarray) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=QUALITY)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _decoded(text: str) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB"))
