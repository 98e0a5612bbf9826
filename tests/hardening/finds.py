"""Files that once broke a parser: the parser, the file's name, its content."""

import json


def attribution(**changes: object) -> bytes:
    """A saved attribution, with these entries in place of its own."""
    names = dict.fromkeys(("movie", "movie_name", "model", "model_name", "settings"), "made up")
    numbers = {
        "shot": 2,
        "value": [0.5],
        "standard_error": [None],
        "log_odds": 1.0,
        "log_odds_off": None,
        "forwards": 3,
    }
    own = {"recipe": {}, "embedded": False, "method": "ablation", "groups": [["visual", "before", 1, 10]]}
    return json.dumps({"format": "sceneviz attribution", "version": 1} | names | numbers | own | changes).encode()


FINDS: list[tuple[str, str, bytes]] = [
    ("shots", "a.txt", b"0 " + b"9" * 400),
    ("card", "sceneviz.json", b'{"recipe": {"a\\nb": 20}}'),
    ("card", "sceneviz.json", b'{"recipe": {"characters": NaN}}'),
    ("shots", "a.csv", b"Scene Number,xStart Frame,Start Timecode,End Frame\n1,1,00:00:00.000,48\n"),
    ("journal", "plan.json", b'{"batch_size": "many"}'),
    ("journal", "plan.json", b"[]"),
    ("journal", "windows_000000.json", b'{"windows": 3}'),
    ("card", "sceneviz.json", b'{"threshold": -1}'),
    ("card", "sceneviz.json", b"[" * 5000),
    ("prediction", "a.json", b'{"format": "sceneviz prediction", "version": 1, "a\\nb": 0, "recipe": {"c\\nd": 1}}'),
    ("attribution", "a.json", attribution(recipe={"a\nb": 1})),
    ("attribution", "a.json", attribution(log_odds_off=float("inf"))),
    ("attribution", "a.json", attribution(standard_error=[float("inf")])),
    ("attribution", "a.json", attribution(embedded=float("nan"))),
    ("attribution", "a.json", attribution(shot="x")),
    ("attribution", "a.json", attribution(groups=[["visual", "before", "1", 2**63]])),
]
