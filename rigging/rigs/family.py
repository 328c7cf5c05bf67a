# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a family of rigs."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """Names that the rigs of a family share.

    Attributes:
        name: What users call it.
        bones: Bone by role: pelvis, head and limbs; the spine and neck are the bones between.
        prefix: What may stand before every name, a regular expression; "" for nothing.
        marks: Bones that tell a family from one that has the same names otherwise.
    """

    name: str
    bones: Mapping[str, str]
    prefix: str = ""
    marks: tuple[str, ...] = ()
