"""A window of a movie as the model reads it: pieces of text and frames, each tagged with its shot and modality.

The tags later become the token layout, so nothing is ever searched for in the text. Text from files stands between
a space and a space: there no tokenizer of the Qwen family merges across, and each piece can be tokenised alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sceneviz.movie import Shot
from sceneviz.prompt.mark import shot_id
from sceneviz.recipe import Recipe, Window

MODALITIES = ("instruction", "shot_id", "visual", "subtitle", "character", "answer")
YES, NO = " Yes", " No"

# How a family's chat template opens the user's turn: Qwen2.5-VL's brings a system message, Qwen3-VL's does not.
OPENING = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
_TASK = (
    "These are consecutive shots of a movie. A scene is a run of shots that share place, time, characters or story. "
    'For each shot from {first} to {last}, in order, write "Shot ID: Yes" if a scene ends with it, '
    'else "Shot ID: No".\n'
)
_ANSWER = "<|im_end|>\n<|im_start|>assistant\n"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the prompt that is tokenised on its own.

    text: what it says; for a frame, empty.
    modality: one of MODALITIES.
    shot: the shot it belongs to (index in the movie), -1 for none.
    frame: for a frame, which of the shot's keyframes it is; else -1.
    data: the text came from a file, so control strings in it are nothing but text.
    """

    text: str
    modality: str
    shot: int = -1
    frame: int = -1
    data: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """What one window asks.

    pieces: the user's turn, and what opens the answer's; the chat's opening stands before them, and is the family's.
    answer_ids: the two-digit IDs of the shots to decide, in order; the answer template writes a line
        `Shot ID: Yes|No` for each.
    """

    window: Window
    recipe: Recipe
    pieces: tuple[Piece, ...]
    answer_ids: tuple[str, ...]

    def lines(self, answers: Sequence[bool]) -> list[Piece]:
        """The written answer, three pieces a decision: `Shot ID:`, the word, the line's end."""
        pieces = []
        for shot, name, answer in zip(self.window.focus, self.answer_ids, answers, strict=True):
            pieces += [
                Piece(f"Shot {name}:", "answer", shot),
                Piece(YES if answer else NO, "answer", shot),
                Piece("\n", "answer", shot),
            ]
        return pieces

    def text(self, answers: Sequence[bool] | None = None, frame: str = "<|image_pad|>", opening: str = OPENING) -> str:
        """The prompt as one string, for people and for other trainers; `frame` stands for each frame's tokens.

        opening: how the chat begins; Qwen2.5-VL's way by default.
        """
        pieces = [*self.pieces, *(self.lines(answers) if answers is not None else ())]
        return opening + "".join(frame if piece.frame >= 0 else piece.text for piece in pieces)


def build_prompt(shots: Sequence[Shot], window: Window, recipe: Recipe, *, first: int = 0) -> Prompt:
    """The prompt of one window.

    shots: the whole movie's. first: what shot IDs count from; 0, and random in training.
    A modality that the recipe turns off, or that a shot has nothing of, is left out, tags and all.
    """
    names = {index: shot_id(index, first) for index in window.context}
    task = _TASK.format(first=names[window.focus[0]], last=names[window.focus[-1]])
    pieces = [Piece(task, "instruction")]
    for index in window.context:
        pieces += _shot_pieces(shots[index], names[index], recipe)
    pieces.append(Piece(_ANSWER, "instruction"))
    return Prompt(window, recipe, tuple(pieces), tuple(names[index] for index in window.focus))


def _shot_pieces(shot: Shot, name: str, recipe: Recipe) -> list[Piece]:
    index = shot.index
    pieces = [Piece(f'<shot id="{name}">\n', "shot_id", index)]
    if recipe.visual:
        for frame in range(recipe.frames_per_shot):
            pieces += [
                Piece("<|vision_start|>", "visual", index),
                Piece("", "visual", index, frame),
                Piece("<|vision_end|>", "visual", index),
            ]
        pieces.append(Piece("\n", "visual", index))
    if recipe.subtitles:
        pieces += _tagged("subtitles", shot.subtitle, "subtitle", index)
    if recipe.characters:
        pieces += _tagged("characters", ", ".join(shot.characters), "character", index)
    pieces.append(Piece("</shot>\n", "shot_id", index))
    return pieces


def _tagged(tag: str, text: str, modality: str, shot: int) -> list[Piece]:
    words = " ".join(text.split())
    if not words:
        return []
    return [
        Piece(f"<{tag}>", modality, shot),
        Piece(f" {words}", modality, shot, data=True),
        Piece(f" </{tag}>\n", modality, shot),
    ]
