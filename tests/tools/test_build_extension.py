# SPDX-License-Identifier: GPL-3.0-or-later
"""What stops a build of the extension; a build that works is in tests/test_extension.py."""

from pathlib import Path

import pytest
from track_spine.inference.models import CARDS
from track_spine.tools import build_extension
from track_spine.tools.build_extension import BuildError, blender_tool, build, shipped_files


def test_missing_model_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_extension, "MODELS_FOLDER", tmp_path)
    with pytest.raises(BuildError, match=rf"{CARDS[0].file} .*make setup"):
        shipped_files()


def test_other_model_than_the_pinned_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for card in CARDS:
        (tmp_path / card.file).write_bytes(b"another network")
    monkeypatch.setattr(build_extension, "MODELS_FOLDER", tmp_path)
    with pytest.raises(BuildError, match=CARDS[0].file):
        shipped_files()


def test_missing_part_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_extension, "ROOT", tmp_path)
    with pytest.raises(BuildError, match="LICENSE"):
        shipped_files()


def test_python_without_bpy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(BuildError, match=r"no bpy.*make setup"):
        blender_tool()


def test_what_blender_refuses_is_passed_on(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="wheel filename must follow the spec"):
        wheel = tmp_path / "nameless.whl"
        wheel.write_bytes(b"")
        build("linux-x64", [wheel], tmp_path / "out")
    assert list(tmp_path.rglob("*.zip")) == []
