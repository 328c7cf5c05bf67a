# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw key points to motion: cuts, gaps, bad input, amplitude and jitter."""

from dataclasses import replace

import numpy as np
import pytest
from track_spine.rigging import spine_curve
from track_spine.rigging.cuts import cut_rows
from track_spine.rigging.errors import RigError
from track_spine.rigging.findings import examine
from track_spine.rigging.motion import Motion3D
from track_spine.rigging.person import load_person, person_text
from track_spine.rigging.reconstruct import Reconstruction, neutral_trial, reconstruct
from track_spine.rigging.rotation import angle_between
from track_spine.rigging.skeleton import canonical_skeleton
from track_spine.rigging.smoothness import amplitude_kept, jitter

TIME_S = np.arange(60) / 30.0
LEG = ("knee", "ankle", "heel", "toe")


@pytest.fixture(name="rng")
def _rng():
    return np.random.default_rng(14)


@pytest.fixture(name="walk", scope="module")
def _walk(pose, key_points, turn_about):
    """Somebody who sways, bends and travels at 1 m/s."""
    skeleton = canonical_skeleton({})
    wave = np.sin(2.0 * np.pi * TIME_S)
    local = {bone: turn_about("x", 0.05 * wave) for bone in spine_curve.BONES[1:]}
    for side, sign in (("L", 1.0), ("R", -1.0)):
        local[f"thigh.{side}"] = turn_about("x", -0.2 + 0.3 * sign * wave)
        local[f"shin.{side}"] = turn_about("x", 0.4 - 0.3 * sign * wave)
        local[f"forearm.{side}"] = turn_about("x", 0.8 + 0.3 * sign * wave)
    root = skeleton.head_m[0] - TIME_S[:, None] * [0.0, 1.0, 0.0]
    return key_points(skeleton, pose(skeleton, TIME_S, local, root))


def is_whole(solved):
    seen = solved.motion.valid
    assert np.isfinite(solved.motion.rotation[seen]).all()
    assert np.isfinite(solved.heads_m[seen]).all()
    assert np.isfinite(solved.sigma[seen]).all()
    length = np.linalg.norm(solved.tails_m[seen] - solved.heads_m[seen], axis=-1)
    assert np.abs(length - solved.skeleton.length_m).max() < 1e-9


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 7])
def test_few_frames_are_enough(walk, frames):
    solved = reconstruct(walk.at(slice(frames)))
    assert solved.motion.valid.all()
    is_whole(solved)


@pytest.mark.parametrize("name", ["left_knee", "right_wrist", "spine_03", "neck", "nose", "hip"])
def test_one_joint_that_is_never_seen_spoils_nothing_else(walk, name):
    k = walk.names.index(name)
    xyz, score = walk.xyz_m.copy(), walk.score.copy()
    xyz[:, k], score[:, k] = np.nan, 0.0
    whole = reconstruct(walk)
    solved = reconstruct(Motion3D(walk.names, TIME_S, xyz, score))
    is_whole(solved)
    far = solved.skeleton.index("forearm.L" if "right" in name else "forearm.R")
    off = angle_between(solved.motion.rotation[:, far], whole.motion.rotation[:, far])
    assert np.degrees(np.median(off)) < 6.0


def test_who_walks_out_and_back_in_is_solved_on_both_sides(walk):
    xyz, score = walk.xyz_m.copy(), walk.score.copy()
    xyz[20:45], score[20:45] = np.nan, 0.0
    xyz[45:] += [1.5, 0.0, 0.0]
    solved = reconstruct(Motion3D(walk.names, TIME_S, xyz, score))
    assert np.array_equal(np.flatnonzero(~solved.motion.valid), np.arange(20, 45))
    is_whole(solved)
    moved = solved.motion.root_m[45:, 0].mean() - solved.motion.root_m[:20, 0].mean()
    assert moved == pytest.approx(1.5, abs=0.02)


def test_points_that_are_hardly_believed_move_nothing(walk, rng):
    """A leg outside the picture: the network puts it anywhere and says so, lifting does not."""
    leg = [k for k, n in enumerate(walk.names) if n.startswith("left_") and n.endswith(LEG)]
    xyz, score = walk.xyz_m.copy(), walk.score.copy()
    xyz[30:40, leg] += 0.5 * rng.normal(size=(10, len(leg), 3))
    score[30:40, leg] = 0.001
    sigma = np.full(score.shape, 0.02)
    solved = reconstruct(Motion3D(walk.names, TIME_S, xyz, score, sigma_m=sigma))
    step = np.linalg.norm(np.diff(solved.heads_m, axis=0), axis=-1)
    usual = np.linalg.norm(np.diff(reconstruct(walk).heads_m, axis=0), axis=-1)
    foot = solved.skeleton.index("foot.L")
    assert step[:, foot].max() < 1.3 * usual[:, foot].max()


