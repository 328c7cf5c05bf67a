# SPDX-License-Identifier: GPL-3.0-or-later
"""The lumbar-articulated OpenSim model: fetched, stripped to its skeleton, scaled to a body.

OpenSim's axes are x forward, y up, z to the right. Coordinates are in radians and metres.
"""

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import opensim

from ..inference.keypoints import INDEX
from ..tools.pinned_wheel import FetchError, Member, PinnedWheel, fetch_members, write_atomically
from .anatomy import Floats
from .errors import TrainingError
from .places import CACHE

WHEEL: Final = PinnedWheel(
    requirement="pose2sim==0.10.49",
    sha256="403e0dc4065898ba6a595e72a8970950310979253d60e24c2e00b16b36bf21e1",
)
MODEL: Final = Member(
    path="Pose2Sim/OpenSim_Setup/Model_Pose2Sim_muscles_flex.osim",
    sha256="bf4d2698da596e8c2bfa9210bfe0bc2cc02b9bf49f2614cf196dbe9b0daa63b3",
)
"""Full body after Beaucage-Gauvreau and Rajagopal: the six lumbar joints share three freedoms, the
thorax with the neck up to the skull is one piece, as are the shoulder blades with it."""

LUMBAR_JOINTS: Final = (
    "L5_S1_IVDjnt",
    "L4_L5_IVDjnt",
    "L3_L4_IVDjnt",
    "L2_L3_IVD_jnt",
    "L1_L2_IVD_jnt",
    "L1_T12_IVD_jnt",
)
SKULL_JOINT: Final = "head_torso"
TRUNK: Final = ("L5_S1_Flex_Ext", "L5_S1_Lat_Bending", "L5_S1_axial_rotation")
NECK: Final = ("neck_flexion", "neck_bending", "neck_rotation")
UNSEEN: Final = tuple(
    f"{name}_{side}"
    for side in "lr"
    for name in ("pro_sup", "wrist_flex", "wrist_dev", "mtp_angle")
)
"""Coordinates that no key point tells of: always locked."""
STRAIGHT: Final = tuple(
    f"{name}_{side}" for side in "lr" for name in ("hip_rotation", "ankle_angle", "subtalar_angle")
)
"""Coordinates that joint centres of a straight leg do not tell of: locked at rest."""

_TO_OPENSIM: Final = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]])
_IDLE: Final = ("ForceSet", "ContactGeometrySet", "ControllerSet", "MarkerSet")
_SHOWN: Final = ("attached_geometry", "WrapObjectSet")


def to_opensim(points: Floats) -> Floats:
    """Turn (..., 3) of the world (z up, facing -y) into OpenSim's axes."""
    return np.asarray(points @ _TO_OPENSIM.T)


def from_opensim(vectors: Floats) -> Floats:
    """Turn (..., 3) of OpenSim's axes, points or rotation vectors, into those of the world."""
    return np.asarray(vectors @ _TO_OPENSIM)


def fetch_skeleton(folder: Path = CACHE) -> Path:
    """Make sure that the model without muscles and meshes lies in the cache.

    Args:
        folder: The cache.

    Returns:
        Its path.

    Raises:
        TrainingError: If the wheel cannot be fetched or is not the pinned one.
    """
    whole = folder / Path(MODEL.path).name
    try:
        fetch_members(WHEEL, {MODEL: whole})
    except (FetchError, OSError) as error:
        raise TrainingError(f"the OpenSim model cannot be had: {error}") from error
    skeleton = folder / "opensim_skeleton.osim"
    write_atomically(skeleton, _skeleton_of(whole.read_bytes()))
    return skeleton


def load_model(path: Path) -> Any:
    """Load a model, its log quiet; a fresh one for each body, for scaling changes it."""
    opensim.Logger.setLevelString("error")
    return opensim.Model(str(path))


def joint_place(model: Any, state: Any, joint: str) -> Floats:
    """Centre of a joint, (3,) metres in ground."""
    frame = model.getJointSet().get(joint).getParentFrame()
    return np.asarray(frame.getPositionInGround(state).to_numpy(), np.float64)


