"""A Prediction is checked when made, survives its file exactly, and its scenes tile the movie."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sceneviz._text import ScenevizError
from sceneviz.movie import Shot
from sceneviz.recipe import Recipe
from sceneviz.results import Prediction

UNIT = st.floats(0, 1)
TEXT = st.text(max_size=8)


@st.composite
def predictions(draw: st.DrawFn) -> Prediction:
    n = draw(st.integers(1, 40))
    cuts = sorted(draw(st.sets(st.integers(0, 10_000), min_size=n + 1, max_size=n + 1)))
    rate = draw(st.floats(1, 120))
    shots = tuple(
        Shot(k, a, b, a / rate, b / rate, draw(TEXT), tuple(draw(st.lists(TEXT, max_size=2))))
        for k, (a, b) in enumerate(pairwise(cuts))
    )
    confidence = np.array([*draw(st.lists(UNIT, min_size=n - 1, max_size=n - 1)), math.nan])
    return Prediction(
        movie="0123456789abcdef",
        movie_name=draw(TEXT),
        model="fedcba9876543210",
        model_name="fake",
        embedded=draw(st.booleans()),
        recipe=draw(st.sampled_from([Recipe(), Recipe(context=8, focus=1, subtitles=False, sequential=False)])),
        threshold=draw(UNIT),
        shots=shots,
        confidence=confidence,
        mass=np.where(np.isnan(confidence), math.nan, 0.1 + 0.2),
        decision=np.where(np.isnan(confidence), -1, confidence >= 0.5),
        window=[*range(n - 1), -1],
        position=[0] * (n - 1) + [-1],
    )


def small(**changes: object) -> Prediction:
    """Five shots of one second, scenes ending with shots 1 and 3 at the checkpoint's threshold."""
    nan = math.nan
    base = Prediction(
        movie="0123456789abcdef",
        movie_name="five",
        model="fedcba9876543210",
        model_name="fake",
        embedded=False,
        recipe=Recipe(),
        threshold=0.4,
        shots=tuple(Shot(k, 24 * k, 24 * k + 24, float(k), k + 1.0) for k in range(5)),
        confidence=np.array([0.1, 0.9, 0.2, 0.4, nan]),
        mass=np.array([1.0, 1.0, 1.0, 0.9, nan]),
        decision=np.array([0, 1, 0, 0, -1]),
        window=np.array([0, 0, 0, 0, -1]),
        position=np.array([0, 1, 2, 3, -1]),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def same(one: Prediction, other: Prediction) -> bool:
    for field in fields(Prediction):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, b, strict=True)
        elif a != b:
            return False
    return True


@given(predictions())
def test_the_file_gives_back_what_was_saved(tmp_path_factory: pytest.TempPathFactory, prediction: Prediction) -> None:
    path = tmp_path_factory.mktemp("saved") / "deep" / "prediction.json"
    assert prediction.save(path) == path
    assert same(Prediction.load(path), prediction)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    before = path.read_bytes()
    Prediction.load(path).save(path)
    assert path.read_bytes() == before
    json.loads(before, parse_constant=pytest.fail)


@given(predictions(), UNIT)
def test_scenes_tile_the_movie(prediction: Prediction, threshold: float) -> None:
    scenes = prediction.scenes(threshold)
    covered = [k for row in scenes.itertuples() for k in range(row.first_shot, row.last_shot + 1)]
    assert covered == list(range(len(prediction)))
    assert (scenes["end_s"] > scenes["start_s"]).all()
    assert (scenes["confidence"][:-1] >= threshold).all()
    assert math.isnan(scenes["confidence"].iloc[-1])