@pytest.mark.parametrize("rate_hz", [5.0, 24.0, 120.0, 240.0])
def test_slow_and_fast_footage_give_the_same_motion(pose, key_points, turn_about, rate_hz):
    """A sway of half a hertz, seen for two seconds: as it is within a degree at any rate."""
    time_s = np.arange(0.0, 2.0, 1.0 / rate_hz)
    skeleton = canonical_skeleton({})
    bend = 0.7 + 0.4 * np.sin(np.pi * time_s)
    truth = pose(skeleton, time_s, {"forearm.L": turn_about("x", bend)})
    solved = reconstruct(key_points(skeleton, truth))
    is_whole(solved)
    pair = [skeleton.index(f"{part}.L") for part in ("upper_arm", "forearm")]
    found = angle_between(*np.moveaxis(solved.motion.rotation[:, pair], 1, 0))
    wanted = angle_between(*np.moveaxis(truth.rotation[:, pair], 1, 0))
    assert np.degrees(np.abs(found - wanted)).max() < 1.0


def test_times_that_stand_still_or_run_backwards_are_refused(walk):
    for times in (np.repeat(TIME_S[::2], 2), TIME_S[::-1], np.full(60, np.nan)):
        with pytest.raises(RigError, match="strictly increasing"):
            replace(walk, time_s=times)


def test_points_on_a_line_give_finite_rotations(walk):
    line = np.linspace(0.0, 1.7, len(walk.names))[None, :, None] * [0.0, 0.0, 1.0]
    flat = Motion3D(walk.names, TIME_S, np.tile(line, (len(TIME_S), 1, 1)), walk.score)
    is_whole(reconstruct(flat))


def test_huge_values_and_single_wild_samples(walk):
    xyz = walk.xyz_m.copy()
    xyz[30, walk.names.index("left_wrist")] = 9000.0
    solved = reconstruct(Motion3D(walk.names, TIME_S, xyz, walk.score))
    is_whole(solved)
    whole = reconstruct(walk)
    assert np.abs(solved.heads_m - whole.heads_m).max() < 0.03


@pytest.mark.parametrize("factor", [0.05, 12.0])
def test_an_absurd_height_is_refused(walk, factor):
    giant = replace(walk, xyz_m=factor * walk.xyz_m)
    with pytest.raises(RigError, match="tall"):
        reconstruct(giant)


def test_a_cut_is_found_and_nothing_is_smoothed_over_it(walk, rng, turn_about):
    xyz = walk.xyz_m + 0.005 * rng.normal(size=walk.xyz_m.shape)
    assert len(cut_rows(replace(walk, xyz_m=xyz))) == 0
    cut = xyz.copy()
    cut[31:] = cut[31:][:, :, [1, 0, 2]] * [-1.0, 1.0, 1.0] + [2.0, 1.0, 0.0]
    motion = replace(walk, xyz_m=cut)
    assert cut_rows(motion).tolist() == [31]
    solved = reconstruct(motion)
    is_whole(solved)
    alone = reconstruct(replace(walk, xyz_m=cut).at(slice(31)))
    assert np.abs(solved.motion.root_m[:31] - alone.motion.root_m).max() < 0.01
    jump = np.linalg.norm(np.diff(solved.motion.root_m, axis=0), axis=-1)
    assert jump[30] > 1.5
    assert np.delete(jump, 30).max() < 0.1


def test_a_spike_and_a_run_are_no_cuts(walk):
    xyz = walk.xyz_m.copy()
    xyz[30] += [3.0, 0.0, 0.0]
    assert len(cut_rows(replace(walk, xyz_m=xyz))) == 0
    run = walk.xyz_m - 9.0 * TIME_S[:, None, None] * [0.0, 1.0, 0.0]
    assert len(cut_rows(replace(walk, xyz_m=run))) == 0


def test_movement_up_to_3_hz_is_kept_and_jitter_is_not(pose, key_points, turn_about, rng):
    time_s = np.arange(180) / 30.0
    skeleton = canonical_skeleton({})

    def wave(reach):
        tones = [np.sin(2.0 * np.pi * (f * time_s + rng.uniform())) for f in (0.7, 1.6, 2.9)]
        return reach * np.sum(tones, axis=0) / 3.0

    local = {"pelvis": turn_about("x", wave(0.2))}
    local |= {bone: turn_about("x", wave(0.06)) for bone in spine_curve.BONES[1:]}
    for side in "LR":
        local[f"forearm.{side}"] = turn_about("x", 1.0 + wave(0.6))
        local[f"thigh.{side}"] = turn_about("x", -0.5 + wave(0.3))
        local[f"shin.{side}"] = turn_about("x", 0.9 + wave(0.4))
    truth = key_points(skeleton, pose(skeleton, time_s, local))
    xyz = truth.xyz_m + 0.008 * rng.normal(size=truth.xyz_m.shape)
    solved = reconstruct(Motion3D(truth.names, time_s, xyz, truth.score))
    told = solved.smoothing["arms"]
    assert told.jitter_after < 0.4 * told.jitter_before
    assert 0.96 < told.amplitude_kept < 1.01
    for bone, point in (
        ("hand.L", "left_wrist"),
        ("foot.R", "right_ankle"),
        ("spine_06", "spine_05"),
    ):
        found = solved.heads_m[:, solved.skeleton.index(bone)]
        original = truth.point(point)
        assert amplitude_kept(time_s, original, found) > 0.96, bone
        noise = jitter(xyz - truth.xyz_m)
        assert jitter(found - original) < 0.25 * noise, bone


