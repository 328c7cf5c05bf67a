# SPDX-License-Identifier: GPL-3.0-or-later
"""Pseudo-labels: files, cameras, the head asked in many ways, and what is kept."""

import argparse
import json

import numpy as np
import pytest

pytest.importorskip("torch", reason="training has its own environment, see training/README.md")
pytest.importorskip("onnx", reason="training has its own environment, see training/README.md")

import cv2
import torch
from scipy.spatial.transform import Rotation
from track_spine.inference.crop import Crop
from track_spine.inference.keypoints import NAMES
from track_spine.inference.pose2d import LANDMARKS, Body
from track_spine.inference.spine import POINTS, ROWS
from track_spine.inference.views.triangulation import triangulate
from track_spine.training import real_commands
from track_spine.training.calibrated import Pinhole, moments, read_cameras
from track_spine.training.crowd import DIFFERENT, FEWEST_SEEN, Track, _is_worth
from track_spine.training.ensemble import VARIANTS, Opinion, ask
from track_spine.training.errors import TrainingError
from track_spine.training.fit_body import Fit
from track_spine.training.label_frames import (
    ERROR_SHARE,
    GAP_SHARE,
    Collected,
    agreed,
    in_agreement,
)
from track_spine.training.labels import (
    TRUSTED,
    UNKNOWN,
    WEAK,
    person_entry,
    read_labels,
    write_labels,
)
from track_spine.training.pick import pick

HOLD = Crop(np.array([100.0, 90.0]), 160.0, 0.4)


def body(xy=None, presence=1.0, crop=HOLD):
    """A body in pixels of the frame; by default a trunk of 80 px that stands upright."""
    if xy is None:
        xy = np.tile([100.0, 120.0], (len(LANDMARKS), 1))
        for name, place in {
            "left_hip": (110, 140),
            "right_hip": (90, 140),
            "left_shoulder": (120, 60),
            "right_shoulder": (80, 60),
        }.items():
            xy[LANDMARKS.index(name)] = place
    count = len(LANDMARKS)
    place = xy.mean(axis=0)
    return Body(
        xy, np.ones(count), np.zeros((count, 3)), presence, crop, place, place - [0.0, 80.0]
    )


def opinion(error=0.02):
    points = np.column_stack([np.full(14, 100.0), np.linspace(140.0, 40.0, 14)])
    return Opinion(points, np.full(14, 80 * error / 2), np.zeros(14), body(), 80.0)


# Files


def test_labels_survive_a_round_trip(tmp_path):
    rng = np.random.default_rng(1)
    xy, known = rng.uniform(0, 200, (37, 2)), rng.integers(0, 3, 37)
    camera = {
        "matrix": np.eye(3).tolist(),
        "rotation": np.eye(3).tolist(),
        "translation": [1, 2, 3],
    }
    image = {"id": 7, "file_name": "a.jpg", "camera": camera, "moment": "m"}
    write_labels(tmp_path / "labels.json", [image], [person_entry(3, 7, xy, known, HOLD)])
    (picture,), (person,) = read_labels(tmp_path / "labels.json")
    assert picture.path == tmp_path / "a.jpg" and picture.moment == "m"
    assert np.array_equal(picture.camera["translation"], [1, 2, 3])
    assert np.array_equal(person.known, known)
    assert np.allclose(person.xy_px, np.where(known[:, None] > 0, xy, 0.0), atol=5e-4)
    assert person.crop.angle == HOLD.angle and person.crop.side_px == HOLD.side_px


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"annotations": [{"id": 1, "image_id": 0, "keypoints": [0.0] * 51}]}, "37 points"),
        ({"annotations": [{"id": 1, "image_id": 9, "keypoints": [0.0] * 111}]}, "picture 9"),
        ({"annotations": [{"id": 1, "image_id": 0, "keypoints": [float("inf")] * 111}]}, "finite"),
        ({"categories": [{"keypoints": ["nose"]}]}, "keypoints.py"),
    ],
)
def test_labels_that_cannot_be_used_are_named(tmp_path, change, says):
    content = {"images": [{"id": 0, "file_name": "a.jpg"}], "annotations": []} | change
    (tmp_path / "labels.json").write_text(json.dumps(content))
    with pytest.raises(TrainingError, match=says):
        read_labels(tmp_path / "labels.json")


