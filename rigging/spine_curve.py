# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every spine: where its key points lie, how it curves, bends and twists."""

from typing import Final

import numpy as np

from .rotation import Floats

BONES: Final = (
    "spine_01",
    "spine_02",
    "spine_03",
    "spine_04",
    "spine_05",
    "spine_06",
    "spine_07_neck",
    "spine_08_neck",
    "spine_09_head",
)
"""The nine segments, bottom to top; the sixth ends at C7 and carries the arms."""

BENDING: Final = BONES[1:]
"""The segments that bend against the one below: all but the lowest, which tips the pelvis."""

CHEST: Final = 5
"""Position in `BONES` of the segment that ends at C7."""

POINTS: Final = (
    "spine_01",
    "spine_02",
    "spine_03",
    "spine_04",
    "spine_05",
    "neck",
    "neck_02",
    "neck_03",
    "head",
)
"""Key point at the top of each segment: L5, L3, L1, T8, T3, C7, C4, C1 and the top of the head."""

# Arc from mid-hip (0) to C7 (1) at L5, L3, L1, T8, T3, C7, C4 and C1: read from the pictures
# published with SIMSPINE (Khan et al., arXiv 2602.20792) and SpinePose (arXiv 2504.08110).
_ARC: Final = (0.13, 0.225, 0.34, 0.61, 0.845, 1.0, 1.10, 1.18)

ARC_SHARE: Final = tuple(np.diff((0.0, *_ARC)).round(6).tolist())
"""Length of the eight segments below C1 as a share of the arc from mid-hip to C7."""

# Turn of the curve at L5, L3, L1, T8, T3, C7 and C4, degrees, + where the next segment leans
# further forward: neutral standing of the OpenSim model behind SIMSPINE (markers of
# dfki-av/simspine, assets/OpenSim_Setup/Markers.xml, on Model_Pose2Sim_muscles_flex.osim of
# perfanalytics/pose2sim).
_NEUTRAL_TURN_DEG: Final = (-27.5, -12.4, 0.0, 16.5, 20.7, 7.4, -16.3)

TURN_RANGE_DEG: Final = (
    (21.0, 9.5),
    (28.0, 18.0),
    (22.0, 17.3),
    (12.0, 14.9),
    (9.0, 12.8),
    (19.0, 15.8),
    (25.0, 23.0),
    (39.0, 21.7),
)
"""Range of the turn at L5, L3, L1, T8, T3, C7, C4 and C1, degrees: sagittal and lateral.

Both ways together. Half the joint ranges of the segment below and half of the one above. Lumbar:
Pearcy, Spine 1984;9:294. Thoracic: sagittal Morita 2014, PMC3940794; lateral 31 in all (Fujimori
2014) shared as in vitro (Wilke 2017, pone.0177823). Cervical: Panjabi, as reprinted in doi
10.1186/s13018-024-04567-5 table 2.
"""

_FORWARD_SHARE: Final = (0.5, *(2 * (51.0 / 67.0,)), 0.7, 0.6, 0.55, *(2 * (64.0 / 127.0,)))
"""How much of the sagittal range lies forward of neutral.

Half at the sacrum; lumbar 51 of 67 (Pearcy, Spine 1984;9:294); thoracic 21.5 of 35.5 (Jiang 2025);
neck 64 of 127 (anatomystandard.com, ROM of the spine); between them their mean.
"""

_WIDEST: Final = 1.6
"""What a range is of the usual one in people whose spines bend furthest, two standard deviations
above the mean of the studies above, each about 0.3 of the mean."""

_UNEVEN: Final = (0.15, 0.15, 0.15, 0.15, np.inf, 0.15, 0.3)
_USED: Final = 6.0
"""Usual differences between neighbouring joints, from L5 upwards, in the share of their range that
they use, and usual size of that share itself.

Joints of the trunk bend together, and so do those of the neck; the two bend on their own, and the
head nods nearly so. `tests/rigging/test_trunk.py` holds the price where points are exact and the
gain where they are not.
"""

