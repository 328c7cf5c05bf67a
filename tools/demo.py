# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo: the sample clip becomes a moving rig, as FBX and .blend, with pictures of both."""

import argparse
import atexit
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

import bpy
import cv2
import numpy as np
import track_spine
from numpy.typing import NDArray
from track_spine import cli
from track_spine.addon import cli as blender_command
from track_spine.inference.overlay import draw
from track_spine.inference.take import Take
from track_spine.inference.video import frames, probe
from track_spine.tools.rig_preview import render_rig

SUBJECT: Final = "1400,760"
"""A pixel that the walking woman of the sample clip passes: the man on the roof is not followed."""

HEIGHT_M: Final = 1.65
"""Her height as the clip's own settings give it."""

PICTURES: Final = 4
MARGIN: Final = 0.15


def main() -> int:
    """Run the command line; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    clip, out = arguments.clip.resolve(), arguments.out.resolve()
    shutil.rmtree(out / "take", ignore_errors=True)  # each demo shows the tracking itself
    print(f"Tracking {clip.name}")
    common = ["--height", str(HEIGHT_M), "--subject", SUBJECT]
    if status := cli.main(["track", str(clip), "--out", str(out), *common]):
        return status
    print("Building the rig in Blender")
    fbx, blend = out / "demo.fbx", out / "demo.blend"
    track_spine.register()
    atexit.register(track_spine.unregister)  # Blender must not end with its classes still there
    files = ["--out", str(fbx), "--blend", str(blend), "--take", str(out / "take")]
    if status := blender_command.main([str(clip), *files, *common]):
        return status
    print("Rendering the preview")
    preview = out / "preview.png"
    _write_preview(clip, out / "take", preview)
    print(f"Made {fbx}, {blend}, {out / 'overlay.mp4'}, {preview}")
    return 0


def _write_preview(clip: Path, take: Path, path: Path) -> None:
    arrays, _ = Take(take).read_chunks()
    points = arrays["xy_px"][:, 0].astype(np.float64)
    score = arrays["score"][:, 0].astype(np.float64)
    seen = np.flatnonzero(np.isfinite(points).all(axis=(1, 2)))
    shown = seen[np.linspace(0, len(seen) - 1, PICTURES + 2).round().astype(int)][1:-1]
    info = probe(clip)
    boxes = dict(zip(shown.tolist(), _boxes(points[shown], info.width, info.height), strict=True))
    scene = bpy.context.scene
    armature = next(item for item in scene.objects if item.type == "ARMATURE")
    footage = [
        _footage(frame.rgb, points[frame.index], score[frame.index], boxes[frame.index])
        for frame in frames(info)
        if frame.index in boxes
    ]
    size = np.array([info.width, info.height] * 2)
    crops = {scene.frame_start + index: tuple(box / size) for index, box in boxes.items()}
    with tempfile.TemporaryDirectory() as folder:
        files = render_rig(scene, armature, crops, Path(folder))
        size_px = footage[0].shape[1::-1]
        rendered = [cv2.resize(np.asarray(cv2.imread(str(file))), size_px) for file in files]
    cv2.imwrite(str(path), np.vstack([np.hstack(footage), np.hstack(rendered)]))


def _boxes(points: NDArray[np.float64], width: int, height: int) -> list[NDArray[np.float64]]:
    """Boxes of one size about the person in each frame: left, top, right, bottom, whole pixels."""
    low, high = points.min(axis=1), points.max(axis=1)
    size = ((high - low).max(axis=0) * (1.0 + 2.0 * MARGIN)).round()
    corner = ((low + high - size) / 2).clip(0, [width - size[0], height - size[1]]).round()
    return [np.concatenate([start, start + size]) for start in corner]


def _footage(
    rgb: NDArray[np.uint8],
    points: NDArray[np.float64],
    score: NDArray[np.float64],
    box: NDArray[np.float64],
) -> NDArray[np.uint8]:
    draw(rgb, points, score)
    left, top, right, bottom = box.astype(int)
    return np.ascontiguousarray(rgb[top:bottom, left:right, ::-1])


if __name__ == "__main__":
    sys.exit(main())
