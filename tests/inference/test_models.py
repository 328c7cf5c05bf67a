# SPDX-License-Identifier: GPL-3.0-or-later
"""Model cards against the files that they describe."""

import hashlib

import numpy as np
import pytest
from track_spine.inference.models import (
    CARDS,
    DETECTOR,
    LIFTER,
    MODELS_FOLDER,
    NETWORKS,
    POSE,
    SPINE_HEAD,
)
from track_spine.inference.pose2d import INPUT_PX, OUTPUTS
from track_spine.inference.session import Session
from track_spine.inference.spine import POINTS


@pytest.mark.parametrize("card", [*NETWORKS, SPINE_HEAD], ids=lambda card: card.name)
def test_a_card_pins_the_file_that_is_there(card):
    content = (MODELS_FOLDER / card.file).read_bytes()
    assert hashlib.sha256(content).hexdigest() == card.sha256


def test_cards_have_names_and_files_of_their_own():
    assert len({card.name for card in NETWORKS}) == len(NETWORKS)
    assert len({card.file for card in NETWORKS}) == len(NETWORKS)


def test_networks_may_be_used_commercially_and_say_where_they_are_from():
    assert DETECTOR.licence == "Apache-2.0"
    assert SPINE_HEAD.licence == LIFTER.licence == "GPL-3.0-or-later"
    assert POSE.licence == "GPL-3.0-or-later AND Apache-2.0"
    for card in CARDS:
        assert "mediapipe 0.10.21" in card.source
    assert SPINE_HEAD.file in POSE.source


@pytest.mark.parametrize("card", NETWORKS, ids=lambda card: card.name)
def test_a_pinned_file_runs_on_the_cpu(card):
    assert Session(card).provider == "CPUExecutionProvider"


def test_the_networks_kept_in_the_repository_are_small():
    assert (MODELS_FOLDER / SPINE_HEAD.file).stat().st_size <= 2_000_000
    assert (MODELS_FOLDER / LIFTER.file).stat().st_size <= 5_000_000


def test_the_pose_network_answers_for_batches_of_any_size():
    session = Session(POSE, threads=1)
    for count in (1, 3):
        batch = np.random.default_rng(count).random((count, INPUT_PX, INPUT_PX, 3), np.float32)
        shapes = dict(zip(OUTPUTS, (out.shape for out in session.run(batch, OUTPUTS)), strict=True))
        assert shapes["points"] == (count, len(POINTS), 2)
        assert shapes["scale"] == (count, len(POINTS))
        assert shapes["landmarks"] == (count, 195)
