# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets: kept, shared, and not trusted."""

import json

import pytest
from track_spine.rigging.errors import RigError
from track_spine.rigging.matching import match
from track_spine.rigging.presets import assignment, preset_text, read_preset, roles_from
from track_spine.rigging.rigs import rigify_controls
from track_spine.rigging.skeleton import canonical_skeleton

SKELETON = canonical_skeleton({})
PARENTS = SKELETON.parents.tolist()
ROLES = match(SKELETON.bones, PARENTS)


def edited(**bones):
    content = json.loads(preset_text(ROLES, "Hero"))
    content["bones"] |= bones
    return json.dumps(content)


def test_a_preset_comes_back_as_it_was():
    roles = read_preset(preset_text(ROLES, "Hero"), SKELETON.bones, PARENTS)
    assert roles.family == "Hero"
    assert assignment(roles) == assignment(ROLES)


def test_names_in_other_scripts_are_kept():
    names = [f"кость {bone}" for bone in SKELETON.bones]
    table = {
        role: [f"кость {b}" for b in bones] if isinstance(bones, list) else f"кость {bones}"
        for role, bones in assignment(ROLES).items()
    }
    roles = roles_from(table, names, PARENTS, "Герой")
    assert read_preset(preset_text(roles, "Герой"), names, PARENTS) == roles


def test_an_emptied_role_is_left_out():
    table = assignment(ROLES) | {"toe.L": "", "neck": []}
    roles = roles_from(table, SKELETON.bones, PARENTS, "mine")
    assert "toe.L" not in roles.limbs
    assert roles.neck == ()


def test_a_control_rig_edited_by_hand_keeps_its_ik_and_switches():
    names = [
        *("root", rigify_controls.TRAVEL, *rigify_controls.BONES.values()),
        *("spine_fk.001", "spine_fk.002", *rigify_controls.IK.values()),
    ]
    parents = [-1] + [0] * (len(names) - 1)
    known = match(names, parents)
    table = assignment(known) | {"toe.L": "", "spine": ["spine_fk.001"]}
    roles = roles_from(table, names, parents, "mine")
    assert roles.spine == ("spine_fk.001",) and "toe.L" not in roles.limbs
    assert (roles.travel, roles.ik, roles.switches) == (known.travel, known.ik, known.switches)
    assert roles.ik["foot.L"] == "foot_ik.L"


def test_a_preset_for_another_rig_names_the_bones_this_one_lacks():
    with pytest.raises(RigError, match=r"another rig: this one lacks elbow, knee"):
        read_preset(edited(**{"forearm.L": "elbow", "shin.L": "knee"}), SKELETON.bones, PARENTS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no preset"),
        ("[" * 100_000, "no preset"),
        ("x" * 1_000_001, "1,000,001"),
        ("[1, 2]", "schema"),
        ('{"schema": "track_spine.rig", "version": 2}', "version 2"),
        ('{"schema": "track_spine.rig", "version": 1, "bones": []}', "bones"),
        ('{"schema": "track_spine.rig", "version": 1, "bones": {}}', "without a bone"),
        (edited(tail="pelvis"), "not known: .'tail'"),
        (edited(spine="spine_01"), "list"),
        (edited(spine=[]), "spine"),
        (edited(spine=["spine_01"] * 65), "64"),
        (edited(head={"a": 1}), "head"),
        (edited(neck=[None]), "neck"),
        (edited(pelvis=float("nan")), "pelvis"),
        (edited(head=7), "head"),
        (edited(spine=[["spine_01"]]), "spine"),
        ('{"schema": "track_spine.rig", "version": NaN}', "version nan"),
        ('{"bones": {"head": "a", "head": "b"}}', "head twice"),
        ('{"a":' * 50_000, "no preset"),
        (edited(head="spine_01"), "two roles"),
        (edited(pelvis="spine_02", spine=["spine_03"]), "do not hang"),
    ],
    ids=lambda value: value[:30],
)
def test_liars_are_refused(text, message):
    with pytest.raises(RigError, match=message):
        read_preset(text, SKELETON.bones, PARENTS)


def test_bones_of_a_liar_cannot_carry_anything_into_messages():
    with pytest.raises(RigError) as caught:
        read_preset(edited(head="a\n\x1b[31m\ud800" + "b" * 500_000), SKELETON.bones, PARENTS)
    assert len(str(caught.value)) < 200
    assert str(caught.value).isprintable()


def test_a_name_cannot_carry_control_characters_into_messages():
    content = json.loads(preset_text(ROLES, "Hero"))
    content["name"] = "a\n\x1b[31m" + "b" * 500
    family = read_preset(json.dumps(content), SKELETON.bones, PARENTS).family
    assert len(family) <= 64
    assert family.isprintable()
