# SPDX-License-Identifier: GPL-3.0-or-later
"""Footage kept as numbered pictures, one file each."""

import hashlib
import io
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import av

from .errors import VideoError
from .stored import Stored

SUFFIXES: Final = frozenset(
    (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr", ".dpx", ".bmp", ".webp", ".jp2", ".hdr")
)

NUMBERED: Final = re.compile(r"(.*?)(\d+)")
"""The name of a picture before its suffix: what all share, then the number."""

PATTERN: Final = re.compile(r"(.*?)(?:#+|%0?\d*d)")
"""The same with the number left open: `walk_####` as in Blender, or `walk_%04d`."""

MISSING_SHARE: Final = 0.5
"""With more of its numbers missing, a folder is a collection of photos and no footage."""


def is_sequence(path: Path) -> bool:
    """Whether a path names pictures rather than a movie.

    Args:
        path: A folder, a picture, or a pattern.

    Returns:
        True for these three, whether or not anything is there.
    """
    return path.is_dir() or path.suffix.lower() in SUFFIXES


def find(path: Path) -> tuple[tuple[Path | None, ...], int]:
    """Find the pictures of a sequence.

    Args:
        path: A folder with one sequence in it; its first picture (those before it are left out); a
            pattern with `####` or `%04d` for the number; or a picture without a number, alone.

    Returns:
        The files in order, None for each that is missing between the first and the last; and the
        step of their numbers, 2 where every second frame was rendered.

    Raises:
        VideoError: There is none, a folder holds several sequences, or most numbers are missing.
    """
    if path.is_dir():
        groups = _groups(path)
        if len(groups) != 1:
            names = ", ".join(f"{prefix}#{suffix}" for prefix, suffix in sorted(groups)[:5])
            raise VideoError(
                f"{path} holds {len(groups) or 'no'} image sequences{': ' if names else ''}{names}."
                " Name a folder with numbered pictures of one, or the first picture"
            )
        (numbered,) = groups.values()
    elif not path.is_file() and (pattern := PATTERN.fullmatch(path.stem)):
        numbered = _groups(path.parent).get((pattern[1], path.suffix.lower()), {})
        if not numbered:
            raise VideoError(f"No pictures are there by the pattern {path}")
    elif not path.is_file():
        raise VideoError(f"No such picture: {path}")
    elif not (own := NUMBERED.fullmatch(path.stem)):
        return (path,), 1
    else:
        group = _groups(path.parent)[own[1], path.suffix.lower()]
        numbered = {number: file for number, file in group.items() if number >= int(own[2])}
    return _in_order(path, numbered)


def _groups(folder: Path) -> dict[tuple[str, str], dict[int, Path]]:
    groups: dict[tuple[str, str], dict[int, Path]] = defaultdict(dict)
    if folder.is_dir():
        for file in sorted(folder.iterdir()):
            name = NUMBERED.fullmatch(file.stem)
            if name and file.suffix.lower() in SUFFIXES and file.is_file():
                groups[name[1], file.suffix.lower()][int(name[2])] = file
    return groups


def _in_order(path: Path, numbered: dict[int, Path]) -> tuple[tuple[Path | None, ...], int]:
    numbers = sorted(numbered)
    step = math.gcd(*(after - before for before, after in pairwise(numbers))) or 1
    places = range(numbers[0], numbers[-1] + 1, step)
    if len(numbers) < len(places) * (1.0 - MISSING_SHARE):
        raise VideoError(
            f"{path} has {len(numbers)} pictures numbered from {numbers[0]} to {numbers[-1]}: too "
            "few of them for a sequence"
        )
    return tuple(map(numbered.get, places)), step


def digest(images: Sequence[Path | None]) -> tuple[str, int]:
    """Hash of all pictures with their places.

    Args:
        images: From `find`.

    Returns:
        SHA-256, hexadecimal, and the size of all files in bytes.

    Raises:
        VideoError: A file cannot be read.
    """
    whole, size = hashlib.sha256(), 0
    for place, file in enumerate(images):
        if file:
            content = _content(file)
            whole.update(f"{place} {len(content)}\n".encode() + content)
            size += len(content)
    return whole.hexdigest(), size


def pictures(images: Sequence[Path | None], rate_hz: float, first: int = 0) -> Iterator[Stored]:
    """Decode a sequence.

    Args:
        images: From `find`.
        rate_hz: Pictures a second.
        first: Place of the first picture to decode; those before it are told of as lost.

    Yields:
        One for each place; lost where the file is missing or damaged.
    """
    for place, file in enumerate(images):
        picture = decoded(file) if file and place >= first else None
        yield Stored(place / rate_hz, picture, bool(picture and not picture.is_corrupt))


def decoded(file: Path) -> av.VideoFrame | None:
    """Decode one picture file.

    Args:
        file: The file.

    Returns:
        The picture, or None where the file is no picture that can be decoded.

    Raises:
        VideoError: The file cannot be read.
    """
    # By content: FFmpeg would take a name with %03d in it for a pattern.
    content = io.BytesIO(_content(file))
    try:
        with av.open(content, mode="r", metadata_errors="replace") as container:
            if not container.format.name.endswith("_pipe") or not container.streams.video:
                return None
            return next(container.decode(container.streams.video[0]), None)
    except av.FFmpegError:
        return None


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise VideoError(f"{file} cannot be read: {error.strerror or error}") from error
