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


def explanation(**changes: object) -> bytes:
    """A saved explanation, with these entries in place of its own."""
    names = dict.fromkeys(("movie", "movie_name", "model", "model_name", "text"), "made up")
    answer = {"shot": 2, "answer": True, "given": True, "confidence": 0.5}
    own = {"recipe": {}, "embedded": False, "tokens": ["a"], "log_probability": [-1.0], "ended": False}
    return json.dumps({"format": "sceneviz explanation", "version": 1} | names | answer | own | changes).encode()


def prediction(**changes: object) -> bytes:
    """A saved prediction of two shots, the last shot's fields changed."""
    shot = {"index": 0, "start": 0, "end": 2, "start_s": 0.0, "end_s": 1.0, "subtitle": "", "characters": []}
    last = shot | {"index": 1, "start": 2, "end": 4} | changes
    names = dict.fromkeys(("movie", "movie_name", "model", "model_name"), "made up")
    columns = {"confidence": [0.5, None], "mass": [1.0, None]}
    columns |= {name: [0, -1] for name in ("decision", "window", "position")}
    own = {"recipe": {}, "embedded": False, "threshold": 0.5}
    shots = {"shots": {"fields": list(shot), "rows": [list(shot.values()), list(last.values())]}}
    return json.dumps({"format": "sceneviz prediction", "version": 1} | names | columns | own | shots).encode()


FINDS: list[tuple[str, str, bytes]] = [
    ("shots", "a.txt", b"0 " + b"9" * 400),
    ("rate", "a", b"240001e400001001"),  # hours, for one number
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
    ("prediction", "a.json", prediction().replace(b"1.0", b"1e400", 1)),
    ("attribution", "a.json", attribution(settings="\ud800", movie_name="\udcff")),
    ("explanation", "a.json", explanation(text="\ud800", movie_name="\udcff")),
    *(("prediction", "a.json", prediction(end_s=value)) for value in (float("inf"), 1e300, "x", True)),
    ("prediction", "a.json", prediction(start_s=float("-inf"))),
    *(("prediction", "a.json", prediction(end=value)) for value in (4.5, 10**30)),
    ("prediction", "a.json", prediction(subtitle=None)),
    ("prediction", "a.json", prediction(characters=[3])),
    ("card", "sceneviz.json", b'{"recipe": {"context": 20.5}}'),
    ("card", "sceneviz.json", b'{"recipe": {"focus": true}}'),
    ("card", "sceneviz.json", b'{"recipe": {"frame_size": [1e400, 56]}}'),
    ("explanation", "a.json", explanation(log_probability=[float("-inf")])),
    ("explanation", "a.json", explanation(confidence="x")),
    ("explanation", "a.json", explanation(text=None)),
    ("explanation", "a.json", explanation(tokens=[None])),
    ("explanation", "a.json", explanation(shot=10**30)),
    ("explanation", "a.json", explanation(ended=2, log_probability=[-1.0, -1.0, -1.0])),
    ("done", "done.json", b'{"key": "key", "name": "a film", "shots": 3, "scenes": "x"}'),
    ("done", "done.json", b'{"key": "key", "name": "another", "shots": 3, "scenes": 2}'),
    ("done", "done.json", b"[" * 5000),
    ("looks", "validation.json", b"["),
    ("looks", "validation.json", b'[{"step": "x", "ap": 0.5, "f1": 0.5, "threshold": 0.25}]'),
    ("looks", "validation.json", b'[{"step": 5, "ap": NaN, "f1": 0.5, "threshold": 0.25}]'),
    ("looks", "validation.json", b"{}"),
]
