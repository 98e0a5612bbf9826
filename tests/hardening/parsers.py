"""Every parser of this package, each with a good file to begin from: what the fuzz test bends, and what must hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from handmade import (
    COUNT,
    SHOTS,
    adapter,
    attention_forms,
    attribution,
    explanation,
    figures,
    prediction,
    saved,
)
from small import random_model

from sceneviz import plot
from sceneviz._text import ScenevizError, jpeg
from sceneviz.attribution import Attribution
from sceneviz.cli import segment
from sceneviz.data import read_movies
from sceneviz.data.keyframes import KeyframeFolder
from sceneviz.data.labels import read_bassl, read_labels, read_scenes, read_starts
from sceneviz.data.listing import as_rate, read_splits
from sceneviz.data.movienet import read_cast, read_names
from sceneviz.explanation import Explanation
from sceneviz.journal import Journal
from sceneviz.many.items import items_of
from sceneviz.many.one import finished
from sceneviz.models.adapters import attach_adapter
from sceneviz.models.loading import read_card
from sceneviz.movie import Movie, Shot
from sceneviz.reading.characters import characters_of_shots
from sceneviz.reading.shots import pairs_of_file
from sceneviz.reading.subtitles import read_cues, subtitles_of_shots
from sceneviz.reading.text import read_text
from sceneviz.recipe import Recipe
from sceneviz.results import AttentionMap, Prediction
from sceneviz.training.validation import Validation

SPANS = np.array([(2.0 * shot, 2.0 * shot + 2) for shot in range(COUNT)])
PAIRS = [(48 * shot, 48 * shot + 48) for shot in range(COUNT)]

SRT = "1\n00:00:00,500 --> 00:00:01,500\n<i>Hello</i>\n\n2\n00:00:02,100 --> 00:00:03,900\nGood bye\nand more\n\n"
VTT = (
    "WEBVTT\n\n00:00.500 --> 00:01.500\n<v Ann>Hello\n\nNOTE aside\n\n00:02.100 --> 00:03.900 line:0\nGood &amp; bye\n"
)
ASS = (
    "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname\nStyle: Default,Arial\n\n[Events]\n"
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    "Dialogue: 0,0:00:00.50,0:00:01.50,Default,,0,0,0,,{\\i1}Hello\\NYou\n"
)
ROWS = "".join(f"{start} {end - 1} {start + 12} {start + 24} {start + 36}\n" for start, end in PAIRS)
CSV = "Timecode List:,00:00:02.000\nScene Number,Start Frame,Start Timecode,End Frame\n1,1,00:00:00.000,48\n2,49,x,96\n"
BASSL = "".join(
    json.dumps({"video_id": "tt1", "shot_id": f"{k:04d}", "num_shot": 3, "boundary_label": k % 2}) + "\n"
    for k in range(3)
)


@dataclass(frozen=True)
class Parser:
    """A parser, and good files of each layout that it takes.

    read: what is done with a file; it looks at all of what comes out. good: by the file's name.
    """

    read: Callable[[Path], object]
    good: dict[str, bytes]


def _cues(path: Path) -> object:
    cues = read_cues(path)
    assert all(np.isfinite(cue[:2]).all() and cue.text and "\n" not in cue.text for cue in cues)
    return subtitles_of_shots(cues, SPANS)


def _shots(path: Path) -> object:
    pairs = pairs_of_file(path)
    rows = tuple(Shot(k, start, end, start / 24, end / 24) for k, (start, end) in enumerate(pairs))
    return Movie("m", rows).fingerprint


def _characters(path: Path) -> object:
    names = characters_of_shots(path, SPANS)
    assert len(names) == COUNT
    assert all(isinstance(name, str) and name for shot in names for name in shot)
    return names


def _labels(path: Path) -> object:
    labels, _, rows = read_labels(path, COUNT)
    assert len(labels) == COUNT
    assert COUNT - 2 <= rows <= COUNT
    return labels


def _prediction(path: Path) -> object:
    found = Prediction.load(path)
    path.write_text(found.to_json(), encoding="utf-8")  # what was accepted can be written, and drawn
    assert Prediction.load(path).to_json() == found.to_json()
    return found.scenes(), found.to_frame(), repr(found)


def _attention(path: Path) -> object:
    loaded = AttentionMap.load(path)
    found = AttentionMap.load(loaded.save(path))
    for per, sinks in (("mass", True), ("lift", False)):
        tables = [found.by_offset(per, sinks=sinks), found.by_head(per, sinks=sinks), found.share(per, sinks=sinks)]
        assert all(len(table) for table in tables)
    each = found.share().groupby("decision" if found.reduce == "decision" else "movie")["value"].sum()
    assert np.allclose(each, 1, atol=0.02)
    summed = AttentionMap.together([found])
    if "frames" in found.data:
        found.frames(int(found.data["decision"][0]))
    return summed.by_modality(), repr(found), repr(summed)


def _attribution(path: Path) -> object:
    found = Attribution.load(Attribution.load(path).save(path))
    return found.to_frame(), repr(found)


def _explanation(path: Path) -> object:
    found = Explanation.load(Explanation.load(path).save(path))
    return found.to_frame(), repr(found), found._repr_html_(), found.whole, found.agrees, [*map(str, found.claims)]


def _figure(path: Path) -> object:
    figure = plot.redraw(path)
    return plot.save(figure, path.with_name("again.png"), dpi=20)


def _looks(path: Path) -> object:
    movie = Movie("m", SHOTS, labels=np.array([[0, 1, 0, 0, 1, -2]]))
    validation = Validation([movie], path.parent, 1)
    validation.go_on_from(10)
    return validation.looks and validation.best


def _journal(path: Path) -> object:
    folder = path.parent / "key"
    folder.mkdir(exist_ok=True)
    for place in folder.iterdir():
        place.unlink()
    path.replace(folder / path.name)
    with closing(Journal.open(path.parent, "key", 2)) as journal:
        assert journal.batch_size >= 1
        rows = journal.load(0, 2)
    assert rows is None or np.asarray([row for window in rows for row in window], float).ndim == 2
    return rows


def _card(path: Path) -> object:
    card = read_card(path.parent)
    assert 0 <= float(card.get("threshold", 0.5)) <= 1
    return Recipe(**card.get("recipe", {}))


def _adapter(path: Path, good: dict[str, bytes], module: Any) -> object:
    for name, content in good.items():
        if name != path.name:
            (path.parent / name).write_bytes(content)
    return attach_adapter(deepcopy(module), str(path.parent))


def _keyframes(path: Path) -> object:
    (frames,) = KeyframeFolder(path.parent, 1).read(SHOTS[:1], 3, (56, 84))
    assert frames.shape == (3, 56, 84, 3)
    return frames


def _done(path: Path) -> object:
    found = finished(path, "a film", "key")
    return found and segment._tell(found)


def _folder(path: Path) -> object:
    """A movie of a folder of one's own, with one of its files bent."""
    for name, content in FOLDER.items():
        if name != path.name:
            (path.parent / name).write_bytes(content)
    movies = read_movies(path.parent, split="all", frame_rate=24)
    try:
        return [movie.fingerprint for movie in movies]
    finally:
        for name in FOLDER:
            (path.parent / name).unlink(missing_ok=True)


