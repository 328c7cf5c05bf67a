# SPDX-License-Identifier: GPL-3.0-or-later
"""How exactly each export comes back, read by processes of their own.

Every format, every preset and several people: names, hierarchy and times have to be the same, and
the figure is the largest distance of a joint.

Run: .venv/bin/python benchmarks/exports.py, and the same with the other environments' Blenders.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import radians
from pathlib import Path
from typing import Final

import bpy
import numpy as np
from mathutils import Matrix
from read_back import RATE_HZ, joints
from record import record
from track_spine.addon.armature import build_armature
from track_spine.addon.export import export_people
from track_spine.addon.export_names import renamed
from track_spine.addon.export_presets import PRESETS, ExportPreset
from track_spine.addon.keyframes import key_pose
from track_spine.addon.rig_reading import parent_indices
from track_spine.rigging.matching import match
from track_spine.rigging.rotation import from_axis_angle
from track_spine.rigging.skeleton import canonical_skeleton
from track_spine.rigging.target import PoseMotion

FRAMES = 250
FIRST = 7
LIMIT_MM = 1.0
TIMES_S: Final = 1e-5
"""How far times may be off: Blender stores frames as float32, 1e-6 s here."""
FIGURES = Path("out/bench.json")
COMMAND = "make bench"

FOLDER: Final = Path(__file__).parent
BENCH_PYTHON = Path(".venv-bench/bin/python")
"""Has Pixar's library; `make bench` makes it."""

FORMATS = (".fbx", ".glb", ".usd", ".bvh")
FOR_ENGINES = {"UNREAL": ".fbx", "UNITY": ".fbx", "GODOT": ".glb"}


@dataclass(frozen=True)
class Case:
    """A file and what it has to hold.

    Attributes:
        name: Which figure it counts for.
        path: The file.
        tree: Parent by bone, "" for none.
        joints: B names, of which the places are compared.
        time_s: (T,) when.
        xyz_m: (T, B, 3) where.
    """

    name: str
    path: Path
    tree: dict[str, str]
    joints: list[str]
    time_s: np.ndarray
    xyz_m: np.ndarray


def make_person(name: str, seed: int, frames: int = FRAMES) -> bpy.types.Object:
    """Make a rig that walks about with every bone turning.

    Args:
        name: Name of the object.
        seed: Of the random turns.
        frames: How many frames it moves, from frame 7 on.

    Returns:
        The object, away from the origin and turned.
    """
    armature = build_armature(bpy.context, canonical_skeleton({}), name)
    armature.matrix_world = Matrix.Translation((1, 2, 0)) @ Matrix.Rotation(radians(40), 4, "Z")
    bones = tuple(bone.name for bone in armature.data.bones)
    random = np.random.default_rng(seed)
    time_s = np.arange(frames) / RATE_HZ
    phase = random.uniform(0.0, 6.0, len(bones)) + 3.0 * time_s[:, None]
    axes = random.normal(size=(len(bones), 3))
    axes /= np.linalg.norm(axes, axis=-1, keepdims=True)
    turns = from_axis_angle(np.broadcast_to(axes, (frames, len(bones), 3)), 0.5 * np.sin(phase))
    travel = np.stack([time_s, np.sin(time_s), 0.1 * np.cos(3.0 * time_s)], axis=-1)
    pose = PoseMotion(bones, time_s, turns, "pelvis", travel, np.ones(frames, bool))
    key_pose(armature, pose, FIRST + np.arange(frames, dtype=float), f"{name} Walk")
    return armature


def export_all(people: Sequence[bpy.types.Object], folder: Path) -> Iterator[Case]:
    """Write two people in every way there is.

    Args:
        people: The armatures; one of them goes into every format and preset.
        folder: Where to.

    Yields:
        The files.
    """
    for suffix in FORMATS:
        yield from _export(people[:1], folder / f"walk{suffix}", suffix[1:])
    for program, suffix in FOR_ENGINES.items():
        name = program.lower()
        yield from _export(people[:1], folder / f"{name}{suffix}", name, PRESETS[program])
    for suffix in (".fbx", ".glb"):
        yield from _export(people, folder / f"people{suffix}", f"people_{suffix[1:]}")


