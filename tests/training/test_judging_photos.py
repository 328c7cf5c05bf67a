# SPDX-License-Identifier: GPL-3.0-or-later
"""Spine points against people labelled by eye: reading, crops, and figures of known errors."""

import json
import zipfile

import pytest

pytest.importorskip("torch", reason="training has its own environment, see training/README.md")

import cv2
import numpy as np
from track_spine.inference.keypoints import INDEX, NAMES, SPINE
from track_spine.training.errors import TrainingError
from track_spine.training.judging_figures import errors, figures, judge, product_session, sources_of
from track_spine.training.judging_photos import LABELS, SPLITS, VIEWS, first_crop, read_people
from track_spine.training.places import DATA

ARC = np.array([0, 0.13, 0.225, 0.34, 0.61, 0.845, 1, 1.10, 1.18])


def labels(**changes):
    """Two people in a picture: one upright with a spine of 200 px, one lying, heads to the left."""
    annotations = []
    for number, (hip, up) in enumerate((([100, 300], [0, -200]), ([400, 300], [-200, 0]))):
        points = np.zeros((37, 3))
        points[[INDEX[name] for name in SPINE], :2] = np.array(hip) + ARC[:, None] * up
        points[[INDEX[name] for name in SPINE], 2] = 2
        person = {
            "id": number + 1,
            "image_id": 1,
            "name": ("upright", "lying")[number],
            "view": ("side", "back")[number],
            "bent": bool(number),
            "bbox": [hip[0] - 60, hip[1] - 260, 120, 400],
            "area": 25440.0,
            "keypoints": points.ravel().tolist(),
        }
        annotations.append(person | changes)
    image = {"id": 1, "archive": "a.zip", "file_name": "in/photo.png", "split": "choose"}
    return {"images": [image], "annotations": annotations}


@pytest.fixture
def data(tmp_path):
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[..., 2] = 200  # red, as OpenCV writes
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("in/photo.png", cv2.imencode(".png", picture)[1].tobytes())
    (tmp_path / "labels.json").write_text(json.dumps(labels()))
    return tmp_path


@pytest.fixture
def people(data):
    return list(read_people(data, "choose", data / "labels.json"))


def test_people_come_with_their_picture(people):
    upright, lying = people
    assert (upright.name, upright.view, upright.bent, lying.bent) == (
        "upright",
        "side",
        False,
        True,
    )
    assert upright.rgb.shape == (480, 640, 3)
    assert upright.rgb[0, 0].tolist() == [200, 0, 0]
    assert upright.torso_px == pytest.approx(200.0)
    assert upright.spine[:, 1] == pytest.approx(300 - 200 * ARC)


def test_the_first_crop_stands_the_person_up(people):
    upright, lying = (first_crop(person) for person in people)
    # The farthest of points and sides of the box: C1 at 236 px, the box's top at 260.
    assert upright.side_px == pytest.approx(2.5 * 260.0)
    assert upright.angle == pytest.approx(0.0)
    assert lying.angle == pytest.approx(-np.pi / 2)
    assert upright.centre_px.tolist() == [100.0, 300.0]


@pytest.mark.parametrize(("row", "shift"), [(0, (0, -10)), (1, (-10, 0))])
def test_an_error_towards_the_head_lies_along_the_spine(people, row, shift):
    found = errors(people[row], people[row].spine + shift)
    assert found[:, 0] == pytest.approx(5.0)
    assert found[:, 1] == pytest.approx(0.0, abs=1e-9)


def answers(people, shifts):
    xy = np.stack([one.spine + shift for one, shift in zip(people, shifts, strict=True)])
    return np.concatenate([xy, np.full((len(people), 9, 1), 0.5)], axis=2)


def test_figures_tell_views_and_directions_apart(people):
    found = figures(people, answers(people, [(8, 0), (0, 6)]))
    assert found["groups"]["side"] == pytest.approx(
        {"people": 1, "AP": found["groups"]["side"]["AP"], "mean": 4, "median": 4}
        | {"along": 0, "across": 4}
    )
    assert found["groups"]["bent"]["mean"] == pytest.approx(3.0)
    assert found["groups"]["all"]["mean"] == pytest.approx(3.5)
    assert "front" not in found["groups"]
    assert found["points"]["spine_03"]["across"] == pytest.approx(3.5)
    assert found["people"] == pytest.approx({"upright": 4.0, "lying": 3.0})


def test_the_bias_has_a_sign(people):
    found = figures(people, answers(people, [(0, 20), (20, 0)]))
    assert [found["points"][name]["bias"] for name in SPINE] == pytest.approx([-10.0] * 9)


def test_right_points_have_an_ap_of_one_and_far_ones_of_none(people):
    assert figures(people, answers(people, [(0, 0)] * 2))["groups"]["all"]["AP"] == pytest.approx(1)
    assert figures(people, answers(people, [(90, 0)] * 2))["groups"]["all"]["AP"] == 0.0


@pytest.mark.parametrize(
    "change", [{"keypoints": [0.0] * 111}, {"view": "above"}, {"bbox": [1, 2]}, {"area": None}]
)
def test_damaged_labels_are_named(data, change):
    (data / "labels.json").write_text(json.dumps(labels(**change)))
    with pytest.raises(TrainingError, match=r"labels\.json"):
        list(read_people(data, None, data / "labels.json"))


def test_a_missing_archive_and_an_empty_split_are_named(data):
    with pytest.raises(TrainingError, match="split judge"):
        list(read_people(data, "judge", data / "labels.json"))
    (data / "a.zip").unlink()
    with pytest.raises(TrainingError, match="--data"):
        list(read_people(data, None, data / "labels.json"))


def test_the_labels_of_the_repository_hold_together():
    content = json.loads(LABELS.read_text())
    assert content["categories"][0]["keypoints"] == list(NAMES)
    images = {image["id"]: image for image in content["images"]}
    splits = {split: {one["file_name"] for one in images.values() if one["split"] == split}
              for split in SPLITS}  # fmt: skip
    assert not splits["choose"] & splits["judge"]
    assert len(content["annotations"]) >= 50
    for person in content["annotations"]:
        points = np.array(person["keypoints"]).reshape(37, 3)
        spine = points[[INDEX[name] for name in SPINE]]
        steps = np.linalg.norm(np.diff(spine[:, :2], axis=0), axis=1)
        assert person["view"] in VIEWS
        assert person["split"] == images[person["image_id"]]["split"]
        assert person["num_keypoints"] == (points[:, 2] > 0).sum()
        assert (points[[*map(INDEX.get, SPINE), INDEX["head"]], 2] == 2).all()
        # The contract's shares of the way from hip to C7, up to what chords cut off.
        assert np.cumsum(steps)[:6] / steps[:6].sum() == pytest.approx(ARC[1:7], abs=0.02)
        assert 1.05 < steps.sum() / steps[:6].sum() < 1.36


@pytest.mark.skipif(not DATA.is_dir(), reason="pictures come from the shared data folder")
def test_the_baselines_are_judged_on_real_people():
    session = product_session()
    some = [one for one, _ in zip(read_people(DATA, "judge"), range(4), strict=False)]
    found = judge(some, sources_of(session), session)
    assert set(found) == {"straight line", "geometric prior", "network"}
    for one in found.values():
        assert one["groups"]["all"]["mean"] < 15.0
    assert found["network"]["groups"]["all"]["people"] == 4
