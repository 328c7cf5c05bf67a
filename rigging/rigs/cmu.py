# SPDX-License-Identifier: GPL-3.0-or-later
"""CMU's motions as BVH: Mixamo's names, and bones from the root to the hips.

Source: the BVH files of cgspeed.com, B. Hahne's conversion of mocap.cs.cmu.edu.
"""

from typing import Final

from . import mixamo
from .family import Family

FAMILY: Final = Family(
    name="CMU",
    bones=mixamo.FAMILY.bones,
    marks=("LHipJoint", "RHipJoint"),
)