# Cameras


def camera_at(eye, turn):
    rotation = Rotation.from_euler("y", turn, degrees=True).as_matrix().T
    matrix = np.array([[600.0, 0, 320], [0, 610.0, 240], [0, 0, 1]])
    return Pinhole(matrix, rotation, -rotation @ np.array(eye))


RIG = [camera_at([0, 0, 0], 0), camera_at([4, 0, 4], -90), camera_at([-2.5, 0, 1.5], 45)]
SPOTS = np.array([[0.1, -0.2, 4.0], [0.0, 0.3, 4.2]])


def test_rays_of_a_camera_lead_back_to_what_it_saw():
    for camera in RIG:
        pixels = camera.project(SPOTS)
        way = np.column_stack([pixels, np.ones(2)]) @ camera.ray().T
        assert np.allclose(np.cross(way, SPOTS - camera.eye()), 0, atol=1e-9)


def test_a_turned_camera_sees_the_turned_picture():
    picture = np.zeros((480, 640, 3), np.uint8)
    x, y = RIG[0].project(SPOTS[:1])[0]
    cv2.circle(picture, (int(x), int(y)), 2, (255, 255, 255), -1)
    rows, columns = np.nonzero(np.rot90(picture)[..., 0])
    seen = RIG[0].turned(640).project(SPOTS[:1])[0]
    assert np.allclose(seen, [columns.mean() + 0.5, rows.mean() + 0.5], atol=1.0)
    four = RIG[0]
    for width in (640, 480, 640, 480):
        four = four.turned(width)
    assert np.allclose(four.project(SPOTS), RIG[0].project(SPOTS))


def test_a_calibration_is_read_and_recordings_are_put_in_step(tmp_path):
    entry = "cam_id = {0}\nrotation_count = {1}\nmatrix = [[500,0,32],[0,500,24],[0,0,1]]\n"
    entry += "distortions = [0,0,0,0,0]\ntranslation = [0,0,1]\n"
    entry += "rotation = [[1,0,0],[0,1,0],[0,0,1]]\nignore = {2}\n"
    text = "".join(
        f"[cameras.{n}]\n" + entry.format(n, turns, ignored)
        for n, turns, ignored in ((0, 0, "false"), (1, -1, "false"), (2, 0, "true"))
    )
    (tmp_path / "camera_array.toml").write_text(text)
    cameras = read_cameras(tmp_path / "camera_array.toml")
    assert [camera.name for camera in cameras] == ["0", "1"]
    upright, pinhole = cameras[1].upright(np.zeros((48, 64, 3), np.uint8))
    assert upright.shape == (64, 48, 3)
    # The principal point (32.5, 24.5) counted from the corner goes to (24.5, 64 - 32.5).
    assert np.allclose(pinhole.matrix[:2, 2], [24.5, 31.5])
    for name, shades in (("0", (20, 120, 220)), ("1", (40, 140))):
        _write_clip(tmp_path / f"cam_{name}.mp4", shades)
    rows = [
        "sync_index,cam_id,frame_time",
        "5,0,10.0",
        "6,0,10.2",
        "7,0,10.4",
        "5,1,10",
        "7,1,10.4",
    ]
    (tmp_path / "timestamps.csv").write_text("\n".join(rows))
    found = list(moments(tmp_path, cameras))
    assert [sorted(frames) for _, _, frames in found] == [["0", "1"], ["0"], ["0", "1"]]
    assert found[2][1] == pytest.approx(0.4)
    last = {name: frame.mean() for name, frame in found[2][2].items()}
    assert last["0"] == pytest.approx(220, abs=6) and last["1"] == pytest.approx(140, abs=6)


def _write_clip(path, shades):
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for shade in shades:
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), shade, np.uint8), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def test_files_that_are_no_calibration_are_named(tmp_path):
    (tmp_path / "camera_array.toml").write_text("[cameras.0]\ncam_id = 0")
    with pytest.raises(TrainingError, match=r"camera_array\.toml"):
        read_cameras(tmp_path / "camera_array.toml")
    with pytest.raises(TrainingError, match="frame_time"):
        list(moments(tmp_path, []))


