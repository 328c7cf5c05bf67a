# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the spine: its joints, how far each goes, and where the key points lie on it.

Joints are counted upwards, from L5-S1 to the skull on C1; angles are sagittal (flexion positive),
lateral (to the person's left positive) and axial (turning to the left positive).
"""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

VERTEBRAE: Final = (
    "S1",
    *(f"L{n}" for n in range(5, 0, -1)),
    *(f"T{n}" for n in range(12, 0, -1)),
    *(f"C{n}" for n in range(7, 0, -1)),
    "C0",
)
"""Rigid pieces, bottom to top; S1 moves with the pelvis, C0 is the skull."""

JOINTS: Final = tuple(f"{upper}-{lower}" for lower, upper in pairwise(VERTEBRAE))
LUMBAR: Final = slice(0, 6)
THORACIC: Final = slice(6, 18)
NECK: Final = slice(18, 25)

FLEXION_DEG: Final = np.concatenate(
    (
        (9.5, 13.5, 13.0, 11.0, 9.5, 4.5),
        (3.2, 2.6, 2.3, 2.0, 1.8, 1.6, 1.5, 1.5, 1.5, 1.6, 2.6, 4.0),
        (7.5, 9.0, 8.5, 8.0, 5.0, 12.0, 12.0),
    )
)
EXTENSION_DEG: Final = np.concatenate(
    (
        (6.0, 4.0, 4.0, 4.0, 4.0, 2.5),
        (2.0, 1.7, 1.5, 1.3, 1.2, 1.1, 1.0, 1.0, 1.0, 1.1, 1.7, 3.0),
        (6.5, 9.0, 8.5, 8.0, 3.5, 12.0, 14.0),
    )
)
LATERAL_DEG: Final = np.concatenate(
    (
        (1.5, 3.0, 5.0, 5.5, 5.5, 5.0),
        (3.0, 2.8, 2.8, 2.8, 2.6, 2.6, 2.6, 2.6, 2.6, 2.6, 2.6, 3.0),
        (4.0, 5.0, 5.5, 5.5, 5.0, 4.8, 6.0),
    )
)
AXIAL_DEG: Final = np.concatenate(
    (
        (1.6, 1.7, 1.7, 1.4, 1.3, 1.5),
        (2.0, 2.4, 2.8, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0),
        (2.0, 3.5, 4.6, 3.5, 2.4, 38.0, 6.0),
    )
)
"""How far each joint goes from standing, degrees.

Sources: lumbar Pearcy 1984/1985 and the couplings of the OpenSim full-body lumbar model (shares of
flexion 14, 26, 23, 16, 13, 8 %; lateral bend least at L5-S1, most about L3); lumbar axial Fujii;
thoracic Morita 2014 (sagittal total 32 with C7 to L1), Fujimori 2012 and 2014 (axial 25, lateral 16
and more with effort), shared as by Wilke 2017; neck Panjabi as reprinted in s13018-024-04567-5,
widened towards the active range of Niewiadomski 2019 (flexion 65, extension 61, lateral 44, axial
73). Then narrowed at T12-L1, in the thorax and at C2-C3, C3-C4 and C6-C7, and widened below, until
no joint of 1,200 drawn poses goes beyond the bounds of align_ranges.py and the lumbar joints make
70 % of a forward bend: docs/alignment.md.
"""

RANGE_SLACK: Final = 1.15
"""Supple people go beyond the mean range: one standard deviation of the studies is 15-25 %."""

COUPLED_AXIAL: Final = np.repeat([0.1, -0.15, 0.2, 0.0, 0.35], [1, 5, 8, 4, 7])
"""Axial turn that comes with a lateral bend, in parts of it; a turn to the same side is positive.

Signs: Pearcy 1985 (lumbar opposite, L5-S1 same side), Willems 1996 (thoracic same side, upper
either way), neck same side.
"""

JOINT_ARC: Final = np.concatenate(
    [
        np.array([0.125, 0.195, 0.265, 0.335, 0.400, 0.462]),
        np.linspace(0.515, 0.94, 11),
        np.array([0.975]),
        np.array([1.013, 1.041, 1.069, 1.097, 1.125, 1.160, 1.205]),
    ]
)
"""Where the joints lie on the arc from the level of the hip joints (0) to C7 (1).

Made from vertebral heights of adults: the top of S1 lies 70 mm above the hip joints, lumbar
vertebrae with discs are 35-39 mm, thoracic 20-29 mm, cervical 15-19 mm high, arc 0.56 m.
"""

CONTRACT_ARC: Final = np.array([0.0, 0.13, 0.225, 0.34, 0.61, 0.845, 1.0, 1.10, 1.18])
"""Where the nine key points lie on that arc, whatever vertebrae they are named after.

Source: read off the pictures published with SpinePose and SIMSPINE; the project's design.
"""

DEPTH_M: Final = np.array([0.062, 0.066, 0.070, 0.068, 0.060, 0.056, 0.060, 0.062, 0.068])
"""Depth of the vertebral bodies' centres under the skin of the back, for a stature of 1.75 m."""

STATURE_M: Final = 1.75

HIP_BEHIND_M: Final = 0.052
"""Lowest point of the curve behind the axis of the hip joints, for the same stature."""
