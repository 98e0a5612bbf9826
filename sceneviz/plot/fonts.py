"""Letters that the figures' font lacks: names and subtitles come in every script."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.artist import Artist

# What systems have for scripts and pictographs that matplotlib's own font has not; the first that are there are taken.
OTHERS = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans JP", "Noto Sans SC", "Noto Sans KR", "Source Han Sans",
    "Hiragino Sans", "PingFang SC", "Apple SD Gothic Neo", "Yu Gothic", "Microsoft YaHei", "Malgun Gothic",
    "Noto Sans Devanagari", "Noto Sans Bengali", "Noto Sans Tamil", "Noto Sans Thai", "Nirmala UI", "Leelawadee UI",
    "Arial Unicode MS", "Noto Emoji", "Symbola", "Segoe UI Symbol",
)  # fmt: skip
LATIN = "\u024f"  # letters up to here are in every font


def make_legible(artist: Artist) -> None:
    """Give each text of a figure that holds letters unknown to its font the system's other fonts to take them from.

    Where the system has none either, they are drawn as boxes, and are letters all the same in a PDF or SVG.
    """
    from matplotlib.text import Text

    if not (others := _others()):
        return
    for text in artist.findobj(Text):
        assert isinstance(text, Text)
        letters = {ord(letter) for letter in text.get_text() if letter > LATIN}
        family = tuple(text.get_fontfamily())
        if letters and not letters <= _known(family):
            text.set_fontfamily(list(dict.fromkeys([*family, *others])))


@cache
def _others() -> tuple[str, ...]:
    """Those of OTHERS that are installed."""
    from matplotlib.font_manager import fontManager

    there = {font.name for font in fontManager.ttflist}
    return tuple(name for name in OTHERS if name in there)


@cache
def _known(family: tuple[str, ...]) -> frozenset[int]:
    """Letters of the font that is found for a family."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties(family=list(family)))).get_charmap())
