# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads motion capture (BVH, ASF/AMC, DeepMimic) into trunk rotations and limb directions."""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from .errors import TrainingError
from .rotations import Floats, unit

ARCHIVES = {"cmu_amc.zip": "cmu", "cmu_bvh.zip": "cmu", "deepmimic.zip": "deepmimic"}
"""Archives of the shared data folder that may train a shipped model, and where they come from."""

BVH_FILES = ("05_06.bvh", "cmu_12_01_walk.bvh")
"""CMU conversions that the AMC archive does not hold already."""

FRAME_STEP_S = 0.05

_Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""CMU: x left, y up, z forward."""

_DEEPMIMIC = np.array([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""DeepMimic: x forward, y up, z right."""


@dataclass(frozen=True)
class Motion:
    """One clip, free of any body.

    Attributes:
        source: Where it comes from ("cmu" or "deepmimic").
        subject: Person, as the source names it.
        clip: Name of the file.
        pelvis: (T, 3, 3) rotation from standing facing -Y, world.
        chest: (T, 3, 3) likewise.
        head: (T, 3, 3) likewise.
        limbs: Segment name of posing.Pose to (T, 2, 3) unit directions, left and right.
    """

    source: str
    subject: str
    clip: str
    pelvis: Floats
    chest: Floats
    head: Floats
    limbs: dict[str, Floats]


@dataclass(frozen=True)
class _Joint:
    name: str
    parent: int
    offset: Floats
    channels: tuple[str, ...]


_CMU_BVH = {
    "pelvis": "Hips",
    "chest": "Spine1",
    "head": "Head",
    "upper_arm": "{}Arm {}ForeArm",
    "forearm": "{}ForeArm {}Hand",
    "hand": "{}Hand {}FingerBase",
    "thigh": "{}UpLeg {}Leg",
    "shin": "{}Leg {}Foot",
    "foot": "{}Foot {}ToeBase",
}


def load_motions(folder: Path) -> list[Motion]:
    """Read every clip that may train a shipped model.

    Args:
        folder: Folder with the archives named in ARCHIVES.

    Returns:
        Motions at one frame every FRAME_STEP_S, in a fixed order.

    Raises:
        TrainingError: If an archive is missing or damaged.
    """
    motions: list[Motion] = []
    for archive, source in ARCHIVES.items():
        try:
            with zipfile.ZipFile(folder / archive) as file:
                texts = {
                    name: file.read(name).decode("utf-8", "replace") for name in file.namelist()
                }
        except (OSError, zipfile.BadZipFile) as error:
            raise TrainingError(f"cannot read {folder / archive}: {error}") from error
        for name in sorted(texts):
            path = Path(name)
            if path.suffix == ".amc":
                asf = texts[str(path.with_name(f"{path.parent.name}.asf"))]
                motions.append(_read_amc(asf, texts[name], path.parent.name, path.stem))
            elif path.name in BVH_FILES:
                motions.append(_read_bvh(texts[name], path.stem.removeprefix("cmu_")))
            elif source == "deepmimic" and path.name.startswith("humanoid3d_"):
                motions.append(_read_deepmimic(texts[name], path.stem.removeprefix("humanoid3d_")))
    return motions


@dataclass(frozen=True)
class Bvh:
    """A BVH clip by forward kinematics.

    Attributes:
        row: Joint to its row.
        rotation: (T, J, 3, 3) to the clip's world.
        position: (T, J, 3) from the root, in the clip's units.
    """

    row: dict[str, int]
    rotation: Floats
    position: Floats

    def between(self, start: str, end: str) -> Floats:
        """(T, 3) from one joint to another."""
        return np.asarray(self.position[:, self.row[end]] - self.position[:, self.row[start]])


