# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a pose onto a body: forward kinematics of vertebrae and limbs, skin, and the 37 points."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_matrix
from scipy.spatial.transform import Rotation

from ..inference.keypoints import INDEX, NAMES, SPINE
from .anatomy import JOINTS, VERTEBRAE, Floats
from .backbone import Backbone, build_backbone, vertebra_of, vertebra_weights
from .bodies import GROUPS, Body, BodyModel, body_at_rest
from .rotations import LEFT, about, align, between, swing, unit

SIDES = (("left", "L"), ("right", "R"))
CHEST = VERTEBRAE.index("T3")
SKULL = VERTEBRAE.index("C0")
LATISSIMUS_OUT = 0.6
"""Latissimus: the middle of T8 and T3 plus this share of T3 to shoulder.

Source: dfki-av/simspine, data_generation/5_merge_simulation.py.
"""


@dataclass(frozen=True)
class Pose:
    """A pose, free of any body: rotations of the trunk and directions of the limbs in the world.

    Attributes:
        root: (3, 3) rotation of the pelvis from standing.
        spine_deg: (25, 3) flexion, lateral bend and axial turn of each joint of anatomy.JOINTS.
        upper_arm: (2, 3) unit directions shoulder to elbow, left and right; the others likewise.
        forearm: (2, 3).
        hand: (2, 3).
        pronation_deg: (2,) turn of the hand about the forearm.
        thigh: (2, 3).
        shin: (2, 3).
        foot: (2, 3) ankle to ball of the foot.
        curl_deg: (2,) bend of each finger joint.
    """

    root: Floats
    spine_deg: Floats
    upper_arm: Floats
    forearm: Floats
    hand: Floats
    pronation_deg: Floats
    thigh: Floats
    shin: Floats
    foot: Floats
    curl_deg: Floats


@dataclass(frozen=True)
class Figure:
    """A body made ready for posing.

    Attributes:
        body: The body at rest.
        spine: Its spine.
        weights: (V, B + 26) skin weights, see backbone.vertebra_weights.
        carried: (37, 3) key points at rest, NaN for those made from others after posing.
        carriers: Key point to the columns of transforms whose mean carries it.
        clavicle_level: Vertebra, fractional, that the inner ends of the clavicles follow.
    """

    body: Body
    spine: Backbone
    weights: csr_matrix
    carried: Floats
    carriers: dict[str, tuple[int, ...]]
    clavicle_level: float


@dataclass(frozen=True)
class Posed:
    """A posed figure.

    Attributes:
        transforms: (B + 26, 3, 4) from rest to world, columns as the skin weights'.
        vertices: (V, 3) metres.
        points: (37, 3) key points, metres, in the order of keypoints.NAMES.
    """

    transforms: Floats
    vertices: Floats
    points: Floats


def make_figure(model: BodyModel, body_id: int) -> Figure:
    """Make a body of the bank ready for posing.

    Args:
        model: The body model.
        body_id: Row of the bank.

    Returns:
        The figure.
    """
    body = body_at_rest(model, body_id)
    spine = build_backbone(body, model)
    carriers = _carriers(model)
    rest = np.full((len(NAMES), 3), np.nan)
    regressed = model.regressor @ body.vertices
    for name, place in zip(model.regressed, regressed, strict=True):
        rest[INDEX[name]] = place
    first, last = GROUPS["body"]
    skin = body.vertices[first:last]
    rest[INDEX["head"]] = skin[np.argmax(skin[:, 2])] * [0.0, 1.0, 1.0]
    for side, letter in SIDES:
        rest[INDEX[f"{side}_clavicle"]] = body.heads[model.bone(f"clavicle.{letter}")]
    for name, place in zip(SPINE, spine.points, strict=True):
        rest[INDEX[name]] = place
    clavicle = rest[INDEX["left_clavicle"]][None]
    level = float(vertebra_of(clavicle, spine)[0])
    return Figure(body, spine, vertebra_weights(body, model, spine), rest, carriers, level)


def put_on(figure: Figure, model: BodyModel, pose: Pose) -> Posed:
    """Pose a figure.

    Args:
        figure: The body.
        model: The body model.
        pose: The pose.

    Returns:
        Posed skin and key points; the middle of the hip joints lies at the origin.
    """
    transforms = transforms_of(figure, model, pose)
    flat = figure.weights @ transforms.reshape(len(transforms), 12)
    matrix = flat.reshape(-1, 3, 4)
    vertices = np.einsum("vij,vj->vi", matrix[:, :, :3], figure.body.vertices) + matrix[:, :, 3]
    return Posed(transforms, vertices, points_of(figure, model, transforms))


