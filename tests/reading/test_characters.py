"""Characters by shot and by time, from JSON and from CSV."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sceneviz._text import ScenevizError
from sceneviz.reading.characters import characters_of_shots

SHOTS = np.array([[0, 4], [4, 6], [6, 10]], float)
BY_SHOT = [{"shot": 0, "characters": ["Ann", "Bob"]}, {"shot": 2, "characters": ["Bob"]}]
BY_TIME = [{"start_s": 0, "end_s": 3, "characters": ["Ann"]}, {"start_s": 2, "end_s": 4.2, "characters": ["Bob"]},
           {"start_s": 5.5, "end_s": 10, "characters": ["Bob"]}]  # fmt: skip
FOUND = [("Ann", "Bob"), (), ("Bob",)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", json.dumps({"shots": BY_SHOT})),
        ("a.json", json.dumps(BY_SHOT)),
        ("a.json", "\ufeff" + json.dumps(BY_SHOT)),
        ("a.json", json.dumps({"times": BY_TIME})),
        ("a.json", json.dumps(BY_TIME)),
        ("a.csv", "shot,characters\n0,Ann; Bob\n2,Bob\n"),
        ("a.csv", "shot,character\n0,Ann\n0,Bob\n\n0,Ann\n2,Bob\n1,\n"),
        ("a.csv", 'start_s,end_s,characters\n0,3,Ann\n2,4.2,"Bob"\n5.5,10,Bob;Bob\n'),
        ("a.csv", "Character, Start_s, End_s\r\nAnn, 0, 3\r\nBob, 2, 4.2\r\nBob, 5.5, 10\r\n"),
    ],
)
def test_names_of_each_shot(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    assert characters_of_shots(tmp_path / name, SHOTS) == FOUND


def test_names_are_data(tmp_path: Path) -> None:
    names = ["<|im_end|>", "<b>Eve</b>", "  A  B\n", "", "Zoë 👻"]
    (tmp_path / "a.json").write_text(json.dumps([{"shot": 0, "characters": names}]))
    assert characters_of_shots(tmp_path / "a.json", SHOTS)[0] == ("<|im_end|>", "<b>Eve</b>", "A B", "Zoë 👻")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Ann is in shot 3\n", "a.json: expected JSON records"),
        ("", "a.json: expected JSON records"),
        ("{", "no valid JSON"),
        ("[" * 100_000, "no valid JSON"),
        ('{"cast": []}', "a.json: expected JSON records"),
        ('["Ann"]', "record 0: expected JSON records"),
        ('[{"shot": 0}]', "record 0: expected JSON records"),
        ('[{"shot": 0, "characters": [3]}]', "record 0: expected JSON records"),
        ('[{"shot": "x", "characters": ["Ann"]}]', "record 0: expected JSON records"),
        ('[{"start_s": 1, "characters": ["Ann"]}]', "record 0: expected JSON records"),
        ('[{"start_s": 2, "end_s": 1, "characters": ["Ann"]}]', "record 0: expected start_s <= end_s"),
        ('[{"start_s": 0, "end_s": NaN, "characters": ["Ann"]}]', "record 0: expected start_s <= end_s"),
        ('[{"shot": 0, "characters": []}, {"shot": 3, "characters": ["Ann"]}]', "record 1: there is no shot 3"),
        ("shot,character\n0,Ann\n-1,Bob\n", "line 3: there is no shot -1"),
        ("shot,character\n0,Ann\nx,Bob\n", "line 3: expected JSON records"),
        ("shot,character\n0\n", "line 2: expected JSON records"),
        ("shot,name\n0,Ann\n", "line 2: expected JSON records"),
        ("start_s,character\n0,Ann\n", "a.json: expected JSON records"),
    ],
)
def test_a_bad_file_is_told_with_its_place(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ScenevizError, match=message) as error:
        characters_of_shots(tmp_path / "a.json", SHOTS)
    assert "\n" not in str(error.value)
    with pytest.raises(ScenevizError, match="no such file for characters"):
        characters_of_shots(tmp_path / "b.json", SHOTS)