def test_views_that_agree_outvote_one_that_is_off():
    rig = [*RIG, camera_at([3, -1, 1], -40)]
    said = np.stack([camera.project(SPOTS) for camera in rig])
    views = [camera.view() for camera in rig]
    points = triangulate(views, said, np.full((4, 2), 4.0)).xyz_m
    assert np.allclose(points, SPOTS, atol=1e-4)
    assert np.allclose([view.project(points) for view in views], said, atol=0.05)
    said[3] += [80.0, 0.0]
    points = triangulate(views, said, np.full((4, 2), 4.0)).xyz_m
    seen = np.stack([camera.project(points) for camera in rig])
    # Three of four are right: the wrong one, 20 times the expected error off, loses its say.
    assert np.linalg.norm(points - SPOTS, axis=1).max() < 0.01
    level = in_agreement(seen - said, np.full((4, 2), 4.0), np.full(4, 100.0))
    assert np.array_equal(level, np.repeat([[TRUSTED]] * 3 + [[UNKNOWN]], 2, axis=1))


def test_two_views_that_agree_are_a_weak_label_and_one_is_none():
    off = np.zeros((3, 3, 2))
    off[2, 0], off[1:, 1] = 9.0, 9.0
    error = np.full((3, 3), 5.0)
    error[2, 2] = 30.0
    level = in_agreement(off, error, np.full(3, 100.0))
    assert level.T.tolist() == [[WEAK, WEAK, 0], [0, 0, 0], [WEAK, WEAK, 0]]


# The head asked in many ways


class Eyes:
    """A base that hands the pictures on."""

    def run(self, pictures):
        count = len(pictures)
        return {
            "landmarks": np.zeros((count, 195), np.float32),
            "presence": np.ones((count, 1), np.float32),
            "heatmap": np.zeros((count, 64, 64, 39), np.float32),
            "world_landmarks": np.zeros((count, 117), np.float32),
            "decoder": pictures.transpose(0, 3, 1, 2).astype(np.float32),
            "global": np.zeros((count, 1), np.float32),
        }


def dots(decoder, *_):
    """A head that finds two dots and calls the one to the right the left clavicle."""
    points = torch.zeros((len(decoder), 14, 2))
    for row, picture in enumerate(decoder.numpy()):
        y, x = np.nonzero(picture.sum(axis=0) > 300)
        right = x > (x.min() + x.max()) / 2
        for name, chosen in (("left_clavicle", right), ("right_clavicle", ~right)):
            place = [x[chosen].mean() + 0.5, y[chosen].mean() + 0.5]
            points[row, POINTS.index(name)] = torch.tensor(place)
    return points, torch.full((len(decoder), 14), 1.0)


def test_all_ways_to_ask_lead_back_to_the_same_place():
    frame = np.zeros((200, 220, 3), np.uint8)
    for x, y in ((130, 85), (80, 110)):
        cv2.circle(frame, (x, y), 4, (255, 255, 255), -1)
    said = ask(Eyes(), dots, frame, HOLD)
    names = [POINTS.index(f"{side}_clavicle") for side in ("left", "right")]
    assert np.allclose(said.xy_px[names], [[130.5, 85.5], [80.5, 110.5]], atol=0.5)
    assert said.spread_px[names].max() < 0.6
    sides = np.mean([side for _, side, *_ in VARIANTS]) * HOLD.side_px
    assert np.allclose(said.scale_px, sides / 256, rtol=1e-6)
    assert sum(variant[4] for variant in VARIANTS) == len(VARIANTS) / 2


# What is kept


def test_a_label_lies_between_head_and_fit_and_needs_both():
    said = opinion()
    points = said.xy_px.copy()
    points[0] += [0.9 * GAP_SHARE * 80, 0.0]
    points[1] += [1.1 * GAP_SHARE * 80, 0.0]
    label, known = agreed(said, Fit(points, 0.3, np.zeros((25, 3))), (200, 200))
    assert known.tolist() == [WEAK, UNKNOWN, *[WEAK] * 12]
    assert label[0, 0] == pytest.approx(100.0 + 0.45 * GAP_SHARE * 80)
    _, known = agreed(said, Fit(said.xy_px, 0.3, np.zeros((25, 3))), (200, 100))
    assert np.array_equal(known == WEAK, said.xy_px[:, 1] <= 100)
    unsure = opinion(1.1 * ERROR_SHARE)
    assert not agreed(unsure, Fit(unsure.xy_px, 0.3, np.zeros((25, 3))), (200, 200))[1].any()