def _export(
    people: Sequence[bpy.types.Object], path: Path, name: str, preset: ExportPreset | None = None
) -> Iterator[Case]:
    written = export_people(bpy.context, people, path, preset)
    for armature, file in zip(people, written, strict=True):
        bones = list(armature.data.bones)
        names = {bone.name: bone.name for bone in bones}
        if path.suffix == ".usd":
            names = {bone: bone.replace(".", "_") for bone in names}  # USD has no dots
        if preset:
            names = renamed(match(list(names), parent_indices(bones)), preset.names)
        root = preset.root_bone if preset else ""
        tree = {names[b.name]: names[b.parent.name] if b.parent else root for b in bones}
        first, last = (round(frame) for frame in armature.animation_data.action.frame_range)
        start = 0 if preset else first
        if path.suffix == ".bvh":
            start = 1  # knows no start; Blender reads it in at 1
        yield Case(
            name,
            file,
            tree | ({root: ""} if root else {}),
            [names[bone.name] for bone in bones],
            (start + np.arange(last - first + 1)) / RATE_HZ,
            joints(armature, first, last),
        )


def error_mm(case: Case) -> float:
    """Compare what a reader found in a file with what it has to hold.

    Args:
        case: The file; what was found lies beside it.

    Returns:
        The largest distance of a joint, millimetres.

    Raises:
        ValueError: Names, hierarchy or times differ.
    """
    with np.load(f"{case.path}.npz") as found:
        names, time_s, xyz_m = found["names"].tolist(), found["time_s"], found["xyz_m"]
        tree = dict(zip(names, found["parents"].tolist(), strict=True))
    if tree != case.tree:
        raise ValueError(
            f"{case.path.name}: bones differ: {set(tree.items()) ^ set(case.tree.items())}"
        )
    if len(time_s) != len(case.time_s) or np.abs(time_s - case.time_s).max() > TIMES_S:
        raise ValueError(
            f"{case.path.name}: {len(time_s)} frames of {time_s[0]:.6f} to {time_s[-1]:.6f} s, "
            f"not {len(case.time_s)} of {case.time_s[0]:.6f} to {case.time_s[-1]:.6f} s"
        )
    columns = [names.index(bone) for bone in case.joints]
    return float(1000.0 * np.linalg.norm(xyz_m[:, columns] - case.xyz_m, axis=-1).max())


def read_by(reader: str, files: Sequence[Path]) -> None:
    """Read files by a Blender like this one in a process of its own.

    Args:
        reader: One of `read_back.READERS`.
        files: The files.
    """
    script = str(FOLDER / "read_back.py")
    blender = [bpy.app.binary_path, "-b", "--python-exit-code", "1", "-P", script, "--"]
    command = blender if bpy.app.binary_path else [sys.executable, script]
    _run([*command, reader, *map(str, files)])


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main() -> int:
    """Export, read back, print and record.

    Returns:
        Exit status: 1 when a joint is over the limit.
    """
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = RATE_HZ
    people = [make_person("Person", 1), make_person("Other", 2)]
    with tempfile.TemporaryDirectory() as folder:
        cases = list(export_all(people, Path(folder)))
        read_by("importer", [case.path for case in cases])
        worst = _judge(cases, "")
        again = [case for case in cases if case.path.suffix in (".glb", ".usd")]
        _run([str(BENCH_PYTHON), str(FOLDER / "second_readers.py"), *(str(c.path) for c in again)])
        if "fbx_import" in dir(bpy.ops.wm):  # Blender's second FBX reader came with 4.5
            fbx = [case for case in cases if case.path.suffix == ".fbx"]
            read_by("second_reader", [case.path for case in fbx])
            again += fbx
        worst = max(worst, _judge(again, "_second_reader"))
    return int(worst > LIMIT_MM)


def _judge(cases: Sequence[Case], reader: str) -> float:
    blender = ".".join(map(str, bpy.app.version[:2]))
    off_mm: dict[str, float] = {}
    for case in cases:
        off_mm[case.name] = max(off_mm.get(case.name, 0.0), error_mm(case))
    for name, worst in off_mm.items():
        print(f"Blender {blender}, {name}{reader}: {worst:.6f} mm at worst")
        figure = f"export_{name}{reader}_mm_blender_{blender}"
        record(FIGURES, figure, round(worst, 6), "mm", LIMIT_MM, COMMAND)
    return max(off_mm.values())


if __name__ == "__main__":
    sys.exit(main())
