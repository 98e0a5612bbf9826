"""Recipes are validated; windows tile a movie."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sceneviz._text import ScenevizError
from sceneviz.recipe import Recipe, plan_windows


@given(n_shots=st.integers(1, 400), context=st.integers(1, 100), share=st.floats(0.01, 1))
def test_windows_tile_the_movie(n_shots: int, context: int, share: float) -> None:
    recipe = Recipe(context=context, focus=max(1, int(context * share)))
    windows = plan_windows(n_shots, recipe)
    assert [shot for window in windows for shot in window.focus] == list(range(n_shots - 1))
    margin = recipe.context - recipe.focus
    for window in windows:
        assert set(window.context) <= set(range(n_shots))
        assert len(window.context) <= recipe.context
        inner = window.context.start > 0 and window.context.stop < n_shots
        if inner and len(window.focus) == recipe.focus:
            assert window.focus.start - window.context.start == margin // 2
            assert window.context.stop - window.focus.stop == margin - margin // 2
    if 1 < n_shots < context:
        assert len(windows) == 1


def test_the_paper_window_is_twenty_shots_with_the_middle_ten_decided() -> None:
    window = plan_windows(100, Recipe())[3]
    assert (window.context, window.focus) == (range(25, 45), range(30, 40))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"focus": 0}, "focus=0"),
        ({"focus": 30}, "focus=30"),
        ({"context": 101}, "context=101"),
        ({"frame_size": (50, 0)}, "frame_size must be"),
        ({"frame_size": (50,)}, "frame_size must be"),
        ({"frame_size": (50, 84.5)}, "whole pixels"),
        ({"frames_per_shot": 0}, "frames_per_shot"),
        ({"visual": False, "subtitles": False, "characters": False}, "all off"),
    ],
)
def test_an_impossible_recipe_says_what_is_wrong(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ScenevizError, match=said):
        Recipe(**changes)  # type: ignore[arg-type]
