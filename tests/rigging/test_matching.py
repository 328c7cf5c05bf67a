# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles of bones by name and by tree."""

import pytest
from track_spine.rigging.errors import RigError
from track_spine.rigging.families import FAMILIES
from track_spine.rigging.matching import match
from track_spine.rigging.rigs import biped, mixamo
from track_spine.rigging.skeleton import canonical_skeleton


def mixamo_tree(spine=3, neck=1):
    """Bone -> parent of a Mixamo rig with so many bones in its spine and neck."""
    column = ["Hips", "Spine", *(f"Spine{n}" for n in range(1, spine))]
    column += [*["Neck", *(f"Neck{n}" for n in range(1, neck))][:neck], "Head"]
    tree = {"Hips": None, **dict(zip(column[1:], column[:-1], strict=True))}
    tree["HeadTop_End"] = "Head"
    for side in ("Left", "Right"):
        for chain in (
            (column[spine], "Shoulder", "Arm", "ForeArm", "Hand", "HandIndex1"),
            ("Hips", "UpLeg", "Leg", "Foot", "ToeBase", "Toe_End"),
        ):
            parent = chain[0]
            for part in chain[1:]:
                tree[side + part] = parent
                parent = side + part
    return tree


def as_lists(tree, prefix=""):
    names = list(tree)
    return [prefix + name for name in names], [
        names.index(parent) if parent else -1 for parent in tree.values()
    ]


@pytest.mark.parametrize(
    "prefix", ["", "mixamorig:", "mixamorig1:", "mixamorig12:", "mixamorig_", "mixamorig"]
)
def test_mixamo_rigs_are_known_by_any_of_their_prefixes(prefix):
    roles = match(*as_lists(mixamo_tree(), prefix))
    assert roles.family == "Mixamo"
    assert roles.pelvis == prefix + "Hips"
    assert roles.spine == tuple(prefix + name for name in ("Spine", "Spine1", "Spine2"))
    assert roles.neck == (prefix + "Neck",)
    assert roles.head == prefix + "Head"
    assert roles.limbs["clavicle.L"] == prefix + "LeftShoulder"
    assert roles.limbs["shin.R"] == prefix + "RightLeg"
    assert len(roles.limbs) == 16
    assert set(roles.bones()) == {prefix + n for n in mixamo_tree()} - {
        prefix + n
        for n in ("HeadTop_End", "LeftHandIndex1", "RightHandIndex1", "LeftToe_End", "RightToe_End")
    }


@pytest.mark.parametrize("spine", [1, 2, 6, 24])
@pytest.mark.parametrize("neck", [0, 1, 3, 6])
def test_spine_and_neck_may_have_any_number_of_bones(spine, neck):
    roles = match(*as_lists(mixamo_tree(spine, neck)))
    assert len(roles.spine) == spine
    assert len(roles.neck) == neck


@pytest.mark.parametrize("prefix", ["", "m_avg_", "f_avg_"])
def test_smpl_rigs_are_known_by_short_and_long_names(prefix):
    chains = (
        "Pelvis Spine1 Spine2 Spine3 Neck Head",
        *(f"Pelvis {s}_Hip {s}_Knee {s}_Ankle {s}_Foot" for s in "LR"),
        *(f"Spine3 {s}_Collar {s}_Shoulder {s}_Elbow {s}_Wrist {s}_Hand" for s in "LR"),
    )
    tree = {"root": "", "Pelvis": "root"}
    for chain in map(str.split, chains):
        tree |= dict(zip(chain[1:], chain, strict=False))
    assert match(*as_lists(tree, prefix)).family == "SMPL"
    long = {n: n.replace("L_", "left_").replace("R_", "right_").lower() for n in ("", *tree)}
    roles = match(*as_lists({long[bone]: long[above] for bone, above in tree.items()}))
    assert (roles.family, roles.limbs["foot.R"]) == ("SMPL-X", "right_ankle")


def test_the_order_of_bones_does_not_matter():
    tree = mixamo_tree()
    backwards = dict(reversed(tree.items()))
    assert match(*as_lists(backwards)) == match(*as_lists(tree))


def test_the_rig_with_more_of_the_bones_wins_when_two_share_an_armature():
    names, parents = as_lists(mixamo_tree(), "mixamorig:")
    names += ["Hips", "Head"]
    parents += [-1, -1]
    assert match(names, parents).pelvis == "mixamorig:Hips"


