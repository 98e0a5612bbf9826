"""One experimental condition (Recipe), and the windows it cuts a movie into: integers only."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sceneviz._text import ScenevizError, plain, whole

MOST_PIXELS = 2**14  # on a side of a frame; no film has more


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a movie is shown to the model. A variant is a changed copy: `replace(recipe, subtitles=False)`.

    context: shots in a window, the focus included (at most 100, so that two-digit shot IDs stay unique).
    focus: how many of them, in the middle, are decided.
    frames_per_shot: keyframes shown of each shot.
    frame_size: (height, width) in pixels at which each frame enters the model, whole visual tokens: multiples of 28 for
        Qwen2.5-VL, of 32 for Qwen3-VL. Frames are resized to exactly this size.
    visual, subtitles, characters: is this modality in the prompt.
    shot_ids: is the shot's two-digit ID drawn on its frames. The ID in the text stays.
    sequential: does a decision see the answers before it in its window; else each is made alone.
    """

    context: int = 20
    focus: int = 10
    frames_per_shot: int = 3
    frame_size: tuple[int, int] = (252, 448)
    visual: bool = True
    shot_ids: bool = True
    subtitles: bool = True
    characters: bool = True
    sequential: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "frame_size", tuple(self.frame_size))
        for name in ("context", "focus", "frames_per_shot"):
            if not whole(getattr(self, name)):
                raise ScenevizError(f"recipe: {name} must be a whole number, got {getattr(self, name)!r}")
        if not 1 <= self.focus <= self.context <= 100:
            raise ScenevizError(
                f"recipe: expected 1 <= focus <= context <= 100, got focus={self.focus}, context={self.context}"
            )
        if not 1 <= self.frames_per_shot <= 16:
            raise ScenevizError(f"recipe: frames_per_shot must be 1 to 16, got {self.frames_per_shot}")
        if len(self.frame_size) != 2 or not all(whole(side) and 1 <= side <= MOST_PIXELS for side in self.frame_size):
            raise ScenevizError(
                f"recipe: frame_size must be (height, width) in whole pixels, up to {MOST_PIXELS}, got "
                f"{plain(self.frame_size)}"
            )
        for name in ("visual", "shot_ids", "subtitles", "characters", "sequential"):
            if not isinstance(getattr(self, name), bool):
                raise ScenevizError(f"recipe: {name} must be True or False, got {getattr(self, name)!r}")
        if not (self.visual or self.subtitles or self.characters):
            raise ScenevizError("recipe: visual, subtitles and characters are all off; leave at least one on")

    def differences(self, other: Recipe) -> str:
        """What another recipe changes, as `focus 10 -> 1, subtitles True -> False`; "" if nothing."""
        pairs = [(f.name, getattr(self, f.name), getattr(other, f.name)) for f in fields(self)]
        return ", ".join(f"{name} {mine} -> {theirs}" for name, mine, theirs in pairs if mine != theirs)


@dataclass(frozen=True, slots=True)
class Window:
    """The shots that one prompt shows (`context`) and those of them that it decides (`focus`)."""

    context: range
    focus: range

    def __post_init__(self) -> None:
        inside = self.context.start <= self.focus.start < self.focus.stop <= self.context.stop
        if not inside or self.context.step != 1 or self.focus.step != 1:
            raise ScenevizError(f"window: the focus {self.focus} must be a run of shots inside {self.context}")


def plan_windows(n_shots: int, recipe: Recipe) -> tuple[Window, ...]:
    """Tile a movie: every shot but the last is in exactly one focus, in order.

    The margin around a focus is even; where it is odd, the extra shot stands after. At the movie's edges the context
    is clipped, never invented. A movie shorter than a window is one window, all of it decided in one go (also where
    the focus is 1). A movie of one shot has no decision, and no window.
    """
    if n_shots < 1:
        raise ScenevizError(f"a movie has at least one shot, got {n_shots}")
    decided = n_shots - 1
    if decided > 0 and n_shots < recipe.context:
        return (Window(range(n_shots), range(decided)),)
    return tuple(window_from(start, n_shots, recipe) for start in range(0, decided, recipe.focus))


def window_from(start: int, n_shots: int, recipe: Recipe, *, after: int = 0) -> Window:
    """The window whose focus begins with this shot, its margin as in `plan_windows`.

    after: how many shots behind the focus are shown at the least, where the movie has them.
    """
    margin = recipe.context - recipe.focus
    before = margin // 2
    stop = min(start + recipe.focus, n_shots - 1)
    shown = range(max(0, start - before), min(n_shots, stop + max(after, margin - before)))
    return Window(shown, range(start, stop))
