"""The published numbers of Scene-VLM (CVPR 2026, arXiv 2512.21778), each with its source, and ours beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sceneviz._text import ScenevizError, choice

if TYPE_CHECKING:
    import pandas as pd

OURS = "Scene-VLM 7B"
MOVIENET = "MovieNet-318 test"
CERTAINTY = {
    "S": "stated in the summary that the project was founded on",
    "D": "from a third-party digest of the paper, less certain",
}
_SIZE_NOTE = '"1.5B" is as the paper prints it; Qwen2.5-VL has no such size'


class Number(NamedTuple):
    """One published number. unit: "%" where it is a share of 100, else what it counts; "" for a bare one."""

    table: str
    configuration: str
    metric: str
    value: float
    source: str
    model: str = OURS
    data: str = MOVIENET
    unit: str = "%"
    note: str = ""


def _pair(table: str, configuration: str, f1: float, ap: float | None, source: str, **more: str) -> list[Number]:
    """F1 and, where there is one, AP of one configuration."""
    both = {"F1": f1, "AP": ap}
    return [Number(table, configuration, name, x, source, **more) for name, x in both.items() if x is not None]


def _numbers() -> list[Number]:
    rows = [
        number
        for name, f1, ap, source in (
            ("BaSSL", 47.0, 57.4, "S"),
            ("TranS4mer", 48.4, 60.8, "S"),
            ("MEGA", 55.3, 58.6, "S"),
            ("Chapter-LLaMA", 38.6, 41.5, "S"),
            ("Scene-VLM", 62.1, 66.8, "S"),
            ("Qwen2.5-VL-7B zero-shot", 11.1, None, "D"),
            ("Claude 4.5 Sonnet zero-shot", 37.6, None, "D"),
        )
        for number in _pair("methods", name, f1, ap, source, model=OURS if name == "Scene-VLM" else name)
    ]
    for table, source, cells in (
        ("modalities", "S", {"full": (62.1, 66.8), "no visual": (32.0, 34.7), "no shot-ID": (60.8, 64.1)}),
        ("modalities", "S", {"no subtitles": (61.1, 62.2)}),
        ("modalities", "D", {"no characters": (61.3, 62.0)}),
        ("modalities", "S", {"visual only": (58.6, 61.4)}),
        ("modalities", "D", {"subtitles only": (31.5, 33.2), "characters only": (24.8, 28.6)}),
        ("windows", "S", {"20 / 10": (62.1, None)}),
        ("windows", "D", {"20 / 5": (61.9, None)}),
        ("windows", "S", {"20 / 1": (60.1, None)}),
        ("windows", "D", {"10 / 10": (58.4, None)}),
        ("windows", "S", {"5 / 5": (55.8, None)}),
        ("frames", "D", {"1 a shot": (61.8, 65.3), "2 a shot": (61.9, 65.2), "3 a shot": (62.1, 66.8)}),
    ):
        for name, (f1, ap) in cells.items():
            note = "point-wise" if name == "20 / 1" else ""
            rows += _pair(table, name, f1, ap, source, note=note)
    for name, f1, ap in (("1.5B", 55.9, 58.7), ("3B", 59.6, 62.8), ("7B", 62.1, 66.8)):
        note = _SIZE_NOTE if name == "1.5B" else ""
        rows += _pair("size", name, f1, ap, "S", model=f"Scene-VLM {name}", note=note)
    for name, ap, source in (
        ("Scene-VLM", 45.8, "S"),
        ("TranS4mer", 43.6, "S"),
        ("TimeSformer", 42.2, "D"),
        ("BaSSL", 40.0, "D"),
    ):
        model = OURS if name == "Scene-VLM" else name
        rows.append(Number("bbc", name, "AP", ap, source, model, "BBC Planet Earth", note="zero-shot"))
    for name, seconds, f1, ap in (
        ("full list", 87.2, 62.1, None),
        ("boundaries only", 10.5, 53.4, None),
        ("repeated sampling", 105.2, 52.6, 34.7),
    ):
        rows += [Number("scheme", name, "time", seconds, "D", unit="s a movie"), *_pair("scheme", name, f1, ap, "D")]
    note = "these P and R give F1 .638, where the main table has 62.1"
    for name, metric, value, extra in (
        ("best", "F1", 0.641, ""),
        ("best", "threshold", 0.438, ""),
        ("near .321", "precision", 0.60, ""),
        ("near .321", "recall", 0.69, ""),
        ("near .50", "precision", 0.71, note),
        ("near .50", "recall", 0.58, note),
    ):
        rows.append(Number("threshold", name, metric, value, "D", unit="", note=extra))
    for name, unparsable, wrong in (("before tuning", 22, 14), ("after tuning", 0, 0)):
        for metric, value in (("unparsable", unparsable), ("with hallucinations", wrong)):
            rows.append(Number("explanations", name, metric, value, "D", unit="of 30 transitions"))
    for name, metric, value, unit in (
        ("Scene-VLM", "memory", 18, "GB"),
        ("Scene-VLM", "time for 10 shots", 2.34, "s"),
        ("TranS4mer", "parameters", 37, "million"),
        ("TranS4mer", "memory", 1, "GB"),
        ("TranS4mer", "time for 10 shots", 0.24, "s"),
    ):
        rows.append(Number("cost", name, metric, value, "D", OURS if name == "Scene-VLM" else name, unit=unit))
    for name, f1, tiou in (
        ("Scene-VLM", 32.2, 63.9),
        ("Chapter-LLaMA, same backbone", 28.4, 59.5),
        ("Chapter-LLaMA, the original", 42.6, 70.6),
    ):
        model = OURS if name == "Scene-VLM" else name
        for metric, value in (("chapter F1", f1), ("chapter tIoU", tiou)):
            rows.append(Number("chaptering", name, metric, value, "D", model, "VidChapters subset"))
    for name, metric, value, source, unit in (
        ("prompt", "frames a shot", 3, "S", "frames"),
        ("window", "context", 20, "S", "shots"),
        ("window", "focus", 10, "S", "shots"),
        ("training", "movies", 190, "S", "movies"),
        ("training", "windows, about", 29_000, "D", "windows"),
        ("training", "LoRA rank", 8, "D", ""),
        ("training", "LoRA alpha", 16, "D", ""),
        ("training", "epochs", 4, "D", "epochs"),
        ("training", "GPUs", 8, "D", "GPUs"),
        ("training", "memory of a GPU", 40, "D", "GB"),
        ("training", "time, at least", 2, "D", "h"),
        ("training", "time, at most", 4, "D", "h"),
        ("explanations", "annotated rationales", 35, "D", "rationales"),
    ):
        data = "MovieNet-318 train" if name == "training" else MOVIENET
        rows.append(Number("setup", name, metric, value, source, data=data, unit=unit))
    return rows


def paper_table(table: str | None = None) -> pd.DataFrame:
    """Every published number that is known, or those of one table, a row each.

    table: "methods", "modalities", "windows" (context / focus), "frames" (a shot), "size", "bbc", "scheme",
        "threshold", "explanations", "cost", "chaptering" or "setup"; None for all.

    Columns: table, configuration, metric, value, unit, model, data, variant (what the paper leaves open about the
    metric), source ("S": stated in the summary that the project was founded on; "D": from a third-party digest),
    certainty, note.
    """
    import pandas as pd

    numbers = _numbers()
    if table is not None:
        choice(table, dict.fromkeys(number.table for number in numbers), "paper: table")
    rows = [
        {**number._asdict(), "variant": _variant(number), "certainty": CERTAINTY[number.source]}
        for number in numbers
        if table in (None, number.table)
    ]
    columns = "table configuration metric value unit model data variant source certainty note".split()
    return pd.DataFrame(rows)[columns]


def beside_paper(
    ours: pd.DataFrame,
    *,
    data: str,
    table: str = "modalities",
    configuration: str | None = None,
    pooling: str = "micro",
    f1: str = "F1@.5",
) -> pd.DataFrame:
    """Published numbers of one table with ours beside them, and what differs between the two in the same row.

    ours: a table of `score` or of `ablate` (its `condition` says which row of the paper it belongs to).
    data: what ours was measured on, in words: "20 rendered movies"; "MovieNet-318 test" where it is just that.
    table: of the paper, as in `paper_table`.
    configuration: the row of the paper that a table of `score` belongs to; where there are conditions, leave it out.
    pooling: which of ours stands beside theirs, which do not say; f1: likewise which F1, by its name in ours.

    A row a published F1 or AP (chapter F1 or tIoU for "chaptering"), in percent on both sides. Columns: configuration,
    metric, paper, ours, low, high, same_data (were both measured on the same movies), paper_model, our_model,
    paper_data, our_data, paper_metric, our_metric, paper_prevalence (NaN: not published), our_prevalence, source,
    certainty, note. Ours is NaN where there is none. There is no column of differences: what differs is the model and
    the data.
    """
    import numpy as np
    import pandas as pd

    theirs = paper_table(table)
    theirs = theirs[theirs["unit"] == "%"]
    if theirs.empty:
        raise ScenevizError(f"beside_paper: the paper's table {table!r} holds no scores to set ours beside")
    mine = _ours(ours, dict.fromkeys(theirs["configuration"]), table, configuration, pooling)
    rows: list[dict[str, Any]] = []
    for _, published in theirs.iterrows():
        measure = f1 if published["metric"] == "F1" else published["metric"]
        found = mine.get((published["configuration"], measure), {})
        rows.append(
            {
                "configuration": published["configuration"],
                "metric": published["metric"],
                "paper": published["value"],
                "ours": 100 * found.get("value", np.nan),
                "low": 100 * found.get("low", np.nan),
                "high": 100 * found.get("high", np.nan),
                "same_data": published["data"] == data,
                "paper_model": published["model"],
                "our_model": found.get("model", ""),
                "paper_data": published["data"],
                "our_data": data,
                "paper_metric": f"{published['metric']}, {published['variant']}",
                "our_metric": f"{measure}, {found['preset']}, {found['pooling']}" if found else "",
                "paper_prevalence": np.nan,
                "our_prevalence": found.get("prevalence", np.nan),
                **{name: published[name] for name in ("source", "certainty", "note")},
            }
        )
    return pd.DataFrame(rows)


def _ours(
    ours: pd.DataFrame, known: dict[str, None], table: str, configuration: str | None, pooling: str
) -> dict[tuple[str, str], dict[str, Any]]:
    """Our rows by configuration and measure."""
    choice(pooling, ("micro", "macro"), "beside_paper: pooling")
    needed = {"pooling", "measure", "value", "model", "preset", "prevalence"} - set(ours.columns)
    if needed:
        raise ScenevizError(f"beside_paper: expected a table of score or ablate, it lacks {', '.join(sorted(needed))}")
    if "condition" not in ours.columns:
        name = "full" if configuration is None and table == "modalities" else configuration
        ours = ours.assign(condition=choice(str(name), known, f"beside_paper: configuration of the table {table!r}"))
    elif not set(ours["condition"]) & set(known):
        choice(str(ours["condition"].iloc[0]), known, f"beside_paper: a condition of the table {table!r}")
    # A scene measure has no micro value.
    chosen = ours[(ours["pooling"] == pooling) | ((ours["pooling"] == "macro") & (table == "chaptering"))]
    return {(row["condition"], row["measure"]): dict(row) for _, row in chosen.iterrows()}


def _variant(number: Number) -> str:
    """What the paper does not say about a metric."""
    return {"AP": "pooling not stated", "F1": "pooling and threshold not stated"}.get(number.metric, "")
