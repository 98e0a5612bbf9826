"""Drawn frames, and the files written from them."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from sceneviz._text import ScenevizError
from sceneviz.movie import FrameSource, Movie
from sceneviz.synthetic import render_movie, story, write_movie
from sceneviz.synthetic.script import FAMILIES, STYLES
from sceneviz.synthetic.stage import LIGHT, build
from sceneviz.synthetic.story import Place


@pytest.fixture(scope="module")
def movie():
    return render_movie(8_100_002, shots=12)


@pytest.fixture(scope="module")
def written(movie, tmp_path_factory):
    return write_movie(movie, tmp_path_factory.mktemp("film"), size=(90, 160))


def test_frames_have_the_asked_shape(movie):
    assert isinstance(movie.frames, FrameSource)
    blocks = list(movie.frames.read(movie.shots[:3], 3, (56, 84)))
    assert [block.shape for block in blocks] == [(3, 56, 84, 3)] * 3
    assert all(block.dtype == np.uint8 for block in blocks)
    assert next(movie.frames.read(movie.shots, 1)).shape == (1, *movie.frames.size, 3)


def test_frames_do_not_depend_on_the_order_of_reading(movie):
    forward = list(movie.frames.read(movie.shots, 2, (28, 56)))
    again = render_movie(8_100_002, shots=12)
    late = next(again.frames.read(again.shots[7:8], 2, (28, 56)))
    assert np.array_equal(forward[7], late)
    assert again.fingerprint == movie.fingerprint
    assert render_movie(8_100_003, shots=12).fingerprint != movie.fingerprint


def test_a_small_frame_is_the_same_picture(movie):
    small, large = (next(movie.frames.read(movie.shots[:1], 1, size))[0] for size in ((45, 80), (180, 320)))
    shrunk = large.reshape(45, 4, 80, 4, 3).mean((1, 3))
    assert np.abs(shrunk - small).mean() < 12


def test_frames_move_within_a_shot_and_jump_between_shots(movie):
    blocks = np.stack(list(movie.frames.read(movie.shots, 2, (56, 84)))).astype(float)
    within = np.abs(blocks[:, 0] - blocks[:, 1]).mean((1, 2, 3))
    between = np.abs(blocks[1:, 0] - blocks[:-1, 1]).mean((1, 2, 3))
    assert within.min() > 0
    assert between.mean() > 2 * within.mean()


@pytest.mark.parametrize("family", [*FAMILIES, *STYLES[1:]])
def test_every_family_of_places_paints_a_picture_in_every_light(family):
    made = build(Place(family, 0.6, 1))
    day = made.plate("day")[0]
    assert day.std() > 15
    assert all(made.plate(time)[0].mean() < day.mean() for time in LIGHT if time != "day")


def test_another_style_tells_the_same_story_in_other_pictures(movie):
    for style in STYLES[1:]:
        other = render_movie(8_100_002, shots=12, style=style)
        assert other.shots == movie.shots
        assert np.array_equal(other.labels, movie.labels)
        assert other.name == f"rendered-8100002-{style}"
        assert other.fingerprint != movie.fingerprint
        shown = zip(
            movie.frames.read(movie.shots, 1, (56, 84)), other.frames.read(other.shots, 1, (56, 84)), strict=True
        )
        assert np.mean([np.abs(one.astype(float) - two).mean() for one, two in shown]) > 10
    with pytest.raises(ScenevizError, match="style"):
        render_movie(8_100_002, style="oil")


def test_a_frame_outside_its_shot_is_told(movie):
    with pytest.raises(ScenevizError, match="no frame 100000 in shot 0"):
        movie.frames.draw(movie.shots[0], 100_000)


def test_the_file_decodes_to_the_drawn_frames(movie, written):
    import av

    with av.open(str(written)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert container.streams.video[0].average_rate == 24
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(decoded) == movie.shots[-1].end
    for shot, drawn in zip(movie.shots, movie.frames.read(movie.shots, 3, (90, 160)), strict=True):
        film = np.stack([decoded[number] for number in shot.keyframes(3)]).astype(float)
        assert np.abs(film - drawn).mean() < 12


def test_texts_stand_beside_the_film(movie, written):
    import pysubs2

    cues = pysubs2.load(str(written.with_suffix(".srt")))
    talking = [shot for shot in movie.shots if shot.subtitle]
    assert [cue.plaintext for cue in cues] == [shot.subtitle for shot in talking]
    for cue, shot in zip(cues, talking, strict=True):
        assert shot.start_s <= cue.start / 1000 < cue.end / 1000 <= shot.end_s
    cast = json.loads(written.with_suffix(".characters.json").read_text())["shots"]
    assert [tuple(row["characters"]) for row in cast] == [shot.characters for shot in movie.shots]
    rows = [list(map(int, line.split())) for line in written.with_suffix(".shots.txt").read_text().splitlines()]
    assert rows == [[shot.start, shot.end - 1, *shot.keyframes(3)] for shot in movie.shots]
    labels = [int(line.split()[1]) for line in written.with_suffix(".label.txt").read_text().splitlines()]
    assert labels == movie.labels[0, :-1].tolist()


def test_only_rendered_movies_can_be_written(movie, tmp_path):
    with pytest.raises(ScenevizError, match="expected a movie from render_movie"):
        write_movie(Movie("text", movie.shots), tmp_path)
    with pytest.raises(ScenevizError, match="size must be an even"):
        write_movie(movie, tmp_path, size=(91, 160))


def test_a_story_draws_the_places_it_tells_of():
    told = story(8_100_004)
    assert len({place.family for place in told.places}) == len(told.places)


def test_fingerprints_are_the_same_in_another_process() -> None:
    code = "from sceneviz.synthetic import render_movie; print(render_movie(5, shots=6).fingerprint)"
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
