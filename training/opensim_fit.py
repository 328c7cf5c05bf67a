# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenSim model made like one body: scaled, with a marker at each of its key points."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import opensim
from scipy.spatial.transform import Rotation

from ..inference.keypoints import INDEX, SPINE
from .anatomy import Floats
from .opensim_model import (
    LUMBAR_JOINTS,
    NECK,
    SKULL_JOINT,
    STRAIGHT,
    TRUNK,
    UNSEEN,
    factors_of,
    from_opensim,
    joint_place,
    load_model,
    scale,
    scale_factors,
    to_opensim,
)
from .opensim_solver import FACE, solve

_JOINTS: Final = {
    "hip": "hip",
    "knee": "walker_knee",
    "ankle": "ankle",
    "shoulder": "acromial",
    "elbow": "elbow",
    "wrist": "radius_hand",
}
"""Joint whose centre is the marker of a limb's key point."""

_COLUMN: Final = ("sacrum", "lumbar5", "lumbar4", "lumbar3", "lumbar2", "lumbar1", "torso", "head")
"""Pieces of the model's spine, bottom to top, parted by LUMBAR_JOINTS and SKULL_JOINT."""


@dataclass(frozen=True)
class Marker:
    """A marker that is not a limb's joint.

    Attributes:
        segment: Segment of the model that carries it.
        place: (3,) place in that segment before scaling, metres, OpenSim's axes.
    """

    segment: str
    place: Floats


@dataclass(frozen=True)
class Placement:
    """The model beside a body at rest.

    Attributes:
        markers: Markers by key point, where the body has its points.
        lumbar_m: (6, 3) lumbar joints of the model from the middle of the hips, bottom to top,
            world axes, metres.
    """

    markers: dict[str, Marker]
    lumbar_m: Floats


@dataclass(frozen=True)
class Fit:
    """Poses as the model makes them.

    Attributes:
        residual_m: (M, 37) distance of each marker from its key point.
        lumbar_deg: (M, 3) rotation of the thorax against the sacrum from neutral: flexion, lateral
            bend and axial turn as a rotation vector, signs as anatomy.py's.
    """

    residual_m: Floats
    lumbar_deg: Floats


def place_markers(skeleton: Path, rest: Floats) -> Placement:
    """Find where on the model a body has its key points.

    The scaled model, its spine neutral, stands as the body at rest does, joint on joint. A point of
    the spine belongs to the piece at whose height it then lies.

    Args:
        skeleton: The generic model.
        rest: (37, 3) key points at rest, world axes, metres.

    Returns:
        The placement.
    """
    target = to_opensim(centred(rest))
    model = _body_model(skeleton, rest, (*UNSEEN, *STRAIGHT, *TRUNK, *NECK))
    state = next(solve(model, target[None])).state
    factors = scale_factors(rest)
    markers = {}
    for name, segment in (_carriers() | _column(model, state, target)).items():
        place = opensim.Vec3(*map(float, target[INDEX[name]]))
        body = model.getBodySet().get(segment)
        local = model.getGround().findStationLocationInAnotherFrame(state, place, body)
        markers[name] = Marker(segment, local.to_numpy() / factors_of(segment, factors))
    joints = np.array([joint_place(model, state, name) for name in LUMBAR_JOINTS])
    return Placement(markers, from_opensim(joints))


def common_markers(placements: Sequence[Placement]) -> dict[str, Marker]:
    """One set of markers for all bodies, as if made once on the generic model.

    Args:
        placements: Placements of all bodies.

    Returns:
        Each marker on the segment that carries it in most bodies, at their mean place.
    """
    result = {}
    for name in placements[0].markers:
        found = [placement.markers[name] for placement in placements]
        segment = Counter(marker.segment for marker in found).most_common(1)[0][0]
        places = [marker.place for marker in found if marker.segment == segment]
        result[name] = Marker(segment, np.mean(places, axis=0))
    return result


