"""The embedded model's warm starts: heads that begin with a use, and reading lessons that a killed run goes on with."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small import RECIPE, random_model

from sceneviz.explanation import story_of
from sceneviz.models import SceneModel
from sceneviz.models.family import family_of
from sceneviz.models.flow import seeing
from sceneviz.prompt import shot_id
from sceneviz.synthetic import render_movie, story
from sceneviz.synthetic.story import REASONS, TIMES
from sceneviz.synthetic.words import TOPICS, words_of
from sceneviz.tiny import reading
from sceneviz.tiny.build import settle_features, start_attention, tiny_config, with_fewer_layers
from sceneviz.tiny.facts import CHANGES, SINCE, Look, changes, said_and_present
from sceneviz.tiny.lessons import WEIGHTS, Heads, losses
from sceneviz.tiny.looks import Layer, looking
from sceneviz.tiny.questions import LOOKERS, Lessons, Reasons
from sceneviz.tiny.reading import warm_up_reading
from sceneviz.tiny.telling import Drawn, Telling
from sceneviz.training import TrainConfig
from sceneviz.training.alignment import alignment_losses, kept_apart, seen_by_each
from sceneviz.training.rationales import ExplainedWindows, Rendered
from sceneviz.training.stores import DirectFrames, FeatureStore
from sceneviz.training.windows import Collator, TrainingWindows, training_loss

SEEDS = range(20_000, 20_002)


def test_changes_are_those_of_the_story() -> None:
    told = story(20_000, pace="quick")
    marks = changes(told)
    assert marks.shape == (len(told.takes), len(CHANGES))
    ends = [scene.last for scene in told.scenes[:-1]]
    assert np.flatnonzero(marks[:, 0]).tolist() == [end + 1 for end in ends]
    for scene, after in zip(told.scenes, told.scenes[1:], strict=False):
        assert marks[after.first, CHANGES.index("topic")] == (scene.topic != after.topic)
        assert marks[after.first, CHANGES.index("time")] == (scene.time != after.time)
    for index, take in enumerate(told.takes[1:], 1):
        before = [name for one in told.takes[max(0, index - 4) : index] for name in one.characters]
        assert marks[index, CHANGES.index("met")] == any(name in before for name in take.characters)
        assert marks[index, CHANGES.index("stranger")] == any(name not in before for name in take.characters)


def test_every_shot_knows_what_changed_when_its_scene_began_if_that_was_seen() -> None:
    told = story(20_000, pace="quick")
    start, since = told.scenes[2].first, [CHANGES.index(name) for name in SINCE]
    whole, seen = changes(told), changes(told, start)
    for scene, after in zip(told.scenes, told.scenes[1:], strict=False):
        reasons = [reason in scene.reasons for reason in REASONS]
        for shot in range(after.first, after.last + 1):
            assert whole[shot, since].tolist() == reasons
            assert seen[shot, since].tolist() == (reasons if after.first > start else [False] * len(REASONS))
    assert not whole[: told.scenes[1].first, since].any()
    np.testing.assert_array_equal(np.delete(seen, since, 1), np.delete(whole, since, 1))


def test_the_same_people_are_the_same_direction() -> None:
    told = story(20_000, pace="quick")
    found = said_and_present(told)
    for take, (_, people) in zip(told.takes, found, strict=True):
        assert float(people.norm()) == pytest.approx(1.0 if take.characters else 0.0, abs=1e-6)
    pairs = [(i, j) for i in range(12) for j in range(i) if told.takes[i].characters and told.takes[j].characters]
    for i, j in pairs:
        alike = float(found[i, 1] @ found[j, 1])
        if set(told.takes[i].characters) == set(told.takes[j].characters):
            assert alike == pytest.approx(1.0, abs=1e-5)
        elif not set(told.takes[i].characters) & set(told.takes[j].characters):
            assert alike < 0.6


def test_lines_are_asked_for_their_topic_and_pictures_for_the_time(tmp_path: Path) -> None:
    model = _fresh()
    lessons = _lessons(model, tmp_path)
    samples = [lessons.windows[number] for number in range(4)]
    batch, asked = lessons.asking(model)(samples)
    names, told = list(TOPICS), [lessons.story(sample) for sample in samples]
    assert told != [story_of(lessons.windows.movies[sample.movie]) for sample in samples]  # told anew
    (rows, columns), topics = asked.lines
    assert len(topics)
    for row in range(len(samples)):
        line = model.tokenizer.decode(batch["ids"][row, columns[rows == row]])
        for number in set(topics[rows == row].tolist()):
            assert words_of(line) & {word for part in TOPICS[names[number]] for word in part}
    (rows, columns), times = asked.pictures
    ends = {(row, column) for row, column in asked.ends.T.tolist() if samples[row].recipe.visual}
    assert {(row, column) for row, column in zip(rows.tolist(), columns.tolist(), strict=True)} == ends
    for row in set(rows.tolist()):
        shown = [told[row].takes[shot].time for shot in samples[row].window.context[1:]]
        assert [TIMES[time] for time in times[rows == row]] == shown


def test_reasons_are_learned_along_with_the_lessons(tmp_path: Path) -> None:
    model = _fresh()
    lessons = _lessons(model, tmp_path)
    windows = ExplainedWindows(lessons.windows, Rendered(lessons.windows.movies, details=()), most=2, plain=0.0)
    batch, asked = lessons.asking(model, explained=True)([windows[0], windows[1]])
    plain = lessons.asking(model)([windows[0].sample, windows[1].sample])
    heads = Heads(192)
    with torch.no_grad():
        behind, without = losses(model, heads, batch, asked), losses(model, heads, *plain)
    assert set(behind) - set(without) == {"reasons"}
    asked_again = {"next", "soon", "number", "look"}  # of the requests, too
    for name in without.keys() - asked_again:  # what stands behind the answers changes nothing before them
        torch.testing.assert_close(behind[name], without[name], rtol=2e-2, atol=2e-2)
    assert set(behind) == set(WEIGHTS) - {"alike", "light"}
    torch.testing.assert_close(
        behind["reasons"], alignment_losses(model, batch)["reasons"], rtol=2e-2, atol=2e-2
    )  # in bfloat16, but for the last


def test_a_request_for_a_reason_is_asked_what_its_decision_is_and_the_reason_looks_there(tmp_path: Path) -> None:
    model = _fresh()
    lessons = _lessons(model, tmp_path)
    windows = ExplainedWindows(lessons.windows, Rendered(lessons.windows.movies, details=()), most=3, plain=0.0)
    items = [windows[0], windows[1]]
    batch, asked = lessons.asking(model, explained=True)(items)
    _, plain = lessons.asking(model)([each.sample for each in items])
    ids, reason = batch["ids"], batch["reason"]
    before = set(map(tuple, plain.decisions.T.tolist()))
    requests = [place for place in map(tuple, asked.decisions.T.tolist()) if place not in before]
    shots = [(row, shot) for row, each in enumerate(items) for shot in each.shots]
    assert len(requests) == len(shots) == len(asked.decisions.T) - len(before)
    assert list(asked.decisions[0]) == sorted(asked.decisions[0])
    foretold = {
        place: marks for place, marks in zip(map(tuple, asked.decisions.T.tolist()), asked.foretold, strict=True)
    }
    for place, (row, shot) in zip(requests, shots, strict=True):
        sample = items[row].sample
        answer = "Yes" if lessons.windows.movies[sample.movie].labels[0, shot] == 1 else "No"
        named = f"Shot {shot_id(shot, sample.first)}: {answer}"
        assert model.tokenizer.decode(ids[row, : place[1] + 2]).endswith(named)
        known = changes(lessons.story(sample), sample.window.context.start)
        np.testing.assert_array_equal(foretold[place], known[shot + 1])
    (rows, columns), at = asked.looks[-1]
    assert {(row, column) for row, column in zip(rows.tolist(), at[:, 0].tolist(), strict=True)} == set(requests)
    assert torch.equal(reason[rows, columns], reason[rows, at[:, 0]])
    layer = Layer(torch.randn(2, 3, ids.shape[1], 8), torch.randn(2, 3, ids.shape[1], 8), 0.3)
    seen = layer.rows(-1, np.stack((rows, columns)), kept_apart(model, batch)["mask"])
    torch.testing.assert_close(seen.sum(1), torch.ones(len(seen)))
    assert torch.equal(seen > 0, seen_by_each(reason)[rows, 0, columns])


def test_heads_are_told_the_end_of_the_shot_that_they_are_to_look_at(tmp_path: Path) -> None:
    model = _fresh()
    lessons = _lessons(model, tmp_path)
    samples = [lessons.windows[number] for number in range(3)]
    layouts = Telling(model, lessons.windows, lessons.store, lessons.story)(samples)["layouts"]
    asked = lessons.questions(layouts, samples)
    for looker, (places, at) in zip(LOOKERS, asked.looks, strict=True):
        assert (looker.start == "reason") == (len(at) == 0)
        for (row, column), columns in zip(places.T.tolist(), at.tolist(), strict=True):
            layout = layouts[row]
            wanted = layout.shot[column] + looker.on
            assert columns[0] == np.flatnonzero(layout.shot[: layout.prompt_length] == wanted)[-1]
            assert set(layout.shot[columns].tolist()) == {wanted}


@pytest.mark.parametrize("layers", [2, 4, 6])
def test_a_reason_is_to_look_at_the_very_token_that_has_named_its_shot(layers: int) -> None:
    request = {"reason_rows": torch.tensor([0, 0]), "reason_columns": torch.tensor([8, 9])}
    explained = SimpleNamespace(shots=(3,))
    reasons = Reasons.of(request | {"reason_asked": torch.tensor([5, 5])}, [explained])
    looks = [reasons.look if each.start == "reason" else Reasons.none().look for each in LOOKERS]

    def far_off(looked_at: int) -> float:
        given = torch.zeros(2, 12).index_fill(1, torch.tensor([looked_at]), 1.0)
        layer = SimpleNamespace(rows=lambda head, places, mask: given)
        return float(looking([layer] * layers, looks, None))

    assert far_off(5) == pytest.approx(0.0, abs=1e-3)
    assert min(far_off(place) for place in range(12) if place != 5) > 5.0


def test_the_vision_tower_learns_along_from_frames_that_are_drawn(tmp_path: Path) -> None:
    model = _fresh()
    lessons = _lessons(model, tmp_path, freeze_vision=False)
    samples = [lessons.windows[number] for number in range(4)]
    batch, asked = lessons.asking(model)(samples)
    seen = [sample for sample in samples if sample.recipe.visual]
    assert len(batch["frames"]) == len(asked.frames) == sum(len(each.window.context) for each in seen) > 0
    read = DirectFrames(lessons.windows.movies, RECIPE)
    frames = Drawn(lessons.windows.movies, RECIPE).window(0, range(2, 5), (2, 0))
    np.testing.assert_array_equal(frames, read.window(0, range(2, 5), (2, 0)))
    model.module.requires_grad_(True)
    found = losses(model, Heads(192), batch, asked)
    assert set(found) == set(WEIGHTS) - {"reasons"}
    for name in ("alike", "light", "answers"):
        model.module.zero_grad()
        found[name].backward(retain_graph=True)
        assert any(float(weight.grad.abs().max()) > 0 for weight in model.module.model.visual.parameters()), name
    place, group, time = asked.frames.T
    told = [lessons.story(each).takes[shot] for each in seen for shot in each.window.context]
    movies = [each.movie for each in seen for _ in each.window.context]
    assert [TIMES[each] for each in time] == [take.time for take in told]
    for i, j in itertools.combinations(range(len(told)), 2):
        there = movies[i] == movies[j] and told[i].place == told[j].place
        assert (place[i] == place[j]) == there
        assert (group[i] == group[j]) == (there and told[i].time == told[j].time)


def test_a_fresh_local_head_looks_nearby_and_the_features_enter_settled() -> None:
    model = _fresh()
    attention = model.module.model.language_model.layers[0].self_attn
    width = attention.head_dim
    bias = attention.q_proj.bias.detach()
    torch.testing.assert_close(bias, attention.k_proj.bias.detach())
    # Turned against each other by the rotary embedding, the two constant vectors match best where nothing is turned.
    pairs = 1_000_000.0 ** -(torch.arange(width // 2) / (width // 2))
    distance = torch.arange(200)[:, None]
    for head, reach in ((0, 3), (1, 20)):
        first, second = bias[head * width : (head + 1) * width].chunk(2)
        score = ((first**2 + second**2) * torch.cos(distance * pairs)).sum(1) / width**0.5
        assert float(score[0]) == pytest.approx(8.0, rel=1e-3)
        assert float(score[reach:].max()) < 0.75 * float(score[0])
    frames = np.random.default_rng(0).integers(0, 256, (40, 56, 84, 3), np.uint8)
    settle_features(model.module, [model.encode(frames)])
    settled = model.encode(frames).flatten(0, 1)
    assert float(settled.mean(0).abs().max()) < 1e-4
    torch.testing.assert_close(settled.std(0), torch.full_like(settled[0], 0.1), rtol=1e-3, atol=0)


def test_a_model_keeps_some_of_its_layers() -> None:
    model = _fresh()
    ids = torch.arange(40)[None]
    with torch.no_grad():
        whole = model.module(input_ids=ids).logits
        torch.testing.assert_close(with_fewer_layers(model, range(4)).module(input_ids=ids).logits, whole)
    small = with_fewer_layers(model, (0, 3))
    assert small.module.config.text_config.num_hidden_layers == 2
    assert model.module.config.text_config.num_hidden_layers == 4
    before, after = (each.module.model.language_model.layers[-1].state_dict() for each in (model, small))
    assert all(torch.equal(weight, after[name]) for name, weight in before.items())


def test_a_killed_reading_ends_where_an_undisturbed_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(out: str) -> dict[str, torch.Tensor]:
        model = _fresh()
        warm_up_reading(model, _lessons(model, tmp_path / "features"), tmp_path / out)
        return {name: weight.clone() for name, weight in model.module.state_dict().items()}

    before = {name: weight.clone() for name, weight in _fresh().module.state_dict().items()}
    whole = read("whole")
    lessons_left = iter([reading.losses, reading.losses, reading.losses])
    with monkeypatch.context() as patched:
        patched.setattr(reading, "losses", lambda *given: next(lessons_left)(*given))
        with pytest.raises(StopIteration):
            read("killed")
    again = read("killed")
    for name, weight in whole.items():
        assert torch.equal(weight, again[name]), name
        assert torch.equal(weight, before[name]) == ("visual" in name), name  # the vision tower stays as it is


def test_the_rows_that_are_judged_are_the_librarys_attention(tmp_path: Path) -> None:
    model = _fresh()
    lessons = _lessons(model, tmp_path)
    samples = [lessons.windows[number] for number in range(2)]
    batch = Collator(model, lessons.windows, lessons.store)(samples)
    shown: list[Layer] = []
    with torch.no_grad(), seeing(model.module, lambda query, key, _, scale: shown.append(Layer(query, key, scale))):
        training_loss(model, batch)
    places = np.array([[0, 0, 1], [40, 7, 55]])
    vision = model.family.vision(batch["features"])
    model.module.set_attn_implementation("eager")
    with torch.no_grad():
        weights = model.module.model(
            input_ids=batch["ids"], position_ids=batch["positions"], output_attentions=True, **vision
        ).attentions
    for layer, seen in enumerate(shown):
        for head in range(3):
            expected = torch.stack([weights[layer][row, head, column] for row, column in places.T.tolist()])
            torch.testing.assert_close(seen.rows(head, places), expected, rtol=0, atol=1e-6)


def _fresh() -> SceneModel:
    tokenizer = random_model().tokenizer
    torch.manual_seed(1)
    family = family_of("qwen2_5_vl")
    config = tiny_config(tokenizer, width=192, layers=4, head=64, vision_width=64, depth=2)
    module = family.build(config).eval()
    start_attention(module)
    return SceneModel(module, tokenizer, family, "fresh", RECIPE)


def _lessons(model: SceneModel, folder: Path, *, freeze_vision: bool = True) -> Lessons:
    config = TrainConfig(
        steps=5, batch_size=2, warmup=1, wide=1.0, single_frame=1.0, freeze_vision=freeze_vision, checkpoint_every=2
    )
    recipe = replace(RECIPE, context=5, focus=4)
    windows = TrainingWindows([render_movie(seed, pace="quick") for seed in SEEDS], recipe, config)
    if not freeze_vision:
        return Lessons(windows)
    store = FeatureStore(model, windows.movies, recipe, first=windows.first, folder=folder)
    stories = [story_of(movie) for movie in windows.movies]
    look = Look([store.whole(number) for number in range(2)], stories, steps=3)
    return Lessons(windows, store, look)
