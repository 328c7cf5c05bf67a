# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of the body that a motion can be limited to."""

from collections.abc import Collection
from dataclasses import replace
from typing import Final

import numpy as np

from .matching import Roles
from .rotation import Floats, conjugate, multiply
from .target import PoseMotion

REGIONS: Final = ("root", "spine", "neck", "arms", "legs")
"""The body's place and the pelvis; the back; neck and head; with collar bones; with feet."""

_ARM_PARTS: Final = frozenset({"clavicle", "upper_arm", "forearm", "hand"})


def region_of(roles: Roles) -> dict[str, str]:
    """Tell which part of the body each bone belongs to.

    Args:
        roles: What a rig's bones are.

    Returns:
        Region by bone; controls that stay at rest belong to the spine.
    """
    regions = {bone: "spine" for bone in (*roles.still, *roles.guides, *roles.spine)}
    regions |= {bone: "neck" for bone in (*roles.neck, roles.head)}
    for role, bone in (*roles.limbs.items(), *roles.ik.items()):
        regions[bone] = "arms" if role.partition(".")[0] in _ARM_PARTS else "legs"
    return regions | {bone: "root" for bone in (roles.travel, roles.pelvis) if bone}


def _region_of_switch(roles: Roles) -> dict[tuple[str, str], str]:
    """Tell which part of the body each custom property serves."""
    parts = {"arm": "arms", "leg": "legs", "": "neck"}  # Rigify's others let the head follow
    return {(bone, name): parts[part] for bone, name, _, _, part in roles.switches}


def only_regions(pose: PoseMotion, roles: Roles, wanted: Collection[str]) -> PoseMotion:
    """Take the keys of some parts of the body.

    Args:
        pose: A motion.
        roles: What the rig's bones are.
        wanted: Some of REGIONS.

    Returns:
        The motion of the bones in them; `root_bone` is empty where the root is not among them.
    """
    regions, switches = region_of(roles), _region_of_switch(roles)
    return replace(
        pose.turning_only([bone for bone in pose.bones if regions.get(bone) in wanted]),
        root_bone=pose.root_bone if "root" in wanted else "",
        properties={
            key: value for key, value in pose.properties.items() if switches.get(key) in wanted
        },
        locations={
            bone: value for bone, value in pose.locations.items() if regions.get(bone) in wanted
        },
        handles={
            bone: value for bone, value in pose.handles.items() if regions.get(bone) in wanted
        },
    )


def from_first_frame(pose: PoseMotion) -> PoseMotion:
    """Give a motion as the change from its first valid frame.

    Args:
        pose: A motion.

    Returns:
        The same motion; added onto a pose, it begins as that pose.
    """
    first = int(np.flatnonzero(pose.valid)[0])

    def change(values: Floats) -> Floats:
        return np.asarray(values - values[first])

    return replace(
        pose,
        rotation_basis=multiply(conjugate(pose.rotation_basis[first]), pose.rotation_basis),
        location_basis=change(pose.location_basis),
        locations={bone: change(location) for bone, location in pose.locations.items()},
        handles={bone: change(handles) for bone, handles in pose.handles.items()},
    )
