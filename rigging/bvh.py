# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion as BVH text, which other animation programs read."""

import numpy as np
import numpy.typing as npt

from .errors import RigError
from .motion import BoneMotion
from .rotation import Floats, conjugate, multiply, quaternions_to_euler, slerp
from .skeleton import Skeleton

_CM_PER_M = 100.0
_ROOT_CHANNELS = "CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation"
_CHANNELS = "CHANNELS 3 Zrotation Xrotation Yrotation"


def bvh_text(skeleton: Skeleton, motion: BoneMotion, *, frames_per_s: float | None = None) -> str:
    """Write a motion as BVH: +Y up, facing +Z, centimetres, channels Zrotation Xrotation Yrotation.

    The format knows one frame time only, so the motion is sampled anew at equal steps of its true
    times, from its first to its last frame, so that the files of a clip's people go together. It
    knows no gaps either: while the person is not seen, the figure stands still as last seen, and
    before as first seen.

    Args:
        skeleton: Rest pose.
        motion: Rotations of its bones.
        frames_per_s: Frame rate of the file; the median rate of the motion when left out.

    Returns:
        The text of a .bvh file.

    Raises:
        RigError: The bones differ, no frame is valid, or the frame rate is not positive.
    """
    if motion.bones != skeleton.bones:
        raise RigError("The motion's bones are not the skeleton's; solve it for this skeleton.")
    if not motion.valid.any():
        raise RigError("No frame of the motion is valid, so there is nothing to write as BVH.")
    step = float(np.median(np.diff(motion.time_s))) if len(motion.time_s) > 1 else 1.0 / 30.0
    if frames_per_s is not None:
        if not 0.0 < frames_per_s < np.inf:
            raise RigError(f"A frame rate of {frames_per_s} is not possible; give frames a second.")
        step = 1.0 / frames_per_s
    rotation, root_m = _sample(motion, step)
    rows = _channels(skeleton, rotation, root_m)
    return "\n".join(
        [
            "HIERARCHY",
            *_joint_lines(skeleton, 0, 0),
            "MOTION",
            f"Frames: {len(rows)}",
            f"Frame Time: {step:.8f}",
            *(" ".join(f"{value:.6f}" for value in row) for row in rows),
            "",
        ]
    )


def _sample(motion: BoneMotion, step: float) -> tuple[Floats, Floats]:
    """Sample orientations (N, B, 4) and root (N, 3) every `step` seconds."""
    seen = np.flatnonzero(motion.valid)
    time_s = motion.time_s[seen]
    first_s, last_s = motion.time_s[[0, -1]]
    wanted = first_s + step * np.arange(int(np.floor((last_s - first_s) / step + 1e-6)) + 1)
    # A step that falls on a frame but for rounding shall take that frame.
    before = np.maximum(np.searchsorted(time_s, wanted + 1e-6 * step, side="right") - 1, 0)
    after = np.minimum(before + 1, len(seen) - 1)
    span = np.where(after > before, time_s[after] - time_s[before], 1.0)
    fraction = np.clip((wanted - time_s[before]) / span, 0.0, 1.0)
    fraction[seen[after] != seen[before] + 1] = 0.0
    rotation, root_m = motion.rotation[seen], motion.root_m[seen]
    turned = slerp(rotation[before], rotation[after], fraction[:, None])
    moved = root_m[before] + fraction[:, None] * (root_m[after] - root_m[before])
    return turned, moved


def _channels(skeleton: Skeleton, rotation: Floats, root_m: Floats) -> Floats:
    """Give the numbers of every frame (N, 3 + 3 B), joints in the order of the hierarchy."""
    turn = multiply(rotation, conjugate(skeleton.rest))
    columns = [_y_up(root_m) * _CM_PER_M]
    for bone in _depth_first(skeleton, 0):
        parent = int(skeleton.parents[bone])
        local = turn[:, bone] if parent < 0 else multiply(conjugate(turn[:, parent]), turn[:, bone])
        turned = np.concatenate([local[:, :1], _y_up(local[:, 1:])], axis=-1)
        # Turning about Y first, then X, then Z, all in the parent's axes, is what Z, X, Y in this
        # order says in BVH.
        x, y, z = np.degrees(quaternions_to_euler(turned, "YXZ")).T
        columns.append(np.stack([z, x, y], axis=-1))
    return np.concatenate(columns, axis=-1)


def _y_up(vectors: Floats) -> Floats:
    """Turn vectors (..., 3) from +Z up, facing -Y, to +Y up, facing +Z."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.stack([x, z, -y], axis=-1)


def _children(skeleton: Skeleton, bone: int) -> npt.NDArray[np.intp]:
    return np.flatnonzero(skeleton.parents == bone)


def _depth_first(skeleton: Skeleton, bone: int) -> list[int]:
    return [
        bone,
        *(b for child in _children(skeleton, bone) for b in _depth_first(skeleton, int(child))),
    ]


def _joint_lines(skeleton: Skeleton, bone: int, depth: int) -> list[str]:
    """Write a joint and all below it."""
    parent, indent = int(skeleton.parents[bone]), "  " * depth
    root = parent < 0
    offset = np.zeros(3) if root else skeleton.head_m[bone] - skeleton.head_m[parent]
    children = _children(skeleton, bone)
    lines = [
        f"{indent}{'ROOT' if root else 'JOINT'} {skeleton.bones[bone]}",
        f"{indent}{{",
        f"{indent}  {_offset(offset)}",
        f"{indent}  {_ROOT_CHANNELS if root else _CHANNELS}",
    ]
    for child in children:
        lines += _joint_lines(skeleton, int(child), depth + 1)
    if not len(children):
        end = _offset(skeleton.tail_m[bone] - skeleton.head_m[bone])
        lines += [f"{indent}  End Site", f"{indent}  {{", f"{indent}    {end}", f"{indent}  }}"]
    return [*lines, f"{indent}}}"]


def _offset(vector: Floats) -> str:
    x, y, z = _y_up(vector) * _CM_PER_M
    return f"OFFSET {x:.6f} {y:.6f} {z:.6f}"