def test_a_person_is_labelled_again_after_a_while_and_only_when_moved():
    class At:
        time_s = 1.0

    track = Track(HOLD, seen=FEWEST_SEEN)
    assert not _is_worth(Track(HOLD, seen=1), body(), At, 0.3)
    assert not _is_worth(track, body(presence=0.6), At, 0.3)
    assert _is_worth(track, body(), At, 0.3)
    size = float(np.sqrt(np.ptp(body().xy_px, axis=0).prod()))
    moved = body(body().xy_px + np.array([2 * DIFFERENT * size, 0.0]))
    assert not _is_worth(track, moved, At, 0.3)
    At.time_s = 1.5
    assert not _is_worth(track, body(), At, 0.3)
    assert _is_worth(track, moved, At, 0.3)


def test_what_is_collected_can_be_read_again_and_picked_from(tmp_path):
    collected, lines = Collected(tmp_path), []
    with pytest.raises(TrainingError, match="nobody"):
        collected.write(lines.append)
    frame = np.zeros((200, 200, 3), np.uint8)
    for number, (error, gap) in enumerate(((0.02, 0.0), (0.3, 0.0), (0.02, 20.0))):
        said = opinion(error)
        other = said.xy_px + np.array([gap, 0.0])
        image = collected.add_picture(f"p{number}", frame)
        label, known = agreed(said, Fit(other, 0.3, np.zeros((25, 3))), (200, 200))
        collected.add_person("clip", image, said, other, label, known)
    collected.write(lines.append)
    assert "kept 0.33" in lines[0]
    pictures, people = read_labels(tmp_path / "labels.json")
    assert [(person.known[ROWS] > 0).all() for person in people] == [True, False, False]
    assert all(picture.path.exists() for picture in pictures)
    files = [tmp_path / "head.json", tmp_path / "fit.json"]
    (tmp_path / "hand").mkdir()
    out = tmp_path / "hand" / "todo.json"
    # Disagreement of 20 px in 80 px is 2.5 usual gaps: more than no confidence at all.
    worst = pick(tmp_path / "labels.json", files, 2, out)
    assert [name for name, _ in worst] == ["../p2.jpg", "../p1.jpg"]
    assert worst[0][1] == pytest.approx(2.5, abs=0.1)
    todo, given = read_labels(out)
    assert all(picture.path.exists() for picture in todo)
    assert [person.known[ROWS].tolist() for person in given] == [[WEAK] * 14] * 2
    assert given[0].crop.side_px == HOLD.side_px
    by_doubt = pick(tmp_path / "labels.json", files[:1], 1, out)
    assert by_doubt[0][0] == "../p1.jpg"


def test_predictions_of_other_pictures_are_refused(tmp_path):
    write_labels(tmp_path / "labels.json", [{"id": 1, "file_name": "a.jpg"}], [])
    stranger = [{"image_id": 2, "keypoints": [1.0] * 3 * len(NAMES), "score": 1.0}]
    (tmp_path / "head.json").write_text(json.dumps(stranger))
    with pytest.raises(TrainingError, match="picture 2"):
        pick(tmp_path / "labels.json", [tmp_path / "head.json"], 1, tmp_path / "out.json")


def test_the_commands_are_there_and_need_footage(tmp_path):
    parser = argparse.ArgumentParser()
    real_commands.add_commands(parser.add_subparsers(dest="command"))
    said = parser.parse_args(["label-frames", "last.pt", "--out", str(tmp_path)])
    with pytest.raises(TrainingError, match="--clips"):
        real_commands.RUN[said.command](said, print)
    said = parser.parse_args(["pick", "a.json", "--predictions", "b.json", "--out", "c.json"])
    with pytest.raises(TrainingError, match=r"a\.json"):
        real_commands.RUN[said.command](said, print)