def read_bvh(text: str, wanted_step_s: float = FRAME_STEP_S) -> Bvh:
    """Read a BVH clip.

    Args:
        text: Content of the file.
        wanted_step_s: Time between frames, as near as whole steps of the file come to it.

    Returns:
        Its motion; positions that joints other than the root may have are left out.
    """
    head, _, body = text.partition("MOTION")
    joints: list[_Joint] = []
    stack: list[int] = []
    skip = 0
    lines = [line.split() for line in head.splitlines() if line.strip()]
    name, offset = "", np.zeros(3)
    for words in lines:
        if words[0] in ("ROOT", "JOINT"):
            name = words[1]
        elif words[0] == "End":
            skip = 1
        elif words[0] == "OFFSET" and not skip:
            offset = np.array(words[1:4], float)
        elif words[0] == "CHANNELS":
            joints.append(_Joint(name, stack[-1] if stack else -1, offset, tuple(words[2:])))
            stack.append(len(joints) - 1)
        elif words[0] == "}":
            if skip:
                skip = 0
            else:
                stack.pop()
    rows = body.strip().splitlines()
    step_s = float(rows[1].split()[-1])
    every = max(1, round(wanted_step_s / step_s))
    values = np.array([row.split() for row in rows[2::every] if row.strip()], float)
    rotation, position = _bvh_forward(joints, values)
    return Bvh({joint.name: row for row, joint in enumerate(joints)}, rotation, position)


def _read_bvh(text: str, clip: str) -> Motion:
    bvh = read_bvh(text)
    limbs = {}
    for part in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot"):
        start, end = _CMU_BVH[part].split()
        limbs[part] = np.stack(
            [bvh.between(start.format(side), end.format(side)) for side in ("Left", "Right")],
            axis=1,
        )
    trunk = [bvh.rotation[:, bvh.row[_CMU_BVH[part]]] for part in ("pelvis", "chest", "head")]
    return _motion("cmu", clip.split("_")[0], clip, trunk, limbs, _Y_UP)


def _bvh_forward(joints: list[_Joint], values: Floats) -> tuple[Floats, Floats]:
    frames = len(values)
    rotation = np.empty((frames, len(joints), 3, 3))
    position = np.zeros((frames, len(joints), 3))
    column = 0
    for row, joint in enumerate(joints):
        turns = [(channel[0], column + at) for at, channel in enumerate(joint.channels)]
        turns = [
            turn
            for turn, channel in zip(turns, joint.channels, strict=True)
            if channel.endswith("rotation")
        ]
        column += len(joint.channels)
        local = Rotation.from_euler(
            "".join(axis for axis, _ in turns), values[:, [at for _, at in turns]], degrees=True
        ).as_matrix()
        if joint.parent < 0:
            rotation[:, row] = local
        else:
            rotation[:, row] = rotation[:, joint.parent] @ local
            position[:, row] = position[:, joint.parent] + rotation[:, joint.parent] @ joint.offset
    return rotation, position


def _read_amc(asf: str, amc: str, subject: str, clip: str) -> Motion:
    bones = _read_asf(asf)
    frames = _amc_frames(amc)
    every = round(FRAME_STEP_S * 120)
    kept = frames[::every]
    rotation: dict[str, Floats] = {}
    direction: dict[str, Floats] = {}
    for name, parent, axis, dof, rest in bones:
        angles = np.zeros((len(kept), 3))
        for at, frame in enumerate(kept):
            given = frame.get(name, [])
            for kind, value in zip(dof, given, strict=False):
                if kind in ("rx", "ry", "rz"):
                    angles[at, "xyz".index(kind[1])] = value
        base = Rotation.from_euler("xyz", axis, degrees=True)
        local = (base * Rotation.from_euler("xyz", angles, degrees=True) * base.inv()).as_matrix()
        rotation[name] = rotation[parent] @ local if parent else local
        direction[name] = rotation[name] @ rest
    sides = ("l", "r")
    parts = {
        "upper_arm": "humerus",
        "forearm": "radius",
        "hand": "hand",
        "thigh": "femur",
        "shin": "tibia",
        "foot": "foot",
    }
    limbs = {
        part: np.stack([direction[side + bone] for side in sides], axis=1)
        for part, bone in parts.items()
    }
    trunk = [rotation[name] for name in ("root", "thorax", "head")]
    return _motion("cmu", subject, clip, trunk, limbs, _Y_UP)


