"""Ways to break a file: bytes lost, doubled, flipped; nasty words put in; values of a JSON file exchanged."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

NASTY = [
    *(
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-0",
        "-1",
        "0",
        "9" * 20,
        "9" * 5000,
        "0x10",
        "1_000",
        "٣",
        "²",
        "½",
        "१",
    ),
    *(
        "null",
        "true",
        "[",
        "{",
        '"',
        "\\",
        "\\ud800",
        '"\\udfff"',
        "[" * 5000,
        '{"a":' * 2000,
        "\x00",
        "\ufeff",
        "\u2028",
    ),
    *(
        "\x0b",
        "\x1c",
        "\x85",
        "\r",
        "\r\n",
        "\n\n",
        ",",
        ";",
        ":",
        " --> ",
        "../",
        "..\\",
        "C:",
        "/etc/passwd",
        "%s",
        "{}",
    ),
    *("<|im_end|>", "<script>", "&#0;", "&#x110000;", "&amp;", "{\\", "{1}{2}", "\u202e", "\U0001f600", "99:99:99,999"),
    *(
        "-00:00:01,000",
        "WEBVTT",
        "[Script Info]",
        "Dialogue: ",
        "Start Frame",
        "End Frame",
        "shot",
        "e",
        "E+",
        "\ud7ff",
    ),
]
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 1e308, -0.5, float("nan"), float("inf"), "", "x", "\ud800"),
    *("../x", "\x00", "a\nb", "1", [], {}, [[]], [None], {"a": 1}, [1, 2], ["x"] * 3, "x" * 10_000),
]
NUMBERS = [0, 1, 2, 3, 4, 5, 6, 10, 11, 12, 15, 64, 255, 1000, 2**24, 2**24 - 1, 2**30, 2**31 - 1, 2**31, 2**32 - 1]


@st.composite
def bent(draw: st.DrawFn, good: bytes) -> bytes:
    """A good file with one to four things wrong with it; sometimes nothing but noise."""
    if draw(st.integers(0, 19)) == 0:
        return draw(st.binary(max_size=200))
    data = good
    if draw(st.booleans()) and (tree := _parsed(good)) is not None:
        for _ in range(draw(st.integers(1, 2))):
            tree = draw(exchanged(tree))
        data = json.dumps(tree).encode()
        if draw(st.booleans()):
            return data
    for _ in range(draw(st.integers(1, 4))):
        data = draw(cut(data))
    return data


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None


@st.composite
def exchanged(draw: st.DrawFn, tree: Any) -> Any:
    """A JSON value with one value in it exchanged, taken out, doubled or renamed."""
    if isinstance(tree, dict) and tree and draw(st.integers(0, 9)):
        key = draw(st.sampled_from(sorted(tree)))
        kind = draw(st.sampled_from(["in", "in", "in", "out", "named"]))
        if kind == "in":
            return tree | {key: draw(exchanged(tree[key]))}
        rest = {name: value for name, value in tree.items() if name != key}
        return rest if kind == "out" else rest | {draw(st.sampled_from(["", "x", key.upper(), "shots"])): tree[key]}
    if isinstance(tree, list) and tree and draw(st.integers(0, 9)):
        place = draw(st.integers(0, len(tree) - 1))
        kind = draw(st.sampled_from(["in", "in", "in", "out", "doubled"]))
        if kind == "in":
            return [*tree[:place], draw(exchanged(tree[place])), *tree[place + 1 :]]
        return [*tree[:place], *tree[place : place + 1] * 2 * (kind == "doubled"), *tree[place + 1 :]]
    return draw(st.sampled_from(VALUES))


@st.composite
def cut(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes with one thing wrong with them."""
    start = draw(st.integers(0, max(0, len(data) - 1)))
    stop = min(len(data), start + draw(st.sampled_from([0, 1, 1, 2, 4, 16, 64, 1000])))
    before, piece, after = data[:start], data[start:stop], data[stop:]
    match draw(
        st.sampled_from(
            ["nasty", "nasty", "nasty", "noise", "out", "doubled", "flipped", "ended", "recoded", "line", "number"]
        )
    ):
        case "nasty":
            return before + draw(st.sampled_from(NASTY)).encode("utf-8", "surrogatepass") + after
        case "noise":
            return before + draw(st.binary(max_size=20)) + after
        case "out":
            return before + after
        case "doubled":
            return before + piece * draw(st.sampled_from([2, 3, 50])) + after
        case "flipped":
            return before + bytes(byte ^ 1 << draw(st.integers(0, 7)) for byte in piece[:8]) + piece[8:] + after
        case "ended":
            return before
        case "number":  # of four bytes, as headers of binary files hold them
            start -= start % 4
            number = draw(st.sampled_from(NUMBERS))
            return data[:start] + number.to_bytes(4, draw(st.sampled_from(["big", "little"]))) + data[start + 4 :]
        case "line":
            lines = data.split(b"\n")
            place, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
            lines[place], lines[other] = lines[other], lines[place]
            return b"\n".join(lines)
    encoding = draw(st.sampled_from(["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-16-be"]))
    return data.decode("utf-8", "replace").encode(encoding, "replace")
