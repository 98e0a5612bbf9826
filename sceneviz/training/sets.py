"""A training set as files for other trainers: LLaMA-Factory, ms-swift, and the LLaVA layout that many others read.

What they share: a conversation in JSON, `<image>` wherever a picture stands, and the pictures' paths in order. The
layouts are those of LLaMA-Factory's data/README.md, ms-swift's Custom-dataset.md and LLaVA's Finetune_Custom_Data.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from sceneviz._text import ScenevizError, choice, write_whole
from sceneviz.models.features import marked_frames
from sceneviz.movie import Movie
from sceneviz.prompt import OPENING, Prompt, build_prompt
from sceneviz.recipe import Recipe, plan_windows
from sceneviz.training.disk import told_when_full

IMAGE = "<image>"
FORMATS = ("llama-factory", "ms-swift", "llava")
_FRAME = f"<|vision_start|>{IMAGE}<|vision_end|>"  # all three trainers put the brackets around the picture themselves
_CLOSING = "<|im_end|>\n<|im_start|>assistant\n"


def export_set(
    movies: Sequence[Movie],
    folder: str | Path,
    *,
    format: str = "llama-factory",
    recipe: Recipe | None = None,
    opening: str = OPENING,
    seed: int = 0,
) -> Path:
    """Write the windows of labelled movies, with their true answers, for another trainer; gives back the main file.

    format: "llama-factory" (`sceneviz.json`, and `dataset_info.json` that names it), "ms-swift" (`sceneviz.jsonl`) or
        "llava" (`sceneviz.json`: `id`, `image`, `conversations`; also what Qwen's own trainer reads, of which the later
        versions, with a `data_processor.py`, drop line breaks beside pictures: other tokens than those of `predict`).
    recipe: how movies are shown, and cut into windows as for prediction; the usual one by default.
    opening: how the model's chat begins (`model.family.opening`); its system message is written out where there is one.
    seed: of the number that each movie's shot IDs count from, since real windows count across 99 too.

    Keyframes go to `images/`, a JPEG each, with their shot's mark. Subtitles and names are data: `<` before a letter, a
    slash or a bar gets a space behind it, so that no trainer finds its control strings, or a picture, in them.
    """
    choice(format, FORMATS, "format")
    recipe, folder = recipe or Recipe(), Path(folder)
    if not movies:
        raise ScenevizError("no movies to make a training set of; at least one with labels is needed")
    write = _SHAPES[format]
    rows = []
    for number, movie in enumerate(tqdm(movies, desc="movies", disable=None)):
        if movie.labels is None or len(movie) < 2:
            raise ScenevizError(f"movie {movie.name!r} has no labels, or only one shot; leave it out")
        first = int(np.random.default_rng((seed, number)).integers(100))
        own = recipe if movie.frames is not None or not recipe.visual else _without_frames(recipe, movie)
        name = f"{number:04d}_{re.sub(r'[^A-Za-z0-9.-]+', '_', movie.name)[:60]}"
        with told_when_full(folder):
            pictures = _pictures(movie, own, first, folder, name)
        for place, (prompt, answer) in enumerate(_windows(movie, own, first)):
            shown = [pictures[piece.shot][piece.frame] for piece in prompt.pieces if piece.frame >= 0]
            asked = _asked(prompt)
            checked(asked, answer, shown, f"window {place} of {movie.name!r}")
            rows.append(write(f"{name}_{place:05d}", _system(opening), asked, answer, shown, folder.absolute()))
    if format == "ms-swift":
        return write_whole(folder / "sceneviz.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    if format == "llama-factory":
        write_whole(folder / "dataset_info.json", json.dumps({"sceneviz": _DESCRIPTION}, indent=2) + "\n")
    return write_whole(folder / "sceneviz.json", json.dumps(rows, indent=1) + "\n")


def neutral(text: str) -> str:
    """Text from a file in which no trainer finds anything but text."""
    return re.sub(r"<(?=[|/!?A-Za-z])", "< ", text)


def checked(asked: str, answer: str, pictures: Sequence[str], what: str) -> None:
    """Raise ScenevizError where a conversation is not what the trainers' pages ask for."""
    if asked.count(IMAGE) != len(pictures):
        raise ScenevizError(f"{what}: {asked.count(IMAGE)} times {IMAGE}, and {len(pictures)} pictures")
    if re.search(r"<\|\w+\|>", asked + answer):
        raise ScenevizError(f"{what}: a control string is left in the text")
    if not re.fullmatch(r"(Shot \d\d: (Yes|No)\n)+", answer):
        raise ScenevizError(f"{what}: an answer that is not in the template")


