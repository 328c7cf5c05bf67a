# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rig of the data folder: read with Blender, told, and moved; skipped where it is absent."""

import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from track_spine.rigging.errors import RigError
from track_spine.rigging.matching import identify
from track_spine.rigging.retarget import retarget

bpy = pytest.importorskip("bpy")
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
try:
    from rig_files import ARCHIVE, REFUSED, UPRIGHT, open_rig, read_rig
    from rig_motions import CHOSEN_ON, CLOSED_FORMS, captured_walk, closed_form
    from rigs import follow, play, play_in_blender
finally:
    sys.path.pop(0)
pytestmark = pytest.mark.skipif(not ARCHIVE.exists(), reason="the data folder is not there")

MIRRORED = "player"
"""It calls left what is at its right, and that is said."""
DWARF = "Barbarian"
"""Its feet are 0.44 of its legs, a person's 0.17: to stay planted, its legs must bend quickly."""
PLAIN = [file for file in UPRIGHT if "rig.default" not in file]
"""Rigs of one bone a part; MPFB's default ones have two unequal ones."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("rigs")
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(path)
    return path


@pytest.fixture(scope="module")
def motions():
    closed = {name: closed_form(name) for name in CLOSED_FORMS}
    return closed | {clip: captured_walk(archive, clip, 3.0) for archive, clip in CHOSEN_ON[:1]}


@pytest.mark.parametrize("file", UPRIGHT, ids=lambda file: Path(file).name)
def test_rigs_are_told_and_follow_known_motions(folder, file, motions):
    armature = open_rig(folder / file)
    target, found = read_rig(armature)
    assert found.family == UPRIGHT[file]
    assert bool(found.notes) == (Path(file).stem == MIRRORED)
    for name, solved in motions.items():
        seen = follow(solved, target)
        assert seen.direction_deg < 1.0, name
        assert seen.spine_deg < 0.5, name
        assert seen.side > 0.9, name
        assert seen.height_m < 0.005, name
        assert seen.slide_m < 0.001, name
        assert seen.jump_deg < (8.0 if Path(file).stem == DWARF else 5.0), name
        assert seen.planted_deg.max() < 1.0 or name not in CLOSED_FORMS, name
    keys = retarget(solved, target)
    # What the figures stand on is what Blender does with the keys.
    heads = play_in_blender(armature, keys, 40)
    ours, _ = play(target, keys)
    assert np.abs(heads - ours[40]).max() < 1e-4 * np.ptp(heads[:, 2])


@pytest.mark.parametrize("file", PLAIN, ids=lambda file: Path(file).name)
def test_structure_finds_the_joints_that_names_say(folder, file):
    target, found = read_rig(open_rig(folder / file))
    world = target.world_from_armature
    heads = target.rest[:, :3, 3] @ world[:3, :3].T + world[:3, 3]
    names, told = target.bones, found.roles
    blank = [f"骨{b}" for b in range(len(names))]
    blind = identify(blank, target.parents.tolist(), heads).roles
    assert {role: names[blank.index(bone)] for role, bone in blind.limbs.items()} == told.limbs
    assert [names[blank.index(b)] for b in (blind.pelvis, *blind.spine)] == [
        told.pelvis,
        *told.spine,
    ]


@pytest.mark.parametrize("file", REFUSED, ids=lambda file: Path(file).name)
def test_what_is_no_upright_body_is_refused_with_the_reason(folder, file):
    armature = open_rig(folder / file)
    with pytest.raises(RigError, match=REFUSED[file]):
        read_rig(armature)
