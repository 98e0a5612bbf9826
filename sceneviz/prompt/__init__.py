"""(Movie, Window, Recipe) to Prompt, and Prompt to tokens that know what they are."""

from sceneviz.prompt.groups import SHOWN, group_count, group_tokens
from sceneviz.prompt.layout import Encoder, TokenLayout, lay_out
from sceneviz.prompt.mark import draw_mark, shot_id
from sceneviz.prompt.pieces import MODALITIES, OPENING, Piece, Prompt, build_prompt

__all__ = [
    "MODALITIES",
    "OPENING",
    "SHOWN",
    "Encoder",
    "Piece",
    "Prompt",
    "TokenLayout",
    "build_prompt",
    "draw_mark",
    "group_count",
    "group_tokens",
    "lay_out",
    "shot_id",
]
