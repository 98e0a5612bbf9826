"""explain: one decision, and the model's own reason for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from sceneviz._text import ScenevizError
from sceneviz.attention import checked, decided_shot, read_windows
from sceneviz.explanation.asking import request
from sceneviz.explanation.result import Explanation
from sceneviz.movie import Movie
from sceneviz.prompt import shot_id
from sceneviz.results import Prediction

if TYPE_CHECKING:
    from sceneviz.models.scene_model import SceneModel
    from sceneviz.models.writing import Written

MOST = 96  # tokens; the longest reasons of rendered movies have under 80


def explain(
    movie: Movie,
    model: SceneModel,
    prediction: Prediction,
    *,
    shot: int,
    answer: bool | None = None,
    most: int = MOST,
) -> Explanation:
    """Why a scene ends, or doesn't, with this shot, in the model's words.

    The decision's window is computed as it was, the answers that the prediction wrote follow, and then the question;
    what the model writes, greedily, is read as claims: does the place change, the time of day, who leaves and comes,
    what the talk is about. It was taught to by `sceneviz.training.align`; a model that wasn't writes what it likes.
    The reason is written after the decision: it need not be what the decision rested on. See `sv.tables.faithfulness`.

    answer: explain this answer instead of the one that was given, which the model is then shown as its own: True where
        a scene ends by a threshold that the greedily written No doesn't know.
    most: tokens after which writing stops.

    Raises ScenevizError where the prediction was made on another movie or by another model, and where there is no
    decision on the shot. The model is left as it was found.
    """
    (found,) = explanations(movie, model, prediction, shots={shot: answer}, most=most)
    return found


def explanations(
    movie: Movie,
    model: SceneModel,
    prediction: Prediction,
    *,
    shots: Sequence[int] | Mapping[int, bool | None],
    most: int = MOST,
) -> Iterator[Explanation]:
    """`explain` for several shots, in ascending order; each window is computed once.

    shots: which ones; or for each, which answer (None: the one given).
    """
    asked = {shot: None for shot in shots} if not isinstance(shots, Mapping) else dict(shots)
    checked(movie, model, prediction)
    for shot in asked:
        decided_shot(prediction, shot)
    if most < 1:
        raise ScenevizError(f"explain: most must be at least 1 token, got {most}")
    return _explanations(movie, model, prediction, asked, most)


def _explanations(
    movie: Movie, model: SceneModel, prediction: Prediction, asked: Mapping[int, bool | None], most: int
) -> Iterator[Explanation]:
    numbers = sorted({int(prediction.window[shot]) for shot in asked})
    for read in read_windows(movie, model, prediction, numbers, size=1):
        focus = read.windows[0].focus
        given = (prediction.decision[list(focus)] == 1).tolist()
        shots = sorted(shot for shot in asked if shot in focus)
        histories, requests = [], []
        for shot in shots:
            wanted = asked[shot]
            place = shot - focus.start
            answer = given[place] if wanted is None else wanted
            histories.append([*given[:place], answer, *given[place + 1 :]])
            requests.append(request(model.encoder, shot_id(shot), answer))
        written = read.prefix.write(histories, requests, [0] * len(shots), most=most)
        for shot, history, said in zip(shots, histories, written, strict=True):
            yield _explanation(model, prediction, shot, history[shot - focus.start], said)


def _explanation(model: SceneModel, prediction: Prediction, shot: int, answer: bool, written: Written) -> Explanation:
    decode = model.tokenizer.decode
    return Explanation(
        **prediction.origin,
        shot=shot,
        answer=answer,
        given=bool(prediction.decision[shot] == 1),
        confidence=float(prediction.confidence[shot]),
        text=str(decode(list(written.ids))),
        tokens=tuple(str(decode([token])) for token in written.ids),
        log_probability=written.log_probability,
        ended=written.ended,
    )
