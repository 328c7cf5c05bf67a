# SPDX-License-Identifier: GPL-3.0-or-later
"""The 37 names and the chains through them."""

import pytest
from track_spine.inference.keypoints import INDEX, LIMBS, NAMES, SPINE

# Ids and names as dfki-av/spinepose publishes them: 0-16 COCO, then head, neck, hip, feet, spine.
PUBLISHED = {0: "nose", 5: "left_shoulder", 16: "right_ankle", 17: "head", 18: "neck", 19: "hip"}
PUBLISHED |= {20: "left_big_toe", 25: "right_heel", 26: "spine_01", 30: "spine_05"}
PUBLISHED |= {31: "left_latissimus", 34: "right_clavicle", 35: "neck_02", 36: "neck_03"}


def test_there_are_37_different_names_at_the_published_ids():
    assert len(NAMES) == len(set(NAMES)) == 37
    assert {number: NAMES[number] for number in PUBLISHED} == PUBLISHED
    assert all(NAMES[INDEX[name]] == name for name in NAMES)


def test_the_spine_runs_through_the_published_ids_bottom_to_top():
    assert [INDEX[name] for name in SPINE] == [19, 26, 27, 28, 29, 30, 18, 35, 36]


def test_every_left_name_has_its_right():
    swapped = {name.replace("left_", "right_") for name in NAMES if name.startswith("left_")}
    assert swapped == {name for name in NAMES if name.startswith("right_")}
    assert len(swapped) == 13


def test_limbs_join_known_points_alike_on_both_sides():
    assert {name for limb in LIMBS for name in limb} <= set(NAMES)
    assert len(set(LIMBS)) == len(LIMBS)
    exchange = {"left": "right", "right": "left"}

    def mirrored(name):
        side, _, rest = name.partition("_")
        return f"{exchange[side]}_{rest}" if side in exchange else name

    assert {tuple(map(mirrored, limb)) for limb in LIMBS} == set(LIMBS)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in (*SPINE, "head")])
def test_no_point_is_left_out_of_the_drawing(name):
    assert any(name in limb for limb in LIMBS)
