"""Stories without pixels: chance, labels and reasons."""

import numpy as np
import pytest

from sceneviz._text import ScenevizError
from sceneviz.synthetic import REASONS, filmed, reasons, render_movie, retold, story
from sceneviz.synthetic.words import NAMES, TOPICS, words_of

SEEDS = range(8_100_000, 8_100_060)


@pytest.fixture(scope="module")
def stories():
    return [story(seed) for seed in SEEDS]


def test_equal_seeds_tell_equal_stories():
    assert story(5) == story(5)
    assert story(5) != story(6)


def test_scenes_tile_the_movie_and_takes_follow_them(stories):
    for told in stories:
        assert [scene.first for scene in told.scenes] == [0, *(scene.last + 1 for scene in told.scenes[:-1])]
        assert told.scenes[-1].last == len(told.takes) - 1
        for number, scene in enumerate(told.scenes):
            for take in told.takes[scene.first : scene.last + 1]:
                assert take.scene == number
                assert take.time == scene.time
                assert take.place in {scene.place, scene.parallel}
                assert set(take.characters) <= set(scene.characters)
                assert take.partner not in take.characters


def test_a_boundary_changes_what_its_reasons_say_and_nothing_else(stories):
    for told in stories:
        for scene, after in zip(told.scenes, told.scenes[1:], strict=False):
            assert scene.reasons
            assert scene.reasons == {name for name in REASONS if getattr(scene, name) != getattr(after, name)}
        assert told.scenes[-1].reasons == frozenset()


def test_a_story_told_again_looks_the_same_and_changes_at_the_same_places(stories):
    for told in stories[:20]:
        again = retold(told, 7)
        assert again == retold(told, 7) != retold(told, 8)
        for scene, other in zip(told.scenes, again.scenes, strict=True):
            assert (scene.first, scene.last, scene.place, scene.reasons) == (
                other.first, other.last, other.place, other.reasons,
            )  # fmt: skip
        for one, other in zip(told.scenes, told.scenes[1:], strict=False):
            for part in ("topic", "characters"):
                same = [getattr(again.scenes[told.scenes.index(each)], part) for each in (one, other)]
                assert (same[0] == same[1]) == (getattr(one, part) == getattr(other, part))
        seats = dict(zip(told.cast, again.cast, strict=True))
        for take, other in zip(told.takes, again.takes, strict=True):
            assert tuple(seats[name] for name in take.characters) == other.characters
            assert (take.place, take.camera, take.n_frames) == (other.place, other.camera, other.n_frames)


def test_a_story_told_again_talks_about_its_own_topics_and_people(stories):
    nouns = {topic: set(parts[0]) for topic, parts in TOPICS.items()}
    said = [(set(again.cast), again.scenes[take.scene].topic, words_of(take.line))
            for again in (retold(told, 3) for told in stories[:20]) for take in again.takes]  # fmt: skip
    about = [bool(words & nouns[topic]) for _, topic, words in said if words]
    strange = np.mean(
        [bool(words & (set().union(*nouns.values()) - nouns[topic])) for _, topic, words in said if words]
    )
    assert np.mean(about) > 0.5
    assert strange < 0.1 < np.mean(about)
    named = {name.lower(): name for name in NAMES}
    assert all({named[word] for word in words & set(named)} - {"Will"} <= cast for cast, _, words in said)


def test_the_frames_of_a_story_told_again_are_its_own():
    movie = render_movie(8_100_000, 12)
    again = filmed(retold(movie.frames.story, 5))
    assert [shot.subtitle for shot in again.shots] != [shot.subtitle for shot in movie.shots]
    assert np.array_equal(again.labels, movie.labels)
    assert again.frames.fingerprint == movie.frames.fingerprint
    pairs = zip(movie.frames.read(movie.shots, 1, (36, 64)), again.frames.read(again.shots, 1, (36, 64)), strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)


def test_labels_are_the_last_shots_of_scenes():
    movie = render_movie(8_100_000)
    told = movie.frames.story
    assert np.flatnonzero(movie.boundaries).tolist() == [scene.last for scene in told.scenes[:-1]]
    assert movie.labels[0, -1] == -2
    assert [row["shot"] for row in reasons(8_100_000)] == [scene.last for scene in told.scenes[:-1]]
    assert all(any(row[name] for name in REASONS) for row in reasons(8_100_000))


def test_shots_are_contiguous_and_last_one_to_six_seconds():
    movie = render_movie(8_100_001)
    assert movie.name == "rendered-8100001"
    assert movie.shots[0].start == 0
    assert all(a.end == b.start for a, b in zip(movie.shots, movie.shots[1:], strict=False))
    assert all(1 <= shot.duration_s <= 6 for shot in movie.shots)


def test_scene_lengths_follow_movienet(stories):
    lengths = np.array([scene.last - scene.first + 1 for told in stories for scene in told.scenes])
    shares = [(len(told.scenes) - 1) / (len(told.takes) - 1) for told in stories]
    assert 7 < lengths.mean() < 13
    assert 3 <= np.median(lengths) <= 6
    assert 0.24 < (lengths == 1).mean() < 0.36
    assert min(shares) >= 0.08
    assert max(shares) <= 0.20
    assert all(60 <= len(told.takes) <= 140 for told in stories)


def test_boundaries_are_seen_heard_or_known_from_who_is_there(stories):
    why = [scene.reasons for told in stories for scene in told.scenes[:-1]]
    seen = np.mean([bool(reason & {"place", "time"}) for reason in why])
    told = np.mean([bool(reason & {"characters", "topic"}) for reason in why])
    assert 0.72 < seen < 0.87
    assert 0.77 < told < 0.93
    assert frozenset({"topic"}) in why
    assert frozenset({"characters"}) in why


def test_most_shots_talk_and_inserts_list_nobody(stories):
    takes = [take for told in stories for take in told.takes]
    words = [len(take.line.split()) for take in takes if take.line]
    assert 0.55 < len(words) / len(takes) < 0.68
    assert max(words) <= 12
    assert all(not take.characters for take in takes if take.kind == "insert")


@pytest.mark.parametrize("shots", [1, 2, 5, 12, 400])
def test_any_length_can_be_asked_for(shots):
    assert len(story(3, shots).takes) == shots


def test_impossible_arguments_are_told():
    with pytest.raises(ScenevizError, match="seed -1"):
        story(-1)
    with pytest.raises(ScenevizError, match="shots 0"):
        story(1, 0)
