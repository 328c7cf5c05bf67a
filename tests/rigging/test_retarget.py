# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion on other rigs: judged by playing the keys as Blender does."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from track_spine.rigging import spine_curve
from track_spine.rigging.errors import RigError
from track_spine.rigging.matching import Roles
from track_spine.rigging.retarget import TargetRig, retarget
from track_spine.rigging.rotation import (
    angle_between,
    conjugate,
    from_matrix,
    multiply,
    rotate,
    to_matrix,
    unit,
)

TIME_S = np.arange(40) / 30.0
X, Y, Z = np.eye(3)


def similarity(rotation, scale=1.0, move=(0.0, 0.0, 0.0)):
    m = np.eye(4)
    m[:3, :3], m[:3, 3] = scale * np.asarray(rotation), move
    return m


def about(axis, degrees):
    return Rotation.from_rotvec(np.radians(degrees) * unit(np.array(axis))).as_matrix()


IMPORTED_FBX = similarity(about(X, 90.0), 0.01)
"""What Blender's importer leaves on an armature from a file with Y up, in centimetres."""


@pytest.mark.parametrize(
    "world",
    [
        np.eye(4),
        IMPORTED_FBX,
        similarity(about([1.0, 2.0, 3.0], 77.0), 2.5, (1, -2, 3)),
    ],
    ids=["plain", "imported FBX", "turned, scaled and moved"],
)
def test_the_own_rig_moves_exactly_as_solved(dancer, world, play, own_rig):
    target = own_rig(dancer.skeleton, world)
    heads, rotations = play(target, retarget(dancer, target))
    assert np.abs(heads - dancer.heads_m).max() < 1e-5
    assert angle_between(rotations, dancer.motion.rotation).max() < 1e-6


def test_a_turned_object_does_not_turn_the_motion(dancer, play, own_rig):
    """The rig stands upright in its armature; only the object is turned and moved."""
    upright = own_rig(dancer.skeleton, np.eye(4))
    world = similarity(about([1.0, 2.0, 3.0], 77.0), 1.0, (1, -2, 3))
    target = TargetRig(
        upright.bones, upright.parents, upright.rest, upright.length, world, upright.roles
    )
    heads, rotations = play(target, retarget(dancer, target))
    assert np.abs(heads - dancer.heads_m).max() < 1e-5
    assert angle_between(rotations, dancer.motion.rotation).max() < 1e-6


def column_rig(rig_of, skeleton, spine, neck, rng):
    """A rig whose spine and neck are straight, of bones of random lengths and rolls."""
    names = [n for n in skeleton.bones if not n.startswith("spine")]
    keep = [skeleton.index(n) for n in names]
    heads = [*skeleton.head_m[keep]]
    rotations = [*to_matrix(skeleton.rest[keep])]
    joints = (
        skeleton.head_m[0]
        + np.outer(
            np.cumsum([0.1, *rng.uniform(0.5, 1.5, spine), *(0.2 * rng.uniform(0.5, 1.5, neck))]), Z
        )
        * 0.5
        / spine
    )
    column = [f"back {n}" for n in range(spine)] + [f"nape {n}" for n in range(neck)] + ["skull"]
    parents = dict(zip(column, ["pelvis", *column[:-1]], strict=True))
    for bone, p in zip(names, skeleton.parents[keep], strict=True):
        parent = skeleton.bones[p] if p >= 0 else None
        parents[bone] = column[spine - 1] if parent == "spine_06" else parent
    names += column
    heads += [*joints]
    rotations += [about(Z, rng.uniform(-180, 180)) @ np.stack([X, Z, -Y], axis=-1) for _ in column]
    limbs = {n: n for n in names if n[-2:] in (".L", ".R")}
    roles = Roles("test", "pelvis", tuple(column[:spine]), tuple(column[spine:-1]), "skull", limbs)
    indices = [names.index(parents[n]) if parents[n] else -1 for n in names]
    order = sorted(range(len(names)), key=lambda b: depth(b, indices))
    return rig_of(
        [names[b] for b in order],
        [order.index(indices[b]) if indices[b] >= 0 else -1 for b in order],
        [heads[b] for b in order],
        [rotations[b] for b in order],
        np.full(len(names), 0.1),
        np.eye(4),
        roles,
    )


def depth(bone, parents):
    return 0 if parents[bone] < 0 else 1 + depth(parents[bone], parents)


def turned_from_rest(target, rotations, bone):
    b = target.bones.index(bone)
    return multiply(rotations[:, b], conjugate(from_matrix(target.rest[b, :3, :3])))


@pytest.mark.parametrize("spine", range(1, 25))
@pytest.mark.parametrize("neck", [0, 1, 6])
def test_any_spine_ends_as_the_solved_one_does_and_bends_on_the_way(
    dancer, spine, neck, play, rig_of
):
    target = column_rig(rig_of, dancer.skeleton, spine, neck, np.random.default_rng(spine))
    _, rotations = play(target, retarget(dancer, target))
    turn = multiply(dancer.motion.rotation, conjugate(dancer.skeleton.rest))
    chest, head = (turn[:, dancer.skeleton.index(b)] for b in ("spine_06", "spine_09_head"))
    last = turned_from_rest(target, rotations, target.roles.spine[-1])
    assert np.degrees(angle_between(last, chest).max()) < 0.5
    assert np.degrees(angle_between(turned_from_rest(target, rotations, "skull"), head).max()) < 0.5
    # Every bone lies between pelvis and chest, and none leaps: the steps add up to about the whole.
    column = [turn[:, 0], *(turned_from_rest(target, rotations, b) for b in target.roles.spine)]
    steps = np.array([angle_between(a, b) for a, b in zip(column[1:], column[:-1], strict=True)])
    curve = [turn[:, 0], *(turn[:, dancer.skeleton.index(b)] for b in spine_curve.BONES[:6])]
    whole = sum(angle_between(a, b) for a, b in zip(curve[1:], curve[:-1], strict=True))
    assert (steps.sum(axis=0) <= whole + 1e-6).all()
    assert (steps.max(axis=0) <= whole).all()


