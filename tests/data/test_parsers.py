"""The parsers of published files: what is written is read, and what is broken is named, in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sceneviz._text import ScenevizError
from sceneviz.data.labels import read_bassl, read_labels, read_scenes, read_starts
from sceneviz.data.listing import NTSC, as_rate, plain_name, read_splits
from sceneviz.data.movienet import read_cast, read_names
from sceneviz.reading.shots import pairs_of_file

SIX = [(100 * shot, 100 * shot + 100) for shot in range(6)]
labels_of = st.lists(st.sampled_from([0, 1, -1]), min_size=1, max_size=40)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file to write over and over."""
    return tmp_path_factory.mktemp("parsers") / "file.txt"


@given(labels=labels_of, missing=st.integers(0, 2), end=st.sampled_from(["\n", "\r\n"]), mark=st.booleans())
def test_labels_are_read_as_they_are_written(labels: list[int], missing: int, end: str, mark: bool, file: Path) -> None:
    kept = labels[: max(0, len(labels) - missing)]
    text = end.join(f"{shot:04d} {label}" for shot, label in enumerate(kept))
    file.write_bytes(("\ufeff" * mark + text).encode())
    found, notices, rows = read_labels(file, len(labels))
    unused = max(1, missing)
    assert found.tolist() == [*labels[: max(0, len(labels) - unused)], *[-2] * min(unused, len(labels))]
    assert rows == len(kept)
    assert bool(notices) == (len(kept) != len(labels) - 1)


@given(n_shots=st.integers(1, 60), data=st.data())
def test_starts_are_the_shots_after_boundaries(n_shots: int, data: st.DataObject, file: Path) -> None:
    starts = sorted(data.draw(st.sets(st.integers(0, n_shots - 1))))
    file.write_text(",".join(map(str, [*starts, n_shots])))
    labels = read_starts(file, n_shots)
    assert (np.flatnonzero(labels == 1) + 1).tolist() == [start for start in starts if start > 0]
    assert labels[-1] == -2
    assert set(labels[:-1].tolist()) <= {0, 1}


@given(
    lengths=st.lists(st.integers(5, 50), min_size=1, max_size=30),
    gap=st.integers(0, 2),
    data=st.data(),
)
def test_scenes_end_with_the_nearest_shot(lengths: list[int], gap: int, data: st.DataObject, file: Path) -> None:
    ends = (np.cumsum(lengths)).tolist()
    pairs = list(zip([0, *ends[:-1]], ends, strict=True))
    last = [*sorted(data.draw(st.sets(st.integers(0, len(lengths) - 1)))), len(lengths) - 1]
    last = sorted(set(last))
    # Half of the shortest shot is as far as an end can lie from its own shot without being nearer to another.
    shift = data.draw(st.lists(st.integers(-2, 2), min_size=len(last), max_size=len(last)))
    marked = [ends[shot] - 1 + moved for shot, moved in zip(last, shift, strict=True)]
    starts = [0, *(end + 1 + gap for end in marked[:-1])]
    if any(start > end for start, end in zip(starts, marked, strict=True)):
        return
    file.write_text("\n".join(f"{start}\t{end}" for start, end in zip(starts, marked, strict=True)))
    labels, _ = read_scenes(file, pairs)
    assert np.flatnonzero(labels == 1).tolist() == last[:-1]


@settings(max_examples=25)
@given(labels=st.dictionaries(st.sampled_from(["tt1", "tt2", "Ünı 3"]), labels_of, max_size=3), data=st.data())
def test_bassl_rows_come_in_any_order(labels: dict[str, list[int]], data: st.DataObject, file: Path) -> None:
    rows = [
        {"video_id": video, "shot_id": f"{shot:04d}", "num_shot": len(own), "boundary_label": label}
        for video, own in labels.items()
        for shot, label in enumerate(own)
    ]
    lines = [json.dumps(row | {"invideo_scene_id": 3}) for row in data.draw(st.permutations(rows))]
    file.write_text("\n".join(lines))
    found = read_bassl(file)
    assert {video: own.tolist() for video, own in found.items()} == {
        video: [*own[:-1], -2] for video, own in labels.items()
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "expected video_id"),
        ("[]", "expected video_id"),
        ('{"video_id": "a", "shot_id": "0000", "num_shot": 2}', "expected video_id"),
        ('{"video_id": 7, "shot_id": "0000", "num_shot": 2, "boundary_label": 0}', "expected video_id"),
        ('{"video_id": "a", "shot_id": "0000", "num_shot": 2, "boundary_label": 2}', "expected video_id"),
        ('{"video_id": "a", "shot_id": "0002", "num_shot": 2, "boundary_label": 0}', "there is no shot 2 among 2"),
        ('{"video_id": "b", "shot_id": "0001", "num_shot": 3, "boundary_label": 0}', "another number of shots above"),
        ('{"video_id": "b", "shot_id": "0000", "num_shot": 2, "boundary_label": 0}', "or this shot already"),
    ],
)
def test_a_malformed_bassl_row_is_named(line: str, message: str, file: Path) -> None:
    first = '{"video_id": "b", "shot_id": "0000", "num_shot": 2, "boundary_label": 1}'
    file.write_text(f"{first}\n{line}\n")
    with pytest.raises(ScenevizError, match=rf"file.txt, line 2: .*{message}"):
        read_bassl(file)


