# SPDX-License-Identifier: GPL-3.0-or-later
"""Decoding of the pose network: heatmap refinement, crop to frame, and turned pictures."""

import av
import numpy as np
import pytest
from track_spine.inference.crop import Crop
from track_spine.inference.models import POSE
from track_spine.inference.pose2d import INPUT_PX, LANDMARKS, MIN_PRESENCE, estimate, refine
from track_spine.inference.session import Session
from track_spine.inference.spine import POINTS

CELLS = 64
CELL_PX = INPUT_PX / CELLS


def heatmap_of(*peaks, top=0.9, sigma=0.8):
    """Logits of Gaussians about (x, y) in cells: cell i stands for the coordinate i."""
    y, x = np.indices((CELLS, CELLS))
    share = [top * np.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * sigma**2)) for a, b in peaks]
    share = np.clip(np.stack(share, axis=-1), 1e-12, 1 - 1e-12)
    return np.log(share / (1 - share)).astype(np.float32)


class AnsweringSession:
    """Gives every crop the same landmarks."""

    def __init__(self, **answers):
        """Take outputs by name, without their leading axis."""
        count = len(LANDMARKS) + 6
        self.answers = {
            "landmarks": np.zeros(count * 5, np.float32),
            "presence": np.ones(1, np.float32),
            "heatmap": np.full((CELLS, CELLS, count), -9.0, np.float32),
            "world_landmarks": np.zeros(count * 3, np.float32),
            "points": np.zeros((len(POINTS), 2), np.float32),
            "scale": np.ones(len(POINTS), np.float32),
            **answers,
        }

    def run(self, batch, outputs):
        self.batch = batch
        return [np.repeat(self.answers[name][None], len(batch), axis=0) for name in outputs]


@pytest.mark.parametrize("peak", [(30.0, 20.0), (30.3, 20.7), (29.8, 20.5), (10.49, 50.01)])
def test_the_peak_of_a_heatmap_is_found_between_cells(peak):
    start = np.array([[30.9, 21.2] if peak[0] > 20 else [10.0, 50.0]]) * CELL_PX
    found = refine(start, heatmap_of(peak))
    # 0.02 cell: the tails of the Gaussian that the window of seven cells cuts off.
    np.testing.assert_allclose(found / CELL_PX, [peak], atol=0.02)


def test_points_are_refined_each_from_its_own_channel():
    peaks = [(12.25, 40.5), (50.0, 8.75), (31.5, 31.5)]
    found = refine(np.array(peaks) * CELL_PX, heatmap_of(*peaks))
    np.testing.assert_allclose(found / CELL_PX, peaks, atol=0.02)


def test_a_peak_further_off_than_the_window_does_not_pull():
    start = np.array([[30.5, 20.5]]) * CELL_PX
    np.testing.assert_array_equal(refine(start, heatmap_of((40.0, 20.0))), start)


@pytest.mark.parametrize(("top", "moves"), [(0.45, False), (0.55, True)])
def test_unsure_heatmaps_leave_the_landmark_where_it_was(top, moves):
    start = np.array([[30.5, 20.5]]) * CELL_PX
    found = refine(start, heatmap_of((31.0, 21.0), top=top))
    assert np.array_equal(found, start) != moves
    if moves:
        np.testing.assert_allclose(found / CELL_PX, [[31.0, 21.0]], atol=0.02)


@pytest.mark.parametrize(
    "place", [(-500.0, 100.0), (100.0, 900.0), (-13.0, -13.0), (INPUT_PX + 13.0, 100.0)]
)
def test_landmarks_far_outside_the_crop_are_untouched(place):
    sure_everywhere = np.full((CELLS, CELLS, 1), 9.0, np.float32)
    np.testing.assert_array_equal(refine(np.array([place]), sure_everywhere), [place])


def test_cells_outside_the_crop_do_not_count():
    # A flat, sure heatmap: at the corner only cells 0..3 of the window lie inside, mean 1.5.
    flat = np.full((CELLS, CELLS, 1), 9.0, np.float32)
    found = refine(np.array([[0.5, 0.5]]), flat)
    np.testing.assert_allclose(found / CELL_PX, [[1.5, 1.5]], atol=1e-6)