def _read_asf(text: str) -> list[tuple[str, str, list[float], list[str], Floats]]:
    """Bones in an order of parents first: name, parent, axis, degrees of freedom, direction."""
    root = text.partition(":root")[2].partition(":bonedata")[0]
    order = next(line.split()[1:] for line in root.splitlines() if line.split()[:1] == ["order"])
    found = {"root": ([0.0, 0.0, 0.0], [word.lower() for word in order], np.zeros(3))}
    for block in text.partition(":bonedata")[2].partition(":hierarchy")[0].split("begin")[1:]:
        lines = [line.split() for line in block.splitlines() if line.strip()]
        field = {words[0]: words[1:] for words in lines}
        found[field["name"][0]] = (
            [float(value) for value in field["axis"][:3]],
            field.get("dof", []),
            np.array(field["direction"], float),
        )
    bones = [("root", "", *found["root"])]
    for line in text.partition(":hierarchy")[2].splitlines():
        words = line.split()
        if len(words) > 1:
            bones += [(child, words[0], *found[child]) for child in words[1:]]
    return bones


def _amc_frames(text: str) -> list[dict[str, list[float]]]:
    frames: list[dict[str, list[float]]] = []
    for line in text.splitlines():
        words = line.split()
        if len(words) == 1 and words[0].isdigit():
            frames.append({})
        elif frames and words:
            frames[-1][words[0]] = [float(value) for value in words[1:]]
    return frames


_DEEPMIMIC_PARTS = (
    ("root", 4),
    ("chest", 4),
    ("neck", 4),
    ("right_hip", 4),
    ("right_knee", 1),
    ("right_ankle", 4),
    ("right_shoulder", 4),
    ("right_elbow", 1),
    ("left_hip", 4),
    ("left_knee", 1),
    ("left_ankle", 4),
    ("left_shoulder", 4),
    ("left_elbow", 1),
)


def _read_deepmimic(text: str, clip: str) -> Motion:
    values = np.array(json.loads(text)["Frames"], float)
    every = max(1, round(FRAME_STEP_S / float(np.median(values[:, 0]))))
    values = values[::every]
    local: dict[str, Floats] = {}
    column = 4
    for name, size in _DEEPMIMIC_PARTS:
        given = values[:, column : column + size]
        if size == 4:
            local[name] = Rotation.from_quat(given[:, [1, 2, 3, 0]]).as_matrix()
        else:
            local[name] = Rotation.from_rotvec(given * [[0.0, 0.0, 1.0]]).as_matrix()
        column += size
    chest = local["root"] @ local["chest"]
    limbs: dict[str, list[Floats]] = {}
    down, ahead = np.array([0.0, -1.0, 0.0]), np.array([0.85, -0.5, 0.0])
    for side in ("left", "right"):
        shoulder = chest @ local[f"{side}_shoulder"]
        elbow = shoulder @ local[f"{side}_elbow"]
        hip = local["root"] @ local[f"{side}_hip"]
        knee = hip @ local[f"{side}_knee"]
        ankle = knee @ local[f"{side}_ankle"]
        for part, turn, rest in (
            ("upper_arm", shoulder, down),
            ("forearm", elbow, down),
            ("hand", elbow, down),
            ("thigh", hip, down),
            ("shin", knee, down),
            ("foot", ankle, ahead),
        ):
            limbs.setdefault(part, []).append(turn @ rest)
    trunk = [local["root"], chest, chest @ local["neck"]]
    sides = {part: np.stack(pair, axis=1) for part, pair in limbs.items()}
    return _motion("deepmimic", "actor", clip, trunk, sides, _DEEPMIMIC)


def _motion(
    source: str,
    subject: str,
    clip: str,
    trunk: list[Floats],
    limbs: dict[str, Floats],
    axes: Floats,
) -> Motion:
    pelvis, chest, head = (axes @ turn @ axes.T for turn in trunk)
    world = {part: unit(direction @ axes.T) for part, direction in limbs.items()}
    return Motion(source, subject, clip, pelvis, chest, head, world)
