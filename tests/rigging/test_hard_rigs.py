# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs as odd as they come, told by structure alone: rolled, scaled, renamed, with spare bones."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from track_spine.rigging.matching import BY_STRUCTURE, identify
from track_spine.rigging.retarget import TargetRig, retarget
from track_spine.rigging.rotation import angle_between, conjugate, multiply, unit

FBX = np.diag([0.01, 0.01, 0.01, 1.0])
FBX[:3, :3] = 0.01 * Rotation.from_euler("x", 90, degrees=True).as_matrix()
TURNED = np.eye(4)
TURNED[:3, :3] = 2.5 * Rotation.from_euler("z", 130, degrees=True).as_matrix()
TURNED[:3, 3] = (4.0, -2.0, 0.0)
PARTS = (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"))


@pytest.fixture(scope="module")
def rig_with():
    folder = str(Path(__file__).parents[2] / "benchmarks")
    sys.path.insert(0, folder)
    import retarget as module

    yield module.rig_with
    sys.path.remove(folder)
    del sys.modules["retarget"]


def disguised(rig, world, rng):
    """Rename and roll a rig's bones, add a root, a second pelvis and twist bones, move the object.

    The bones stay where they are in the world, except that the whole turns with the object.
    """
    count = len(rig.bones)
    rolls = Rotation.from_euler("y", rng.uniform(-np.pi, np.pi, (count, 1))).as_matrix()
    rest = rig.rest.copy()
    rest[:, :3, :3] = rest[:, :3, :3] @ rolls
    if world is FBX:
        rest = np.linalg.inv(world) @ rest
        rest[:, :3, :3] *= 0.01
    extra = np.tile(np.eye(4), (4, 1, 1))
    extra[1, :3, 3] = rest[0, :3, 3]
    twists = [rig.bones.index(f"upper_arm.{side}") for side in "LR"]
    extra[2:] = rest[twists]
    parents = np.where(rig.parents < 0, count + 1, rig.parents)
    parents = np.concatenate([parents, [-1, count, *twists]])
    # Blender lists parents first.
    order = np.array([count, count + 1, *range(count), count + 2, count + 3])
    place = np.argsort(order)
    parents = np.where(parents[order] < 0, -1, place[parents[order]])
    rest = np.concatenate([rest, extra])[order]
    names = [f"кость_{number:03}" for number in range(count + 4)]
    known = {bone: names[place[number]] for number, bone in enumerate(rig.bones)}
    return names, parents, rest, known


@pytest.mark.parametrize("world", [np.eye(4), FBX, TURNED], ids=["plain", "FBX", "turned"])
@pytest.mark.parametrize(("spine", "neck"), [(1, 0), (2, 1), (3, 6), (7, 2), (24, 3)])
def test_a_disguised_rig_is_told_and_follows(dancer, rig_with, play, world, spine, neck):
    rng = np.random.default_rng(spine)
    plain = rig_with(dancer.skeleton, spine, neck)
    names, parents, rest, known = disguised(plain, world, rng)
    heads = rest[:, :3, 3] @ world[:3, :3].T + world[:3, 3]
    found = identify(names, parents.tolist(), heads)
    assert found.family == BY_STRUCTURE
    assert found.roles.limbs == {role: known[bone] for role, bone in plain.roles.limbs.items()}
    assert found.roles.head == known["head"]
    column = [known[bone] for bone in (*plain.roles.spine, *plain.roles.neck)]
    assert [*found.roles.spine, *found.roles.neck][-len(column) :] == column
    length = np.full(len(names), 0.1)
    target = TargetRig(tuple(names), parents, rest, length, world, found.roles)
    heads, rotations = play(target, retarget(dancer, target))
    skeleton = dancer.skeleton
    for side in "LR":
        for pair in PARTS:
            i, j = (skeleton.index(f"{part}.{side}") for part in pair)
            a, b = (names.index(found.roles.limbs[f"{part}.{side}"]) for part in pair)
            wanted = unit(dancer.heads_m[:, j] - dancer.heads_m[:, i])
            got = unit(heads[:, b] - heads[:, a])
            assert np.degrees(np.arccos(np.clip(np.sum(wanted * got, axis=-1), -1, 1))).max() < 0.1
    head = names.index(found.roles.head)
    turned = multiply(rotations[1:, head], conjugate(rotations[:-1, head]))
    source = dancer.motion.rotation[:, skeleton.index("spine_09_head")]
    wanted = multiply(source[1:], conjugate(source[:-1]))
    assert np.degrees(angle_between(turned, wanted).max()) < 0.5