@given(predictions(), UNIT, UNIT)
def test_a_higher_threshold_only_merges_scenes(prediction: Prediction, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert set(prediction.scenes(high)["last_shot"]) <= set(prediction.scenes(low)["last_shot"])


def test_scenes_use_the_checkpoints_threshold_unless_told() -> None:
    assert small().scenes()["last_shot"].tolist() == [1, 3, 4]
    assert small().scenes(0.5)["last_shot"].tolist() == [1, 4]
    assert small().scenes(1.0)["first_shot"].tolist() == [0]
    assert "3 scenes" in repr(small())


def test_table_has_a_row_a_shot() -> None:
    table = small().to_frame()
    assert table["shot"].tolist() == [0, 1, 2, 3, 4]
    assert table["decision"].tolist() == [0, 1, 0, 0, -1]
    assert table["end_s"].iloc[-1] == 5.0


def test_arrays_are_read_only_copies() -> None:
    mine = np.array([0.1, 0.9, 0.2, 0.4, math.nan])
    prediction = small(confidence=mine)
    mine[0] = 0.5
    assert prediction.confidence[0] == 0.1
    with pytest.raises(ValueError):
        prediction.confidence[0] = 0.5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"confidence": np.zeros(4)}, "confidence must be 5 numbers"),
        ({"confidence": np.array([0.1, 1.5, 0, 0, math.nan])}, "got 1.5 on shot 1"),
        ({"confidence": np.array([0.1, math.nan, 0, 0, math.nan])}, "got nan on shot 1"),
        ({"confidence": np.array([0.1, 0.5, 0, 0, 0.5])}, "last shot must be NaN"),
        ({"decision": np.array([0, 1, 0, 0, 0])}, "last shot must be -1"),
        ({"decision": np.array([0, 0.5, 0, 0, -1])}, "whole numbers"),
        ({"window": np.array([0, 2**32, 0, 0, -1])}, "fit int32"),
        ({"window": np.array([0, -1, 0, 0, -1])}, "got -1 on shot 1"),
        ({"position": ["0", "1", "2", "3", "4"]}, "position must be 5 numbers"),
        ({"threshold": 1.5}, "from 0 to 1"),
        ({"threshold": math.nan}, "from 0 to 1"),
        ({"threshold": None}, "from 0 to 1"),
        ({"shots": ()}, "no shots"),
        ({"model_name": None}, "model_name must be text"),
        ({"embedded": 1}, "embedded must be a bool"),
    ],
)
def test_wrong_values_are_one_clear_line(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ScenevizError, match=message) as caught:
        small(**changes)
    assert "\n" not in str(caught.value)


def edited(path: Path, **changes: object) -> None:
    """Change or (with ...) drop keys of a saved prediction."""
    data = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in data.items() if value is not ...}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda p: p.unlink(), "No such file"),
        (lambda p: p.write_bytes(b""), "expected JSON"),
        (lambda p: p.write_bytes(p.read_bytes()[:-40]), "expected JSON"),
        (lambda p: p.write_bytes(b"\xff\xfe\x00film"), "expected JSON"),
        (lambda p: p.write_text("[" * 100_000), "expected JSON"),
        (lambda p: p.write_text("[1, 2]"), "other JSON"),
        (lambda p: edited(p, format="something"), "other JSON"),
        (lambda p: edited(p, version=99), "format 1, got 99"),
        (lambda p: edited(p, mass=...), "missing"),
        (lambda p: edited(p, recipe=None), "damaged"),
        (lambda p: edited(p, recipe={"context": 5, "focus": 9}), "focus <= context"),
        (lambda p: edited(p, recipe={"colour": 5}), "damaged"),
        (lambda p: edited(p, shots={"fields": ["index"], "rows": [[0]]}), "damaged"),
        (lambda p: edited(p, confidence=[0.5]), "must be 5 numbers"),
        (lambda p: edited(p, decision=[0, 1, 0, 0, "Yes"]), "must be 5 numbers"),
        (lambda p: edited(p, threshold="high"), "from 0 to 1"),
        (lambda p: edited(p, surprise=1), "damaged"),
    ],
)
def test_damaged_files_are_one_clear_line(tmp_path: Path, damage: object, message: str) -> None:
    path = small().save(tmp_path / "prediction.json")
    damage(path)  # type: ignore[operator]
    with pytest.raises(ScenevizError, match=message) as caught:
        Prediction.load(path)
    assert "\n" not in str(caught.value)
    assert "prediction.json" in str(caught.value)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small().save(tmp_path / "prediction.json")
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        small(threshold=0.9).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