# Vertebrae counted upwards from the sacrum: S1 is 0, L5 is 1, ... T12 is 6, ... C7 is 18, ... C1 is
# 24.
_POINT_LEVEL: Final = (1, 3, 5, 10, 15, 18, 21, 24)

# Axial rotation between vertebra n and n + 1, degrees to one side with the trunk turned fully,
# S1-L5 first. Lumbar: MRI of a 45 degree trunk turn (Fujii et al., quoted on simtk.org, viewtopic
# t=18771), T12-L1 taken as L1-2. Thoracic: 24.9 for T1 on L1 (Fujimori 2012), shared as in vitro
# (Wilke 2017, pone.0177823: 11 for T1-T10, 7.5 below). T1 up to C2: half of the two-sided ranges
# (Panjabi, as above), C7-T1 taken as C6-7. Above C2: as much as all joints below it in the neck,
# since C1-C2 makes about half of the neck's axial rotation.
_TRUNK_AXIAL_DEG: Final = (1.6, 1.7, 1.7, 1.4, 1.3, 1.3, 1.55, 1.55, *(9 * (2.28,)))
_NECK_AXIAL_DEG: Final = (1.45, 1.45, 2.5, 3.4, 2.55, 1.65, 13.0)


def neutral_directions() -> Floats:
    """Give the neutral standing curve: chord from hip to C7 vertical, head upright.

    Returns:
        (9, 3) unit directions of the segments, bottom to top, facing -Y.
    """
    lean = np.radians(np.cumsum((0.0, *_NEUTRAL_TURN_DEG)))
    share = np.array(ARC_SHARE[: CHEST + 1])
    trunk = lean[: CHEST + 1]
    lean += np.arctan2(-np.sum(share * np.sin(trunk)), np.sum(share * np.cos(trunk)))
    lean = np.append(lean, 0.0)
    return np.stack([np.zeros_like(lean), -np.sin(lean), np.cos(lean)], axis=-1)


def turn_limits_deg() -> Floats:
    """Give how far from neutral the curve can turn at L5, L3, L1, T8, T3, C7, C4 and C1.

    Returns:
        (8, 3) degrees forward, backward and to either side.
    """
    sagittal, lateral = _WIDEST * np.array(TURN_RANGE_DEG).T
    forward = np.array(_FORWARD_SHARE)
    return np.stack([forward * sagittal, (1.0 - forward) * sagittal, 0.5 * lateral], axis=-1)


def turn_stiffness() -> Floats:
    """Give how unlikely a curve is.

    Returns:
        (2, 8, 8) quadratic forms of its turns away from neutral, radians, sagittal and lateral: the
        negative logarithm of the likelihood, times two.
    """
    forms = []
    for limit in np.radians(TURN_RANGE_DEG).T:
        used = np.diag(1.0 / limit)
        uneven = np.diff(used, axis=0) / np.array(_UNEVEN)[:, None]
        forms.append(uneven.T @ uneven + used.T @ used / _USED**2)
    return np.stack(forms)


def twist_shares() -> tuple[Floats, Floats]:
    """Share axial rotation among the segments as the joints in them take part in it.

    Returns:
        (6,) share of the twist from pelvis to chest that each trunk segment has reached (the last
        has all of it), and (3,) share of the twist from chest to head that the two neck segments
        and the head have reached.
    """
    level = np.arange(len(_TRUNK_AXIAL_DEG) + len(_NECK_AXIAL_DEG) + 1)
    reached = np.cumsum((0.0, *_TRUNK_AXIAL_DEG, *_NECK_AXIAL_DEG))
    middle = 0.5 * (np.array(_POINT_LEVEL[:-1]) + np.array(_POINT_LEVEL[1:]))
    at_middle = np.append(np.interp(middle, level, reached), reached[-1])
    trunk = np.append(0.0, at_middle[:CHEST])
    return trunk / trunk[-1], (at_middle[CHEST:] - trunk[-1]) / (reached[-1] - trunk[-1])
