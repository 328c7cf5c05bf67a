# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and chains of the 37 key points of SpinePose; indices are found by name only.

Source: dfki-av/spinepose, key-point definition of SpineTrack.
"""

from typing import Final

NAMES: Final = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "head",
    "neck",
    "hip",
    "left_big_toe",
    "right_big_toe",
    "left_small_toe",
    "right_small_toe",
    "left_heel",
    "right_heel",
    "spine_01",
    "spine_02",
    "spine_03",
    "spine_04",
    "spine_05",
    "left_latissimus",
    "right_latissimus",
    "left_clavicle",
    "right_clavicle",
    "neck_02",
    "neck_03",
)

INDEX: Final = {name: index for index, name in enumerate(NAMES)}

SPINE: Final = (
    "hip",
    "spine_01",
    "spine_02",
    "spine_03",
    "spine_04",
    "spine_05",
    "neck",
    "neck_02",
    "neck_03",
)
"""The nine spine points, bottom to top: sacrum, L5, L3, L1, T8, T3, C7, C4, C1."""

LIMBS: Final = (
    ("left_shoulder", "left_elbow"),
    ("left_elbow", "left_wrist"),
    ("right_shoulder", "right_elbow"),
    ("right_elbow", "right_wrist"),
    ("left_hip", "left_knee"),
    ("left_knee", "left_ankle"),
    ("right_hip", "right_knee"),
    ("right_knee", "right_ankle"),
    ("left_ankle", "left_heel"),
    ("left_heel", "left_big_toe"),
    ("left_heel", "left_small_toe"),
    ("right_ankle", "right_heel"),
    ("right_heel", "right_big_toe"),
    ("right_heel", "right_small_toe"),
    ("hip", "left_hip"),
    ("hip", "right_hip"),
    ("spine_05", "left_clavicle"),
    ("spine_05", "right_clavicle"),
    ("left_clavicle", "left_shoulder"),
    ("right_clavicle", "right_shoulder"),
    ("spine_04", "left_latissimus"),
    ("spine_04", "right_latissimus"),
    ("left_ear", "left_eye"),
    ("right_ear", "right_eye"),
    ("left_eye", "nose"),
    ("right_eye", "nose"),
)
"""Edges drawn between points that are not of the spine."""
