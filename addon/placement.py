# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a motion goes on an armature: an action of its own, or a layer over what is there."""

from dataclasses import dataclass, replace

import bpy

from ..rigging.regions import from_first_frame, only_regions
from ..rigging.target import PoseMotion, TargetRig
from .curves import Floats
from .keyframes import Tolerance, key_pose
from .layers import add_layer


@dataclass(frozen=True)
class Placement:
    """What the user chose.

    Attributes:
        layer: "NONE" for an action of its own, "REPLACE" or "ADD" for a layer.
        regions: Parts of the body that a layer moves, of `regions.REGIONS`.
        from_first: An added layer is the change from its first frame, not from the rest pose.
        keep_stages: The motion before smoothing, and on its own skeleton, stays in the file too.
        tolerance: How far curves may be off for having fewer keys; None keeps all.
    """

    layer: str = "NONE"
    regions: frozenset[str] = frozenset({"spine", "neck"})
    from_first: bool = False
    keep_stages: bool = False
    tolerance: Tolerance | None = None


def place(
    armature: bpy.types.Object,
    pose: PoseMotion,
    target: TargetRig,
    frames: Floats,
    name: str,
    placement: Placement,
) -> tuple[bpy.types.Action, PoseMotion]:
    """Write a motion onto an armature.

    Args:
        armature: The armature object.
        pose: The motion, at least one valid frame.
        target: The armature as it was read.
        frames: (T,) scene frame of each moment of the motion.
        name: Wanted name of the action.
        placement: Where it goes.

    Returns:
        The new action, and the part of the motion that is in it.

    Raises:
        TargetError: The armature cannot take a layer.
    """
    tolerance = placement.tolerance
    if placement.layer == "NONE":
        return key_pose(armature, pose, frames, name, tolerance), pose
    added = placement.layer == "ADD"
    part = only_regions(pose, target.roles, placement.regions)
    if added:  # switches cannot be added to
        part = replace(part, properties={})
    if added and placement.from_first:
        part = from_first_frame(part)
    return add_layer(armature, part, frames, name, added, tolerance).action, part
