# SPDX-License-Identifier: GPL-3.0-or-later
"""CMU's skeletons as ASF: bones, each named by the bone of the body that it is.

Source: mocap.cs.cmu.edu, the ASF file of any subject.
"""

from typing import Final

from .family import Family

FAMILY: Final = Family(
    name="CMU (ASF)",
    bones={
        "pelvis": "root",
        "head": "head",
        "clavicle.L": "lclavicle",
        "upper_arm.L": "lhumerus",
        "forearm.L": "lradius",
        "hand.L": "lwrist",
        "thigh.L": "lfemur",
        "shin.L": "ltibia",
        "foot.L": "lfoot",
        "toe.L": "ltoes",
        "clavicle.R": "rclavicle",
        "upper_arm.R": "rhumerus",
        "forearm.R": "rradius",
        "hand.R": "rwrist",
        "thigh.R": "rfemur",
        "shin.R": "rtibia",
        "foot.R": "rfoot",
        "toe.R": "rtoes",
    },
)