def test_landmarks_are_carried_from_the_crop_into_the_frame():
    rng = np.random.default_rng(2)
    values = np.zeros((39, 5), np.float32)
    values[:, :2] = rng.uniform(0, INPUT_PX, (39, 2))
    values[:, 3] = rng.normal(0, 3, 39)
    session = AnsweringSession(landmarks=values.ravel(), presence=np.array([0.75], np.float32))
    crop = Crop(np.array([300.0, 200.0]), 2.0 * INPUT_PX, np.pi / 2)
    (body,) = estimate(session, np.zeros((400, 600, 3), np.uint8), [crop])
    # Twice as large, and turned clockwise: crop right is frame down, crop down is frame left.
    right, down = (values[:, :2].astype(float) - INPUT_PX / 2).T * 2
    expected = np.column_stack([300.0 - down, 200.0 + right])
    np.testing.assert_allclose(body.xy_px, expected[:33], atol=1e-3)
    np.testing.assert_allclose(body.hip_px, expected[33], atol=1e-3)
    np.testing.assert_allclose(body.reach_px, expected[34], atol=1e-3)
    np.testing.assert_allclose(body.score, 1 / (1 + np.exp(-values[:33, 3].astype(float))))
    assert (body.presence, body.crop) == (0.75, crop)
    np.testing.assert_allclose(body.next_crop().centre_px, body.hip_px)


def test_metres_turn_with_the_crop_and_keep_their_depth():
    world = np.random.default_rng(3).normal(size=(39, 3)).astype(np.float32)
    session = AnsweringSession(world_landmarks=world.ravel())
    crops = [Crop(np.array([50.0, 50.0]), 100.0, angle) for angle in (0.0, np.pi / 2)]
    upright, turned = estimate(session, np.zeros((100, 100, 3), np.uint8), crops)
    np.testing.assert_allclose(upright.world_m, world[:33], atol=1e-6)
    expected = np.column_stack([-world[:33, 1], world[:33, 0], world[:33, 2]])
    np.testing.assert_allclose(turned.world_m, expected, atol=1e-6)


def test_pictures_reach_the_network_scaled_to_zero_and_one():
    session = AnsweringSession()
    frame = np.full((90, 90, 3), 255, np.uint8)
    estimate(session, frame, [Crop(np.array([45.0, 45.0]), 50.0, 0.0)] * 3)
    assert session.batch.shape == (3, 256, 256, 3)
    assert session.batch.dtype == np.float32
    np.testing.assert_allclose(session.batch, 1.0, atol=1e-6)


def test_a_crop_beyond_the_edge_shows_the_edge_and_no_black():
    session = AnsweringSession()
    frame = np.full((50, 50, 3), 255, np.uint8)
    estimate(session, frame, [Crop(np.array([0.0, 40.0]), 80.0, 0.7)])
    np.testing.assert_allclose(session.batch, 1.0, atol=1e-6)


def test_a_picture_turned_with_its_crop_gives_the_same_body_turned(short_clip):
    with av.open(str(short_clip)) as container:
        frame = next(container.decode(video=0)).to_ndarray(format="rgb24")
    session = Session(POSE)
    # The woman: hips at about (653, 367), head at about (655, 275), by eye.
    crop = Crop.around(np.array([653.0, 367.0]), np.array([655.0, 260.0]))
    (upright,) = estimate(session, frame, [crop])
    assert upright.presence > MIN_PRESENCE

    height, width = frame.shape[:2]
    clockwise = np.ascontiguousarray(np.rot90(frame, -1))
    x, y = crop.centre_px
    turned_crop = Crop(np.array([height - y, x]), crop.side_px, crop.angle + np.pi / 2)
    (turned,) = estimate(session, clockwise, [turned_crop])
    expected = np.column_stack([height - upright.xy_px[:, 1], upright.xy_px[:, 0]])
    # The crops differ by rounding of OpenCV's fixed-point weights only.
    np.testing.assert_allclose(turned.xy_px, expected, atol=0.5)
    x, y, z = upright.world_m.T
    np.testing.assert_allclose(turned.world_m, np.column_stack([-y, x, z]), atol=0.01)

    names = {name: upright.xy_px[row] for row, name in enumerate(LANDMARKS)}
    hips = (names["left_hip"] + names["right_hip"]) / 2
    assert np.hypot(*(hips - [653, 367])) < 20
    assert names["nose"][0] < names["left_ear"][0]  # she walks to the left
    assert width > names["nose"][0] > 620
