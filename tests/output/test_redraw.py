"""Saved figures are drawn again from the numbers beside them: the same picture, without model, film or torch."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pypdf import PdfReader
from test_attention_map import made as attended
from test_attribution_tables import made as attributed

import sceneviz as sv
from sceneviz import cli, plot
from sceneviz._text import ScenevizError
from sceneviz.attribution import Group
from sceneviz.results import AttentionMap

RNG = np.random.default_rng(3)


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    pyplot.close("all")


@pytest.fixture
def draws(make_movie: Callable, make_prediction: Callable) -> dict[str, Callable[..., Axes]]:
    """Every plot by its name, on made-up data."""
    movie = make_movie([3, 2, 5, 9, 2, 4], name="plain $x^2_{")
    others = [make_movie(RNG.integers(2, 7, 9).tolist(), f"movie {k}") for k in range(3)]
    answers = [make_prediction(each, RNG.random(len(each) - 1), embedded=True) for each in others]
    scores = sv.score(others, answers).query("pooling != 'movie'")
    sweep = pd.concat([scores.assign(condition=name, seconds=k + 0.5) for k, name in enumerate(("20 / 10", "5 / 5"))])
    seen = AttentionMap.together([attended("one", embedded=True), attended("two", 2.0, embedded=True)])
    by_shot = [Group(name, "before", shot, 3) for name in ("visual", "subtitle") for shot in (3, 4)]
    return {
        "timeline": lambda ax: plot.timeline(movie, make_prediction(movie), threshold=0.3, ax=ax),
        "filmstrip": lambda ax: plot.filmstrip(movie, ax=ax),
        "pr": lambda ax: plot.pr(sv.tables.pr(others, answers), ax=ax),
        "calibration": lambda ax: plot.calibration(sv.tables.calibration(others, answers), ax=ax),
        "positions": lambda ax: plot.positions(sv.tables.position(others, answers), measure="AP", ax=ax),
        "ablation": lambda ax: plot.ablation(sweep, published=sv.tables.paper("windows"), measure="F1@.5", ax=ax),
        "dots": lambda ax: plot.dots(trusted(), rows="measure", by="subject", label="moved", ax=ax),
        "windows": lambda ax: plot.windows(sweep, published=sv.tables.paper("windows"), ax=ax),
        "cost": lambda ax: plot.cost(sweep, ax=ax),
        "trust": lambda ax: plot.trust(trusted(), measure="flip signed", ax=ax),
        "loss": lambda ax: plot.loss(pd.DataFrame({"step": range(20), "loss": RNG.random(20)}), ax=ax),
        "attention": lambda ax: plot.attention(seen, ax=ax),
        "layers": lambda ax: plot.layers(seen, per="mass", ax=ax),
        "shares": lambda ax: plot.shares(seen, per="lift", ax=ax),
        "heads": lambda ax: plot.heads(seen, modality="visual", ax=ax),
        "attention_frames": lambda ax: plot.attention_frames(movie, looked(), shots=3, ax=ax),
        "attribution": lambda ax: plot.attribution(attributed("shapley", [1, 2, -3, 4]).to_frame(), ax=ax),
        "attribution_shots": lambda ax: plot.attribution_shots(
            attributed("ablation", [1, -2, 3, 4], groups=by_shot).to_frame(), ax=ax
        ),
    }


def looked() -> pd.DataFrame:
    """A decision on shot 5 that looked at shots 4 to 7."""
    rows = [
        {"shot": shot, "frame": frame, "row": row, "column": column, "mass": float(RNG.random()) / 100}
        for shot in (4, 5, 6, 7)
        for frame in (0, 1)
        for row in (0, 1)
        for column in (0, 1, 2)
    ]
    return pd.DataFrame(rows).assign(movie="plain", model="a model", embedded=True, decision=5)


def trusted() -> pd.DataFrame:
    """A table as `tables.trust` gives it."""
    rows = [
        {"subject": subject, "measure": measure, "distance": distance, "value": distance / 10}
        for subject in ("answer", "decided shot", "following shot")
        for measure in ("lift", "cut", "flip signed")
        for distance in (1, 2, 3)
    ]
    table = pd.DataFrame(rows).assign(decisions=8, movies=2, model="tiny (embedded)")
    return table.assign(low=table["value"] - 0.05, high=table["value"] + 0.05)


def page(height: float = 2.2) -> Axes:
    return Figure(figsize=(3.25, height), layout="constrained").subplots()


def test_every_plot_is_drawn_again(draws: dict, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert set(draws) == set(plot.__all__) - {"panels", "redraw", "save"}
    for name, draw in draws.items():
        plot.save(draw(page()), tmp_path / "first" / f"{name}.svg")
    assert cli.main(["figures", str(tmp_path / "first"), "--out", str(tmp_path / "again")]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(draws)
    for name in draws:
        first, again = (tmp_path / folder / f"{name}.svg" for folder in ("first", "again"))
        assert first.read_text() == again.read_text(), name
        records = [json.loads(path.with_suffix(".figure.json").read_text()) for path in (first, again)]
        assert records[0] == records[1], name


def test_a_page_of_several_is_drawn_again(draws: dict, tmp_path: Path) -> None:
    figure, axes = pyplot.subplots(
        2, 2, figsize=(6.875, 4), layout="constrained", width_ratios=[2, 1], height_ratios=[1, 2]
    )
    for ax, name in zip(axes.flat, ("timeline", "pr", "heads", "loss"), strict=True):
        draws[name](ax).set_title(f"the {name}", loc="left", fontsize=7)
    first = plot.save(figure, tmp_path / "page.svg")
    again = plot.save(plot.redraw(tmp_path / "page.figure.json"), tmp_path / "again.svg")
    assert first.read_text() == again.read_text()
    boxes = figure.add_axes((0.8, 0.8, 0.15, 0.15))
    draws["loss"](boxes)
    plot.save(figure, tmp_path / "page.svg")
    assert len(plot.redraw(tmp_path / "page.figure.json").axes) == 6  # and the map's scale


@pytest.mark.parametrize(("name", "height"), [("timeline", 1.6), ("filmstrip", 0.8)])
def test_a_smaller_figure_shows_as_many_kept_frames_as_fit(
    name: str, height: float, draws: dict, tmp_path: Path
) -> None:
    plot.save(draws[name](Figure(figsize=(6.875, height), layout="constrained").subplots()), tmp_path / "wide.png")
    path = tmp_path / "wide.figure.json"
    record = json.loads(path.read_text())
    kept = len(record["plots"][0]["kept"]["pictures"])
    for width in (6.7, 3.25):  # as with fonts that are a little wider, and in a column
        path.write_text(json.dumps(record | {"size_in": [width, height]}))
        (ax,) = plot.redraw(path).axes
        shown = sum(len(row.images) for row in (ax, *ax.child_axes))
        assert 1 < shown <= kept
    assert shown < kept


def test_it_takes_neither_torch_nor_transformers(draws: dict, tmp_path: Path) -> None:
    for name in ("timeline", "heads", "attention_frames"):
        plot.save(draws[name](page()), tmp_path / f"{name}.png")
    code = (
        "import sys; sys.modules.update(torch=None, transformers=None, av=None)\n"
        "from sceneviz.cli import main\n"
        f"sys.exit(main(['figures', {str(tmp_path)!r}, '--format', 'pdf', '--dpi', '99']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert {path.name for path in tmp_path.glob("*.pdf")} == {"timeline.pdf", "heads.pdf", "attention_frames.pdf"}


def test_pdfs_hold_text_as_text_and_rasters_only_inside(draws: dict, tmp_path: Path) -> None:
    for name, draw in draws.items():
        # A film strip's frames are as high as the axes.
        path = plot.save(draw(page(0.8 if name == "filmstrip" else 2.2)), tmp_path / f"{name}.pdf")
        data = path.read_bytes()
        assert b"/FontFile2" in data, name
        (box,) = re.findall(rb"/MediaBox \[ ?([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) ?\]", data)
        across = float(box[2]) / 72 * 300  # pixels of a raster as wide as the page
        assert all(int(width) < 0.95 * across for width in re.findall(rb"/Width (\d+)", data)), name
        text = _text(path)
        for words in WORDS[name].split(", "):
            assert words in text, (name, words, text)


WORDS = {
    # Some hold an "fi", which fonts draw as one letter, and all a space that lines don't break at.
    "timeline": "confidence, predicted, true, at threshold 0.30",
    "filmstrip": "when they start",
    "pr": "recall, precision, prevalence, embedded tiny",
    "calibration": "confidence, share, boundaries, embedded tiny",
    "positions": "focus, embedded tiny",
    "ablation": "published, embedded tiny",
    "dots": "lift, moved, embedded tiny",
    "windows": "context, focus, embedded tiny",
    "cost": "seconds, embedded tiny",
    "trust": "away, embedded tiny",
    "loss": "step, loss",
    "attention": "visual, sinks left out, embedded tiny",
    "layers": "layer, embedded tiny",
    "shares": "visual, embedded tiny",
    "heads": "layer, head, embedded tiny",
    "attention_frames": "decision on shot 5, embedded tiny",
    "attribution": "log-odds, visual",
    "attribution_shots": "log-odds, visual",
}

LARGE = {"text": "a title", "fontsize": 1e20, "color": "#000000"}
LONG = {"text": "a title " * 2000, "fontsize": 9, "color": "#000000"}


def _text(path: Path) -> str:
    """All that a reader of PDFs finds on the page."""
    (found,) = PdfReader(path).pages
    return " ".join(found.extract_text().split())


@pytest.mark.filterwarnings("ignore:constrained_layout not applied")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda record: record | {"version": 9}, "expected figure format 1, got 9"),
        (lambda record: record | {"format": "song"}, "written by plot.save"),
        (lambda record: {key: record[key] for key in record if key != "plots"}, "is damaged"),
        (lambda record: record | {"plots": [record["plots"][0] | {"figure": "pie"}]}, "a plot must be one of"),
        (lambda record: record | {"plots": [record["plots"][0] | {"data": {"step": [1]}}]}, "columns step and loss"),
        (lambda record: record | {"kind": "exe"}, "kind must be one of"),
        (lambda record: record | {"size_in": [1e9, 1]}, "sides of up to 100 inches"),
        (lambda record: record | {"plots": [record["plots"][0] | {"titles": ["none"]}]}, "AttributeError"),
        (lambda record: record | {"plots": [record["plots"][0] | {"more": float("inf")}]}, "expected JSON written by"),
        (lambda record: record | {"dpi": True}, "expected 1 to 10,000 dots an inch, got True"),
        (lambda record: record | {"plots": [record["plots"][0] | {"titles": {"left": LARGE}}]}, "points, got 1e+20"),
        (lambda record: record | {"plots": [record["plots"][0] | {"titles": {"left": LONG}}]}, "all that is drawn"),
    ],
)
def test_a_damaged_record_is_one_line(
    change: Callable, said: str, draws: dict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plot.save(draws["loss"](page()), tmp_path / "loss.png")
    path = tmp_path / "loss.figure.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    assert cli.main(["figures", str(tmp_path)]) == 2
    complaint, summary = capsys.readouterr().err.splitlines()
    assert said in complaint
    assert str(path) in complaint
    assert summary == "sceneviz: 1 of 1 figure could not be drawn again; the reasons stand above"


def test_damaged_records_stop_no_other(draws: dict, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b", "c", "d"):
        plot.save(draws["loss"](page()), tmp_path / f"{name}.png")
    (tmp_path / "a.figure.json").write_text("{")
    (tmp_path / "c.figure.json").write_text(
        json.dumps(json.loads((tmp_path / "c.figure.json").read_text()) | {"plots": [{"figure": "pie"}]})
    )
    assert cli.main(["figures", str(tmp_path), "--out", str(tmp_path / "again"), "--format", "pdf"]) == 2
    told = capsys.readouterr()
    assert [Path(line).name for line in told.out.splitlines()] == ["b.pdf", "d.pdf"]
    assert sorted(path.name for path in (tmp_path / "again").glob("*.pdf")) == ["b.pdf", "d.pdf"]
    first, second, summary = told.err.splitlines()
    assert "a.figure.json: expected JSON written by plot.save" in first
    assert "c.figure.json: the saved figure is damaged" in second
    assert summary == "sceneviz: 2 of 4 figures could not be drawn again; the reasons stand above"


def test_where_there_is_nothing_to_draw(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["figures", str(tmp_path)]) == 2
    assert "no saved figure" in capsys.readouterr().err
    assert cli.main(["figures", str(tmp_path / "none")]) == 2
    assert "expected a folder" in capsys.readouterr().err
    assert cli.main(["figures", str(tmp_path), "--dpi", "0"]) == 2
    assert "--dpi must be at least 1" in capsys.readouterr().err
    with pytest.raises(ScenevizError, match="no figure to read"):
        plot.redraw(tmp_path / "none.figure.json")
