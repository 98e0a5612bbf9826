"""From pieces to tokens: which token is which shot, modality, frame and place in the frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.prompt.pieces import MODALITIES, NO, OPENING, YES, Piece, Prompt

if TYPE_CHECKING:
    import pandas as pd

_KEEP = 20_000  # texts whose tokens are remembered; a subtitle is seen by two or three windows


class Encoder:
    """Tokenises pieces with a Hugging Face tokenizer, and knows the tokens that answers are made of.

    placeholder: the ID that stands for one visual token (`<|image_pad|>` in the Qwen families).
    opening: what a family's chat begins with. token_pixels: the side, in pixels, of what one visual token covers.
    """

    def __init__(
        self, tokenizer: Any, placeholder: str = "<|image_pad|>", opening: str = OPENING, token_pixels: int = 28
    ) -> None:
        self.tokenizer, self.opening, self.token_pixels = tokenizer, opening, token_pixels
        self.placeholder = self._single(placeholder, data=False)
        self._known: dict[tuple[str, bool], tuple[int, ...]] = {}
        self.yes = self._single(YES)
        self.no = self._single(NO)

    def _single(self, text: str, data: bool = True) -> int:
        ids = self.tokenizer(text, add_special_tokens=False, split_special_tokens=data)["input_ids"]
        if len(ids) != 1:
            raise ScenevizError(f"the tokenizer writes {text!r} as {len(ids)} tokens; a single one is needed")
        return int(ids[0])

    def text(self, text: str, *, data: bool) -> tuple[int, ...]:
        """Token IDs of a text; with `data`, control strings in it become plain text."""
        key = (text, data)
        if key not in self._known:
            if len(self._known) >= _KEEP:
                self._known.clear()
            ids = self.tokenizer(text, add_special_tokens=False, split_special_tokens=data)["input_ids"]
            self._known[key] = tuple(ids)
        return self._known[key]


@dataclass(frozen=True)
class TokenLayout:
    """The tokens of a prompt and of its answer lines, one entry a token; arrays are read-only.

    ids: `(n,)` int64 token IDs, the answers all No.
    shot: `(n,)` int32 index of the shot in the movie, -1 for none.
    modality: `(n,)` int8 index into `prompt.MODALITIES`.
    frame, row, column: `(n,)` int16 for visual tokens: the shot's keyframe, and the place in it, from the top left
        in steps of a visual token's side; -1 for all others.
    prompt_length: how many of the tokens stand before the answer.
    answer_places: `(focus,)` int64 places of the Yes/No tokens.
    """

    ids: np.ndarray
    shot: np.ndarray
    modality: np.ndarray
    frame: np.ndarray
    row: np.ndarray
    column: np.ndarray
    prompt_length: int
    answer_places: np.ndarray

    def __post_init__(self) -> None:
        for array in (self.ids, self.shot, self.modality, self.frame, self.row, self.column, self.answer_places):
            array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def decision_rows(self) -> np.ndarray:
        """`(focus,)` int64: the tokens (the `:` of each line) whose output chooses Yes or No."""
        return np.asarray(self.answer_places - 1)

    def to_frame(self) -> pd.DataFrame:
        """A row a token: place, id, shot, modality by name, frame, row, column, and whether it decides."""
        import pandas as pd

        table = pd.DataFrame(
            {
                "token": np.arange(len(self)),
                "id": self.ids,
                "shot": self.shot,
                "modality": pd.Categorical.from_codes(self.modality, list(MODALITIES)),
                "frame": self.frame,
                "row": self.row,
                "column": self.column,
            }
        )
        table["decides"] = np.isin(table["token"], self.decision_rows)
        return table


def lay_out(prompt: Prompt, encoder: Encoder) -> TokenLayout:
    """Tokenise a prompt and its answer lines (all No), and say of every token what it is."""
    rows, columns = (side // encoder.token_pixels for side in prompt.recipe.frame_size)
    grid = np.mgrid[:rows, :columns].reshape(2, -1).astype(np.int16)
    ids: list[int] = []
    spans: list[tuple[int, int, int, int]] = []  # length, shot, modality, frame
    places: list[int] = []

    def add(piece: Piece) -> None:
        if piece.frame >= 0:
            tokens: tuple[int, ...] = (encoder.placeholder,) * (rows * columns)
        else:
            tokens = encoder.text(piece.text, data=piece.data)
        ids.extend(tokens)
        spans.append((len(tokens), piece.shot, MODALITIES.index(piece.modality), piece.frame))

    for piece in (Piece(encoder.opening, "instruction"), *prompt.pieces):
        add(piece)
    prompt_length = len(ids)
    for piece in prompt.lines([False] * len(prompt.answer_ids)):
        if piece.text == NO:
            places.append(len(ids))
        add(piece)

    lengths, shots, modalities, frames = (np.array(column) for column in zip(*spans, strict=True))
    frame = np.repeat(frames, lengths).astype(np.int16)
    row, column = np.full((2, len(ids)), -1, np.int16)
    visual = frame >= 0
    row[visual], column[visual] = np.tile(grid, int(visual.sum()) // grid.shape[1])
    return TokenLayout(
        ids=np.array(ids, np.int64),
        shot=np.repeat(shots, lengths).astype(np.int32),
        modality=np.repeat(modalities, lengths).astype(np.int8),
        frame=frame,
        row=row,
        column=column,
        prompt_length=prompt_length,
        answer_places=np.array(places, np.int64),
    )
