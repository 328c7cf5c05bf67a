# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of others at work: opened by name or file, asked about people, refused with reasons."""

from dataclasses import replace

import numpy as np
import pytest
from track_spine.inference import bend, published
from track_spine.inference.catalogue import find
from track_spine.inference.errors import ModelError
from track_spine.inference.finders import published_finder
from track_spine.inference.installed import ModelFolder
from track_spine.inference.keypoints import INDEX, NAMES
from track_spine.inference.models import CARDS, DETECTOR
from track_spine.inference.networks import Networks, open_networks
from track_spine.inference.prior import LEAST_SCORE
from track_spine.inference.published import open_published
from track_spine.inference.second_look import SecondLook, open_second_look
from track_spine.inference.seen import Seen
from track_spine.inference.session import Session

RANDOM = np.random.default_rng(5)
BINS = RANDOM.uniform(20, 360, 37), RANDOM.uniform(20, 490, 37)
FRAME = np.zeros((1000, 1000, 3), np.uint8)


@pytest.fixture
def simcc_file(tmp_path, networks):
    path = tmp_path / "mine.onnx"
    path.write_bytes(networks.simcc(*BINS))
    return path


@pytest.fixture
def users_folder(tmp_path, monkeypatch):
    folder = tmp_path / "users"
    monkeypatch.setattr(published, "user_folder", lambda kind: folder / kind)
    return ModelFolder(folder / "models")


def test_an_installed_network_is_opened_by_name_with_or_without_version(users_folder, simcc_file):
    users_folder.add(find("spinepose-v2-m"), simcc_file, accept=lambda _: True)
    for name in ("spinepose-v2-m", "spinepose-m"):
        opened = open_published(name, ("simcc",))
        assert opened.card.name == "spinepose-v2-m"
        assert opened.card.licence == "CC-BY-NC-4.0"
    assert find("spinepose-x").name == "spinepose-v1-x"
    assert find("mine") is None


def test_one_that_is_not_installed_is_refused_with_the_command(users_folder):
    with pytest.raises(ModelError, match="track-spine models fetch spinepose-v2-l"):
        open_published("spinepose-l", ("simcc",))


def test_a_file_is_opened_by_its_ends(simcc_file, tmp_path, networks):
    opened = open_published(str(simcc_file), ("simcc",))
    assert (opened.family, opened.card.licence, opened.card.name) == ("simcc", "unknown", "mine")
    raw = tmp_path / "raw.onnx"
    raw.write_bytes(networks.constant((3, 416, 416), {"output": np.zeros((3549, 85))}))
    opened = open_published(str(raw), ("rfdetr", "yolox"))
    assert (opened.family, opened.ends.input) == ("yolox", (3, 416, 416))


@pytest.mark.parametrize(
    ("name", "families", "words"),
    [
        ("nowhere.onnx", ("lifter",), "neither a file nor one of spinepose-lifter"),
        ("rfdetr-n", ("simcc",), "rfdetr-n is of the family rfdetr, not simcc"),
    ],
)
def test_what_is_no_network_of_the_kind_is_refused(name, families, words):
    with pytest.raises(ModelError, match=words):
        open_published(name, families)


def test_hostile_and_wrong_files_are_refused(simcc_file, tmp_path, networks, monkeypatch):
    file = tmp_path / "net.onnx"
    for content, words in (
        (b"<html>not found</html>", "not an ONNX network"),
        (networks.external("../../secret.bin"), "another file"),
        (simcc_file.read_bytes()[:-500], "not an ONNX network|cannot open"),
        (networks.constant((3, 9, 9), {"output": np.zeros(4)}), "takes any x 3 x 9 x 9"),
    ):
        file.write_bytes(content)
        with pytest.raises(ModelError, match=words):
            open_published(str(file), ("simcc",))
    monkeypatch.setattr(published, "MAX_BYTES", 100)
    with pytest.raises(ModelError, match="larger than 100 bytes"):
        open_published(str(simcc_file), ("simcc",))


def test_people_of_several_frames_get_their_points(simcc_file, standing, make_body):
    near = make_body(standing)
    far = make_body(standing, xy_px=100.0 * standing[:, :2] + np.array([700.0, 300.0]))
    look = SecondLook(str(simcc_file))
    first, nobody, second = look([FRAME] * 3, [{4: near}, {}, {0: far, 4: near}])
    assert not nobody
    assert list(second) == [0, 4]
    np.testing.assert_array_equal(first[4].seen.xy_px, second[4].seen.xy_px)
    large, small = (np.ptp(body.seen.xy_px, axis=0) for body in (first[4], second[0]))
    np.testing.assert_allclose(large / small, 3.0, rtol=1e-3)  # crops follow the bodies
    middle = second[0].seen.xy_px.mean(axis=0)
    np.testing.assert_allclose(middle, far.xy_px.mean(axis=0), atol=30.0)
    assert first[4].seen.score.min() > 0.9
    assert first[4].presence == near.presence


def test_nobody_is_looked_at_without_running_anything(simcc_file):
    assert SecondLook(str(simcc_file))([FRAME, FRAME], [{}, {}]) == [{}, {}]


def test_the_points_of_others_replace_ours_and_bend_the_spine(standing, make_body):
    body = make_body(standing)
    guess = bend.complete(body)
    moved = guess.xy_px + 30.0
    score = np.full(37, 0.8)
    moved[INDEX["left_wrist"]], score[INDEX["left_wrist"]] = np.nan, 0.0
    body = replace(body, seen=Seen(moved, score))
    placed = bend.complete(body)
    others = [row for row, name in enumerate(NAMES) if name != "left_wrist"]
    np.testing.assert_array_equal(placed.xy_px[others], moved[others])
    np.testing.assert_array_equal(placed.score[others], 0.8)
    wrist = INDEX["left_wrist"]
    np.testing.assert_array_equal(placed.xy_px[wrist], guess.xy_px[wrist])
    assert placed.score[wrist] == LEAST_SCORE
    shift = placed.relative_m - guess.relative_m
    np.testing.assert_allclose(shift[others, :2], 30.0 / guess.px_per_m, atol=1e-9)
    np.testing.assert_allclose(shift[:, 2], 0.0, atol=1e-9)
    together = bend.complete_all([body, body])
    np.testing.assert_allclose(together.xy_px[1], placed.xy_px)
    np.testing.assert_allclose(together.relative_m[0], placed.relative_m, atol=1e-9)


def test_a_flip_test_without_a_network_of_others_is_refused():
    assert open_second_look(None, flip_test=False) is None
    with pytest.raises(ModelError, match="flip test is for networks of others"):
        open_second_look(None, flip_test=True)


def test_networks_of_others_are_named_in_what_the_take_records(simcc_file, tmp_path, networks):
    detector = Session(DETECTOR, threads=1)
    assert open_networks(Networks(), detector).cards == CARDS
    boxes = tmp_path / "boxes.onnx"
    found = {"dets": np.zeros((1, 4)), "labels": np.zeros((1, 91))}
    boxes.write_bytes(networks.constant((3, 384, 384), found))
    opened = open_networks(Networks(model=str(simcc_file), detector=str(boxes)), detector)
    assert [card.name for card in opened.cards] == ["boxes", CARDS[1].name, "mine"]
    finder, card = published_finder(str(boxes))
    assert card.source == str(boxes)
    assert finder(FRAME, []) == []