def test_the_generated_rig_is_known():
    skeleton = canonical_skeleton({})
    roles = match(skeleton.bones, skeleton.parents.tolist())
    assert roles.family == "Track Spine"
    assert roles.spine == tuple(f"spine_0{n}" for n in range(1, 7))
    assert roles.neck == ("spine_07_neck", "spine_08_neck")
    assert roles.head == "spine_09_head"
    assert set(roles.bones()) == set(skeleton.bones)


def test_fingers_toes_hands_and_clavicles_may_be_absent():
    tree = {
        name: parent
        for name, parent in mixamo_tree().items()
        if not name.endswith(("Hand", "ToeBase", "HandIndex1", "Toe_End", "Shoulder"))
    }
    tree["LeftArm"] = tree["RightArm"] = "Spine2"
    roles = match(*as_lists(tree))
    assert len(roles.limbs) == 10
    assert roles.spine == ("Spine", "Spine1", "Spine2")


def test_every_missing_bone_is_named():
    tree = mixamo_tree()
    for name in ("LeftUpLeg", "RightForeArm", "Head"):
        tree = {n: {"LeftUpLeg": "Hips"}.get(p, p) for n, p in tree.items() if n != name}
        tree = {n: p if p in tree else None for n, p in tree.items()}
    with pytest.raises(RigError) as caught:
        match(*as_lists(tree, "mixamorig:"))
    message = str(caught.value)
    assert "mixamorig:LeftUpLeg (thigh.L)" in message
    assert "mixamorig:RightForeArm (forearm.R)" in message
    assert "mixamorig:Head (head)" in message
    assert "mixamorig:Hips" not in message
    assert "Mixamo" in message


@pytest.mark.parametrize("names", [[], ["Bone"], ["Bone", "Bone.001"]])
def test_a_foreign_armature_is_told_what_a_known_rig_has(names):
    with pytest.raises(RigError, match="Hips \\(pelvis\\), Head \\(head\\), LeftArm"):
        match(names, [-1] * len(names))


def test_limbs_must_hang_from_the_pelvis():
    tree = mixamo_tree() | {"LeftUpLeg": None}
    with pytest.raises(RigError, match="LeftUpLeg"):
        match(*as_lists(tree))


def test_arms_must_hang_from_a_spine():
    tree = mixamo_tree() | {"LeftShoulder": "Hips", "RightShoulder": "Hips"}
    with pytest.raises(RigError, match="spine"):
        match(*as_lists(tree))


def family_tree(family):
    """Bone -> parent of a rig with a family's bones and marks, three of a spine and one neck."""
    bones = family.bones
    tree = dict(
        zip(
            ("Columna 1", "Columna 2", "Cerviz"),
            (bones["pelvis"], "Columna 1", "Columna 2"),
            strict=True,
        )
    )
    tree = {bones["pelvis"]: None} | tree | {bones["head"]: "Cerviz"}
    for side in "LR":
        for start, chain in (
            ("Columna 2", ("clavicle", "upper_arm", "forearm", "hand")),
            (bones["pelvis"], ("thigh", "shin", "foot", "toe")),
        ):
            for part in chain:
                tree[bones[f"{part}.{side}"]] = start
                start = bones[f"{part}.{side}"]
    return tree | dict.fromkeys(family.marks, bones["head"])


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_each_family_is_told_by_its_names(family):
    roles = match(*as_lists(family_tree(family)))
    assert roles.family == family.name
    assert (roles.pelvis, roles.head) == (family.bones["pelvis"], family.bones["head"])
    assert roles.limbs == {role: bone for role, bone in family.bones.items() if "." in role}
    assert (roles.spine, roles.neck) == (("Columna 1", "Columna 2"), ("Cerviz",))


@pytest.mark.parametrize("prefix", ["Bip01 ", "Bip001 ", "Bip01_", "bip01-", "Bip02"])
def test_bipeds_are_known_by_any_of_their_prefixes(prefix):
    roles = match(*as_lists(family_tree(biped.FAMILY), prefix))
    assert (roles.family, roles.limbs["toe.L"]) == ("3ds Max Biped", f"{prefix}L Toe0")


def test_families_name_the_same_roles():
    for family in FAMILIES:
        assert set(family.bones) == set(mixamo.FAMILY.bones), family.name
