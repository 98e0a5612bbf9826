"""A batch of prompts computed once, that answers any number of suffixes.

Prediction, attention, interventions and explanations are all short users of this class.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sceneviz.models.batch import Batch
from sceneviz.models.reading import Answers, Reading, Tail
from sceneviz.prompt import TokenLayout

if TYPE_CHECKING:
    from sceneviz.models.kernel import Watch
    from sceneviz.models.probe import Capture, Probe
    from sceneviz.models.scene_model import SceneModel
    from sceneviz.models.writing import Written


class Prefix:
    """The cached keys and values of a batch of prompts; made by `SceneModel.prefill`, read as often as wanted.

    Reading changes nothing here: each suffix runs over its own view of the cache, also when it fails half way.
    """

    def __init__(self, model: SceneModel, layouts: Sequence[TokenLayout], features: Tensor | None) -> None:
        self.model = model
        self.layouts = tuple(layouts)
        batch = Batch.of(layouts, model.pad)
        self._batch, self._length, self._answers = batch, batch.length, batch.places
        self._mask = batch.mask.to(model.device)
        self._positions = model.family.positions(model.module, batch.ids, batch.mask, batch.grid).to(model.device)
        self._vision = {} if features is None else model.family.vision(features)
        self._layers: list[tuple[Tensor, Tensor]] | None = None
        self._draft: tuple[list[list[bool]], Reading] | None = None

    def _written(self, answers: Answers, rows: Sequence[int]) -> Tensor:
        words = (self.model.encoder.no, self.model.encoder.yes)
        return self._batch.written(answers, rows, words).to(self.model.device)

    def _log_odds(self, logits: Tensor, keep: np.ndarray, decides: Sequence[np.ndarray]) -> Reading:
        """Read Yes and No at each row's own decision places out of logits `(rows, len(keep), vocabulary)`."""
        words = [self.model.encoder.yes, self.model.encoder.no]
        chosen = (logits[..., words].float() - torch.logsumexp(logits.float(), -1, keepdim=True)).double().cpu().numpy()
        at = [np.searchsorted(keep, places) for places in decides]
        return Reading(
            yes=[chosen[i, places, 0] for i, places in enumerate(at)],
            no=[chosen[i, places, 1] for i, places in enumerate(at)],
        )

    @torch.no_grad()
    def fill(self, answers: Answers | None = None) -> Reading | None:
        """Compute the prompts, and in the same forward read these answers where given."""
        decides = [places - 1 for places in self._answers]
        # Without answers only the cache is wanted; the model still insists on a logit.
        keep = np.array([-1]) if answers is None else np.unique(np.concatenate(decides))
        logits, cache = self.whole(answers, keep)
        self._layers = [(layer.keys, layer.values) for layer in cache.layers]
        if answers is None:
            return None
        reading = self._log_odds(logits, keep, decides)
        self._draft = [list(given) for given in answers], reading
        return reading

    def whole(self, answers: Answers | None = None, keep: np.ndarray | None = None) -> tuple[Tensor, Any]:
        """One forward of all prompts with these answers, nothing cached: logits and the cache it leaves.

        keep: places counted from the answer's first token at which logits are wanted; the last by default.
        """
        ids = self._batch.ids[:, : self._length].to(self.model.device)
        if answers is not None:
            ids = self._written(answers, range(len(self.layouts)))
        length = ids.shape[1]
        return self.model.forward(
            ids,
            mask=self._mask[:, :length],
            positions=self._positions[:, :, :length],
            keep=np.array([length - 1]) if keep is None else self._length + keep,
            vision=self._vision,
        )

    @torch.no_grad()
    def read(self, answers: Answers, rows: Sequence[int] | None = None) -> Reading:
        """The decision rows, given written answers; only answer tokens are computed.

        answers: for each prompt, Yes or No for every shot of its focus. rows: which prompts; all by default.
        Up to the first answer that differs from those that the prompts were filled with, what was read then still
        stands, and so do its keys and values: only what comes after is computed.
        """
        if self._draft is None:
            tail = self._together(answers, rows)
            return self._log_odds(self._suffix(tail), tail.keep, tail.decides)
        chosen = list(range(len(self.layouts)) if rows is None else rows)
        draft, before = self._draft
        reading = Reading([before.yes[row].copy() for row in chosen], [before.no[row].copy() for row in chosen])
        changed = self._changed(answers, chosen, draft)
        if changed is not None and len(changed.keep):
            again = self._log_odds(self._suffix(changed), changed.keep, changed.decides)
            for into, said in ((reading.yes, again.yes), (reading.no, again.no)):
                for values, later in zip(into, said, strict=True):
                    values[len(values) - len(later) :] = later
        return reading

    @torch.no_grad()
    def read_alone(self) -> Reading:
        """The decision rows, each answer line alone behind its prompt: no decision sees another's answer."""
        reading = self._unread(range(len(self.layouts)))
        for place, tail in self._lines():
            reading.put(self._log_odds(self._suffix(tail), tail.keep, tail.decides), tail.rows, slice(place, place + 1))
        return reading

    def write(
        self, answers: Answers, requests: Sequence[Sequence[int]], rows: Sequence[int], *, most: int
    ) -> list[Written]:
        """What the model writes, greedily, behind whole answers and a further request, an entry a request.

        answers, rows: for each request, the answers before it, and whose prompt it belongs to; a prompt may have many.
        requests: their tokens. most: tokens after which writing stops.
        """
        from transformers import DynamicCache

        from sceneviz.models.writing import write_on

        tails = [len(self.layouts[row]) - self.layouts[row].prompt_length for row in rows]
        lengths = [tail + len(request) for tail, request in zip(tails, requests, strict=True)]
        written: dict[int, Written] = {}
        for length in sorted(set(lengths)):  # rows of a batch end in the same place
            of = [number for number, each in enumerate(lengths) if each == length]
            chosen = [rows[number] for number in of]
            whole = self._written([answers[number] for number in of], chosen)
            ids = torch.stack(
                [
                    torch.cat((own[self._length : self._length + tails[number]], own.new_tensor(requests[number])))
                    for own, number in zip(whole, of, strict=True)
                ]
            )
            start = self._positions[:, chosen, self._length, None]  # text counts on by one
            found = write_on(
                self.model,
                ids,
                DynamicCache(self._past(chosen)),
                mask=torch.cat((self._mask[chosen][:, : self._length], torch.ones_like(ids)), 1),
                positions=start + torch.arange(length, device=start.device),
                most=most,
            )
            written |= dict(zip(of, found, strict=True))
        return [written[number] for number in range(len(rows))]

    def probe(
        self, answers: Answers | None, probe: Probe, rows: Sequence[int] | None = None
    ) -> tuple[Reading, Capture]:
        """Read as `read` does (as `read_alone` where answers are None), watching and cutting attention on the way.

        The probe's arrays, and the capture's, stand in the order of `rows`. Decision rows are computed in fp32; a
        probe that cuts nothing reads what `read` reads, up to rounding.
        """
        from sceneviz.models.probing import Probing

        chosen = list(range(len(self.layouts)) if rows is None else rows)
        probing = Probing(self.model, [self.layouts[row] for row in chosen], self._length, probe)
        reading = self._unread(chosen)
        if answers is not None:
            tails = [(slice(None), self._together(answers, chosen))]
        else:
            tails = [(slice(place, place + 1), tail) for place, tail in self._lines(chosen)]
        for places, tail in tails:
            among = [chosen.index(row) for row in tail.rows]
            with torch.set_grad_enabled(probe.gradient):
                watch = probing.watch(self._past(tail.rows), among, tail)
                logits = self._suffix(tail, watch)
                probing.keep(watch, among, places, tail, self._differences(logits, tail))
            reading.put(self._log_odds(logits.detach(), tail.keep, tail.decides), among, places)
        return reading, probing.capture()

    def _unread(self, rows: Sequence[int]) -> Reading:
        sizes = [len(self._answers[row]) for row in rows]
        return Reading([np.full(size, np.nan) for size in sizes], [np.full(size, np.nan) for size in sizes])

    def _together(self, answers: Answers, rows: Sequence[int] | None) -> Tail:
        """The whole answer of each prompt."""
        chosen = list(range(len(self.layouts)) if rows is None else rows)
        ids = self._written(answers, chosen)[:, self._length :]
        return Tail(ids, chosen, 0, [self._answers[row] - 1 for row in chosen])

    def _changed(self, answers: Answers, chosen: list[int], draft: list[list[bool]]) -> Tail | None:
        """From the first answer of any row on that differs from the draft, up to the last decision."""
        ids = self._written(answers, chosen)
        places = [self._answers[row] for row in chosen]
        differs = [np.not_equal(given, draft[row]) for row, given in zip(chosen, answers, strict=True)]
        firsts = [int(place[each.argmax()]) for place, each in zip(places, differs, strict=True) if each.any()]
        if not firsts:
            return None
        start, stop = min(firsts), max(int(place[-1]) for place in places)
        decides = [place[place > start] - 1 - start for place in places]
        return Tail(ids[:, self._length + start : self._length + stop], chosen, start, decides, behind=start)

    def _lines(self, rows: Sequence[int] | None = None) -> Iterator[tuple[int, Tail]]:
        """Each line of the answer alone, up to its colon, with its place in the focus."""
        chosen = list(range(len(self.layouts)) if rows is None else rows)
        for place in range(max(len(self._answers[row]) for row in chosen)):
            having = [row for row in chosen if place < len(self._answers[row])]
            # A line runs from behind the previous line's end up to its colon; lines of a batch may differ in length.
            for start, stop in sorted({self._line(row, place) for row in having}):
                same = [row for row in having if self._line(row, place) == (start, stop)]
                ids = self._batch.ids[same][:, self._length + start : self._length + stop]
                yield place, Tail(ids.to(self.model.device), same, start, [np.array([stop - start - 1])] * len(same))

    def _line(self, row: int, place: int) -> tuple[int, int]:
        """Where in the answer a decision's line starts, and where its Yes or No stands."""
        places = self._answers[row]
        return (int(places[place - 1]) + 2 if place else 0), int(places[place])

    def _suffix(self, tail: Tail, watch: Watch | None = None) -> Tensor:
        """Logits `(rows, len(tail.keep), vocabulary)` of answer tokens right behind their prompts."""
        behind, length = self._length + tail.behind, tail.ids.shape[1]
        prompt, start = self._mask[tail.rows][:, :behind], self._length + tail.start
        options: dict[str, Any] = {
            "mask": torch.cat((prompt, self._mask[tail.rows][:, start : start + length]), 1),
            "positions": self._positions[:, tail.rows][:, :, behind : behind + length],
            "keep": tail.keep,
        }
        if watch is None:
            from transformers import DynamicCache

            return self.model.forward(tail.ids, past=DynamicCache(self._past(tail.rows, tail.behind)), **options)[0]
        from sceneviz.models.kernel import borrowed, watching

        with watching(self.model.module, watch):
            return self.model.forward(tail.ids, past=borrowed(watch.past), **options)[0]

    def _differences(self, logits: Tensor, tail: Tail) -> list[Tensor]:
        """The log-odds of Yes at each decision of each row, differentiable."""
        odds = logits[..., self.model.encoder.yes].float() - logits[..., self.model.encoder.no].float()
        return [odds[i, np.searchsorted(tail.keep, places)] for i, places in enumerate(tail.decides)]

    def _past(self, rows: list[int], behind: int = 0) -> list[tuple[Tensor, Tensor]]:
        """Keys and values of these prompts, and of so many tokens behind them, a pair a layer; those of all prompts
        are handed out as they are.
        """
        if self._layers is None:
            self.fill()
        assert self._layers is not None
        span = slice(self._length + behind)
        layers = [(keys[:, :, span], values[:, :, span]) for keys, values in self._layers]
        if rows == list(range(len(self.layouts))):
            return layers
        return [(keys[rows], values[rows]) for keys, values in layers]