@given(st.text(st.sampled_from("ab./\\: \x00\n~C"), max_size=6))
@example("a.b")
@example("Alien: Covenant")
def test_a_name_never_leads_out_of_its_folder(name: str) -> None:
    try:
        plain_name(name, "split.json")
    except ScenevizError:
        refused = True
    else:
        refused = False
    for kind, root in ((PurePosixPath, "/data"), (PureWindowsPath, "D:\\data")):
        path = kind(root) / f"{name}.mp4"
        assert refused or (path.parent == kind(root) and path.name == f"{name}.mp4")
    assert refused == (
        name == "" or name[0] == "." or (name[1:2] == ":" and name[0].isalpha()) or bool(set(name) & set("/\\\0\n"))
    )


@given(st.fractions(1, 1000, max_denominator=1001))
def test_an_exact_rate_stays(rate: Fraction) -> None:
    assert as_rate(rate) == rate


@pytest.mark.parametrize("rate", NTSC)
@pytest.mark.parametrize("digits", [2, 3, 5])
def test_a_rounded_ntsc_rate_is_the_exact_one(rate: Fraction, digits: int) -> None:
    assert as_rate(round(float(rate), digits)) == as_rate(f"{float(rate):.{digits}f}") == rate


PARSERS: dict[str, tuple[Callable[[Path], object], bytes]] = {
    "labels": (lambda path: read_labels(path, 6), b"0000 0\n0001 1\n0002 -1\n0003 0\n0004 1\n"),
    "shots": (pairs_of_file, b"0 99 25 50 75\n100 199 125 150 175\n200 299 225 250 275\n"),
    "starts": (lambda path: read_starts(path, 6), b"0,2,4,6"),
    "scenes": (lambda path: read_scenes(path, SIX), b"\xef\xbb\xbf0\t197\r\n204\t399\r\n400\t599"),
    "splits": (read_splits, b'{"train": ["tt1", "tt2"], "val": ["tt3"], "test": ["tt4"], "all": []}'),
    "cast": (lambda path: read_cast(path, 6, {}), b'{"cast": [{"shot_idx": 1, "pid": "nm1"}, {"shot_idx": 2}]}'),
    "names": (read_names, b'{"cast": [{"id": "nm1", "name": "Ann", "character": "Bob"}]}'),
    "bassl": (read_bassl, b'{"video_id": "a", "shot_id": "0001", "num_shot": 3, "boundary_label": 1}\n'),
}


PIECES = [
    b"\n",
    b"-",
    b" ",
    b"1",
    b"7",
    b"9" * 30,
    b",",
    b"null",
    b"../x",
    b"1e9",
    b"\xff",
    b"\x00",
    b"NaN",
    b"[",
    b"{}",
]
# Where, in parts of the file; how many bytes go; what comes instead.
change = st.tuples(st.floats(0, 1), st.integers(0, 3), st.sampled_from([b"", *PIECES]))


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=60)
@given(changes=st.lists(change, min_size=1, max_size=4))
def test_a_changed_file_is_read_or_refused_in_one_line(
    name: str, changes: list[tuple[float, int, bytes]], file: Path
) -> None:
    parser, content = PARSERS[name]
    for place, cut, put in changes:
        start = int(place * len(content))
        content = content[:start] + put + content[start + cut :]
    file.write_bytes(content)
    message = f"{file.name}: read"
    try:
        parser(file)
    except ScenevizError as error:
        message = str(error)
    assert file.name in message
    assert "\n" not in message
