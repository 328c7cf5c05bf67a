# SPDX-License-Identifier: GPL-3.0-or-later
"""What about an armature's bones matters for retargeting, as plain arrays."""

import bpy
import numpy as np
from numpy.typing import NDArray


def parent_indices(bones: list[bpy.types.Bone]) -> list[int]:
    """Give the index of each bone's parent.

    Args:
        bones: All bones of an armature.

    Returns:
        Indices, -1 for none.
    """
    index = {bone.name: number for number, bone in enumerate(bones)}
    return [index[bone.parent.name] if bone.parent else -1 for bone in bones]


def free_handles(bones: list[bpy.types.Bone]) -> NDArray[np.bool_]:
    """Tell which ends of B-bones Blender does not bend by itself.

    Args:
        bones: All bones of an armature.

    Returns:
        (B, 2) for start and end; False for bones of one segment.
    """
    followed = {bone.parent.name for bone in bones if bone.parent and bone.use_connect}
    free = [
        (
            _free(bone.bbone_handle_type_start, bone.bbone_custom_handle_start, bone.use_connect),
            _free(bone.bbone_handle_type_end, bone.bbone_custom_handle_end, bone.name in followed),
        )
        if bone.bbone_segments > 1
        else (False, False)
        for bone in bones
    ]
    return np.array(free, dtype=bool).reshape(len(bones), 2)


def _free(handle_type: str, custom: bpy.types.Bone | None, neighbour: bool) -> bool:
    return not neighbour if handle_type == "AUTO" else custom is None