def marked_model(skeleton: Path, rest: Floats, markers: Mapping[str, Marker]) -> Any:
    """Make the model of a body with all markers.

    Args:
        skeleton: The generic model.
        rest: (37, 3) key points of the body at rest, world axes, metres.
        markers: Markers beside those of the limbs, which lie at the joints' centres.

    Returns:
        OpenSim's model.
    """
    model = _body_model(skeleton, rest, UNSEEN)
    factors = scale_factors(rest)
    for name, marker in markers.items():
        place = marker.place * factors_of(marker.segment, factors)
        _add_marker(model, name, f"/bodyset/{marker.segment}", opensim.Vec3(*map(float, place)))
    model.finalizeConnections()
    return model


def fit(skeleton: Path, rest: Floats, markers: Mapping[str, Marker], points: Floats) -> Fit:
    """Inverse kinematics of poses of one body, each on its own.

    Args:
        skeleton: The generic model.
        rest: (37, 3) key points of the body at rest, world axes, metres.
        markers: What `place_markers` or `common_markers` gives.
        points: (M, 37, 3) key points, metres, in axes in which the pelvis stands about upright.

    Returns:
        Residuals and lumbar angles.
    """
    model = marked_model(skeleton, rest, markers)
    target = to_opensim(centred(points))
    residual, lumbar = np.empty(points.shape[:2]), np.empty((len(points), 3))
    for row, solution in enumerate(solve(model, target)):
        residual[row] = np.linalg.norm(solution.placed - target[row], axis=-1)
        lumbar[row] = lumbar_rotation(model, solution.state)
    return Fit(residual, lumbar)


def lumbar_rotation(model: Any, state: Any) -> Floats:
    """Rotation of the thorax against the sacrum, (3,) degrees as in `Fit`."""
    against = _turn(model, state, "sacrum").T @ _turn(model, state, "torso")
    return from_opensim(Rotation.from_matrix(against).as_rotvec(degrees=True))


def centred(points: Floats) -> Floats:
    """Points (..., 37, 3) from the middle of the hips."""
    hips = points[..., [INDEX["left_hip"], INDEX["right_hip"]], :]
    return np.asarray(points - hips.mean(axis=-2, keepdims=True))


def _turn(model: Any, state: Any, segment: str) -> Floats:
    matrix = model.getBodySet().get(segment).getTransformInGround(state).R()
    return np.array([[matrix.get(row, column) for column in range(3)] for row in range(3)])


def _body_model(skeleton: Path, rest: Floats, locked: tuple[str, ...]) -> Any:
    model = load_model(skeleton)
    scale(model, scale_factors(rest))
    for name in locked:
        model.updCoordinateSet().get(name).set_locked(True)
    for point, joint in _JOINTS.items():
        for side in ("left", "right"):
            frame = model.getJointSet().get(f"{joint}_{side[0]}").getParentFrame()
            _add_marker(model, f"{side}_{point}", frame.getAbsolutePathString(), opensim.Vec3(0))
    model.finalizeConnections()
    return model


def _add_marker(model: Any, name: str, frame: str, place: Any) -> None:
    model.addMarker(opensim.Marker(name, model.getComponent(frame), place))


def _column(model: Any, state: Any, target: Floats) -> dict[str, str]:
    """Which piece of the column lies at the height of each point of the spine."""
    joints = [joint_place(model, state, name)[1] for name in (*LUMBAR_JOINTS, SKULL_JOINT)]
    return {name: _COLUMN[np.searchsorted(joints, target[INDEX[name], 1])] for name in SPINE}


def _carriers() -> dict[str, str]:
    """Segment of each key point that is neither a limb's joint nor on the spine."""
    result = dict.fromkeys((*FACE, "head"), "head")
    for side in ("left", "right"):
        result |= dict.fromkeys((f"{side}_clavicle", f"{side}_latissimus"), "torso")
        foot = (f"{side}_big_toe", f"{side}_small_toe", f"{side}_heel")
        result |= dict.fromkeys(foot, f"calcn_{side[0]}")
    return result
