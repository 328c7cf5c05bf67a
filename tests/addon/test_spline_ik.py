# SPDX-License-Identifier: GPL-3.0-or-later
"""A spine that a Spline IK moves: its curve's controls are keyed, and Blender bends it so."""

import bpy
import numpy as np
import pytest
from track_spine.addon.armature import build_armature, read_target
from track_spine.addon.keyframes import key_pose
from track_spine.rigging import spine_curve
from track_spine.rigging.motion import BoneMotion
from track_spine.rigging.regions import only_regions
from track_spine.rigging.retarget import retarget
from track_spine.rigging.rotation import from_axis_angle, multiply, unit
from track_spine.rigging.skeleton import canonical_skeleton, fk
from track_spine.rigging.solve import Solved

FRAMES = 10
AXIS = unit(np.array([0.9, 0.0, 0.4]))


@pytest.fixture
def bowing():
    """A person bows and turns aside, by formula."""
    skeleton, amount = canonical_skeleton({}), np.linspace(0.0, 1.0, FRAMES)
    turn = np.tile([1.0, 0.0, 0.0, 0.0], (FRAMES, len(skeleton.bones), 1))
    for bone, (name, parent) in enumerate(zip(skeleton.bones, skeleton.parents, strict=True)):
        if parent < 0:
            continue
        turn[:, bone] = turn[:, parent]
        if name in spine_curve.BONES:
            turn[:, bone] = multiply(turn[:, bone], from_axis_angle(AXIS, 0.13 * amount))
    root = np.tile(skeleton.head_m[0], (FRAMES, 1))
    motion = BoneMotion(
        skeleton.bones,
        np.arange(FRAMES) / 24.0,
        multiply(turn, skeleton.rest),
        root,
        np.ones(FRAMES, bool),
    )
    return Solved(skeleton, motion, *fk(skeleton, motion))


def add_spline(rig, spine):
    """A curve along the spine, its points hooked to a control bone at every other joint."""
    joints = [rig.data.bones[name].head_local.copy() for name in spine]
    joints.append(rig.data.bones[spine[-1]].tail_local.copy())
    ends = joints[::2]
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for number, at in enumerate(ends):
        control = rig.data.edit_bones.new(f"CTRL {number}")
        control.head, control.tail = at, at + at.__class__((0.0, -0.1, 0.0))
        control.parent = None if number else rig.data.edit_bones["pelvis"]
    bpy.ops.object.mode_set(mode="OBJECT")
    data = bpy.data.curves.new("spline", "CURVE")
    data.dimensions = "3D"
    points = data.splines.new("BEZIER").bezier_points
    points.add(len(ends) - 1)
    for point, at in zip(points, ends, strict=True):
        point.co = at
        point.handle_left_type = point.handle_right_type = "AUTO"
    curve = bpy.data.objects.new("spline", data)
    bpy.context.collection.objects.link(curve)
    bpy.context.view_layer.update()
    for number in range(len(ends)):
        hook = curve.modifiers.new(f"hook {number}", "HOOK")
        hook.object, hook.subtarget = rig, f"CTRL {number}"
        hook.vertex_indices_set(range(3 * number, 3 * number + 3))
        hook.matrix_inverse = (
            rig.matrix_world @ rig.data.bones[f"CTRL {number}"].matrix_local
        ).inverted()
    held = rig.pose.bones[spine[-1]].constraints.new("SPLINE_IK")
    held.target, held.chain_count = curve, len(spine)
    return held


def joints_of(rig, spine):
    bpy.context.view_layer.update()
    posed = rig.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
    return np.array([*(posed[name].head for name in spine), posed[spine[-1]].tail])


def test_the_spine_follows_the_curve_through_its_controls(bowing):
    rig = build_armature(bpy.context, canonical_skeleton({}), "Hero")
    free = read_target(rig, bpy.context.scene)
    spine = free.roles.spine
    key_pose(rig, retarget(bowing, free), np.arange(1.0, FRAMES + 1.0), "FK")
    wanted = []
    for frame in range(FRAMES):
        bpy.context.scene.frame_set(frame + 1)
        wanted.append(joints_of(rig, spine))
    held = add_spline(rig, spine)
    target = read_target(rig, bpy.context.scene)
    assert target.roles.guides == ("CTRL 0", "CTRL 1", "CTRL 2", "CTRL 3")
    keys = retarget(bowing, target)
    key_pose(rig, keys, np.arange(1.0, FRAMES + 1.0), "Spline")
    length = np.linalg.norm(np.diff(wanted[0], axis=0), axis=-1).sum()
    for frame in range(FRAMES):
        bpy.context.scene.frame_set(frame + 1)
        off = np.linalg.norm(joints_of(rig, spine) - wanted[frame], axis=-1).max()
        # A curve of four points lies 0.025 beside the seven joints even at rest.
        assert off < 0.05 * length
    assert np.linalg.norm(wanted[-1][-1] - wanted[0][-1]) > 0.2 * length, "it does bend"
    layer = only_regions(keys, target.roles, {"spine"})
    assert set(target.roles.guides) <= set(layer.bones) and "CTRL 2" in layer.locations
    held.mute = True
    assert read_target(rig, bpy.context.scene).roles.guides == ()


def test_a_curve_without_hooks_has_no_guides():
    rig = build_armature(bpy.context, canonical_skeleton({}), "Hero")
    spine = read_target(rig, bpy.context.scene).roles.spine
    held = add_spline(rig, spine)
    held.target.modifiers.clear()
    assert read_target(rig, bpy.context.scene).roles.guides == ()
