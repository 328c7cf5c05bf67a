# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of the body: which bones and switches they hold, and the change from the first frame."""

import numpy as np
import pytest
from track_spine.rigging.matching import Roles
from track_spine.rigging.regions import REGIONS, from_first_frame, only_regions, region_of
from track_spine.rigging.rotation import angle_between, from_axis_angle
from track_spine.rigging.target import PoseMotion

ROLES = Roles(
    family="test",
    pelvis="hips",
    spine=("low", "high"),
    neck=("neck",),
    head="head",
    limbs={"upper_arm.L": "arm", "thigh.R": "leg"},
    travel="torso",
    ik={"hand.L": "hand_ik", "shin.R": "pole"},
    still=("chest",),
    switches=(("box", "IK_FK", 1.0, 0.0, "arm"), ("torso", "neck_follow", 1.0, 1.0, "")),
)
BONES = ("torso", "hips", "low", "high", "chest", "neck", "head", "arm", "leg")


def motion():
    frames = 4
    angle = 0.1 * np.arange(frames)[:, None] + np.arange(len(BONES))
    axes = np.broadcast_to([0.6, 0.0, 0.8], (frames, len(BONES), 3))
    turns = from_axis_angle(axes, angle)
    turns[0] = np.nan
    path = np.arange(3.0 * frames).reshape(frames, 3)
    return PoseMotion(
        BONES,
        np.arange(frames) / 25.0,
        turns,
        "torso",
        path,
        np.array([False, True, True, True]),
        properties={("box", "IK_FK"): 0.0, ("torso", "neck_follow"): 1.0},
        locations={"hand_ik": 2.0 * path, "pole": path},
        handles={"low": np.tile(path, (1, 2)), "neck": np.tile(path, (1, 2))},
    )


def test_every_bone_of_a_rig_belongs_to_one_part():
    regions = region_of(ROLES)
    assert set(regions.values()) == set(REGIONS)
    assert {bone for bone, region in regions.items() if region == "spine"} == {
        "low",
        "high",
        "chest",
    }
    assert regions["hand_ik"] == "arms" and regions["pole"] == "legs"


@pytest.mark.parametrize(
    ("wanted", "bones", "root", "locations", "switches"),
    [
        ({"spine", "neck"}, "low high chest neck head", "", "", "neck_follow"),
        ({"root"}, "torso hips", "torso", "", ""),
        ({"arms"}, "arm", "", "hand_ik", "IK_FK"),
        (set(REGIONS), " ".join(BONES), "torso", "hand_ik pole", "IK_FK neck_follow"),
    ],
)
def test_a_part_holds_its_bones_locations_and_switches(wanted, bones, root, locations, switches):
    part = only_regions(motion(), ROLES, wanted)
    assert part.bones == tuple(bones.split())
    assert part.rotation_basis.shape == (4, len(part.bones), 4)
    assert part.root_bone == root
    assert sorted(part.locations) == locations.split()
    assert list(part.handles) == [bone for bone in ("low", "neck") if bone in part.bones]
    assert sorted(name for _, name in part.properties) == switches.split()


def test_the_change_begins_at_rest_in_the_first_frame_that_is_valid():
    change = from_first_frame(motion())
    assert change.rotation_basis[1] == pytest.approx(np.tile([1.0, 0, 0, 0], (len(BONES), 1)))
    turned = angle_between(change.rotation_basis[3], change.rotation_basis[1])
    assert turned == pytest.approx(0.2)
    assert change.location_basis[1:, 0] == pytest.approx([0.0, 3.0, 6.0])
    assert change.locations["hand_ik"][3] == pytest.approx([12.0, 12.0, 12.0])
    assert change.handles["low"][3] == pytest.approx([6.0] * 6)
