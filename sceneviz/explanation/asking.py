"""How a reason is asked for: a further turn behind the answers of a window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sceneviz.prompt.pieces import NO, YES

if TYPE_CHECKING:
    from sceneviz.prompt import Encoder

# A model is asked in the words that it was taught with; other words want another alignment.
_REQUEST = (
    "<|im_end|>\n<|im_start|>user\nShot {name}:{answer}. Why? Say what changes with the next shot and what stays: "
    "place, time, characters, topic.<|im_end|>\n<|im_start|>assistant\n"
)


def request(encoder: Encoder, name: str, answer: bool) -> tuple[int, ...]:
    """The tokens that ask why a shot got its answer. name: the shot's two-digit ID."""
    return encoder.text(_REQUEST.format(name=name, answer=YES if answer else NO), data=False)
