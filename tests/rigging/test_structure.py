# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies told by their structure, and what is no body."""

import time

import numpy as np
import pytest
from track_spine.rigging.errors import RigError
from track_spine.rigging.matching import BY_STRUCTURE, identify
from track_spine.rigging.skeleton import canonical_skeleton

SKELETON = canonical_skeleton({})


def body(names=None, keep=lambda bone: True):
    """Our skeleton's tree under other names: (names, parents, heads) of the bones kept."""
    kept = [b for b, bone in enumerate(SKELETON.bones) if keep(bone)]
    parents = [kept.index(p) if p in kept else -1 for p in SKELETON.parents[kept].tolist()]
    names = names or (lambda bone: f"骨{SKELETON.bones.index(bone)}")
    return [names(SKELETON.bones[b]) for b in kept], parents, SKELETON.head_m[kept]


def said(names, parents, heads):
    """Our own names for the roles found."""
    found = identify(names, parents, heads)
    ours = dict(zip(names, SKELETON.bones, strict=False))
    assert found.roles.family == BY_STRUCTURE
    return found, {role: ours[bone] for role, bone in found.roles.limbs.items()}


def test_names_in_another_script_do_not_matter():
    found, limbs = said(*body())
    assert limbs == {role: role for role in limbs}
    assert len(limbs) == 16
    roles = found.roles
    assert [len(roles.spine), len(roles.neck)] == [6, 2]
    assert roles.head.endswith(str(SKELETON.index("spine_09_head")))
    assert set(found.certainty) >= {"pelvis", "spine", "head", "thigh.L"}
    assert all(0.0 < value < 1.0 for value in found.certainty.values())
    assert roles.limbs["shin.R"] not in found.alternatives["shin.R"]


@pytest.mark.parametrize("degrees", [0.0, 90.0, 180.0, 215.0])
def test_left_is_left_whichever_way_the_rig_faces(degrees):
    names, parents, heads = body()
    a = np.radians(degrees)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    _, limbs = said(names, parents, heads @ turn.T)
    assert limbs == {role: role for role in limbs}


def test_names_that_call_left_what_is_right_are_overruled_and_that_is_said():
    def lie(bone):
        stem, dot, side = bone.partition(".")
        return f"x{stem}" + (f"_{'right' if side == 'L' else 'left'}" if dot else "")

    found, limbs = said(*body(lie))
    assert limbs["thigh.L"] == "thigh.L"
    assert "faces the other way" in found.notes[0]


def test_hands_toes_and_clavicles_may_be_absent():
    skip = ("hand", "toe", "clavicle")
    names, parents, heads = body(keep=lambda bone: not bone.startswith(skip))
    arm = names.index(f"骨{SKELETON.index('upper_arm.L')}")
    chest = names.index(f"骨{SKELETON.index('spine_06')}")
    for side in "LR":
        parents[names.index(f"骨{SKELETON.index(f'upper_arm.{side}')}")] = chest
    found = identify(names, parents, heads)
    assert found.roles.limbs["upper_arm.L"] == names[arm]
    assert "hand.L" not in found.roles.limbs


def with_chain(rig, start, places):
    """A rig with one more chain of bones, each hung from the one before."""
    names, parents, heads = (list(part) for part in rig)
    for place in places:
        names.append(f"more {len(names)}")
        parents.append(start)
        heads.append(np.asarray(place))
        start = len(names) - 1
    return names, parents, np.array(heads)


def dressed(part):
    """Our body with plaits longer than its arms, a skirt, a crown's tip, or twist bones."""
    rig = body()
    at = {bone: SKELETON.head_m[SKELETON.index(bone)] for bone in SKELETON.bones}
    head, pelvis = SKELETON.index("spine_09_head"), SKELETON.index("pelvis")
    drops = np.linspace(0.0, 1.0, 6)[:, None]
    if part == "crown":
        return with_chain(rig, head, [at["spine_09_head"] + [0.0, 0.0, 0.2]])
    if part == "skirt":
        for angle in 2 * np.pi * (np.arange(8) + 0.5) / 8:
            out = np.array([0.15 * np.cos(angle), 0.15 * np.sin(angle), 0.0])
            rig = with_chain(rig, pelvis, at["pelvis"] + out - drops * [0.0, 0.0, 0.8])
    for side, sign in (("L", 1.0), ("R", -1.0)):
        if part == "plaits":
            top = at["spine_09_head"] + [0.1 * sign, 0.05, 0.1]
            rig = with_chain(rig, head, top - drops * [0.0, 0.0, 1.1])
        if part == "twists":
            elbow, wrist = at[f"forearm.{side}"], at[f"hand.{side}"]
            for share in (0.3, 0.6):
                place = elbow + share * (wrist - elbow)
                rig = with_chain(rig, SKELETON.index(f"forearm.{side}"), [place])
    return rig


@pytest.mark.parametrize("part", ["crown", "skirt", "plaits", "twists"])
def test_what_a_body_wears_is_not_taken_for_its_limbs(part):
    found, limbs = said(*dressed(part))
    assert limbs == {role: role for role in limbs}
    assert len(found.roles.spine) == 6
    assert found.roles.head.endswith(str(SKELETON.index("spine_09_head")))


