"""Text files of unknown encoding."""

from __future__ import annotations

import codecs
from pathlib import Path

from sceneviz._text import ScenevizError

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# What a text of Western Europe in cp1252 holds beside ASCII. Letters that other code pages need often are left out.
WESTERN = set("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüŒœ¡¿«»‘’“”„–—…°´·€£©®™\xa0\xad")


def read_text(path: Path, what: str) -> str:
    """A text file's content, newlines as `\\n`, by byte-order mark, else as UTF-8, UTF-16, or the likeliest encoding.

    what: what the file is, for the errors, as "subtitles".
    """
    if not path.exists():
        raise ScenevizError(f"no such file for {what}: {path}")
    if path.is_dir():
        raise ScenevizError(f"expected a file for {what}, got a folder: {path}")
    data = path.read_bytes()
    try:
        text = data.decode(_encoding(data))
    except (UnicodeDecodeError, LookupError):
        raise ScenevizError(f"the {what} are in no known text encoding; save them as UTF-8: {path}") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _encoding(data: bytes) -> str:
    """The encoding that the bytes are in, or are likely in."""
    for mark, name in MARKS:
        if data.startswith(mark):
            return name
    # Without a mark, UTF-16 shows by its zero bytes: every such file holds line ends, digits and spaces.
    even, odd = data[::2].count(0), data[1::2].count(0)
    if abs(even - odd) > len(data) / 20:
        return "utf-16-le" if odd > even else "utf-16-be"
    try:
        data.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        from charset_normalizer import from_bytes

    # charset-normalizer takes short German for Japanese and French for Polish, so the commonest is tried first.
    foreign = [letter for letter in data.decode("cp1252", "replace") if letter > "\x7f"]
    if WESTERN.issuperset(foreign) and len(foreign) < len(data) / 10:
        return "cp1252"
    best = from_bytes(data).best()
    return best.encoding if best else ""
