"""Results that were saved by the first version of each format open in every later one, and newer ones are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handmade import attention, attribution, prediction
from pandas.testing import assert_frame_equal

from sceneviz._text import ScenevizError
from sceneviz.attribution import Attribution
from sceneviz.results import AttentionMap, Prediction

OLD = Path(__file__).parent / "old"  # as the first version wrote them; never written again


def test_an_old_prediction_opens() -> None:
    assert json.loads((OLD / "prediction-1.json").read_text())["version"] == 1
    assert Prediction.load(OLD / "prediction-1.json").to_json() == prediction().to_json()


def test_an_old_attention_map_opens() -> None:
    found, made = AttentionMap.load(OLD / "attention-1.nc"), attention()
    assert_frame_equal(found.share(), made.share(), check_dtype=False)
    assert (found.movies, found.model, found.recipe) == (made.movies, made.model, made.recipe)


def test_an_old_attribution_opens() -> None:
    found, made = Attribution.load(OLD / "attribution-1.json"), attribution()
    np.testing.assert_array_equal(found.value, made.value)
    assert_frame_equal(found.to_frame(), made.to_frame())


@pytest.mark.parametrize(("name", "kind"), [("prediction", Prediction), ("attribution", Attribution)])
def test_a_format_of_the_future_is_told(name: str, kind: Any, tmp_path: Path) -> None:
    data = json.loads((OLD / f"{name}-1.json").read_text()) | {"version": 99}
    (tmp_path / "new.json").write_text(json.dumps(data))
    with pytest.raises(ScenevizError, match=f"expected {name} format 1, got 99"):
        kind.load(tmp_path / "new.json")
