"""Watched attention is the model's own, a cut edge carries nothing, and a probe leaves no trace."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from probes import Case, Shapes, wide_model
from small import BALANCED, RECIPE, noise_movie, random_model

from sceneviz._text import ScenevizError
from sceneviz.models import SceneModel
from sceneviz.models.kernel import SINK_LIFT, sinks
from sceneviz.models.probe import Cut, Probe
from sceneviz.movie import Movie

ALL = [0, 1, 2, 3, 4]


@pytest.fixture(scope="module")
def case(model: SceneModel, movie: Movie) -> Case:
    return Case(model, movie, RECIPE)


@pytest.fixture(scope="module")
def each(either: SceneModel, movie: Movie) -> Case:
    """A case of each family."""
    return Case(either, movie, either.recipe)


def cut(case: Case, window: int, rows: Any, keys: Any, **where: Any) -> Cut:
    """Edges from answer tokens `rows` to tokens `keys`, both given as indices or slices."""
    layout = case.layouts[window]
    row, key = np.zeros(len(layout) - layout.prompt_length, bool), np.zeros(len(layout), bool)
    row[rows], key[keys] = True, True
    return Cut((row,), (key,), **where)


def test_rows_equal_eager_attention_in_a_padded_batch(each: Case) -> None:
    prefix = each.prefix(ALL)
    assert len({layout.prompt_length for layout in each.layouts}) > 1, "else nothing is padded"
    reading, capture = prefix.probe(each.answers, each.every_token(ALL, token_heads=()))
    for window in ALL:
        wanted = each.eager(window)
        assert np.ptp(wanted) > 0.05, "else any rows would do"
        got = capture.mass[window][..., : wanted.shape[-1]]
        np.testing.assert_allclose(got, wanted, atol=1e-5)
        assert not capture.mass[window][..., wanted.shape[-1] :].any()
        assert capture.tokens is not None
        np.testing.assert_allclose(capture.tokens[window], wanted.mean((0, 1)), atol=1e-5)
        np.testing.assert_allclose(capture.mass[window].sum(-1), 1, atol=1e-5)
    for one, other in zip(reading.log_odds, prefix.read(each.answers).log_odds, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_layers_and_prompts_are_chosen(case: Case) -> None:
    prefix = case.prefix(ALL)
    whole = prefix.probe(case.answers, case.every_token(ALL))[1]
    part = prefix.probe([case.answers[3], case.answers[1]], case.every_token([3, 1], layers=(1,)), [3, 1])[1]
    assert part.layers == (1,)
    np.testing.assert_allclose(part.mass[1][0], whole.mass[1][1, ..., : part.mass[1].shape[-1]], atol=1e-5)
    heads = prefix.probe(case.answers, case.every_token(ALL, layers=(0,), token_heads=(2,)))[1]
    assert heads.tokens is not None
    np.testing.assert_allclose(heads.tokens[0], whole.mass[0][0, 2, :, : len(case.layouts[0])], atol=1e-5)


def test_lines_alone_are_watched_too(case: Case) -> None:
    prefix = case.prefix([0, 4])
    reading, capture = prefix.probe(None, case.every_token([0, 4]))
    alone = prefix.read_alone()
    for place in (0, 1):
        np.testing.assert_allclose(reading.log_odds[place], alone.log_odds[place], atol=1e-4)
        np.testing.assert_allclose(capture.mass[place].sum(-1), 1, atol=1e-5)
        layout = case.layouts[(0, 4)[place]]
        for decision, row in enumerate(layout.decision_rows):
            line = layout.answer_places[decision - 1] + 2 if decision else layout.prompt_length
            seen = capture.mass[place][:, :, decision].sum((0, 1))
            assert (seen[line : row + 1] > 0).all()
            assert not seen[layout.prompt_length : line].any()
            assert not seen[row + 1 :].any()
            assert capture.visible[place][decision].sum() == layout.prompt_length + row + 1 - line


def test_a_cut_of_nothing_changes_nothing(case: Case) -> None:
    prefix = case.prefix([1])
    plain = prefix.probe([case.answers[1]], case.every_token([1]))
    nothing = prefix.probe([case.answers[1]], case.every_token([1], cuts=(cut(case, 1, [], slice(0, 9)),)))
    np.testing.assert_allclose(plain[0].log_odds[0], nothing[0].log_odds[0], atol=1e-6)
    np.testing.assert_allclose(plain[1].mass[0], nothing[1].mass[0], atol=1e-6)


def test_cut_tokens_get_exactly_nothing_and_the_rest_is_renormalised(case: Case) -> None:
    layout, prefix = case.layouts[1], case.prefix([1])
    keys = np.flatnonzero(layout.shot == case.windows[1].focus[2])[:40]
    row = layout.decision_rows[4] - layout.prompt_length
    edges = cut(case, 1, [row], keys, layers=(0,), heads=(1, 3))
    plain = prefix.probe([case.answers[1]], case.every_token([1]))[1].mass[0]
    without = prefix.probe([case.answers[1]], case.every_token([1], cuts=(edges,)))[1].mass[0]
    assert not without[0, [1, 3], 4][:, keys].any()
    rest = plain[0, [1, 3], 4].copy()
    rest[:, keys] = 0
    np.testing.assert_allclose(without[0, [1, 3], 4], rest / rest.sum(-1, keepdims=True), atol=1e-5)
    for untouched in ((0, [0, 2], 4), (0, slice(None), [3, 5])):
        np.testing.assert_allclose(without[untouched], plain[untouched], atol=1e-6)


def test_an_answer_that_no_later_row_sees_has_no_effect(case: Case) -> None:
    """From every later row the effect is exactly cut; from decision rows alone some of it leaks."""
    layout, prefix = case.layouts[1], case.prefix([1])
    given = case.answers[1]
    flipped = [answer != (place == 2) for place, answer in enumerate(given)]
    line = np.flatnonzero(layout.shot[layout.prompt_length :] == case.windows[1].focus[2]) + layout.prompt_length
    end = line[-1] + 1 - layout.prompt_length
    later = cut(case, 1, slice(end, None), line)
    decisions = cut(case, 1, layout.decision_rows[3:] - layout.prompt_length, line)

    def effect(*cuts: Cut) -> np.ndarray:
        probe = case.every_token([1], cuts=cuts)
        one, other = (prefix.probe([answers], probe)[0].log_odds[0] for answers in (given, flipped))
        return np.abs(one - other)

    assert effect()[3:].max() > 1e-3
    np.testing.assert_array_equal(effect(later), 0)
    assert effect(decisions)[3:].max() > 0


def test_gradients_match_finite_differences(each: Case) -> None:
    """Scale one group's mass at one decision row by 1 ± a little."""
    prefix, step = each.prefix([1, 3]), 1e-2
    groups = tuple(each.layouts[i].modality.astype(np.int64) for i in (1, 3))
    probe = Probe(groups, 6, gradient=True)
    answers = [each.answers[i] for i in (1, 3)]
    slope = prefix.probe(answers, probe)[1].gradient
    assert slope is not None
    for prompt, layer, head, decision, group in [(0, 0, 1, 3, 2), (0, 1, 2, 0, 0), (1, 1, 3, 4, 5), (1, 0, 0, 2, 3)]:
        odds = []
        for factor in (1 - step, 1 + step):

            def scaled(watch: Any, factor: float = factor) -> Any:
                with torch.no_grad():
                    watch.gates[layer][prompt, head, decision, group] = factor  # noqa: B023
                return watch

            odds.append(_probed(prefix, answers, probe, scaled).log_odds[prompt][decision])
        measured = (odds[1] - odds[0]) / (2 * step)
        np.testing.assert_allclose(slope[prompt][layer, head, decision, group], measured, atol=2e-3, rtol=0.02)