FOLDER = {
    "a.shots.txt": ROWS.encode(),
    "a.srt": SRT.encode(),
    "a.label.txt": "".join(f"{k:04d} {k % 2}\n" for k in range(COUNT - 1)).encode(),
    "a.characters.json": b'{"shots": [{"shot": 0, "characters": ["Ann", "Bob"]}]}',
    "split.json": b'{"train": [], "val": [], "test": ["a"]}',
}


def parsers(folder: Path) -> dict[str, Parser]:
    """All of them, by name. folder: for what is written on the way."""
    card = json.dumps({"format": 1, "recipe": {"context": 20, "frame_size": [56, 84]}, "threshold": 0.25}).encode()
    module = random_model().module
    lora = adapter(deepcopy(module), folder / "adapter")
    cast = {
        "cast": [
            {"id": "nm1", "pid": "nm1", "shot_idx": 0, "name": "A", "character": "B"},
            {"id": "nm2", "pid": None, "shot_idx": 3},
        ]
    }
    done = json.dumps({"key": "key", "name": "a film", "shots": 3, "scenes": 2, "error": "", "found": False}).encode()
    looks = json.dumps([{"step": 5, "ap": 0.5, "f1": 0.5, "threshold": 0.25}]).encode()
    picture = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
    batch = json.dumps({"windows": [[[-0.5, -1.5], [-0.25, -2.0]], [[-0.1, -3.0]]], "seconds": 0.5}).encode()
    return {
        "text": Parser(
            lambda path: read_text(path, "subtitles"), {"a.txt": SRT.encode("utf-16"), "b.txt": "Ääö".encode("cp1252")}
        ),
        "subtitles": Parser(_cues, {"a.srt": SRT.encode(), "a.vtt": VTT.encode(), "a.ass": ASS.encode()}),
        "shots": Parser(_shots, {"a.txt": ROWS.encode(), "a.csv": CSV.encode()}),
        "characters": Parser(
            _characters,
            {
                "a.json": b'[{"shot": 0, "characters": ["Ann", "Bob"]}, {"start_s": 1, "end_s": 3, "characters": "A"}]',
                "a.csv": b'start_s,end_s,characters\n0.5,2.5,Ann;Bob\n4,5,"C, D"\n',
                "b.csv": b"shot,characters\n0,Ann;Bob\n5,C\n",
            },
        ),
        "labels": Parser(_labels, {"a.txt": FOLDER["a.label.txt"]}),
        "starts": Parser(lambda path: read_starts(path, COUNT), {"a.txt": b"0,2,5,6"}),
        "scenes": Parser(lambda path: read_scenes(path, PAIRS), {"a.txt": b"0 100\n101\t200\n201 287\n"}),
        "bassl": Parser(read_bassl, {"a.ndjson": BASSL.encode()}),
        "splits": Parser(read_splits, {"a.json": b'{"train": ["tt1"], "val": ["tt2"], "test": ["tt3"], "all": []}'}),
        "metadata": Parser(read_names, {"a.json": json.dumps(cast).encode()}),
        "cast": Parser(lambda path: read_cast(path, COUNT, {"nm1": "A"}), {"a.json": json.dumps(cast).encode()}),
        "rate": Parser(lambda path: as_rate(path.read_bytes().decode("latin-1")), {"a": b"24000/1001", "b": b"23.976"}),
        "prediction": Parser(_prediction, {"a.json": saved(prediction(), folder / "a.json")}),
        "attribution": Parser(_attribution, {"a.json": saved(attribution(), folder / "a.json")}),
        "explanation": Parser(_explanation, {"a.json": saved(explanation(), folder / "a.json")}),
        "attention": Parser(_attention, attention_forms(folder)),
        "figure": Parser(_figure, figures(folder)),
        "journal": Parser(_journal, {"plan.json": b'{"batch_size": 2}', "windows_000000.json": batch}),
        "done": Parser(_done, {"done.json": done}),
        "adapter": Parser(partial(_adapter, good=lora, module=module), lora),
        "card": Parser(_card, {"sceneviz.json": card}),
        "looks": Parser(_looks, {"validation.json": looks}),
        "list": Parser(lambda path: items_of([path]), {"a.txt": b"# films\nfilms/a.mp4\n\nb.mkv\n"}),
        "keyframes": Parser(_keyframes, {"shot_0000_img_0.jpg": jpeg(picture)}),
        "folder": Parser(_folder, FOLDER),
    }


def survives(parser: Parser, path: Path) -> str:
    """Read a file: a result, or one clear line; anything else raises. Gives back the line, "" for a result."""
    try:
        parser.read(path)
    except ScenevizError as error:
        text = str(error)
        assert text.strip()
        assert len(text.splitlines()) == 1, text
        return text
    return ""
