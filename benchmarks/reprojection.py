# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the rig of the demo lies from the person, seen through the scene's camera.

Run after `make demo`: .venv/bin/python benchmarks/reprojection.py
"""

from pathlib import Path

import bpy
import numpy as np
from bpy_extras.object_utils import world_to_camera_view
from track_spine.addon.timing import key_frames
from track_spine.rigging.motion import load_lifted

OUT = Path(__file__).parent.parent / "out"
BONES = {
    "shoulder": "upper_arm",
    "elbow": "forearm",
    "wrist": "hand",
    "hip": "thigh",
    "knee": "shin",
    "ankle": "foot",
}


def main() -> None:
    """Print the median distance by joint, as a share of the person's height in the picture."""
    bpy.ops.wm.open_mainfile(filepath=str(OUT / "demo.blend"))
    scene = bpy.context.scene
    rig = next(item for item in scene.objects if item.type == "ARMATURE")
    motion = next(iter(load_lifted(OUT / "take" / "lifted.npz").values()))
    assert motion.xy_px is not None
    size = np.array([scene.render.resolution_x, scene.render.resolution_y])
    rate_hz = scene.render.fps / scene.render.fps_base
    frames = key_frames(motion.time_s, bpy.data.movieclips[0].frame_start, rate_hz)
    off: dict[str, list[float]] = {joint: [] for joint in BONES}
    for row in np.flatnonzero(np.isfinite(motion.xy_px).all(axis=(1, 2))):
        scene.frame_set(int(frames[row]))
        tall_px = np.ptp(motion.xy_px[row, :, 1])
        for joint, bone in BONES.items():
            for side, letter in (("left", "L"), ("right", "R")):
                head = rig.matrix_world @ rig.pose.bones[f"{bone}.{letter}"].head
                view = world_to_camera_view(scene, scene.camera, head)
                found = np.array([view.x, 1.0 - view.y]) * size
                wanted = motion.xy_px[row, motion.names.index(f"{side}_{joint}")]
                off[joint].append(float(np.linalg.norm(found - wanted) / tall_px))
    for joint, shares in off.items():
        print(f"{joint:9} {np.median(shares):.2%}")
    print(f"all       {np.median(np.concatenate([*off.values()])):.2%}")


if __name__ == "__main__":
    main()