def transforms_of(figure: Figure, model: BodyModel, pose: Pose) -> Floats:
    """Forward kinematics.

    Args:
        figure: The body.
        model: The body model.
        pose: The pose.

    Returns:
        (B + 26, 3, 4) transforms from rest to world.
    """
    bones = len(model.bones)
    result = np.zeros((bones + len(VERTEBRAE), 3, 4))
    heads = figure.body.heads
    hip = np.nanmean(figure.carried[[INDEX["left_hip"], INDEX["right_hip"]]], axis=0)
    result[bones] = _rigid(pose.root, hip, np.zeros(3))
    flexion, lateral, axial = np.radians(pose.spine_deg.T)
    local = Rotation.from_rotvec(np.column_stack([flexion, lateral, axial])).as_matrix()
    for joint in range(len(JOINTS)):
        below = result[bones + joint]
        centre = figure.spine.joints[joint]
        result[bones + joint + 1] = _rigid(
            below[:, :3] @ local[joint], centre, _apply(below, centre)
        )
    for bone, name in enumerate(model.bones):
        parent = model.parents[bone]
        head = name == "head"
        if parent < 0 or name.startswith("pelvis"):
            result[bone] = result[bones]
        elif head or name.startswith("clavicle"):
            result[bone] = result[bones + (SKULL if head else CHEST)]
        else:
            result[bone] = result[parent]
        limb = _limb_rotation(name, figure, model, pose, result)
        if limb is not None:
            result[bone] = _rigid(limb, heads[bone], _apply(result[bone], heads[bone]))
    return result


def _limb_rotation(
    name: str, figure: Figure, model: BodyModel, pose: Pose, done: Floats
) -> Floats | None:
    """Rotation of a bone that the pose moves; None for one that follows its parent."""
    stem, _, letter = name.partition(".")
    if letter not in ("L", "R"):
        return None
    side = 0 if letter == "L" else 1
    if stem in ("clavicle", "upperarm01", "upperarm02", "lowerarm01", "lowerarm02", "wrist"):
        return _arm_rotation(stem, side, figure, model, pose, done)
    if stem in ("upperleg01", "upperleg02", "lowerleg01", "foot"):
        return _leg_rotation(stem, side, figure, model, pose, done)
    if stem.startswith("finger") and not stem.startswith("finger1"):
        return _finger_rotation(name, side, figure, model, pose, done)
    return None


def _arm_rotation(
    stem: str, side: int, figure: Figure, model: BodyModel, pose: Pose, done: Floats
) -> Floats:
    rest = _rest_limb(figure, model, side, "upperarm01", "lowerarm01", "wrist", "finger3-1")
    chest = done[len(model.bones) + CHEST][:, :3]
    upper, fore = pose.upper_arm[side], pose.forearm[side]
    if stem == "clavicle":
        return np.asarray(chest @ _clavicle(chest.T @ upper, side))
    girdle = done[model.bone(f"clavicle.{SIDES[side][1]}")][:, :3]
    carried = girdle @ swing(rest[0], girdle.T @ upper)
    hinge = np.cross(rest[0], rest[1])
    bend = np.cross(upper, fore)
    trust = min(float(np.linalg.norm(bend)) / 0.35, 1.0)
    plane = trust * unit(bend) + (1.0 - trust) * (carried @ unit(hinge))
    full = align(rest[0], hinge, upper, plane)
    if stem == "upperarm01":
        return between(carried, full, 0.5)
    if stem == "upperarm02":
        return full
    forearm = align(rest[1], hinge, fore, plane)
    if stem == "lowerarm01":
        return forearm
    turned = about(unit(fore), pose.pronation_deg[side] * (0.5 if stem == "lowerarm02" else 1.0))
    if stem == "lowerarm02":
        return np.asarray(turned @ forearm)
    hand = turned @ forearm
    return np.asarray(swing(hand @ rest[2], pose.hand[side]) @ hand)


def _leg_rotation(
    stem: str, side: int, figure: Figure, model: BodyModel, pose: Pose, done: Floats
) -> Floats:
    rest = _rest_limb(figure, model, side, "upperleg01", "lowerleg01", "foot", "toe2-1")
    thigh, shin, foot = pose.thigh[side], pose.shin[side], pose.foot[side]
    hinge = 2.0 * np.cross(thigh, shin) + 0.6 * np.cross(foot, shin)
    full = align(rest[0], LEFT, thigh, hinge)
    pelvis = done[len(model.bones)][:, :3]
    if stem == "upperleg01":
        return between(pelvis @ swing(rest[0], pelvis.T @ thigh), full, 0.5)
    if stem == "upperleg02":
        return full
    if stem == "lowerleg01":
        return align(rest[1], LEFT, shin, hinge)
    return align(rest[2], LEFT, foot, hinge)