def _without_frames(recipe: Recipe, movie: Movie) -> Recipe:
    from dataclasses import replace

    if not (recipe.subtitles or recipe.characters):
        raise ScenevizError(f"movie {movie.name!r} has no frames, and the recipe shows nothing else")
    return replace(recipe, visual=False)


def _windows(movie: Movie, recipe: Recipe, first: int) -> Iterator[tuple[Prompt, str]]:
    assert movie.labels is not None
    ends = np.isin(movie.labels[0], (1, -1))
    for window in plan_windows(len(movie), recipe):
        prompt = build_prompt(movie.shots, window, recipe, first=first)
        yield prompt, "".join(piece.text for piece in prompt.lines(ends[list(window.focus)].tolist()))


def _pictures(movie: Movie, recipe: Recipe, first: int, folder: Path, name: str) -> list[list[str]]:
    """Write the marked keyframes; of each shot, their paths under the folder."""
    from PIL import Image

    if not recipe.visual or movie.frames is None:
        return []
    (folder / "images" / name).mkdir(parents=True, exist_ok=True)
    found = []
    read = movie.frames.read(movie.shots, recipe.frames_per_shot, recipe.frame_size)
    for shot, frames in zip(movie.shots, read, strict=True):
        paths = [f"images/{name}/shot_{shot.index:05d}_{frame}.jpg" for frame in range(len(frames))]
        for path, picture in zip(paths, marked_frames([shot], [frames], recipe, first), strict=True):
            # No chroma subsampling: the mark's edges are what the shot is told by.
            Image.fromarray(picture).save(folder / path, quality=95, subsampling=0)
        found.append(paths)
    return found


def _asked(prompt: Prompt) -> str:
    """The user's turn, with `<image>` for each frame."""
    text = "".join(
        IMAGE if piece.frame >= 0 else neutral(piece.text) if piece.data else piece.text for piece in prompt.pieces
    )
    return text.removesuffix(_CLOSING).replace(_FRAME, IMAGE)


def _system(opening: str) -> str | None:
    found = re.match(r"<\|im_start\|>system\n(.*?)<\|im_end\|>", opening, re.S)
    return found[1] if found else None


def _messages(system: str | None, asked: str, answer: str) -> list[dict[str, str]]:
    spoken = [("system", system), ("user", asked), ("assistant", answer)]
    return [{"role": role, "content": content} for role, content in spoken if content is not None]


def _llama_factory(
    name: str, system: str | None, asked: str, answer: str, shown: list[str], folder: Path
) -> dict[str, Any]:
    return {"messages": _messages(system, asked, answer), "images": shown}


def _ms_swift(name: str, system: str | None, asked: str, answer: str, shown: list[str], folder: Path) -> dict[str, Any]:
    # Its page prefers absolute paths, since relative ones count from where it is started.
    return {"messages": _messages(system, asked, answer), "images": [str(folder / path) for path in shown]}


def _llava(name: str, system: str | None, asked: str, answer: str, shown: list[str], folder: Path) -> dict[str, Any]:
    # There is no place for a system message: these trainers use the template's own, which is the same.
    said = [{"from": "human", "value": asked}, {"from": "gpt", "value": answer}]
    return {"id": name, **({"image": shown} if shown else {}), "conversations": said}


_SHAPES: dict[str, Callable[..., dict[str, Any]]] = {
    "llama-factory": _llama_factory,
    "ms-swift": _ms_swift,
    "llava": _llava,
}
_DESCRIPTION = {
    "file_name": "sceneviz.json",
    "formatting": "sharegpt",
    "columns": {"messages": "messages", "images": "images"},
    "tags": {
        "role_tag": "role",
        "content_tag": "content",
        "user_tag": "user",
        "assistant_tag": "assistant",
        "system_tag": "system",
    },
}
