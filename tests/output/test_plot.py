"""Figures: what is drawn (by its artists, not its pixels), what is saved, and what is left alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib import font_manager, pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from sceneviz import plot
from sceneviz._text import ScenevizError, plain
from sceneviz.plot import fonts
from sceneviz.plot.style import EMBEDDED_NOTE


@pytest.fixture(autouse=True)
def _untouched_settings() -> Iterator[None]:
    before = dict(matplotlib.rcParams)
    yield
    assert dict(matplotlib.rcParams) == before
    pyplot.close("all")


def page() -> Axes:
    return Figure(figsize=(6.875, 2.4), layout="constrained").subplots()


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.figure.findobj(Text) if text.get_text()]


def frames_shown(ax: Axes) -> int:
    return sum(len(row.images) for row in ax.child_axes) + len(ax.images)


def bars(ax: Axes, name: str) -> int:
    (row,) = [row for row in ax.child_axes if [tick.get_text() for tick in row.get_yticklabels()] == [name]]
    return len(row.collections[0].get_paths())


def test_timeline_shows_every_row(make_movie: Callable, make_prediction: Callable) -> None:
    movie = make_movie([3, 2, 5, 2])
    answer = make_prediction(movie, [0.1, 0.9, 0.2, 0.3, 0.7, 0, 0, 0, 0, 0, 0])
    ax = page()
    assert plot.timeline(movie, answer, ax=ax) is ax
    assert (bars(ax, "true"), bars(ax, "predicted")) == (4, 3)
    assert frames_shown(ax) > 3
    assert "0.50" in texts(ax)
    assert any("3 scenes at threshold 0.50" in text.replace("\N{NO-BREAK SPACE}", " ") for text in texts(ax))
    other = page()
    plot.timeline(movie, answer, threshold=0.25, ax=other)
    assert bars(other, "predicted") == 4


def test_rows_lie_inside_the_axes_and_share_their_x(make_movie: Callable, make_prediction: Callable) -> None:
    movie = make_movie([3, 2, 5, 2])
    ax = plot.timeline(movie, make_prediction(movie), ax=page())
    ax.figure.draw_without_rendering()
    whole = ax.get_window_extent()
    boxes = [row.get_window_extent() for row in ax.child_axes]
    assert len(boxes) == 4
    assert len({row.get_xlim() for row in ax.child_axes}) == 1
    for box in boxes:
        assert whole.y0 - 1 <= box.y0 < box.y1 <= whole.y1 + 1
        assert (box.x0, box.x1) == pytest.approx((whole.x0, whole.x1))
    ordered = sorted(boxes, key=lambda box: box.y0)
    assert all(low.y1 <= high.y0 + 1e-6 for low, high in pairwise(ordered))


@pytest.mark.parametrize("layout", [None, "constrained"])
def test_frames_keep_their_shape(layout: str | None, make_movie: Callable, make_prediction: Callable) -> None:
    movie = make_movie([10] * 13)
    ax = Figure(figsize=(6.875, 2.4), layout=layout).subplots()
    plot.timeline(movie, make_prediction(movie), ax=ax)
    ax.figure.draw_without_rendering()
    (strip,) = [row for row in ax.child_axes if row.images]
    for image in strip.images:
        box = image.get_window_extent()
        assert box.width / box.height == pytest.approx(160 / 90, rel=0.03)


def test_a_long_movie_shows_as_many_frames_of_the_same_size(make_movie: Callable, make_prediction: Callable) -> None:
    short, long = make_movie([10] * 13), make_movie([10] * 200)
    shown = []
    for movie in (short, long):
        ax = plot.timeline(movie, make_prediction(movie), ax=page())
        shown.append(frames_shown(ax))
    assert shown[0] == shown[1] > 5


def test_a_movie_without_frames_labels_or_decisions_is_drawn(make_movie: Callable, make_prediction: Callable) -> None:
    text_only = make_movie(frames=False)
    ax = plot.timeline(replace(text_only, labels=None), make_prediction(text_only), ax=page())
    assert frames_shown(ax) == 0
    assert "true" not in texts(ax)
    one = make_movie([1])
    assert bars(plot.timeline(one, make_prediction(one), ax=page()), "predicted") == 1
    with pytest.raises(ScenevizError, match="needs frames"):
        plot.filmstrip(text_only, ax=page())


def test_filmstrip_names_the_shots_it_shows(make_movie: Callable) -> None:
    ax = plot.filmstrip(make_movie([5] * 40), ax=Figure(figsize=(6.875, 0.9), layout="constrained").subplots())
    labels = [tick.get_text() for tick in ax.get_xticklabels()]
    assert len(labels) == frames_shown(ax) > 5
    assert re.fullmatch(r"\d+\n0:\d\d:\d\d", labels[0])


def test_a_figure_by_the_embedded_model_says_so(make_movie: Callable, make_prediction: Callable) -> None:
    movie = make_movie()
    for embedded in (False, True):
        ax = plot.timeline(movie, make_prediction(movie, embedded=embedded), ax=page())
        said = " ".join(texts(ax)).replace("\N{NO-BREAK SPACE}", " ").replace("\n", " ")
        assert (EMBEDDED_NOTE in said) == embedded


@pytest.mark.parametrize(
    "name", ["a $x^2_{$ of 100%", "\\frac{", "<script>&", "line\nbreak\x1b[31m\x00", "\udcff", "a" * 300]
)
def test_names_are_text_and_nothing_else(
    name: str, make_movie: Callable, make_prediction: Callable, tmp_path: Path
) -> None:
    movie = make_movie(name=name)
    ax = plot.timeline(movie, make_prediction(movie, model_name=name), ax=page())
    svg = plot.save(ax, tmp_path / "figure.svg").read_text(encoding="utf-8")
    assert "<script>" not in svg
    assert any(plain(name)[:40] in text.replace("\N{NO-BREAK SPACE}", " ") for text in texts(ax))


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_saved_figures_hold_text_and_their_numbers(
    suffix: str, make_movie: Callable, make_prediction: Callable, tmp_path: Path
) -> None:
    movie = make_movie()
    answer = make_prediction(movie)
    ax = plot.timeline(movie, answer, ax=page())
    path = plot.save(ax, tmp_path / f"timeline{suffix}")
    again = plot.save(ax.figure, tmp_path / f"again{suffix}")
    data = path.read_bytes()
    assert data == again.read_bytes()
    if suffix == ".svg":
        assert b">confidence</text>" in data
    if suffix == ".pdf":
        assert b"/FontFile2" in data
        assert all(int(width) < 400 for width in re.findall(rb"/Width (\d+)", data))
    record = json.loads(path.with_suffix(".figure.json").read_text())
    (drawn,) = record["plots"]
    assert drawn["figure"] == "timeline"
    assert drawn["movie"] == {"name": "plain", "fingerprint": movie.fingerprint}
    assert drawn["model"] == {"name": "a fake", "fingerprint": "fake", "embedded": False}
    assert drawn["recipe"]["context"] == 20
    assert drawn["data"]["confidence"] == [*answer.confidence[:-1].tolist(), None]
    assert {"python", "matplotlib"} <= set(record["versions"])


def test_axes_of_their_own_and_axes_in_a_grid(make_movie: Callable, make_prediction: Callable, tmp_path: Path) -> None:
    movie = make_movie()
    answer = make_prediction(movie)
    assert plot.timeline(movie, answer).figure.get_size_inches() == pytest.approx((6.875, 2.4))
    figure = Figure(figsize=(6.875, 5))
    upper, lower = figure.subplots(2)
    plot.timeline(movie, answer, ax=upper)
    plot.timeline(movie, answer, threshold=0.9, ax=lower)
    path = plot.save(figure, tmp_path / "both.png")
    assert len(json.loads(path.with_suffix(".figure.json").read_text())["plots"]) == 2


def test_mistakes_are_one_clear_line(make_movie: Callable, make_prediction: Callable, tmp_path: Path) -> None:
    movie = make_movie()
    with pytest.raises(ScenevizError, match="one of 'pdf', 'svg', 'png', not 'jpg'"):
        plot.save(page(), tmp_path / "figure.jpg")
    with pytest.raises(ScenevizError, match="was made on"):
        plot.timeline(make_movie([4]), make_prediction(movie), ax=page())
    with pytest.raises(ScenevizError, match="from 0 to 1"):
        plot.timeline(movie, make_prediction(movie), threshold=np.nan, ax=page())


@pytest.mark.filterwarnings("ignore:Glyph")  # the one that stands for them knows no more
def test_letters_that_the_font_lacks_are_taken_from_others(
    make_movie: Callable, make_prediction: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whichever fonts a machine has, matplotlib's own are there: one stands for a font that knows more.
    other = "cmsy10"
    monkeypatch.setattr(fonts, "_others", lambda: (other,))
    for name, more in (("Tokyo 物語", True), ("Amélie, Ирония, Ζορμπάς", False)):
        movie = make_movie(name=name)
        ax = plot.timeline(movie, make_prediction(movie, model_name="m"), ax=page())
        families = {text.get_text()[:4]: text.get_fontfamily() for text in ax.figure.findobj(Text)}
        (caption,) = [text for text in ax.figure.findobj(Text) if text.get_text().startswith(name)]
        assert (other in caption.get_fontfamily()) == more
        assert other not in families["conf"]


def test_only_fonts_that_are_there_are_asked_for() -> None:
    installed = {font.name for font in font_manager.fontManager.ttflist}
    assert set(fonts._others()) == installed & set(fonts.OTHERS)