def _finger_rotation(
    name: str, side: int, figure: Figure, model: BodyModel, pose: Pose, done: Floats
) -> Floats:
    letter = SIDES[side][1]
    heads = figure.body.heads
    across = heads[model.bone(f"finger2-1.{letter}")] - heads[model.bone(f"finger5-1.{letter}")]
    wrist = done[model.bone(f"wrist.{letter}")][:, :3]
    parent = done[model.parents[model.bone(name)]][:, :3]
    axis = unit(wrist @ across)
    turn = pose.curl_deg[side] * (-1.0 if letter == "L" else 1.0)
    return np.asarray(about(axis, turn) @ parent)


def _clavicle(direction: Floats, side: int) -> Floats:
    """Rise and turn of the shoulder girdle with the arm, in the frame of the chest.

    The girdle makes about a third of an arm's elevation beyond the first 30 degrees; 25 degrees of
    rise and 15 of turn forward are its usual limits (scapulohumeral rhythm, Inman 1944).
    """
    sign = 1.0 if side == 0 else -1.0
    elevation = np.degrees(np.arccos(np.clip(-direction[2], -1.0, 1.0)))
    rise = float(np.clip((elevation - 30.0) * 0.22, 0.0, 28.0))
    ahead = float(np.clip(-direction[1], -0.6, 1.0)) * 14.0
    return about(np.array([0.0, -sign, 0.0]), rise) @ about(np.array([0.0, 0.0, -sign]), ahead)


def _rest_limb(
    figure: Figure, model: BodyModel, side: int, *stems: str
) -> tuple[Floats, Floats, Floats]:
    place = [figure.body.heads[model.bone(f"{stem}.{SIDES[side][1]}")] for stem in stems]
    first, second, third = (unit(end - start) for start, end in pairwise(place))
    return first, second, third


def _rigid(rotation: Floats, pivot: Floats, to: Floats) -> Floats:
    return np.column_stack([rotation, to - rotation @ pivot])


def _apply(transform: Floats, place: Floats) -> Floats:
    return np.asarray(transform[:, :3] @ place + transform[:, 3])


def _carriers(model: BodyModel) -> dict[str, tuple[int, ...]]:
    bones = len(model.bones)
    head = (bones + SKULL,)
    result: dict[str, tuple[int, ...]] = dict.fromkeys(
        ("nose", "left_eye", "right_eye", "left_ear", "right_ear", "head"), head
    )
    for side, letter in SIDES:

        def column(*stems: str, letter: str = letter) -> tuple[int, ...]:
            return tuple(model.bone(f"{stem}.{letter}") for stem in stems)

        result |= {
            f"{side}_shoulder": column("shoulder01", "upperarm01"),
            f"{side}_elbow": column("upperarm02", "lowerarm01"),
            f"{side}_wrist": column("lowerarm02", "wrist"),
            f"{side}_hip": (bones,),
            f"{side}_knee": column("upperleg02", "lowerleg01"),
            f"{side}_ankle": column("lowerleg02", "foot"),
            f"{side}_big_toe": column("foot"),
            f"{side}_small_toe": column("foot"),
            f"{side}_heel": column("foot"),
        }
    return result


def points_of(figure: Figure, model: BodyModel, transforms: Floats) -> Floats:
    """Key points of a posed body.

    Args:
        figure: The body.
        model: The body model.
        transforms: (B + 26, 3, 4) as `transforms_of` gives them.

    Returns:
        (37, 3) metres, in the order of keypoints.NAMES.
    """
    points = np.empty((len(NAMES), 3))
    bones = len(model.bones)
    for name, columns in figure.carriers.items():
        rest = figure.carried[INDEX[name]]
        points[INDEX[name]] = np.mean([_apply(transforms[c], rest) for c in columns], axis=0)
    for name, rest, piece in zip(SPINE, figure.spine.points, figure.spine.point_piece, strict=True):
        points[INDEX[name]] = _apply(transforms[bones + int(piece)], rest)
    lower = int(figure.clavicle_level)
    share = figure.clavicle_level - lower
    chest = (1 - share) * transforms[bones + lower] + share * transforms[bones + lower + 1]
    t8, t3 = points[INDEX["spine_04"]], points[INDEX["spine_05"]]
    for side, _ in SIDES:
        name = f"{side}_clavicle"
        points[INDEX[name]] = _apply(chest, figure.carried[INDEX[name]])
        shoulder = points[INDEX[f"{side}_shoulder"]]
        points[INDEX[f"{side}_latissimus"]] = (t8 + t3) / 2 + LATISSIMUS_OUT * (shoulder - t3)
    return points
