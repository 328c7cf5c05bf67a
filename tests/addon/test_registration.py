# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension leaves Blender as it found it."""

import addon_utils
import bpy
import pytest
import track_spine
from track_spine.addon import cli, registration
from track_spine.addon.registration import CLASSES


@pytest.fixture(autouse=True)
def switched_off_afterwards():
    yield
    if hasattr(bpy.types.Scene, "track_spine"):
        track_spine.unregister()


def registered_types():
    prefixes = ("TRACKSPINE_", "TRACK_SPINE_")
    return {name for name in dir(bpy.types) if name.startswith(prefixes)}


def handlers():
    lists = (name for name in dir(bpy.app.handlers) if not name.startswith("_"))
    found = {name: getattr(bpy.app.handlers, name) for name in lists}
    return {name: len(value) for name, value in found.items() if isinstance(value, list)}


def test_register_unregister_register_leaves_nothing_behind(monkeypatch):
    commands = []
    add, remove = bpy.utils.register_cli_command, bpy.utils.unregister_cli_command

    def add_command(name, function):
        commands.append(name)
        return add(name, function)

    def remove_command(handle):
        commands.pop()
        remove(handle)

    monkeypatch.setattr(bpy.utils, "register_cli_command", add_command)
    monkeypatch.setattr(bpy.utils, "unregister_cli_command", remove_command)
    types_before, handlers_before = registered_types(), handlers()
    for _ in range(2):
        track_spine.register()
        assert commands == [cli.COMMAND]
        assert all(cls.is_registered for cls in CLASSES)
        assert hasattr(bpy.types.Scene, "track_spine")
        assert "TRACK_SPINE_OT_track" in registered_types()
        track_spine.unregister()
        assert commands == []
        assert not any(cls.is_registered for cls in CLASSES)
        assert not hasattr(bpy.types.Scene, "track_spine")
        assert registered_types() == types_before
        assert handlers() == handlers_before


def test_blenders_own_switch_turns_it_on_and_off():
    assert addon_utils.enable("track_spine", default_set=True) is not None
    preferences = bpy.context.preferences.addons["track_spine"].preferences
    assert preferences.worker_python == ""
    addon_utils.disable("track_spine", default_set=True)
    assert not hasattr(bpy.types.Scene, "track_spine")


def test_switching_off_ends_a_run(monkeypatch):
    ended = []
    monkeypatch.setattr(registration, "end_current_run", ended.append)
    track_spine.register()
    assert ended == []
    track_spine.unregister()
    assert len(ended) == 1


@pytest.mark.parametrize("cls", CLASSES)
def test_names_and_descriptions_follow_blenders_customs(cls):
    properties = getattr(cls, "__annotations__", {})
    for name, deferred in properties.items():
        keywords = getattr(deferred, "keywords", {})
        if name == "filter_glob" or not keywords:
            continue
        assert keywords["name"], name
        assert not keywords["description"].endswith("."), name
    if issubclass(cls, bpy.types.Operator):
        assert cls.bl_idname.startswith("track_spine.")
        assert cls.bl_description and not cls.bl_description.endswith(".")
