"""`browse`: the interactive explorer, a state with its controls and canvases around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sceneviz._text import ScenevizError, counted, plain
from sceneviz.browser.controls import Controls
from sceneviz.browser.looking import Looks, heat, look
from sceneviz.browser.pictures import Pictures
from sceneviz.browser.state import State, WhatIf
from sceneviz.browser.widgets import FilmCanvas, ShotCanvas, packed
from sceneviz.movie import Movie
from sceneviz.plot.style import EMBEDDED_NOTE
from sceneviz.results import AttentionMap, Prediction

if TYPE_CHECKING:
    from sceneviz.models import SceneModel

OPENING = 12  # thumbnails that travel with the explorer, and so with a saved notebook: about what is seen at once
AT_ONCE = 64  # thumbnails in one answer, whatever a page asks for
MOST_LETTERS = 5_000  # of a subtitle or name
CAPTION = 90  # letters of a subtitle that a thumbnail's caption shows


def browse(
    movie: Movie, prediction: Prediction, attention: AttentionMap | None = None, *, model: SceneModel | None = None
) -> Explorer:
    """The interactive explorer of a movie's decisions, for a notebook's last line.

    Pick a shot by a click or the arrow keys: its frames, texts and decision; with attention, where the decision looked.
    The threshold regroups the scenes. With a model, parts of what a decision sees are taken away, or an earlier answer
    is flipped, and the decisions that this reaches are read again.

    attention: of this prediction, by decision (`attend`); with `frames=True` also over the frames.
    model: the one that predicted; it then reads attention where none is given, a window at a time.

    Where no kernel runs, a picture of the same stands in its place. Raises ScenevizError where prediction, attention
    and model do not belong together.
    """
    return Explorer(movie, prediction, attention, model=model)


class Explorer:
    """What `browse` gives back: shown by a notebook, and to be read and moved from code.

    state: what is picked and tried. widget: an ipywidgets box, to be put into other layouts.
    """

    def __init__(
        self, movie: Movie, prediction: Prediction, attention: AttentionMap | None, *, model: SceneModel | None
    ) -> None:
        import ipywidgets

        self.state = State(movie, prediction)
        self.state.pick(self.state.next_end(0))
        self._looks = Looks(movie, prediction, attention, model)
        self._pictures = Pictures(movie, prediction.recipe.frames_per_shot)
        first = max(0, min(self.state.shot - OPENING // 2, len(movie) - OPENING))
        seen = list(range(first, min(first + OPENING, len(movie))))
        about = [
            counted(len(movie), "shot"),
            plain(prediction.model_name),
            *[EMBEDDED_NOTE] * prediction.embedded,
            f"context {prediction.recipe.context}, focus {prediction.recipe.focus}",
        ]
        self.film = FilmCanvas(
            title=plain(movie.name),
            about=" · ".join(about),
            count=len(movie),
            aspect=self._pictures.aspect,
            starts=packed([shot.start_s for shot in movie.shots], "f4"),
            confidence=packed(prediction.confidence, "f4"),
            labels=packed(None if movie.labels is None else movie.labels[0], "i1"),
        )
        self.panel = ShotCanvas(aspect=self._pictures.aspect)
        with self._said():
            self.film.opening = self._pictures.small(seen)
        self.film.opening_first, self.film.opening_captions = first, self._captions(seen)
        self.controls = Controls(self.state, attention=self._looks.any, model=model is not None)
        self.widget = ipywidgets.VBox(
            [self.film, self.controls.look, *([self.controls.try_out] if model is not None else []), self.panel]
        )
        self._model = model
        self._connect()
        self._show_scenes()
        self._show_shot()

    @property
    def shot(self) -> int:
        """The shot that is picked; set it to pick another."""
        return self.state.shot

    @shot.setter
    def shot(self, shot: int) -> None:
        """Pick a shot; raises ScenevizError where there is no such shot."""
        if not 0 <= shot < len(self.state):
            raise ScenevizError(f"no shot {shot}; the movie has shots 0 to {len(self.state) - 1}")
        self._pick(shot)

    @property
    def threshold(self) -> float:
        """The confidence from which a shot ends a scene; set it to regroup the scenes."""
        return self.state.threshold

    @threshold.setter
    def threshold(self, threshold: float) -> None:
        """Regroup the scenes; raises ScenevizError unless it is a share."""
        self._regroup(threshold)

    def what_if(self, *changes: WhatIf) -> None:
        """Try these changes together, and read again what they reach; none of them goes back to the decisions."""
        if self._model is None:
            raise ScenevizError("what_if reads decisions again; open the explorer with browse(..., model=model)")
        self.state.clear()
        for change in changes:
            self.state.toggle(change)
            self.controls.point(change)
        self._read_again(strict=True)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from sceneviz.browser.still import still

        bundle: dict[str, Any] = self.widget._repr_mimebundle_()
        bundle["text/plain"] = repr(self)
        with self._said():
            bundle["image/png"] = still(self.state, self._looks)
        return bundle

    def __repr__(self) -> str:
        return f"Explorer({self.state.movie!r}, {self.state.prediction!r}, shot {self.shot})"

    # From the page

    def _connect(self) -> None:
        for canvas in (self.film, self.panel):
            canvas.observe(lambda change: self._pick(change["new"]), "selected")
            canvas.on_msg(self._answer)
        self.controls.on_threshold(self._regroup)
        self.controls.on_look(self._show_look)
        self.controls.on_heat(lambda shown: setattr(self.panel, "show_heat", shown))
        self.controls.on_change(self._toggle)
        self.controls.on_clear(self._clear)

    def _answer(self, canvas: FilmCanvas | ShotCanvas, content: Any, _: Any) -> None:
        """A page asks for thumbnails. What comes from a page is checked: it may be anything."""
        if not isinstance(content, dict) or content.get("kind") != "thumbs":
            return
        asked = content.get("shots")
        listed = asked if isinstance(asked, list) else []
        shots = [shot for shot in listed if isinstance(shot, int) and 0 <= shot < len(self.state)][:AT_ONCE]
        buffers: list[bytes] = [b""] * len(shots)
        with self._said():
            buffers = self._pictures.small(shots)
        canvas.send({"kind": "thumbs", "shots": shots, "captions": self._captions(shots)}, buffers)

    def _pick(self, shot: int) -> None:
        if self.state.pick(shot) != self.panel.facts.get("shot"):
            self._show_shot()
        self.film.selected = self.panel.selected = self.state.shot  # a page may ask for a shot that there is not

    def _regroup(self, threshold: float) -> None:
        self.state.regroup(threshold)
        self._show_scenes()
        self._show_facts()

    def _toggle(self, change: WhatIf) -> None:
        before = self.state.tried
        try:
            self.state.toggle(change)
            self._read_again(strict=True)
        except ScenevizError as error:
            self.state.tried = before
            self._read_again(strict=False)
            self.panel.status = plain(error, 300)

    def _clear(self) -> None:
        self.state.clear()
        self._read_again(strict=False)

    # To the page

    def _captions(self, shots: Sequence[int]) -> list[str]:
        return [plain(self.state.movie.shots[shot].subtitle, CAPTION) for shot in shots]

    def _show_scenes(self) -> None:
        state = self.state
        self.controls.threshold.value = state.threshold
        with self.film.hold_sync():
            self.film.threshold = state.threshold
            self.film.ends = packed(state.ends, "u1")
            self.film.after = packed(state.after, "f4")
            self.film.ends_after = packed(state.ends_after, "u1")
        *_, count, _, _ = state.scene(0)
        self.controls.scenes.value = counted(count, "scene")

    def _show_shot(self) -> None:
        state, window = self.state, self.state.window
        with self.film.hold_sync(), self.panel.hold_sync():
            self.film.selected = self.panel.selected = state.shot
            self.film.window = []
            if window is not None:
                context, focus = window.context, window.focus
                self.film.window = [context.start, context.stop - 1, focus.start, focus.stop - 1]
            self.panel.status = self.film.status = ""
            pictures: list[bytes] = []
            with self._said():
                pictures = self._pictures.large(state.shot)
            self.panel.pictures = pictures
            self.controls.follow()
            self._show_facts()
            if self._looks.any and state.decided and not self._looks.at_hand(state.shot):
                self.panel.look, self.panel.heat, self.panel.heat_bytes = {}, {}, b""
                self.panel.status = "Reading where the decision looked …"
        self._show_look()

    def _show_facts(self) -> None:
        facts = self.state.facts()
        facts["subtitle"] = facts["subtitle"][:MOST_LETTERS]  # a whole book would choke a message
        facts["names"] = [name[:MOST_LETTERS] for name in facts["names"]]
        self.panel.facts = facts
        self.panel.changes = self.state.changes()

    def _show_look(self) -> None:
        if not self._looks.any:
            return
        one = None
        with self._said():
            one = self._looks.of(self.state.shot)
        with self.panel.hold_sync():
            self.panel.look = {} if one is None else look(one, **self.controls.options())
            self.panel.heat, self.panel.heat_bytes = ({}, b"") if one is None else heat(one)
            if self.panel.status.endswith("…"):
                self.panel.status = ""

    def _read_again(self, *, strict: bool) -> None:
        """Read the decisions that the changes reach, and show what moved."""
        state = self.state
        if state.tried and self._model is not None:
            from sceneviz.intervention import intervene

            self.panel.status = "Reading the decisions again …"
            try:
                state.moved = intervene(state.movie, self._model, state.prediction, actions=tuple(state.actions()))
            except ScenevizError:
                state.moved = None
                if strict:
                    raise
        self.panel.status = ""
        self.controls.follow()
        self._show_scenes()
        self._show_facts()

    @contextmanager
    def _said(self) -> Iterator[None]:
        """What goes wrong while frames or attention are read is said in the page; a callback has no other reader."""
        try:
            yield
        except (ScenevizError, OSError, RuntimeError) as error:
            self.film.status = plain(error, 300)
