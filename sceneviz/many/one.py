"""One movie of many: read, decided, written; what it comes to is a value, also where it fails."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sceneviz._text import ScenevizError, fingerprint, plain, whole, write_whole
from sceneviz.export import NAMES, export
from sceneviz.lock import held
from sceneviz.many.items import Item
from sceneviz.movie import Movie
from sceneviz.prediction import predict
from sceneviz.results import Prediction

if TYPE_CHECKING:
    from sceneviz.models import SceneModel

DONE = "done.json"
RESUME = "resume"
TIMELINE = "timeline.png"


@dataclass(frozen=True)
class Reading:
    """How films that are files of their own are read: as `read_movie`."""

    shots: str = "auto"
    subtitles: str | Literal[False] = "auto"
    subtitle_shift_s: float = 0.0


@dataclass(frozen=True)
class Settings:
    """What is done with every movie: all that a worker must know. As for `load_model`, `predict` and `scenes`."""

    out: str
    reading: Reading = Reading()
    model: str = "tiny"
    adapter: str | None = None
    dtype: str = "auto"
    batch_size: int | str = "auto"
    threshold: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a movie: shots and scenes, or what went wrong; and the warnings on the way, a line each."""

    name: str
    shots: int = 0
    scenes: int = 0
    error: str = ""
    notices: tuple[str, ...] = ()
    found: bool = False  # finished by an earlier run


class Worker:
    """A model on a device, and what it does with a movie."""

    def __init__(self, settings: Settings, device: str, load: Callable[..., SceneModel] | None = None) -> None:
        from sceneviz.models import load_model

        self.settings = settings
        make = load or load_model
        self.model = make(settings.model, adapter=settings.adapter, device=device, dtype=settings.dtype)

    def work(self, item: Item) -> Outcome:
        """Segment a movie, unless that is done already; whatever goes wrong is told in the outcome."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            try:
                outcome = self._work(item)
            except Exception as error:
                outcome = Outcome(item.name, error=told(error))
        notices = dict.fromkeys(plain(each.message, 300) for each in caught if issubclass(each.category, UserWarning))
        return Outcome(**vars(outcome) | {"notices": () if outcome.found else tuple(notices)})

    def _work(self, item: Item) -> Outcome:
        folder = Path(self.settings.out) / item.name
        key = self._key(item)
        with held(folder / RESUME):
            if (before := finished(folder / DONE, item.name, key)) is not None:
                return before
            movie = self._read(item)
            options = {"batch_size": self.settings.batch_size, "resume": folder / RESUME}
            prediction = predict(movie, self.model, progress=False, **options)  # type: ignore[arg-type]
            write_scenes(movie, prediction, folder, self.settings.threshold)
            scenes = len(prediction.scenes(self.settings.threshold))
            outcome = Outcome(item.name, shots=len(movie), scenes=scenes)
            record = {"key": key} | {name: value for name, value in asdict(outcome).items() if name != "notices"}
            write_whole(folder / DONE, json.dumps(record) + "\n")
        return outcome

    def _key(self, item: Item) -> str:
        """What a finished movie depends on, besides where it was computed."""
        chosen = {name: value for name, value in asdict(self.settings).items() if name not in ("out", "batch_size")}
        return fingerprint(chosen, self.model.fingerprint, self.model.threshold, self.model.recipe, item.state)

    def _read(self, item: Item) -> Movie:
        if not item.path:
            return item.movies()[item.name]
        from sceneviz.reading import read_movie

        how = self.settings.reading
        return read_movie(
            item.path,
            shots=how.shots,
            subtitles=how.subtitles,
            subtitle_shift_s=how.subtitle_shift_s,
            progress=False,
        )


def told(error: Exception) -> str:
    """What went wrong, in one line."""
    text = plain(error, 500) or "no message"
    return text if isinstance(error, ScenevizError | OSError) else f"unexpected {type(error).__name__}: {text}"


def write_scenes(movie: Movie, prediction: Prediction, out: Path, threshold: float | None) -> None:
    """Every file that `segment` leaves: tables, chapters, the prediction, and the timeline as a picture."""
    for name in NAMES:
        export(movie, prediction, out / name, threshold=threshold)
    from matplotlib.figure import Figure

    from sceneviz import plot
    from sceneviz.plot.style import PAGE_IN

    # A figure made without pyplot: no window opens, whatever the screen.
    ax = Figure(figsize=(PAGE_IN, 2.4), layout="constrained").subplots()
    plot.save(plot.timeline(movie, prediction, threshold=threshold, ax=ax), out / TIMELINE)


def finished(path: Path, name: str, key: str) -> Outcome | None:
    """What an earlier run left of the same movie under the same settings, None if it did not get to the end."""
    try:
        record: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if record.pop("key") != key:
            return None
        found = Outcome(**record | {"found": True})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    good = found.name == name and whole(found.shots) and whole(found.scenes) and found.error == ""
    return found if good and found.notices == () else None
