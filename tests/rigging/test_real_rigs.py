# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rig of the data folder: read with Blender, told, and moved; skipped where it is absent."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from track_spine.rigging.errors import RigError
from track_spine.rigging.matching import BY_STRUCTURE, identify
from track_spine.rigging.retarget import TargetRig, retarget
from track_spine.rigging.rotation import angle_between, conjugate, from_matrix, multiply, unit

ARCHIVE = Path(__file__).parents[3] / "shared" / "data" / "rigs" / "rigs.zip"
bpy = pytest.importorskip("bpy")
pytestmark = pytest.mark.skipif(not ARCHIVE.exists(), reason="the data folder is not there")

M2M = "mesh2motion/"
MOVED = {
    "kaykit/addons/kaykit_character_pack_adventures/Characters/gltf/Barbarian.glb": BY_STRUCTURE,
    "xbot_ybot/models/Xbot.glb": "Mixamo",
    "xbot_ybot/models/Ybot.glb": "Mixamo",
    "godot/3d/ragdoll_physics/characters/mannequiny.glb": "Unreal",
    "godot/3d/platformer/player/player.glb": BY_STRUCTURE,
    M2M + "animation-converters/bvh/input.bvh": "Mixamo",
    M2M + "static/blender/skeleton-mecanim-full.blend": "Mixamo",
    M2M + "static/blender/human.blend": "Mesh2Motion",
    M2M + "static/skeletons/human-skeleton.glb": "Mesh2Motion",
    M2M + "static/animations/CarnegieMellonAnimations/91_48.fbx": "Poser and CMU",
}
REFUSED = {
    "fox/assets/models/animated/Fox.glb": "upright",
    M2M + "static/blender/bird.blend": "upright",
    M2M + "static/skeletons/skeleton-bird.glb": "upright",
    M2M + "static/skeletons/skeleton-quadraped.glb": "upright",
    # Its shins end at the ankle and its feet hang from the root, moved by constraints.
    "brainstem_robotexpressive/public/RobotExpressive.glb": "two legs",
}
STANDARD = "mpfb2/src/mpfb/data/rigs/standard/rig.%s.json"
MPFB = {
    STANDARD % "default": "MakeHuman",
    STANDARD % "default_no_toes": "MakeHuman",
    STANDARD % "game_engine": "Unreal",
    STANDARD % "game_engine_with_breast": "Unreal",
    STANDARD % "cmu_mb": "Mixamo",
    STANDARD % "mixamo": "Mixamo",
    STANDARD % "mixamo_unity": "Mixamo",
    "mpfb2/src/mpfb/data/rigs/rigify/rig.human.json": "Rigify",
    "mpfb2/src/mpfb/data/rigs/rigify/rig.human_toes.json": "Rigify",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("rigs")
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(path)
    return path


def rig_in(path):
    """Bones, parents, rest, lengths and world of the armature in a file."""
    if path.suffix == ".blend":
        bpy.ops.wm.open_mainfile(filepath=str(path))
    else:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        reader = {".glb": bpy.ops.import_scene.gltf, ".fbx": bpy.ops.import_scene.fbx}
        reader.get(path.suffix, bpy.ops.import_anim.bvh)(filepath=str(path))
    bpy.context.view_layer.update()
    armature = next(o for o in bpy.data.objects if o.type == "ARMATURE")
    bones = list(armature.data.bones)
    index = {bone.name: b for b, bone in enumerate(bones)}
    parents = np.array([index[b.parent.name] if b.parent else -1 for b in bones])
    rest = np.array([b.matrix_local for b in bones], dtype=float)
    length = np.array([b.length for b in bones])
    return tuple(index), parents, rest, length, np.array(armature.matrix_world, dtype=float)


def guess(names, parents, rest, world):
    return identify(names, parents.tolist(), rest[:, :3, 3] @ world[:3, :3].T + world[:3, 3])


@pytest.mark.parametrize("file", MOVED, ids=lambda file: Path(file).name)
def test_rigs_are_told_and_point_as_the_person_does(folder, file, dancer, play):
    names, parents, rest, length, world = rig_in(folder / file)
    found = guess(names, parents, rest, world)
    assert found.roles.family == MOVED[file]
    target = TargetRig(names, parents, rest, length, world, found.roles)
    heads, rotations = play(target, retarget(dancer, target))
    at = {role: heads[:, names.index(bone)] for role, bone in found.roles.limbs.items()}
    skeleton = dancer.skeleton
    for side in "LR":
        for here, onward in (
            ("upper_arm", "forearm"),
            ("forearm", "hand"),
            ("thigh", "shin"),
            ("shin", "foot"),
        ):
            if f"{onward}.{side}" not in at:
                continue
            joints = [skeleton.index(f"{part}.{side}") for part in (here, onward)]
            wanted = unit(dancer.heads_m[:, joints[1]] - dancer.heads_m[:, joints[0]])
            got = unit(at[f"{onward}.{side}"] - at[f"{here}.{side}"])
            assert np.degrees(np.arccos(np.clip(np.sum(wanted * got, axis=-1), -1, 1))).max() < 1.0
    across = (
        dancer.heads_m[:, skeleton.index("thigh.L")] - dancer.heads_m[:, skeleton.index("thigh.R")]
    )
    assert (np.sum(unit(at["thigh.L"] - at["thigh.R"]) * unit(across), axis=-1) > 0.99).all()
    turn = multiply(dancer.motion.rotation, conjugate(skeleton.rest))
    own = from_matrix(world[:3, :3] / np.cbrt(np.linalg.det(world[:3, :3])))
    for bone, source in ((found.roles.spine[-1], "spine_06"), (found.roles.head, "spine_09_head")):
        b = names.index(bone)
        upright = multiply(own, from_matrix(rest[b, :3, :3]))
        steps = multiply(rotations[:, b], conjugate(upright))
        wanted = turn[:, skeleton.index(source)]
        moved = [angle_between(q[1:], q[:-1]) for q in (steps, wanted)]
        assert np.degrees(np.abs(moved[0] - moved[1]).max()) < 0.5


@pytest.mark.parametrize("file", MOVED, ids=lambda file: Path(file).name)
def test_structure_finds_the_joints_that_names_say(folder, file):
    names, parents, rest, _, world = rig_in(folder / file)
    blank = [f"骨{b}" for b in range(len(names))]
    blind = guess(blank, parents, rest, world).roles
    told = guess(names, parents, rest, world).roles
    assert {role: names[blank.index(bone)] for role, bone in blind.limbs.items()} == told.limbs
    assert [names[blank.index(b)] for b in (blind.pelvis, *blind.spine)] == [
        told.pelvis,
        *told.spine,
    ]


@pytest.mark.parametrize("file", REFUSED, ids=lambda file: Path(file).name)
def test_what_is_no_upright_body_is_refused_with_the_reason(folder, file):
    with pytest.raises(RigError, match=REFUSED[file]):
        names, parents, rest, _, world = rig_in(folder / file)
        guess(names, parents, rest, world)


@pytest.mark.parametrize("file", MPFB, ids=lambda file: Path(file).name)
def test_mpfb_rigs_are_told_by_their_names(folder, file):
    content = json.loads((folder / file).read_text("utf-8"))
    bones = content.get("bones", content)
    names = list(bones)
    parents = [names.index(b["parent"]) if b.get("parent") in bones else -1 for b in bones.values()]
    roles = identify(names, parents).roles
    assert roles.family == MPFB[file]
    assert len(roles.spine) >= 3


def test_points_that_hang_from_several_roots_are_refused(folder):
    bones = json.loads((folder / (STANDARD % "openpose")).read_text("utf-8"))
    bones = bones.get("bones", bones)
    names = list(bones)
    parents = [names.index(b["parent"]) if b.get("parent") in bones else -1 for b in bones.values()]
    with pytest.raises(RigError, match="lacks"):
        identify(names, parents)
