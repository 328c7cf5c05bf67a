# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of others in the panel and the preferences: asked for, accepted, and only online."""

from types import SimpleNamespace

import bpy
import pytest
from track_spine.addon import fetch_operator, models
from track_spine.addon.fetch_operator import TRACKSPINE_OT_fetch_model
from track_spine.addon.models import POINT_MODELS, is_accepted, model_items
from track_spine.addon.preferences import worker_settings

pytestmark = pytest.mark.usefixtures("extension")

NAME = POINT_MODELS[0].name


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "user_folder", lambda kind: tmp_path / kind)
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


@pytest.fixture
def installed(folder):
    """The third network, as if it had been fetched."""
    model = POINT_MODELS[2]
    (folder / model.file).write_bytes(b"network")
    (folder / f"{model.name}.json").write_text("{}")
    return model


@pytest.fixture
def online(monkeypatch):
    app = SimpleNamespace(online_access=True, background=True, tempdir=bpy.app.tempdir)
    monkeypatch.setattr(fetch_operator, "bpy", SimpleNamespace(app=app))


def test_the_panel_offers_ours_and_what_is_installed(folder, installed):
    assert [item[0] for item in model_items(None, None)] == ["SHIPPED", installed.name]
    assert [item[3] for item in model_items(None, None)] == [0, 3]  # whatever else is installed
    settings = bpy.context.scene.track_spine
    assert settings.model == "SHIPPED"
    settings.model = installed.name
    assert settings.model == installed.name


def test_the_model_chosen_is_asked_for(
    folder, installed, use_fake, lifted_file, clip_file, tmp_path, requests
):
    use_fake("tracks", lifted_file)
    for name in ("SHIPPED", installed.name):
        bpy.context.scene.track_spine.model = name
        bpy.ops.track_spine.track(filepath=str(clip_file), take=str(tmp_path / "take"))
    assert [request.model for request in requests] == [None, installed.name]


@pytest.mark.parametrize("record", [None, "{", "[]", "{}", '{"MIT of nobody": "2026"}'])
def test_a_licence_counts_as_accepted_only_where_the_record_names_it(folder, record):
    if record is not None:
        (folder / "licences.json").write_text(record)
    assert not is_accepted(POINT_MODELS[0])
    (folder / "licences.json").write_text(f'{{"{POINT_MODELS[0].terms}": "2026-11-23"}}')
    assert is_accepted(POINT_MODELS[0])


def test_offline_the_button_is_grey():
    assert not bpy.app.online_access
    assert not bpy.ops.track_spine.fetch_model.poll()
    with pytest.raises(RuntimeError, match="poll"):
        bpy.ops.track_spine.fetch_model(model=NAME, accept=True)


def begin(folder, accept, monkeypatch, start_fake):
    """Start the operator as far as its worker; returns the job."""
    monkeypatch.setattr(fetch_operator, "Worker", lambda *_: start_fake("fetches"))
    operator = SimpleNamespace(model=NAME, accept=accept)
    return TRACKSPINE_OT_fetch_model.start(operator, None)


def test_nothing_is_downloaded_without_the_licence(folder, online, monkeypatch, start_fake):
    with pytest.raises(fetch_operator.SourceError, match="was not accepted"):
        begin(folder, False, monkeypatch, start_fake)


def test_a_download_tells_its_progress_and_its_end(folder, online, monkeypatch, start_fake):
    job = begin(folder, True, monkeypatch, start_fake)
    seen = set()
    while not job.finished:
        job.step(wait_s=5.0)
        seen.add(job.status)
    assert "Downloading 1.5 of 6.0 MB" in seen
    assert job.outcome.model == NAME


def test_the_provider_of_the_preferences_reaches_the_worker(monkeypatch):
    assert "TRACK_SPINE_PROVIDER" not in worker_settings([])
    chosen = SimpleNamespace(preferences=SimpleNamespace(provider="cuda"))
    addons = {"track_spine": chosen}
    context = SimpleNamespace(preferences=SimpleNamespace(addons=addons))
    monkeypatch.setattr("track_spine.addon.preferences.bpy", SimpleNamespace(context=context))
    assert worker_settings([])["TRACK_SPINE_PROVIDER"] == "cuda"