def test_a_neutral_trial_is_kept_and_angles_are_told_from_it(
    pose, key_points, turn_about, tmp_path
):
    """Somebody who stands 10 degrees more bent at T8 than the canonical curve."""
    skeleton = canonical_skeleton({"thigh": 0.40, "shin": 0.40})
    own = {"spine_05": turn_about("x", np.radians(10.0))}
    standing = key_points(skeleton, pose(skeleton, TIME_S, own))
    person = neutral_trial(standing, slice(0, 30))
    assert person.lengths_m["thigh"] == pytest.approx(0.40, abs=0.005)
    # The stiffness of a spine shares a sharp bend among the joints.
    assert np.degrees(person.neutral[:, 0].sum()) == pytest.approx(10.0, abs=2.0)
    assert np.argmax(person.neutral[:, 0]) == 3
    path = tmp_path / "anna.json"
    path.write_text(person_text(person))
    again = load_person(path)
    assert np.abs(again.neutral - person.neutral).max() < 1e-4
    bent = {"spine_05": turn_about("x", np.radians(10.0 + 12.0 * np.sin(np.pi * TIME_S / 2.0)))}
    moving = key_points(skeleton, pose(skeleton, TIME_S, bent))
    solved = reconstruct(moving, Reconstruction(person=again))
    told = examine(moving, solved, again).angles["trunk"][:, 0]
    absolute = examine(moving, solved).angles["trunk"][:, 0]
    assert np.degrees(told[[0, 30]]) == pytest.approx([0.0, 12.0], abs=3.0)
    assert (absolute - told)[[0, 30]] == pytest.approx(again.neutral[:5, 0].sum(), abs=0.02)
    assert solved.skeleton.length_m[solved.skeleton.index("thigh.L")] == pytest.approx(
        0.40, abs=0.005
    )


def test_neutral_frames_without_a_torso_are_refused(walk):
    nobody = replace(walk, xyz_m=np.full_like(walk.xyz_m, np.nan), score=np.zeros_like(walk.score))
    with pytest.raises(RigError, match="do not show the torso: choose others"):
        neutral_trial(nobody, slice(0, 30))


def test_neutral_frames_beyond_the_clip_are_refused(walk):
    with pytest.raises(RigError, match="0:600 go beyond the clip, which has 60: choose others"):
        neutral_trial(walk, slice(0, 600))


@pytest.mark.parametrize(
    "harm",
    [
        "",
        "[]",
        "{",
        '{"schema": "else"}',
        "[" * 100_000,
        '{"schema": "track_spine.person", "version": 1, "lengths_m": {}, "neutral_deg": []}',
    ],
)
def test_a_persons_file_of_another_kind_is_refused(tmp_path, harm):
    path = tmp_path / "person.json"
    path.write_text(harm)
    with pytest.raises(RigError, match=r"person\.json"):
        load_person(path)
    with pytest.raises(RigError, match="absent"):
        load_person(tmp_path / "absent")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"thigh": 0.4', '"thigh": NaN'),
        ('"thigh": 0.4', '"thigh": -0.4'),
        ('"thigh": 0.4', '"thigh": 400'),
        ('"thigh": 0.4', '"thigh": true'),
        ('"thigh": 0.4', '"thy": 0.4'),
        ('"version": 1', '"version": 2'),
        ('"neutral_deg": [', '"neutral_deg": [[0, 90],'),
        ('"neutral_deg": [', '"neutral_deg": [[0, "x"],'),
    ],
)
def test_impossible_persons_are_refused(pose, key_points, tmp_path, old, new):
    skeleton = canonical_skeleton({"thigh": 0.4})
    text = person_text(neutral_trial(key_points(skeleton, pose(skeleton, TIME_S, {})), slice(30)))
    assert old in text
    path = tmp_path / "person.json"
    path.write_text(text.replace(old, new))
    with pytest.raises(RigError, match=r"person\.json"):
        load_person(path)