def _probed(prefix: Any, answers: Any, probe: Probe, change: Any) -> Any:
    """A probed reading whose watch is changed before it runs."""
    from sceneviz.models.probing import Probing

    honest = Probing.watch
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Probing, "watch", lambda *given: change(honest(*given)))
        return prefix.probe(answers, probe)[0]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_probe_that_is_interrupted_leaves_no_trace(case: Case, error: type[BaseException]) -> None:
    module = case.model.module
    before = (module.config.to_dict(), module.config.text_config._attn_implementation)
    weights = {name: value.clone() for name, value in module.state_dict().items()}
    prefix = case.prefix([1])
    plain = prefix.read([case.answers[1]])
    layer = module.model.language_model.layers[1]

    def interrupt(*_: Any) -> None:
        raise error("scripted")

    hook = layer.register_forward_pre_hook(interrupt)
    try:
        with pytest.raises(error):
            prefix.probe([case.answers[1]], case.every_token([1]))
    finally:
        hook.remove()
    assert (module.config.to_dict(), module.config.text_config._attn_implementation) == before
    assert all(torch.equal(value, weights[name]) for name, value in module.state_dict().items())
    for again in (prefix, case.prefix([1])):
        reading = again.read([case.answers[1]])
        np.testing.assert_array_equal(reading.yes[0], plain.yes[0])
        np.testing.assert_array_equal(reading.no[0], plain.no[0])


