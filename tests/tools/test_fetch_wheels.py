# SPDX-License-Identifier: GPL-3.0-or-later
"""The pinned wheels of each platform: complete for every Python that Blender runs on."""

import re

import pytest
from track_spine.tools.fetch_wheels import read_platforms
from track_spine.tools.pinned_wheel import PinnedWheel

PLATFORMS = read_platforms()
PYTHONS = ("311", "313", "314")
BROUGHT_ALONG = {"av", "onnxruntime", "opencv_python_headless", "scipy"}
SYSTEMS = {
    "linux-x64": r"manylinux(_2_\d+|2014)_x86_64",
    "windows-x64": "win_amd64",
    "macos-arm64": r"macosx_\d+_0_arm64",
}


def test_these_platforms_are_built() -> None:
    assert set(PLATFORMS) == set(SYSTEMS)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_each_python_gets_each_package_once(platform: str, python: str) -> None:
    names = [
        wheel.requirement.partition("==")[0]
        for file, wheel in PLATFORMS[platform].items()
        if wheel.python == python or ("-abi3-" in file and int(wheel.python[1:]) <= int(python[1:]))
    ]
    assert sorted(names) == sorted(BROUGHT_ALONG)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_wheels_are_pinned_and_for_the_platform(platform: str) -> None:
    for wheel in PLATFORMS[platform].values():
        assert re.fullmatch("[0-9a-f]{64}", wheel.sha256)
        assert re.fullmatch(SYSTEMS[platform], wheel.platform)
        assert wheel.python == "37" or wheel.python in PYTHONS


def test_what_to_ask_pip_for_is_read_off_the_file_name() -> None:
    file = "scipy-1.15.3-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
    wheel = PLATFORMS["linux-x64"][file]
    assert wheel == PinnedWheel("scipy==1.15.3", wheel.sha256, "311", "manylinux2014_x86_64")
