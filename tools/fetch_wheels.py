# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetch the wheels that the extension brings along, as pinned in platforms.toml."""

import tomllib
from pathlib import Path
from typing import Final

from track_spine.tools.pinned_wheel import CACHE, PinnedWheel, fetch_wheels

PLATFORMS_FILE: Final = Path(__file__).with_name("platforms.toml")


def read_platforms(path: Path = PLATFORMS_FILE) -> dict[str, dict[str, PinnedWheel]]:
    """Read which wheels each platform needs.

    Args:
        path: A file such as platforms.toml.

    Returns:
        Wheel by file name, by Blender's name of the platform.
    """
    tables = tomllib.loads(path.read_text("utf-8"))
    return {
        platform: {file: _wheel_of(file, sha256) for file, sha256 in wheels.items()}
        for platform, wheels in tables.items()
    }


def fetch_platform_wheels(platform: str, cache: Path = CACHE / "wheels") -> list[Path]:
    """Fetch the wheels of a platform that are not there yet.

    Args:
        platform: Blender's name of the platform, such as linux-x64.
        cache: Where wheels are kept.

    Returns:
        All wheels of the platform.

    Raises:
        FetchError: If a download fails or brings another file than the pinned one.
    """
    targets = {wheel: cache / file for file, wheel in read_platforms()[platform].items()}
    fetch_wheels(targets)
    return list(targets.values())


def _wheel_of(file: str, sha256: str) -> PinnedWheel:
    # name-version-python-abi-platforms.whl: asked for just these tags, pip finds this very file.
    name, version, python, _, platforms = file.removesuffix(".whl").split("-")
    return PinnedWheel(
        requirement=f"{name}=={version}",
        sha256=sha256,
        python=python.removeprefix("cp"),
        platform=platforms.split(".")[-1],
    )
