"""Frames that were stored as pictures: three a shot, as MovieNet distributes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from sceneviz._text import ScenevizError, fingerprint
from sceneviz.movie import Shot
from sceneviz.reading.frames import fit

NAME = re.compile(r"shot_(\d{4,6})_img_([012])\.jpg")
STORED = 3
# Which of the stored pictures stand for a shot when fewer are asked for.
CHOSEN = {1: (1,), 2: (0, 2), 3: (0, 1, 2)}


def holds_keyframes(path: Path) -> bool:
    """Is it a folder with keyframes of the first shot; features of a movie lie in folders of the same name."""
    return any((path / f"shot_0000_img_{place}.jpg").is_file() for place in range(STORED))


class KeyframeFolder:
    """A `FrameSource` of `shot_0000_img_0.jpg`, `shot_0000_img_1.jpg`, `shot_0000_img_2.jpg`, …, three a shot.

    One frame a shot is the middle picture, two are the outer ones, three are all; more are not there.
    A picture that is missing is replaced by the nearest of its shot. Pictures are opened when they are read.

    path: the folder. n_shots: how many shots the movie has. missing: of the pictures, how many are not there.
    Raises `ScenevizError` where a shot has none at all.
    """

    def __init__(self, path: Path, n_shots: int) -> None:
        self.path = path
        there: dict[int, dict[int, Path]] = {}
        for file in path.iterdir():
            if found := NAME.fullmatch(file.name):
                there.setdefault(int(found[1]), {})[int(found[2])] = file
        bare = [shot for shot in range(n_shots) if shot not in there]
        if bare:
            raise ScenevizError(
                f"{len(bare)} of {n_shots} shots have no keyframe, the first of them shot {bare[0]}; "
                f"complete them, or move them away to read the movie's texts alone: {path}"
            )
        self.missing = STORED * n_shots - sum(len(there[shot]) for shot in range(n_shots))
        self._files = [
            tuple(there[shot][min(there[shot], key=lambda own: abs(own - wanted))] for wanted in range(STORED))
            for shot in range(n_shots)
        ]

    def __repr__(self) -> str:
        return f"KeyframeFolder({self.path.name!r}: {len(self._files)} shots)"

    @cached_property
    def fingerprint(self) -> str:
        """A short name for the content: the size of every file, and the bytes of a few."""
        files = [file for shot in self._files for file in shot]
        sizes = [(file.name, file.stat().st_size) for file in files]
        few = [files[0], files[len(files) // 2], files[-1]]
        return fingerprint("keyframes", sizes, *(file.read_bytes() for file in few))

    @cached_property
    def size(self) -> tuple[int, int]:
        """(height, width) of the first picture, in pixels."""
        return self._picture(self._files[0][0]).shape[:2]

    def read(self, shots: Sequence[Shot], count: int, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        """Yield the stored keyframes of each shot, in order: `(count, H, W, 3)` uint8 RGB.

        count: 1, 2 or 3. size: (height, width) to resize to, None for that of the first picture.
        """
        if count not in CHOSEN:
            raise ScenevizError(
                f"{STORED} keyframes a shot are stored: frames_per_shot must be 1, 2 or 3, got {count}: {self.path}"
            )
        return (
            np.stack([fit(self._picture(self._files[shot.index][place]), size or self.size) for place in CHOSEN[count]])
            for shot in shots
        )

    def _picture(self, file: Path) -> np.ndarray:
        """One picture, `(H, W, 3)` uint8 RGB."""
        from PIL import Image

        try:
            with Image.open(file) as image:
                return np.asarray(image.convert("RGB"))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise ScenevizError(f"expected a picture, got one that is missing or damaged ({error}): {file}") from None
