"""Alignment: reasons behind one prompt count as if each were alone, answers stay, and a killed run goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small import RECIPE, noise_movie, random_model

import sceneviz as sv
from sceneviz._text import ScenevizError
from sceneviz.explanation.asking import request
from sceneviz.models import SceneModel, load_model
from sceneviz.movie import Movie
from sceneviz.prompt import shot_id
from sceneviz.tiny.build import start_attention
from sceneviz.training import Annotated, Rationale, Rendered, TrainConfig, align
from sceneviz.training import alignment as alignment_module
from sceneviz.training.alignment import SETTINGS, Reasoned, alignment_losses
from sceneviz.training.rationales import ExplainedWindows
from sceneviz.training.samples import TrainingWindows
from sceneviz.training.stores import FrameStore
from sceneviz.training.windows import Collator, training_loss

SMALL = replace(RECIPE, context=6, focus=4, frames_per_shot=1)
NEW, SAME = "New scene: the place changes; Ann leaves.", "Same scene: the talk goes on."


def labelled(n_shots: int = 20) -> Movie:
    movie = noise_movie(n_shots)
    return replace(movie, labels=(np.arange(n_shots) % 5 == 4).astype(np.int8))


def annotated(movie: Movie) -> list[Rationale]:
    assert movie.labels is not None
    return [Rationale(movie.name, shot, NEW if movie.labels[0, shot] == 1 else SAME) for shot in range(2, 15)]


def prepared(tmp_path: Path, **config: object) -> tuple[SceneModel, Reasoned, ExplainedWindows]:
    model, movie = random_model(), labelled()
    windows = TrainingWindows([movie], SMALL, TrainConfig(batch_size=3, template_weight=0.1, **config))  # type: ignore[arg-type]
    collator = Collator(model, windows, FrameStore([movie], SMALL, tmp_path))
    explained = ExplainedWindows(windows, Annotated([movie], annotated(movie)), most=3, plain=0.3)
    return model, Reasoned(model, collator), explained


def test_each_reason_counts_as_if_it_were_alone(tmp_path: Path) -> None:
    model, collate, explained = prepared(tmp_path)
    samples = [explained[i] for i in range(6)]
    assert len({len(each.shots) for each in samples}) > 1
    batch = collate(samples)
    with torch.no_grad():
        together = alignment_losses(model, batch)
        plain, _ = training_loss(model, collate.collator([each.sample for each in samples]))
        alone = []
        for each in samples:
            for shot, text in zip(each.shots, each.texts, strict=True):
                one = collate([replace(each, shots=(shot,), texts=(text,))])
                labels = collate.collator.movies[0].labels
                assert labels is not None
                asked = request(model.encoder, shot_id(shot, each.sample.first), bool(labels[0, shot] == 1))
                reason = [*model.encoder.text(text, data=True), model.tokenizer.eos_token_id]
                assert one["ids"][0, -len(reason) :].tolist() == reason
                assert one["ids"][0, -len(reason) - len(asked) : -len(reason)].tolist() == list(asked)
                # The whole as one text that nothing was masked in.
                logits = model.module(
                    input_ids=one["ids"],
                    position_ids=_positions(model, one),
                    use_cache=False,
                    **({} if one["frames"] is None else _vision(model, one)),
                ).logits[0, -len(reason) - 1 : -1]
                alone.append(torch.nn.functional.cross_entropy(logits, torch.tensor(reason), reduction="none"))
    torch.testing.assert_close(together["answers"], plain)
    torch.testing.assert_close(together["reasons"], torch.cat(alone).mean(), atol=1e-4, rtol=1e-4)


def _positions(model: SceneModel, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    ids = batch["ids"]
    return model.family.positions(model.module, ids, torch.ones_like(ids), (2, 3))


def _vision(model: SceneModel, batch: dict[str, torch.Tensor]) -> dict[str, object]:
    return model.family.vision(model.family.encode(model.module, batch["frames"]))


def test_windows_move_to_where_the_reasons_are(tmp_path: Path) -> None:
    _, _, explained = prepared(tmp_path, modality_dropout=0.9)
    samples = [explained[i] for i in range(60)]
    assert samples == [explained[i] for i in range(60)]
    some = [each for each in samples if each.shots]
    assert 25 < len(some) < 60
    for each in some:
        window = each.sample.window
        assert len(set(each.shots)) == len(each.shots) <= 3
        assert all(shot in window.focus and shot + 1 in window.context for shot in each.shots)
        assert all(text == (NEW if shot % 5 == 4 else SAME) for shot, text in zip(each.shots, each.texts, strict=True))
        # What people wrote may speak of anything, so nothing is left out.
        assert each.sample.recipe.visual
        assert each.sample.recipe.subtitles
        assert each.sample.recipe.characters
    assert any(not each.sample.recipe.visual for each in samples if not each.shots)


def test_rendered_reasons_follow_what_a_window_shows(tmp_path: Path) -> None:
    movies = [sv.render_movie(seed, pace="quick") for seed in (20_000, 20_001)]
    config = TrainConfig(modality_dropout=0.5, batch_size=1, steps=80)
    explained = ExplainedWindows(
        TrainingWindows(movies, SMALL, config), Rendered(movies, varied=0.5), most=4, plain=0.0
    )
    silent = 0
    for each in (explained[i] for i in range(80)):
        for text in each.texts:
            words = sv.explanation.parse(text)
            assert words.whole
            abouts = {claim.about for claim in words.claims}
            assert each.sample.recipe.visual or not abouts & {"place", "time"}
            assert each.sample.recipe.subtitles or "topic" not in abouts
            silent += not each.sample.recipe.visual
    assert silent
    with pytest.raises(ScenevizError, match="render_movie"):
        Rendered([labelled()])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Rationale("elsewhere", 4, NEW), "no such movie"),
        (Rationale("noise-20", 19, NEW), "is not in 0 to 18"),
        (Rationale("noise-20", 4, SAME), "says the opposite"),
        (Rationale("noise-20", 3, "It is dark."), "Same"),
    ],
)
def test_a_rationale_that_cannot_be_used_is_named(wrong: Rationale, message: str, tmp_path: Path) -> None:
    with pytest.raises(ScenevizError, match=message):
        align([labelled()], random_model(), [wrong], out=tmp_path)


@pytest.mark.parametrize(("setting", "given"), [("most", 0), ("plain", 1.0), ("weight", 0.0)])
def test_impossible_settings_are_named(setting: str, given: float, tmp_path: Path) -> None:
    with pytest.raises(ScenevizError, match=setting):
        align([labelled()], random_model(), annotated(labelled()), out=tmp_path, **{setting: given})  # type: ignore[arg-type]
    with pytest.raises(ScenevizError, match="rationale"):
        align([labelled()], random_model(), [], out=tmp_path)


def test_a_killed_alignment_ends_where_an_undisturbed_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    movie = labelled()
    config = TrainConfig(steps=5, batch_size=2, warmup=1, checkpoint_every=2, freeze_vision=True)

    def run(out: str) -> dict[str, torch.Tensor]:
        align([movie], random_model(), annotated(movie), config=config, out=tmp_path / out, recipe=SMALL)
        return {name: weight.clone() for name, weight in load_model(str(tmp_path / out)).module.state_dict().items()}

    whole = run("whole")
    left = iter([alignment_losses] * 3)
    with monkeypatch.context() as patched:
        patched.setattr(alignment_module, "alignment_losses", lambda *given: next(left)(*given))
        with pytest.raises(StopIteration):
            run("killed")
    again, before = run("killed"), random_model().module.state_dict()
    for name, weight in whole.items():
        assert torch.equal(weight, again[name]), name
    assert all(torch.equal(whole[name], before[name]) for name in whole if ".visual." in name)
    assert any(not torch.equal(whole[name], before[name]) for name in whole)
    log = [(tmp_path / out / "alignment.jsonl").read_text() for out in ("whole", "killed")]
    assert log[0].count("\n") == 1
    assert '"step": 5' in log[1]


def test_an_alignment_goes_on_only_from_its_own_models(tmp_path: Path) -> None:
    movie = labelled()
    config = TrainConfig(steps=2, batch_size=1, warmup=1, freeze_vision=True)
    align([movie], random_model(), annotated(movie), config=config, out=tmp_path, recipe=SMALL)
    with pytest.raises(ScenevizError, match="another model than this one"):
        align([movie], random_model(spread=1.0), annotated(movie), config=config, out=tmp_path, recipe=SMALL)


def test_with_an_adapter_only_the_adapter_learns(tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    model, movie = random_model(), labelled()
    model.adapter = get_peft_model(model.module, LoraConfig(r=2, target_modules=["q_proj", "v_proj"]))
    model.module = model.adapter.get_base_model()
    before = {name: weight.clone() for name, weight in model.module.state_dict().items()}
    config = TrainConfig(steps=2, batch_size=2, warmup=1)
    align([movie], model, annotated(movie), config=config, out=tmp_path, recipe=SMALL)
    moved = {name for name, weight in model.module.state_dict().items() if not torch.equal(weight, before[name])}
    assert moved
    assert all("lora_" in name for name in moved)
    assert (tmp_path / "adapter_model.safetensors").is_file()


def test_by_default_a_model_gets_an_adapter_and_its_answers_follow_the_weights(tmp_path: Path) -> None:
    model, movie = random_model(), labelled()
    name, before = model.name, model.fingerprint
    config = replace(SETTINGS, steps=2, batch_size=4, at_once=2, workers=0, warmup=0, learning_rate=1e-2)
    align([movie], model, annotated(movie), config=config, out=tmp_path / "why", recipe=SMALL)
    assert model.adapter is not None
    assert (model.name, model.fingerprint != before) == (f"{name} + why", True)
    prediction = sv.predict(movie, model, progress=False)
    assert sv.explain(movie, model, prediction, shot=4, most=3).model == model.fingerprint


def test_what_is_gathered_in_parts_is_what_a_whole_step_learns(tmp_path: Path) -> None:
    movie, plain = labelled(), {"freeze_vision": True, "keep": "frames", "warmup": 0, "modality_dropout": 0.0}
    weights = []
    for at_once in (0, 1):
        # Single windows have as many answers and reasons each, so the mean of the parts is that of the whole.
        config = TrainConfig(steps=1, batch_size=2, at_once=at_once, learning_rate=1e-3, seed=3, **plain)  # type: ignore[arg-type]
        model = random_model(spread=1.0)
        one = [Rationale(movie.name, 9, NEW)]
        align([movie], model, one, config=config, out=tmp_path / str(at_once), recipe=SMALL, plain=0.0, most=1)
        weights.append({name: weight.clone() for name, weight in model.module.state_dict().items()})
    apart = torch.cat([(weight - weights[1][name]).abs().flatten() for name, weight in weights[0].items()])
    # A first step of Adam is as long for a gradient that is hardly there, so a few of those may turn round.
    assert float((apart > 1e-4).float().mean()) < 0.01


@pytest.mark.slow
def test_an_aligned_model_says_what_it_was_taught(tmp_path: Path) -> None:
    movie, model = labelled(), random_model(1.0, spread=1.0)
    config = TrainConfig(
        steps=90, batch_size=4, warmup=10, learning_rate=3e-3, modality_dropout=0.0, freeze_vision=True
    )
    start_attention(model.module)
    ends = [each for each in annotated(movie) if each.text == NEW]
    aligned = align([movie], model, ends, config=config, out=tmp_path, recipe=SMALL, plain=0.1, muon=True)
    prediction = sv.predict(movie, aligned, progress=False)
    for shot in (4, 9):
        explained = sv.explain(movie, aligned, prediction, shot=shot, answer=True)
        assert explained.text == NEW
        assert explained.whole
        assert explained.agrees
