"""The explorer's controls: ipywidgets, and the words they say to the explorer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from sceneviz.browser.state import HOW, PARTS, State, WhatIf
from sceneviz.plot.attention import PER
from sceneviz.plot.style import NAMES

_HOW = {"cut": "hidden", "remove": "left out"}
_SCOPE = {"shot": "of this shot", "window": "of its whole window"}
_ICONS = {"visual": "image", "subtitle": "comment", "character": "users", "shot_id": "hashtag", "answer": "reply"}


class Controls:
    """Threshold and ways of looking (`look`), and what can be tried (`try_out`), for a state.

    attention: is there attention to choose a view of. model: can decisions be read again.
    """

    def __init__(self, state: State, *, attention: bool, model: bool) -> None:
        self._state, self._quiet = state, False
        self.threshold = ipywidgets.FloatSlider(
            state.threshold, min=0.0, max=1.0, step=0.01, readout_format=".2f", description="Threshold",
            tooltip="The confidence from which a shot ends a scene", layout={"width": "310px"},
        )  # fmt: skip
        self.scenes = ipywidgets.Label(layout={"min_width": "76px"})
        self.per = _dropdown("Attention", {words: name for name, words in PER.items()}, "250px")
        self.part = _dropdown("Layers, heads", {NAMES[name]: name for name in NAMES}, "220px")
        self.part.tooltip = "What the map of layers and heads shows attention to"
        self.part.value = "visual" if state.prediction.recipe.visual else "answer"
        self.sinks = _toggle("with sinks", "Leave attention sinks in their groups, not apart")
        self.heat = _toggle("heat on frames", "The attention that fell on each part of a frame")
        self.heat.value = True
        looks = [self.per, self.part, self.sinks, self.heat] if attention else []
        self.look = _row("sv-look", [self.threshold, self.scenes, *looks])

        self.subject = ipywidgets.Label(layout={"min_width": "112px"})
        self.flip = _toggle("flip its answer", "Let the answer written for this shot be the other, and decide on")
        self.flip.icon = "exchange"
        self.parts = {
            part: _toggle(words, f"Take away: {words}", _ICONS[part])
            for part, words in PARTS.items()
            if self._has(part)
        }
        self.scope = _dropdown("", {words: name for name, words in _SCOPE.items()}, "165px")
        self.how = _dropdown("", {words: name for name, words in _HOW.items()}, "98px")
        self.how.tooltip = "hidden: no decision attends to it; left out: the prompt is written without it"
        self.reset = ipywidgets.Button(description="reset", icon="undo", layout={"width": "74px"})
        self.try_out = _row("sv-try", [self.subject, self.flip, *self.parts.values(), self.scope, self.how, self.reset])
        self._change: Callable[[WhatIf], None] = lambda change: None
        if model:
            self.flip.observe(lambda _: self._said(self._flipped()), "value")
            for part, button in self.parts.items():
                button.observe(lambda _, part=part: self._said(self._taken(part)), "value")
            for choice in (self.scope, self.how):
                choice.observe(lambda _: self.follow(), "value")
        self.follow()

    def options(self) -> dict[str, Any]:
        """How attention is looked at, as arguments of `looking.look`."""
        return {"per": self.per.value, "sinks": self.sinks.value, "part": self.part.value}

    def on_threshold(self, act: Callable[[float], None]) -> None:
        """Call when the threshold moves."""
        self.threshold.observe(lambda change: act(change["new"]), "value")

    def on_look(self, act: Callable[[], None]) -> None:
        """Call when attention is to be looked at in another way."""
        for control in (self.per, self.part, self.sinks):
            control.observe(lambda _: act(), "value")

    def on_heat(self, act: Callable[[bool], None]) -> None:
        """Call when heat over the frames is switched."""
        self.heat.observe(lambda change: act(change["new"]), "value")

    def on_change(self, act: Callable[[WhatIf], None]) -> None:
        """Call when something is to be tried, or no longer."""
        self._change = act

    def on_clear(self, act: Callable[[], None]) -> None:
        """Call when all is to be as it was."""
        self.reset.on_click(lambda _: act())

    def point(self, change: WhatIf) -> None:
        """Stand as they would to try this change."""
        if change.kind in HOW:
            self.how.value, self.scope.value = change.kind, change.scope

    def follow(self) -> None:
        """Show what is tried with the shot that is picked."""
        state, self._quiet = self._state, True
        self.subject.value = f"What if, shot {state.shot}:"
        self.flip.disabled = not (state.decided and state.prediction.recipe.sequential)
        self.flip.value = self._flipped() in state.tried
        for part, button in self.parts.items():
            change = self._taken(part)
            button.disabled = change is None
            button.value = change is not None and change in state.tried
        self.reset.disabled = not state.tried
        self._quiet = False

    def _said(self, change: WhatIf | None) -> None:
        if not self._quiet and change is not None:
            self._change(change)

    def _flipped(self) -> WhatIf:
        return WhatIf("flip", self._state.shot)

    def _taken(self, part: str) -> WhatIf | None:
        if part == "answer" and self.how.value == HOW[1]:
            return None
        return WhatIf(self.how.value, self._state.shot, part, self.scope.value)

    def _has(self, part: str) -> bool:
        recipe = self._state.prediction.recipe
        shown = {
            "visual": recipe.visual,
            "subtitle": recipe.subtitles,
            "character": recipe.characters,
            "shot_id": recipe.visual and recipe.shot_ids,
            "answer": recipe.sequential,
        }
        return shown[part]


def _dropdown(description: str, options: dict[str, str], width: str) -> Any:
    return ipywidgets.Dropdown(
        options=list(options.items()), description=description, layout={"width": width},
        style={"description_width": "initial"},
    )  # fmt: skip


def _toggle(words: str, tooltip: str, icon: str = "") -> Any:
    return ipywidgets.ToggleButton(
        description=words, tooltip=tooltip, icon=icon, layout={"width": "auto", "min_width": "56px"}
    )


def _row(name: str, children: list[Any]) -> Any:
    box = ipywidgets.HBox(children, layout={"flex_flow": "row wrap", "align_items": "center", "grid_gap": "2px 4px"})
    box.add_class("sv-controls")
    box.add_class(name)
    return box
