# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening a model file: only the pinned one, and told so that the user can act on it."""

import dataclasses
import hashlib

import numpy as np
import pytest
from track_spine.inference.errors import ModelError
from track_spine.inference.models import MODELS_FOLDER, POSE
from track_spine.inference.session import Session


def card_of(content, folder):
    """A card that pins a file of this content."""
    (folder / "net.onnx").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return dataclasses.replace(POSE, file="net.onnx", sha256=digest)


def refusal(card, folder):
    with pytest.raises(ModelError) as caught:
        Session(card, folder)
    return str(caught.value)


def test_a_missing_file_is_named_with_what_to_do(tmp_path):
    said = refusal(POSE, tmp_path)
    assert str(tmp_path / POSE.file) in said
    assert "make setup" in said
    assert "install the extension again" in said


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    (tmp_path / POSE.file).mkdir()
    assert str(tmp_path / POSE.file) in refusal(POSE, tmp_path)


def test_another_file_is_refused_with_both_hashes(tmp_path):
    content = (MODELS_FOLDER / POSE.file).read_bytes()
    changed = content[:1000] + bytes([content[1000] ^ 1]) + content[1001:]
    (tmp_path / POSE.file).write_bytes(changed)
    said = refusal(POSE, tmp_path)
    assert hashlib.sha256(changed).hexdigest() in said
    assert POSE.sha256 in said
    assert "make setup" in said


@pytest.mark.parametrize("content", [b"", b"not a network", b"\x08\x07" * 500])
def test_a_pinned_file_that_is_no_network_is_refused(tmp_path, content):
    said = refusal(card_of(content, tmp_path), tmp_path)
    assert "net.onnx" in said
    assert "cannot open" in said


def test_outputs_come_in_the_order_asked_for_and_batches_do_not_mix():
    session = Session(POSE, threads=1)
    pictures = np.random.default_rng(1).random((2, 256, 256, 3), np.float32)
    presence, landmarks = session.run(pictures, ("presence", "landmarks"))
    assert presence.shape[0] == landmarks.shape[0] == 2
    assert landmarks[0].size == 39 * 5
    alone = [session.run(picture[None], ("landmarks",))[0][0] for picture in pictures]
    np.testing.assert_allclose(landmarks, alone, atol=1e-3)  # pixels; float32 sums in another order
    assert np.abs(landmarks[0] - landmarks[1]).max() > 1.0
