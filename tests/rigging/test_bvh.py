# SPDX-License-Identifier: GPL-3.0-or-later
"""BVH text read back by a reader of its own."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from track_spine.rigging.bvh import bvh_text
from track_spine.rigging.errors import RigError
from track_spine.rigging.motion import BoneMotion
from track_spine.rigging.rotation import slerp, unit
from track_spine.rigging.skeleton import canonical_skeleton, fk


@pytest.fixture(name="skeleton", scope="module")
def _skeleton():
    return canonical_skeleton({})


@pytest.fixture(name="dance", scope="module")
def _dance(skeleton, pose):
    """Slow turns between two random poses, at uneven times."""
    rng = np.random.default_rng(2)
    time_s = np.cumsum(rng.uniform(0.02, 0.05, size=30))
    fraction = (time_s - time_s[0]) / (time_s[-1] - time_s[0])
    ends = {b: unit(np.array([2.0, 0, 0, 0]) + rng.normal(size=(2, 4))) for b in skeleton.bones}
    local = {b: slerp(a[None], z[None], fraction) for b, (a, z) in ends.items()}
    root = np.stack([fraction, -2.0 * fraction, 1.0 + 0.0 * fraction], axis=-1)
    return pose(skeleton, time_s, local, root)


def read_bvh(text):
    """Give joint names, their positions in every frame (N, J, 3), end sites too, and frame time."""
    lines = iter(text.splitlines())
    names, parents, offsets, channels, stack = [], [], [], [], []
    for line in lines:
        words = line.split()
        if words[0] in ("ROOT", "JOINT", "End"):
            parents.append(stack[-1] if stack else -1)
            names.append(words[1] if words[0] != "End" else f"{names[stack[-1]]} end")
            stack.append(len(names) - 1)
            channels.append([])
        elif words[0] == "OFFSET":
            offsets.append([float(word) for word in words[1:]])
        elif words[0] == "CHANNELS":
            channels[stack[-1]] = words[2:]
            assert len(words[2:]) == int(words[1])
        elif words[0] == "}":
            stack.pop()
        elif words[0] == "MOTION":
            break
    frames = int(next(lines).split(":")[1])
    frame_time = float(next(lines).split(":")[1])
    rows = np.array([[float(word) for word in line.split()] for line in lines if line])
    assert rows.shape == (frames, sum(map(len, channels)))
    positions = np.empty((frames, len(names), 3))
    for t, row in enumerate(rows):
        numbers, turns = iter(row), []
        for j, parent in enumerate(parents):
            at, turn = np.array(offsets[j]), np.eye(3)
            for channel in channels[j]:
                axis, value = "XYZ".index(channel[0]), next(numbers)
                if channel.endswith("position"):
                    at[axis] = value
                else:
                    turn = (
                        turn @ Rotation.from_rotvec(np.eye(3)[axis] * np.radians(value)).as_matrix()
                    )
            positions[t, j] = at if parent < 0 else positions[t, parent] + turns[parent] @ at
            turns.append(turn if parent < 0 else turns[parent] @ turn)
    return names, positions, frame_time


def z_up(points_cm):
    return np.stack([points_cm[..., 0], -points_cm[..., 2], points_cm[..., 1]], axis=-1) / 100.0


def test_joints_read_back_where_they_are(skeleton, dance):
    time_s = np.arange(30) / 25.0
    even = BoneMotion(dance.bones, time_s, dance.rotation, dance.root_m, dance.valid)
    names, positions, frame_time = read_bvh(bvh_text(skeleton, even))
    assert frame_time == pytest.approx(0.04, abs=1e-7)
    heads, tails = fk(skeleton, even)
    assert len(positions) == 30
    assert set(skeleton.bones) <= set(names)
    for j, name in enumerate(names):
        bone = name.removesuffix(" end")
        expected = (tails if name.endswith(" end") else heads)[:, skeleton.index(bone)]
        # Six decimals of degrees and centimetres, ten joints deep.
        assert np.abs(z_up(positions[:, j]) - expected).max() < 1e-6, name


def test_uneven_times_are_sampled_at_equal_steps(skeleton, dance):
    names, positions, frame_time = read_bvh(bvh_text(skeleton, dance, frames_per_s=60.0))
    assert frame_time == pytest.approx(1.0 / 60.0, abs=1e-7)
    duration = dance.time_s[-1] - dance.time_s[0]
    assert len(positions) == int(duration * 60.0) + 1
    # The root moves evenly over true time.
    done = np.arange(len(positions)) / 60.0 / duration
    root = z_up(positions[:, names.index("pelvis")])
    assert np.allclose(root[:, 0], done, atol=1e-6)
    assert np.allclose(root[:, 1], -2.0 * done, atol=1e-6)


def test_the_median_rate_is_taken_when_none_is_given(skeleton, dance):
    _, _, frame_time = read_bvh(bvh_text(skeleton, dance))
    assert frame_time == pytest.approx(np.median(np.diff(dance.time_s)), abs=1e-7)


def test_the_figure_stands_still_in_a_gap(skeleton, dance):
    time_s = np.arange(30) / 30.0
    valid = np.ones(30, dtype=bool)
    valid[:3], valid[10:20] = False, False
    rotation, root = dance.rotation.copy(), dance.root_m.copy()
    rotation[~valid], root[~valid] = np.nan, np.nan
    motion = BoneMotion(dance.bones, time_s, rotation, root, valid)
    names, positions, _ = read_bvh(bvh_text(skeleton, motion))
    assert len(positions) == 30
    assert np.allclose(positions[:3], positions[3], atol=1e-4)
    assert np.allclose(positions[10:20], positions[9], atol=1e-4)
    x = z_up(positions[:, names.index("pelvis")])[:, 0]
    assert np.allclose(x[3:10], root[3:10, 0], atol=1e-6)
    assert np.allclose(x[20:], root[20:, 0], atol=1e-6)


def test_files_of_two_people_are_as_long_as_the_clip(skeleton, dance):
    time_s = np.arange(30) / 30.0
    lengths = []
    for seen in (slice(0, 12), slice(20, 30)):
        valid = np.zeros(30, dtype=bool)
        valid[seen] = True
        motion = BoneMotion(dance.bones, time_s, dance.rotation, dance.root_m, valid)
        _, positions, _ = read_bvh(bvh_text(skeleton, motion))
        lengths.append(len(positions))
        outside = positions[[0, -1]]
        assert np.allclose(outside, positions[[seen.start, seen.stop - 1]], atol=1e-4)
    assert lengths == [30, 30]


def test_a_single_frame_can_be_written(skeleton, dance):
    one = BoneMotion(
        dance.bones, dance.time_s[:1], dance.rotation[:1], dance.root_m[:1], dance.valid[:1]
    )
    _, positions, _ = read_bvh(bvh_text(skeleton, one))
    assert len(positions) == 1


def test_nothing_to_write_and_impossible_rates_are_refused(skeleton, dance):
    empty = BoneMotion(
        dance.bones, dance.time_s, np.full_like(dance.rotation, np.nan), dance.root_m, ~dance.valid
    )
    with pytest.raises(RigError, match="valid"):
        bvh_text(skeleton, empty)
    for rate in (0.0, -30.0, np.nan, np.inf):
        with pytest.raises(RigError, match="rate"):
            bvh_text(skeleton, dance, frames_per_s=rate)
    other = BoneMotion(("one",), dance.time_s, dance.rotation[:, :1], dance.root_m, dance.valid)
    with pytest.raises(RigError, match="skeleton"):
        bvh_text(skeleton, other)