def test_a_spine_of_the_same_joints_gets_the_same_turns(dancer, play, rig_of):
    """Six bones of the solved lengths, but straight and rolled: sampling falls on the knots."""
    skeleton = dancer.skeleton
    target = column_rig(rig_of, skeleton, 6, 2, np.random.default_rng(0))
    lengths = skeleton.length_m[[skeleton.index(b) for b in spine_curve.BONES[:8]]]
    rest = target.rest.copy()
    ends = skeleton.head_m[0] + np.outer([0.0, *np.cumsum(lengths)], Z)
    for bone, at in zip((*target.roles.spine, *target.roles.neck, "skull"), ends, strict=True):
        rest[target.bones.index(bone), :3, 3] = at
    target = TargetRig(
        target.bones, target.parents, rest, target.length, target.world_from_armature, target.roles
    )
    _, rotations = play(target, retarget(dancer, target))
    turn = multiply(dancer.motion.rotation, conjugate(skeleton.rest))
    for bone, source in zip(
        (*target.roles.spine, *target.roles.neck), spine_curve.BONES, strict=False
    ):
        got = turned_from_rest(target, rotations, bone)
        assert angle_between(got, turn[:, skeleton.index(source)]).max() < 1e-6


def test_a_rig_without_hands_toes_and_clavicles_moves_too(dancer, play, rig_of):
    skeleton = dancer.skeleton
    kept = [b for b in skeleton.bones if not b.startswith(("hand", "toe", "clavicle"))]
    rows = [skeleton.index(b) for b in kept]
    parents = [
        -1 if p < 0 else kept.index(skeleton.bones[p] if skeleton.bones[p] in kept else "spine_06")
        for p in skeleton.parents[rows]
    ]
    target = rig_of(
        kept,
        parents,
        skeleton.head_m[rows],
        to_matrix(skeleton.rest[rows]),
        skeleton.length_m[rows],
        np.eye(4),
    )
    heads, rotations = play(target, retarget(dancer, target))
    assert angle_between(rotations, dancer.motion.rotation[:, rows]).max() < 1e-6
    foot = kept.index("foot.L")
    assert np.abs(heads[:, foot] - dancer.heads_m[:, skeleton.index("foot.L")]).max() < 1e-5


@pytest.mark.parametrize(
    ("world", "said"),
    [
        (np.diag([1.0, 1.0, 2.0, 1.0]), "scale"),
        (np.diag([-1.0, 1.0, 1.0, 1.0]), "mirrored"),
        (np.diag([0.0, 0.0, 0.0, 1.0]), "flat"),
    ],
)
def test_uneven_mirrored_and_flat_objects_are_refused(dancer, world, said, own_rig):
    rig = own_rig(dancer.skeleton, np.eye(4))
    with pytest.raises(RigError, match=said):
        TargetRig(rig.bones, rig.parents, rig.rest, rig.length, world, rig.roles)


def test_rigs_that_do_not_hang_together_are_refused(dancer, own_rig):
    rig = own_rig(dancer.skeleton, np.eye(4))
    parts = [rig.bones, rig.parents, rig.rest, rig.length, rig.world_from_armature, rig.roles]
    others = Roles("test", "nobody", (), (), "spine_09_head", {})
    for at, wrong in ((0, rig.bones[:-1]), (1, rig.parents[:-1]), (3, rig.rest), (5, others)):
        with pytest.raises(RigError):
            TargetRig(*parts[:at], wrong, *parts[at + 1 :])


def test_legs_without_length_are_refused(dancer, own_rig):
    rig = own_rig(dancer.skeleton, np.eye(4))
    flat = rig.rest.copy()
    flat[:, :3, 3] = 0.0
    target = TargetRig(rig.bones, rig.parents, flat, rig.length, rig.world_from_armature, rig.roles)
    with pytest.raises(RigError, match="legs"):
        retarget(dancer, target)


def test_a_foot_that_points_straight_down_keeps_its_rest(dancer, play, own_rig):
    """Some files have feet without a heading; they must not spin."""
    rig = own_rig(dancer.skeleton, np.eye(4))
    rest = rig.rest.copy()
    for side in "LR":
        foot, toe = (rig.bones.index(f"{part}.{side}") for part in ("foot", "toe"))
        rest[toe, :3, 3] = rest[foot, :3, 3] - 0.05 * Z
    target = TargetRig(rig.bones, rig.parents, rest, rig.length, rig.world_from_armature, rig.roles)
    _, rotations = play(target, retarget(dancer, target))
    foot = rig.bones.index("foot.L")
    assert angle_between(rotations[:, foot], dancer.motion.rotation[:, foot]).max() < 1e-6
    assert np.isfinite(rotate(rotations, X)).all()