@pytest.mark.parametrize("palm_m", [0.0, 0.05, 0.1])
@pytest.mark.parametrize("bones", [1, 2, 4])
def test_a_hand_is_told_from_its_one_chain_of_fingers(palm_m, bones):
    rig = body()
    for side in "LR":
        hand = SKELETON.index(f"hand.{side}")
        along = SKELETON.head_m[hand] - SKELETON.head_m[SKELETON.index(f"forearm.{side}")]
        far = palm_m + 0.035 * np.arange(bones)
        places = SKELETON.head_m[hand] + far[:, None] * along / np.linalg.norm(along)
        rig = with_chain(rig, hand, places)
    _, limbs = said(*rig)
    assert limbs == {role: role for role in limbs}


def test_bones_without_length_are_passed_over():
    names, parents, heads = body()
    for part in ("forearm", "hand", "thigh", "shin"):
        for side in "LR":
            bone = SKELETON.index(f"{part}.{side}")
            parents = [len(names) if parent == bone else parent for parent in parents]
            names, parents, heads = with_chain((names, parents, heads), bone, [heads[bone]])
    _, limbs = said(names, parents, heads)
    assert limbs == {role: role for role in limbs}


def test_a_rig_scaled_to_nothing_is_refused():
    names, parents, heads = body()
    with pytest.raises(RigError, match="two legs"):
        identify(names, parents, np.zeros_like(heads))


def test_of_two_bodies_in_one_armature_one_is_taken_whole():
    names, parents, heads = body()
    count = len(names)
    parents = parents + [p + count if p >= 0 else -1 for p in parents]
    second = [f"{name} again" for name in names]
    aside = heads + np.array([2.0, 0.0, 0.0])
    found = identify(names + second, parents, np.concatenate([heads, aside]))
    whole = {bone.endswith("again") for bone in found.roles.bones()}
    assert len(whole) == 1 and len(found.roles.limbs) == 16


def test_suffixes_of_copies_do_not_hide_a_known_family():
    tree = ["Hips", "Spine", "Neck", "Head"]
    parents = [-1, 0, 1, 2]
    for side in ("Left", "Right"):
        for start, chain in ((1, ("Arm", "ForeArm")), (0, ("UpLeg", "Leg", "Foot"))):
            for n, part in enumerate(chain):
                parents.append(start if n == 0 else len(tree) - 1)
                tree.append(side + part)
    found = identify([f"{name}.001" for name in tree], parents)
    assert found.roles.family == "Mixamo"
    assert found.roles.limbs["thigh.L"] == "LeftUpLeg.001"


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        (lambda bone: bone == "pelvis", "two legs"),
        (lambda bone: not bone.startswith(("thigh", "shin", "foot", "toe")), "two legs"),
        (
            lambda bone: (
                bone[-2:] not in (".L", ".R") or bone.startswith(("thigh", "shin", "foot", "toe"))
            ),
            "two arms",
        ),
        (lambda bone: "neck" not in bone and "head" not in bone, "head"),
    ],
    ids=["one bone", "no legs", "no arms", "no head"],
)
def test_what_is_no_body_is_refused_with_the_reason(keep, message):
    with pytest.raises(RigError, match=message):
        identify(*body(keep=keep))


def test_a_body_without_a_spine_is_refused():
    names, parents, heads = body(keep=lambda bone: not bone.startswith("spine"))
    parents = [0 if p < 0 and b else p for b, p in enumerate(parents)]
    with pytest.raises(RigError):
        identify(names, parents, heads)


def test_legs_and_arms_of_two_trees_are_refused():
    names, parents, heads = body()
    parents[names.index(f"骨{SKELETON.index('spine_01')}")] = -1
    with pytest.raises(RigError, match="same body"):
        identify(names, parents, heads)


def test_an_animal_on_four_legs_is_refused():
    names, parents, heads = body()
    lying = heads.copy()
    leg = heads[:, 2] < 0.9
    lying[~leg] = np.stack([heads[~leg, 0], 0.9 - heads[~leg, 2], heads[~leg, 1] + 0.9], axis=-1)
    with pytest.raises(RigError, match="upright"):
        identify(names, parents, lying)


def test_circles_and_strange_parents_are_refused():
    names, parents, heads = body()
    with pytest.raises(RigError, match="circle"):
        identify(names, [1, 0, *parents[2:]], heads)
    with pytest.raises(RigError, match="parents"):
        identify(names, [99, *parents[1:]], heads)
    with pytest.raises(RigError, match="finite"):
        identify(names, parents, np.full_like(heads, np.nan))


def test_five_thousand_bones_take_less_than_a_second():
    names, parents, heads = body()
    rng = np.random.default_rng(3)
    more = 5_000 - len(names)
    names += [f"hair {n}" for n in range(more)]
    head = SKELETON.index("spine_09_head")
    parents += [head if n % 50 == 0 else len(parents) + n - 1 for n in range(more)]
    heads = np.concatenate([heads, heads[head] + rng.normal(0.0, 0.01, (more, 3))])
    started = time.process_time()
    found = identify(names, parents, heads)
    assert time.process_time() - started < 1.0
    assert found.roles.limbs["thigh.L"] == names[SKELETON.index("thigh.L")]
