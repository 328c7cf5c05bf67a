# SPDX-License-Identifier: GPL-3.0-or-later
"""Motions for the lifter: smooth, of constant lengths, the spine moving, split by subject."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def drawn(model, motions):
    from track_spine.training.lift_bank import may_train
    from track_spine.training.lift_motion import draw_motion

    allowed = [motion for motion in motions if may_train(motion)]
    return [draw_motion(model, allowed, 3, 24, np.random.default_rng(seed)) for seed in range(4)]


def test_motions_come_from_capture_and_from_joined_poses(drawn):
    assert {one.source == "random" for one in drawn} == {True, False}
    for one in drawn:
        assert one.points.shape[1:] == (37, 3)
        assert np.isfinite(one.points).all()


def test_hips_are_at_the_origin_and_bones_keep_their_lengths(drawn):
    from track_spine.inference.keypoints import INDEX

    for one in drawn:
        hips = one.points[:, [INDEX["left_hip"], INDEX["right_hip"]]].mean(axis=1)
        np.testing.assert_allclose(hips, 0.0, atol=1e-9)
        for start, end in (("hip", "spine_01"), ("spine_04", "spine_05"), ("neck_02", "neck_03")):
            length = np.linalg.norm(one.points[:, INDEX[end]] - one.points[:, INDEX[start]], axis=1)
            # Key points between joints are carried by different vertebrae: a chord bends by 2 %.
            assert np.ptp(length) < 0.04 * length.mean()


def test_the_spine_moves_and_does_so_smoothly(drawn):
    from track_spine.inference.keypoints import INDEX, SPINE

    for one in drawn:
        spine = one.points[:, [INDEX[name] for name in SPINE]]
        segments = np.diff(spine, axis=1)
        segments /= np.linalg.norm(segments, axis=-1, keepdims=True)
        turns = np.degrees(np.arccos(np.clip((segments[:, 1:] * segments[:, :-1]).sum(-1), -1, 1)))
        assert np.ptp(turns, axis=0).max() > 1.5
        assert np.abs(np.diff(turns, axis=0)).max() < 12.0  # degrees in 0.05 s


def test_the_same_chance_draws_the_same_motion(model, motions):
    from track_spine.training.lift_motion import draw_motion

    one, other = (draw_motion(model, motions, 5, 8, np.random.default_rng(9)) for _ in range(2))
    np.testing.assert_array_equal(one.points, other.points)


def test_no_subject_or_clip_that_is_aside_may_train(motions):
    from track_spine.training.lift_bank import SUBJECTS_ASIDE, may_train
    from track_spine.training.splits import clip_aside

    allowed = [motion for motion in motions if may_train(motion)]
    assert not {(motion.source, motion.subject) for motion in allowed} & set(SUBJECTS_ASIDE)
    assert not any(clip_aside(motion.source, motion.clip) for motion in allowed)
    assert len(allowed) > 20


def test_every_clip_of_the_test_is_aside(motions):
    from track_spine.training.lift_bank import may_train
    from track_spine.training.lift_held_out import CLIPS
    from track_spine.training.splits import clip_aside

    by_name = {(motion.source, motion.clip): motion for motion in motions}
    for source, clip, _ in CLIPS:
        assert source == "bandai" or clip_aside(source, clip)
        assert (source, clip) not in by_name or not may_train(by_name[source, clip])


def test_every_clip_that_settings_are_chosen_on_may_be_trained_on(motions):
    from track_spine.training.lift_bank import may_train
    from track_spine.training.lift_held_out import CHOOSING, CLIP_FRAMES, CLIPS

    by_name = {(motion.source, motion.clip): motion for motion in motions}
    assert not {one[:2] for one in CHOOSING} & {one[:2] for one in CLIPS}
    for source, clip, start in CHOOSING:
        motion = by_name[source, clip]
        assert may_train(motion)
        assert start + CLIP_FRAMES <= len(motion.pelvis)


def test_bandai_people_stand_upright_and_bow_forwards():
    from track_spine.training.lift_bandai import ARCHIVE, read_bandai
    from track_spine.training.places import DATA

    if not (DATA / "mocap" / ARCHIVE).exists():
        pytest.skip("the archive of the test clips is missing")
    motion = read_bandai(DATA / "mocap", "bow_giant_001")
    np.testing.assert_allclose(motion.pelvis[0, 2, 2], 1.0, atol=0.05)
    assert (motion.limbs["thigh"][0, :, 2] < -0.9).all()
    assert (motion.limbs["foot"][0, :, 1] < -0.5).all()  # they face -Y
    # Forward: the chest's up leans to where they face.
    assert motion.chest[:, 1, 2].min() < -0.5


def test_a_bank_is_resumed_and_a_damaged_shard_is_named(tmp_path):
    from track_spine.training.errors import TrainingError
    from track_spine.training.lift_bank import read_motions

    with pytest.raises(TrainingError, match="lift-motions"):
        read_motions(tmp_path)
    points = np.zeros((5, 37, 3), np.float32)
    np.savez(tmp_path / "motions-0000.npz", points=points, ends=np.array([2, 5]))
    assert [len(one) for one in read_motions(tmp_path)] == [2, 3]
    (tmp_path / "motions-0001.npz").write_bytes(b"no")
    with pytest.raises(TrainingError, match=r"motions-0001\.npz"):
        read_motions(tmp_path)