def scale_factors(rest: Floats) -> dict[str, tuple[float, float, float]]:
    """How each segment of the generic model must grow to be that of a body.

    Args:
        rest: (37, 3) key points of the body at rest, world axes, metres.

    Returns:
        Segment to factors forward, up and sideways.

    Source:
        Which lengths scale which segments: dfki-av/simspine, OpenSim_Setup/Scaling_Setup.xml. There
        the width of the hips sets the height of the pelvis too; here the trunk does.
    """

    def apart(first: str, second: str) -> float:
        return float(np.linalg.norm(rest[INDEX[first]] - rest[INDEX[second]]))

    def limb(first: str, second: str, generic_m: float) -> float:
        sides = (apart(f"{side}_{first}", f"{side}_{second}") for side in ("left", "right"))
        return sum(sides) / 2 / generic_m

    high = [rest[[INDEX[f"left_{n}"], INDEX[f"right_{n}"]], 2].mean() for n in ("shoulder", "hip")]
    trunk = float(high[0] - high[1]) / _HIPS_TO_SHOULDERS_M
    hips = apart("left_hip", "right_hip") / _HIPS_M
    shoulders = apart("left_shoulder", "right_shoulder") / _SHOULDERS_M
    even = {
        ("sacrum", "lumbar5", "lumbar4", "lumbar3", "lumbar2", "lumbar1", "Abdomen", "head"): trunk,
        ("femur", "patella"): limb("hip", "knee", _THIGH_M),
        ("tibia",): limb("knee", "ankle", _SHIN_M),
        ("talus", "calcn", "toes"): limb("heel", "big_toe", _FOOT_M),
        ("humerus",): limb("shoulder", "elbow", _UPPER_ARM_M),
        ("ulna", "radius", "hand"): limb("elbow", "wrist", _FOREARM_M),
    }
    result = {"pelvis": (trunk, trunk, hips), "torso": (trunk, trunk, shoulders)}
    for segments, factor in even.items():
        for segment in segments:
            result[segment] = (factor, factor, factor)
    return result


def factors_of(segment: str, factors: Mapping[str, tuple[float, float, float]]) -> Floats:
    """Factors of a segment of the model, (3,): a limb's name stands for both sides."""
    return np.array(factors[segment.removesuffix("_l").removesuffix("_r")])


def scale(model: Any, factors: Mapping[str, tuple[float, float, float]]) -> None:
    """Scale a model's segments in place.

    Args:
        model: The generic model.
        factors: What `scale_factors` gives.
    """
    scales = opensim.ScaleSet()
    for segment in (body.getName() for body in model.getBodySet()):
        item = opensim.Scale()
        item.setSegmentName(segment)
        item.setScaleFactors(opensim.Vec3(*map(float, factors_of(segment, factors))))
        item.setApply(True)
        scales.cloneAndAppend(item)
    model.scale(model.initSystem(), scales, True)


def _skeleton_of(document: bytes) -> bytes:
    tree = ElementTree.fromstring(document)
    model = tree.find("Model")
    if model is None:
        raise TrainingError(f"{MODEL.path} holds no model: another version of the wheel?")
    for name in _IDLE:
        for element in model.findall(name):
            model.remove(element)
    for parent in list(model.iter()):
        for name in _SHOWN:
            for element in parent.findall(name):
                parent.remove(element)
    return ElementTree.tostring(tree)


_HIPS_M: Final = 0.1670
_HIPS_TO_SHOULDERS_M: Final = 0.5329
_SHOULDERS_M: Final = 0.3400
_THIGH_M: Final = 0.4080
_SHIN_M: Final = 0.4195
_FOOT_M: Final = 0.2500
_UPPER_ARM_M: Final = 0.2867
_FOREARM_M: Final = 0.2503
"""Lengths of the generic model at its neutral pose: between the centres of its joints, those of
the trunk upright; the foot, about, from heel to big toe."""
