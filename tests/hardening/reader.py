"""Read the files named on stdin, a line each: what came of it is a line of JSON. It runs apart, so that a crash or a
hang of a decoder is seen, and memory can be measured."""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from sceneviz._text import ScenevizError
from sceneviz.reading import read_movie

SIZE = (56, 84)
GOOD = Path(sys.argv[1])  # a film that subtitles are read with


def look(path: Path) -> dict[str, object]:
    """Everything that prediction asks of a film: shots, frames, texts."""
    subtitles = path.suffix in (".srt", ".vtt", ".ass") and not path.name.startswith("renamed")
    if subtitles:
        movie = read_movie(GOOD, shots=[(0, 8), (8, 24)], subtitles=path)
        said = [shot.subtitle for shot in movie.shots]
        assert all("\n" not in text and "\x00" not in text for text in said)
        return {"said": sum(map(bool, said)), "text": " ".join(said)[:80]}
    movie = read_movie(path, shots="pyscenedetect", subtitles=False)
    assert movie.frames is not None
    count = 0
    for frames in movie.frames.read(movie.shots, 3, SIZE):
        assert frames.shape == (3, *SIZE, 3)
        assert frames.dtype == np.uint8
        count += 1
    assert count == len(movie)
    assert all(np.isfinite((shot.start_s, shot.end_s)).all() for shot in movie.shots)
    return {"shots": count, "frames": movie.shots[-1].end}


for line in sys.stdin:
    path = Path(line.rstrip("\n"))
    begin = time.process_time()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = look(path)
        except ScenevizError as error:
            result = {"line": str(error)}
        except Exception as error:
            result = {"trace": f"{type(error).__name__}: {error}"}
    told = [str(each.message) for each in caught if "sceneviz" in each.filename or each.category is UserWarning]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    result |= {"file": path.name, "seconds": time.process_time() - begin, "megabytes": peak, "warnings": told}
    print(json.dumps(result), flush=True)
