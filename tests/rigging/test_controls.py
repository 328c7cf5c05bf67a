# SPDX-License-Identifier: GPL-3.0-or-later
"""Control rigs: poles that do not pop, and Rigify's controls played by Blender itself."""

import numpy as np
import pytest
from track_spine.rigging.matching import identify
from track_spine.rigging.retarget import Retargeting, TargetRig, retarget
from track_spine.rigging.rotation import angle_between, conjugate, from_matrix, multiply, unit


@pytest.fixture(scope="module")
def generated():
    """The rig that Rigify makes of its basic human."""
    bpy = pytest.importorskip("bpy")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    try:
        bpy.ops.preferences.addon_enable(module="rigify")
        bpy.ops.object.armature_basic_human_metarig_add()
        bpy.ops.pose.rigify_generate()
    except (AttributeError, RuntimeError) as error:
        pytest.skip(f"this Blender has no Rigify: {error}")
    return next(o for o in bpy.data.objects if o.type == "ARMATURE" and "torso" in o.data.bones)


@pytest.fixture(scope="module")
def target(generated):
    bones = list(generated.data.bones)
    index = {bone.name: b for b, bone in enumerate(bones)}
    parents = [index[b.parent.name] if b.parent else -1 for b in bones]
    rest = np.array([b.matrix_local for b in bones], dtype=float)
    found = identify(tuple(index), parents, rest[:, :3, 3])
    assert found.roles.family == "Rigify controls"
    return TargetRig(
        tuple(index),
        np.array(parents),
        rest,
        np.array([b.length for b in bones]),
        np.eye(4),
        found.roles,
        inherits=np.array([b.use_inherit_rotation for b in bones]),
        local_location=np.array([b.use_local_location for b in bones]),
    )


def played(armature, keys, frame):
    """Put a frame of keys on an armature and read what Blender makes of it: matrix by bone."""
    import bpy
    from track_spine.addon.switches import set_switch

    for (bone, name), value in keys.properties.items():
        set_switch(armature.pose.bones[bone], name, value)
    for number, bone in enumerate(keys.bones):
        posed = armature.pose.bones[bone]
        posed.rotation_mode = "QUATERNION"
        posed.rotation_quaternion = keys.rotation_basis[frame, number]
    for bone, location in keys.travels().items():
        armature.pose.bones[bone].location = location[frame]
    armature.update_tag()
    bpy.context.view_layer.update()
    evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return {bone.name: np.array(bone.matrix) for bone in evaluated.pose.bones}


@pytest.mark.parametrize(
    "options", [Retargeting(), Retargeting(ik_arms=True, ik_legs=True)], ids=["FK", "IK"]
)
def test_rigify_controls_move_the_bones_as_the_person_does(generated, target, dancer, options):
    keys = retarget(dancer, target, options)
    assert not set(keys.bones) & {b for b in target.bones if b.startswith(("DEF-", "ORG-", "MCH-"))}
    skeleton, turn = (
        dancer.skeleton,
        multiply(dancer.motion.rotation, conjugate(dancer.skeleton.rest)),
    )
    for frame in range(0, 40, 8):
        at = played(generated, keys, frame)
        for side in "LR":
            for here, onward in (
                ("upper_arm", "forearm"),
                ("forearm", "hand"),
                ("thigh", "shin"),
                ("shin", "foot"),
            ):
                a, b = (at[f"ORG-{part}.{side}"][:3, 3] for part in (here, onward))
                i, j = (skeleton.index(f"{part}.{side}") for part in (here, onward))
                wanted = unit(dancer.heads_m[frame, j] - dancer.heads_m[frame, i])
                assert np.degrees(np.arccos(min(1.0, unit(b - a) @ wanted))) < 0.2
        for bone, source in (
            ("DEF-spine", "pelvis"),
            ("DEF-spine.003", "spine_06"),
            ("DEF-spine.006", "spine_09_head"),
        ):
            rest = target.rest[target.bones.index(bone), :3, :3]
            got = from_matrix(at[bone][:3, :3] @ rest.T)
            wanted = turn[frame, skeleton.index(source)]
            assert np.degrees(angle_between(got, wanted)) < 0.5


def test_switches_say_fk_or_ik_as_chosen(target, dancer):
    fk = retarget(dancer, target).properties
    legs = retarget(dancer, target, Retargeting(ik_legs=True))
    assert fk["thigh_parent.L", "IK_FK"] == 1.0
    assert legs.properties["thigh_parent.L", "IK_FK"] == 0.0
    assert legs.properties["upper_arm_parent.L", "IK_FK"] == 1.0
    assert set(legs.locations) == {
        f"{bone}.{side}" for bone in ("foot_ik", "thigh_ik_target") for side in "LR"
    }


def test_poles_do_not_pop_when_a_leg_is_stretched_and_bent_again(target, turn_about, pose):
    from track_spine.rigging.skeleton import canonical_skeleton, fk
    from track_spine.rigging.solve import Solved

    skeleton, time_s = canonical_skeleton({}), np.arange(60) / 30.0
    # The knee passes through straight, and a little beyond, twice.
    bend = 0.3 * np.cos(2.0 * np.pi * time_s) + 0.27
    local = {f"{p}.L": turn_about("x", s * bend) for p, s in (("thigh", -1.0), ("shin", 2.0))}
    motion = pose(skeleton, time_s, local)
    keys = retarget(
        Solved(skeleton, motion, *fk(skeleton, motion)), target, Retargeting(ik_legs=True)
    )
    steps = np.linalg.norm(np.diff(keys.locations["thigh_ik_target.L"], axis=0), axis=-1)
    assert steps.max() < 0.15
    assert np.ptp(keys.locations["thigh_ik_target.L"][:, 0]) < 0.2
