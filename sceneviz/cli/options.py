"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]


def add_reading(command: argparse.ArgumentParser) -> None:
    """Options that say how a film is read."""
    group = command.add_argument_group("the film")
    group.add_argument(
        "--shots", default="auto", metavar="HOW", help="auto, transnetv2, pyscenedetect, or a file of shots"
    )
    group.add_argument(
        "--subtitles",
        default="auto",
        type=_subtitles,
        metavar="FILE",
        help="srt, vtt or ass; auto looks beside the film; none",
    )
    group.add_argument(
        "--subtitle-shift", default=0.0, type=float, metavar="S", help="seconds added to every subtitle's time"
    )
    group.add_argument("--characters", type=Path, metavar="FILE", help="who is where, JSON or CSV, by shot or by time")


def add_model(command: argparse.ArgumentParser) -> None:
    """Options that say which model decides, and how."""
    group = command.add_argument_group("the model")
    group.add_argument(
        "--model", default="tiny", help="tiny (embedded), a folder, or a name such as Qwen/Qwen2.5-VL-7B-Instruct"
    )
    group.add_argument("--adapter", metavar="FOLDER", help="a fine-tuned adapter to attach")
    group.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps, ...")
    group.add_argument("--dtype", default="auto", help="auto, float32, bfloat16, float16")
    group.add_argument("--batch-size", default="auto", type=_batch_size, metavar="N", help="windows at once, or auto")
    add_threshold(group)


def add_threshold(command: argparse._ActionsContainer) -> None:
    """The option that regroups scenes."""
    command.add_argument(
        "--threshold", type=_threshold, metavar="T", help="confidence that ends a scene (default: the checkpoint's)"
    )


def _subtitles(text: str) -> str | Literal[False]:
    """As `read_movie` takes them."""
    return False if text == "none" else text


def _threshold(text: str) -> float:
    """A number from 0 to 1."""
    with contextlib.suppress(ValueError):
        if 0 <= float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {text!r}")


def workers(text: str) -> int:
    """A number from 1 up."""
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a number from 1 up, got {text!r}")


def _batch_size(text: str) -> int | str:
    """A number from 1 up, or "auto"."""
    if text == "auto":
        return text
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected auto or a number from 1 up, got {text!r}")
