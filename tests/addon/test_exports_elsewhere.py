# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports read by another process: what `benchmarks/exports.py` measures, on a short clip."""

import sys
from pathlib import Path

import bpy
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import exports

FRAMES = 20


def test_every_format_preset_and_person_comes_back_elsewhere(tmp_path):
    bpy.context.scene.render.fps = exports.RATE_HZ
    people = [exports.make_person("Person", 1, FRAMES), exports.make_person("Other", 2, FRAMES)]
    cases = list(exports.export_all(people, tmp_path))
    assert len(cases) == 11 and {len(case.time_s) for case in cases} == {FRAMES}
    exports.read_by("importer", [case.path for case in cases])
    assert {case.path.name: exports.error_mm(case) < 0.1 for case in cases} == {
        case.path.name: True for case in cases
    }
    swapped, kept = cases[-1], cases[-2]
    swapped.path.with_name(f"{swapped.path.name}.npz").replace(f"{kept.path}.npz")
    assert exports.error_mm(kept) > 100.0  # people are told apart


def test_another_hierarchy_and_other_times_are_no_success(tmp_path):
    bpy.context.scene.render.fps = exports.RATE_HZ
    person = exports.make_person("Person", 1, FRAMES)
    (case, *_) = exports.export_all([person], tmp_path)
    exports.read_by("importer", [case.path])
    case.tree["hand.L"] = "hand.R"
    with pytest.raises(ValueError, match=r"bones differ: .*hand\.L"):
        exports.error_mm(case)
