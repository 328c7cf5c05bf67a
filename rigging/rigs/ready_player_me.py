# SPDX-License-Identifier: GPL-3.0-or-later
"""Ready Player Me: Mixamo's names without its prefix, and eyes.

Source: docs.readyplayer.me, "Templates", the table of the full-body skeleton's joints.
"""

from typing import Final

from . import mixamo
from .family import Family

FAMILY: Final = Family(
    name="Ready Player Me",
    bones=mixamo.FAMILY.bones,
    marks=("LeftEye", "RightEye"),
)