def test_calls_inside_a_probe_are_plain_or_refused(case: Case) -> None:
    """From inside a forward, and from another thread: a plain reading stays exact, a second probe says no."""
    prefix, module = case.prefix([1]), case.model.module
    plain = prefix.read([case.answers[1]])
    probe = case.every_token([1])
    wanted = prefix.probe([case.answers[1]], probe)
    seen: list[Any] = []

    def inside(*_: Any) -> None:
        hook.remove()
        seen.append(prefix.read([case.answers[1]]))
        with pytest.raises(ScenevizError, match="probed already") as caught:
            prefix.probe([case.answers[1]], probe)
        seen.append(str(caught.value))
        thread = threading.Thread(target=lambda: seen.append(prefix.read([case.answers[1]])))
        thread.start()
        thread.join()

    hook = module.model.language_model.layers[1].register_forward_pre_hook(inside)
    got = prefix.probe([case.answers[1]], probe)
    np.testing.assert_array_equal(got[1].mass[0], wanted[1].mass[0])
    assert "\n" not in seen[1]
    for reading in (seen[0], seen[2]):
        np.testing.assert_allclose(reading.log_odds[0], plain.log_odds[0], atol=1e-5)


def test_what_is_not_there_is_named(case: Case) -> None:
    prefix = case.prefix([1])
    for options, said in (
        ({"layers": (2,)}, "no layer 2; there are layers 0 to 1"),
        ({"token_heads": (4,)}, "no head 4; there are heads 0 to 3"),
        ({"cuts": (cut(case, 1, [0], [0], heads=(9,)),)}, "no head 9"),
        ({"cuts": (cut(case, 1, slice(None), slice(None)),)}, "nothing to attend to"),
    ):
        with pytest.raises(ScenevizError, match=said):
            prefix.probe([case.answers[1]], case.every_token([1], **options))


def test_adapters_and_flash_names_do_not_matter(each: Case) -> None:
    from peft import LoraConfig, get_peft_model

    kind = each.model.module.config.model_type
    base = random_model(1.0, BALANCED[kind], family=kind)
    lora = LoraConfig(r=4, target_modules=["q_proj", "k_proj", "v_proj"], init_lora_weights=False)
    base.module = get_peft_model(base.module, lora).get_base_model().eval()
    adapted = Case(base, each.movie, each.recipe)
    prefix = adapted.prefix([1])
    got = prefix.probe([each.answers[1]], adapted.every_token([1]))[1].mass[0]
    np.testing.assert_allclose(got, adapted.eager(1), atol=1e-5)
    assert np.abs(got - each.eager(1)).max() > 1e-4
    base.module.config.text_config._attn_implementation = "flash_attention_2"
    named = prefix.probe([each.answers[1]], adapted.every_token([1]))[1].mass[0]
    np.testing.assert_array_equal(named, got)
    assert base.module.config.text_config._attn_implementation == "flash_attention_2"


def test_a_sink_is_what_every_decision_attends_to() -> None:
    attention = torch.full((1, 2, 3, 100), 0.001)
    visible, real = torch.full((1, 3), 100), torch.ones(1, 3, dtype=torch.bool)
    attention[0, :, :, 5] = SINK_LIFT / 100 + 0.01
    attention[0, 0, :, 7], attention[0, 1, :, 7] = 0.0, 2 * SINK_LIFT / 100 + 0.01
    attention[0, :, 1, 9] = 0.9
    attention[0, :, :, 11] = SINK_LIFT / 100 - 0.01
    assert sinks(attention, visible, real).nonzero()[:, 1].tolist() == [5, 7]
    real[0, [0, 2]] = False
    assert sinks(attention, visible, real).nonzero()[:, 1].tolist() == [5, 7, 9]


@pytest.mark.slow
def test_rows_equal_eager_attention_at_the_shapes_of_7b() -> None:
    """28 query heads on 4 key-value heads, two windows together, one of them padded."""
    recipe = replace(RECIPE, context=8, focus=4, frames_per_shot=1)
    wide = Case(wide_model(), noise_movie(11), recipe)
    prefix = wide.prefix([0, 1])
    assert wide.layouts[0].prompt_length != wide.layouts[1].prompt_length
    answers = wide.answers[:2]
    reading, capture = prefix.probe(answers, wide.every_token([0, 1]))
    for window in (0, 1):
        wanted = wide.eager(window)
        assert wanted.shape[:3] == (2, 28, 4)
        assert np.ptp(wanted) > 0.05, "else any rows would do"
        np.testing.assert_allclose(capture.mass[window][..., : wanted.shape[-1]], wanted, atol=1e-5)
        np.testing.assert_allclose(reading.log_odds[window], prefix.read(answers).log_odds[window], atol=1e-4)


def test_no_tensor_holds_a_value_for_every_pair_of_tokens(case: Case) -> None:
    prefix = case.prefix([1, 3])
    length = prefix._length
    probe = Probe(tuple(case.layouts[i].modality.astype(np.int64) for i in (1, 3)), 6, token_heads=())
    with Shapes() as shapes:
        prefix.probe([case.answers[1], case.answers[3]], probe)
    assert not shapes.square(length)
    # Nothing is larger than the mask of the 70 answer tokens; ten rows of two query heads are explicit at a time.
    wide = [shape for shape in shapes.seen if len(shape) == 4 and shape[-1] == length + 70]
    assert (2, 2, 10, length + 70) in wide
    assert max(np.prod(shape[1:3]) for shape in wide) == 70
