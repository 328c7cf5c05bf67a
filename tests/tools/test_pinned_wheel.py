# SPDX-License-Identifier: GPL-3.0-or-later
"""Pinned wheels and members of them, against archives made on the spot in place of a download."""

import hashlib
import zipfile
from pathlib import Path

import pytest
from track_spine.tools.pinned_wheel import (
    FetchError,
    Member,
    PinnedWheel,
    fetch_members,
    fetch_wheels,
)

CONTENT = b"weights"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


MEMBER = Member("package/net.bin", sha256(CONTENT))


class LocalIndex:
    """Serves one wheel and counts how often it is asked."""

    def __init__(self, folder: Path) -> None:
        """Write the wheel into a folder."""
        self.file = folder / "package-1.0-py3-none-any.whl"
        with zipfile.ZipFile(self.file, "w") as archive:
            archive.writestr(MEMBER.path, CONTENT)
        self.wheel = PinnedWheel("package==1.0", sha256(self.file.read_bytes()))
        self.downloads = 0

    def download(self, wheel: PinnedWheel, folder: Path) -> Path:
        assert wheel.requirement == "package==1.0"
        self.downloads += 1
        return self.file.rename(folder / self.file.name)


@pytest.fixture
def index(tmp_path: Path) -> LocalIndex:
    folder = tmp_path / "index"
    folder.mkdir()
    return LocalIndex(folder)


def test_member_is_written_and_the_wheel_is_not_kept(index: LocalIndex, tmp_path: Path) -> None:
    target = tmp_path / "cache" / "deep" / "net.bin"
    assert fetch_members(index.wheel, {MEMBER: target}, index.download) == [target]
    assert target.read_bytes() == CONTENT
    assert list(tmp_path.rglob("*.whl")) == []
    assert list(target.parent.iterdir()) == [target]


def test_second_call_downloads_nothing(index: LocalIndex, tmp_path: Path) -> None:
    targets = {MEMBER: tmp_path / "net.bin"}
    fetch_members(index.wheel, targets, index.download)
    assert fetch_members(index.wheel, targets, index.download) == []
    assert index.downloads == 1


def test_damaged_member_is_replaced(index: LocalIndex, tmp_path: Path) -> None:
    target = tmp_path / "net.bin"
    target.write_bytes(CONTENT[:-1])
    fetch_members(index.wheel, {MEMBER: target}, index.download)
    assert target.read_bytes() == CONTENT


def test_other_wheel_than_the_pinned_one_is_refused(index: LocalIndex, tmp_path: Path) -> None:
    target = tmp_path / "cache" / "net.bin"
    wheel = PinnedWheel(index.wheel.requirement, "0" * 64)
    with pytest.raises(FetchError, match=rf"package==1\.0 .*{index.wheel.sha256}.*{'0' * 64}"):
        fetch_members(wheel, {MEMBER: target}, index.download)
    assert not target.parent.exists()


def test_other_member_than_the_pinned_one_is_refused(index: LocalIndex, tmp_path: Path) -> None:
    target = tmp_path / "cache" / "net.bin"
    member = Member(MEMBER.path, "0" * 64)
    with pytest.raises(FetchError, match=r"package/net\.bin"):
        fetch_members(index.wheel, {member: target}, index.download)
    assert not target.parent.exists()


def test_missing_member_is_named(index: LocalIndex, tmp_path: Path) -> None:
    target = tmp_path / "cache" / "net.bin"
    with pytest.raises(FetchError, match=r"no member package/other\.bin"):
        fetch_members(index.wheel, {Member("package/other.bin", "0" * 64): target}, index.download)
    assert not target.parent.exists()


def test_whole_wheel_is_kept_and_not_fetched_again(index: LocalIndex, tmp_path: Path) -> None:
    target = tmp_path / "cache" / "package.whl"
    assert fetch_wheels({index.wheel: target}, index.download) == [target]
    assert sha256(target.read_bytes()) == index.wheel.sha256
    assert fetch_wheels({index.wheel: target}, index.download) == []
    assert index.downloads == 1


def test_damaged_wheel_is_replaced(index: LocalIndex, tmp_path: Path) -> None:
    target = tmp_path / "package.whl"
    target.write_bytes(b"half a whe")
    fetch_wheels({index.wheel: target}, index.download)
    assert sha256(target.read_bytes()) == index.wheel.sha256


def test_other_whole_wheel_is_refused(index: LocalIndex, tmp_path: Path) -> None:
    target = tmp_path / "cache" / "package.whl"
    with pytest.raises(FetchError, match=r"package==1\.0"):
        fetch_wheels({PinnedWheel("package==1.0", "0" * 64): target}, index.download)
    assert not target.parent.exists()
