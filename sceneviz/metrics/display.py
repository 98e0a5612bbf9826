"""A table of scores as it prints: micro and macro side by side, with intervals, prevalence and the preset's name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from sceneviz._text import counted, escape, plain
from sceneviz.metrics.presets import MACRO, MICRO


class Scores(pd.DataFrame):  # type: ignore[misc]
    """The tidy table of `score`. It is a DataFrame like any other, and what is taken from it is a plain one.

    Only when all of it is printed, it shows a row a measure instead of hundreds, in `summary`.
    """

    @property
    def _constructor(self) -> Any:
        return pd.DataFrame

    def summary(self) -> pd.DataFrame:
        """A row a measure; its micro and macro value with their intervals, as text, published ones with a star."""
        whole = self[self["pooling"] != "movie"]
        cells = {
            pooling: {row.measure: _cell(row) for row in rows.itertuples()}
            for pooling, rows in whole.groupby("pooling", sort=False)
        }
        return pd.DataFrame(
            {
                pooling: [cells.get(pooling, {}).get(name, "") for name in whole["measure"].unique()]
                for pooling in (MICRO, MACRO)
            },
            index=pd.Index(whole["measure"].unique(), name="measure"),
        )

    def notes(self) -> list[str]:
        """What must be known to read the summary, a sentence each."""
        whole = self[self["pooling"] != "movie"]
        first = whole.iloc[0]
        about = (
            f"{plain(first['model'])}, preset {first['preset']}, annotators: {first['annotators']}; "
            f"{counted(int(whole['movies'].max()), 'movie')}, {first['shots']:,.0f} shots scored, "
            f"{first['boundaries']:,.0f} boundaries, prevalence {first['prevalence']:.3f} (the AP of a random score)."
        )
        found = [about, "* is what the preset's publications print."]
        if whole["low"].notna().any():
            found.append("Brackets hold 95 % intervals over movies.")
        if "F1@val" not in set(whole["measure"]):
            found.append("F1@val is left out: neither validation movies nor a threshold were given.")
        fewer = whole[whole["movies"] < whole["movies"].max()]
        if len(fewer):
            left = ", ".join(f"{row.measure} over {row.movies}" for row in fewer.itertuples())
            found.append(f"Means over fewer movies, since the others have no value: {left}.")
        return [*found, f"All {len(self)} rows are in the table; each movie's have pooling 'movie'."]

    def __repr__(self) -> str:
        if not self._is_whole():
            return str(super().__repr__())
        return "\n".join([self.summary().to_string(), *self.notes()])

    def _repr_html_(self) -> str | None:
        if not self._is_whole():
            html: str | None = super()._repr_html_()
            return html
        notes = "<br>".join(escape(note) for note in self.notes())
        return f"{self.summary().to_html()}<small>{notes}</small>"

    def _is_whole(self) -> bool:
        """Is it still what `score` made (in-place changes may have taken columns)."""
        return {"pooling", "measure", "published", "prevalence"} <= set(self.columns) and len(self) > 0


def _cell(row: Any) -> str:
    """A value with its interval."""
    value = "-" if np.isnan(row.value) else f"{row.value:.3f}"
    inside = "" if np.isnan(row.low) else f" [{row.low:.3f}, {row.high:.3f}]"
    level = f" at {row.threshold:.2f}" if row.measure in ("F1@val", "F1@oracle") and not np.isnan(row.threshold) else ""
    return f"{value}{'*' if row.published else ''}{inside}{level}"
