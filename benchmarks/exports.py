# SPDX-License-Identifier: GPL-3.0-or-later
"""How exactly each export comes back, each read by a process of its own.

Run: .venv/bin/python benchmarks/exports.py, and the same with the other environments' Blenders.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from math import radians
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix
from record import record
from track_spine.addon.armature import build_armature
from track_spine.addon.export import export_armature
from track_spine.addon.keyframes import key_pose
from track_spine.rigging.rotation import from_axis_angle
from track_spine.rigging.skeleton import canonical_skeleton
from track_spine.rigging.target import PoseMotion

FRAMES = 250
FIRST = 7
RATE_HZ = 30
LIMIT_MM = 1.0
FIGURES = Path("out/bench.json")
COMMAND = "make bench"

FORMATS = (".fbx", ".glb", ".usd", ".bvh")

SECOND_READERS = Path(__file__).with_name("second_readers.py")
BENCH_PYTHON = Path(".venv-bench/bin/python")
"""Has Pixar's library; `make bench` makes it."""


def make_person() -> bpy.types.Object:
    """Make a rig that walks about with every bone turning.

    Returns:
        The object, away from the origin and turned.
    """
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = RATE_HZ
    armature = build_armature(bpy.context, canonical_skeleton({}), "Person")
    armature.matrix_world = Matrix.Translation((1, 2, 0)) @ Matrix.Rotation(radians(40), 4, "Z")
    bones = tuple(bone.name for bone in armature.data.bones)
    random = np.random.default_rng(1)
    time_s = np.arange(FRAMES) / RATE_HZ
    phase = random.uniform(0.0, 6.0, len(bones)) + 3.0 * time_s[:, None]
    axes = random.normal(size=(len(bones), 3))
    axes /= np.linalg.norm(axes, axis=-1, keepdims=True)
    turns = from_axis_angle(np.broadcast_to(axes, (FRAMES, len(bones), 3)), 0.5 * np.sin(phase))
    travel = np.stack([time_s, np.sin(time_s), 0.1 * np.cos(3.0 * time_s)], axis=-1)
    pose = PoseMotion(bones, time_s, turns, "pelvis", travel, np.ones(FRAMES, bool))
    key_pose(armature, pose, FIRST + np.arange(FRAMES, dtype=float), "Walk")
    return armature


def joints(armature: bpy.types.Object, first: float) -> np.ndarray:
    """Play an armature.

    Args:
        armature: The object.
        first: Scene frame of the first sample.

    Returns:
        (T, B, 3) heads of its bones in the world, in the order of their names.
    """
    heads = []
    for frame in range(FRAMES):
        bpy.context.scene.frame_set(int(first) + frame)
        posed = sorted(armature.pose.bones, key=lambda bone: bone.name.replace(".", "_"))
        heads.append([armature.matrix_world @ bone.head for bone in posed])
    return np.array(heads)


def _fbx(path: str) -> None:
    bpy.ops.import_scene.fbx(filepath=path, anim_offset=0.0)


def _fbx_second(path: str) -> None:
    bpy.ops.wm.fbx_import(filepath=path, anim_offset=0.0)


def _bvh(path: str) -> None:
    bpy.ops.import_anim.bvh(filepath=path, axis_forward="Y", axis_up="Z", frame_start=FIRST)


READERS: dict[str, Callable[[str], object]] = {
    "fbx": _fbx,
    "fbx_second_reader": _fbx_second,
    "glb": lambda path: bpy.ops.import_scene.gltf(filepath=path),
    "usd": lambda path: bpy.ops.wm.usd_import(filepath=path),
    "bvh": _bvh,
}


def read_back(reader: str, path: str, out: str) -> None:
    """Read a file as another program would, and write down where its joints are.

    Args:
        reader: One of READERS.
        path: The exported file.
        out: File for the joints.
    """
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = RATE_HZ
    READERS[reader](path)
    (armature,) = (obj for obj in bpy.data.objects if obj.type == "ARMATURE")
    np.save(out, joints(armature, FIRST))


def error_mm(command: list[str], path: Path, wanted: np.ndarray) -> float:
    """Measure how far the joints of a file are off at worst.

    Args:
        command: What reads the file and writes down its joints, told both names last.
        path: The exported file.
        wanted: (T, B, 3) where they belong, metres.

    Returns:
        The largest distance, millimetres.
    """
    out = path.with_name("joints.npy")
    subprocess.run([*command, str(path), str(out)], check=True, stdout=subprocess.DEVNULL)
    return float(1000.0 * np.linalg.norm(np.load(out) - wanted, axis=-1).max())


def readers() -> dict[str, list[str]]:
    """List the programs that read files back, by name: the format and which reader.

    Returns:
        Commands.
    """
    commands = {reader: [sys.executable, __file__, reader] for reader in READERS}
    if "fbx_import" not in dir(bpy.ops.wm):
        del commands["fbx_second_reader"]  # Blender's second FBX reader came with 4.5
    for form in ("glb", "usd"):
        commands[f"{form}_second_reader"] = [str(BENCH_PYTHON), str(SECOND_READERS)]
    return commands


def main() -> int:
    """Export, read back, print and record.

    Returns:
        Exit status: 1 when a joint is over the limit.
    """
    armature = make_person()
    wanted = joints(armature, FIRST)
    blender = ".".join(map(str, bpy.app.version[:2]))
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for suffix in FORMATS:
            export_armature(bpy.context, armature, Path(folder, f"walk{suffix}"))
        for reader, command in readers().items():
            path = Path(folder, f"walk.{reader.partition('_')[0]}")
            off_mm = error_mm(command, path, wanted)
            print(f"Blender {blender}, {reader}: {off_mm:.6f} mm at worst")
            name = f"export_{reader}_mm_blender_{blender}"
            record(FIGURES, name, round(off_mm, 6), "mm", LIMIT_MM, COMMAND)
            worst = max(worst, off_mm)
    return int(worst > LIMIT_MM)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        read_back(*sys.argv[1:])
    else:
        sys.exit(main())
