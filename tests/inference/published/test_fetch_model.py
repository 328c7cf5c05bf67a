# SPDX-License-Identifier: GPL-3.0-or-later
"""A download for Blender: only what its user accepted, with progress, and stopped when asked."""

import dataclasses
from functools import partial

import numpy as np
import pytest
from track_spine.inference import fetch_model as module
from track_spine.inference.catalogue import LIFTER
from track_spine.inference.errors import ModelError
from track_spine.inference.fetch_model import fetch_model
from track_spine.inference.installed import ModelFolder
from track_spine.inference.protocol import Cancelled, Fetched, FetchRequest


class Here(ModelFolder):
    """Downloads from this machine."""

    @property
    def fetch(self):
        """Fetch with the host of the test allowed."""
        return partial(super().fetch, hosts=("127.0.0.1",))


@pytest.fixture
def folder(server, networks, tmp_path, monkeypatch):
    content = networks.constant((37, 2), {"output": np.zeros((37, 3))})
    server.serve("/net", content)
    monkeypatch.setattr(module, "CATALOGUE", [dataclasses.replace(LIFTER, url=server.url("/net"))])
    monkeypatch.setattr(module, "ModelFolder", Here)
    monkeypatch.setattr(module, "user_folder", lambda kind: tmp_path / kind)
    return tmp_path / "models"


def fetch(request, stopping=lambda: False):
    told = []
    return fetch_model(request, told.append, stopping), told


def test_a_network_whose_terms_were_accepted_is_fetched_with_progress(folder):
    answer, told = fetch(FetchRequest("spinepose-lifter", str(LIFTER.terms)))
    assert answer == Fetched("spinepose-lifter", str(folder / "spinepose-lifter.onnx"))
    assert (folder / "spinepose-lifter.onnx").is_file()
    assert told[-1].stage == "fetch" and told[-1].done == told[-1].total


@pytest.mark.parametrize("licence", ["", "Apache-2.0 of somebody"])
def test_terms_that_were_not_shown_are_not_accepted(folder, server, licence):
    with pytest.raises(ModelError, match="was not accepted"):
        fetch(FetchRequest("spinepose-lifter", licence))
    assert not server.asked
    assert not (folder / "spinepose-lifter.onnx").exists()


def test_a_stopped_download_says_so_and_keeps_its_part(folder):
    request = FetchRequest("spinepose-lifter", str(LIFTER.terms))
    answer, _ = fetch(request, stopping=lambda: True)
    assert isinstance(answer, Cancelled)
    assert not (folder / "spinepose-lifter.onnx").exists()
    assert isinstance(fetch(request)[0], Fetched)


def test_a_network_of_no_catalogue_is_refused(folder):
    with pytest.raises(ModelError, match="no published network 'evil'"):
        fetch(FetchRequest("evil", ""))
