# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the take of a clip is kept, so that a second run on the same clip finds the first."""

import contextlib
import hashlib
from pathlib import Path

from ..inference.models import CARDS, POINTS_VERSION
from .errors import OutputError


def take_folder(video: Path, subject_px: tuple[float, float] | None, home: Path) -> Path:
    """Name the folder of a clip's take.

    Args:
        video: Absolute path of the clip.
        subject_px: The point that picks the person, pixels; another person is another take.
        home: Folder that holds the takes.

    Returns:
        A folder named for the clip, another one once the clip or the networks have changed.
    """
    identity = [str(video), str(subject_px), str(POINTS_VERSION), *(card.sha256 for card in CARDS)]
    with contextlib.suppress(OSError):  # a missing clip is the worker's to report
        status = video.stat()
        identity += [str(status.st_size), str(status.st_mtime_ns)]
    digest = hashlib.sha256("|".join(identity).encode()).hexdigest()
    return home / f"{video.stem}-{digest[:8]}"


def make_folder(folder: Path) -> None:
    """Create a folder and its parents where they are missing.

    Args:
        folder: Absolute path.

    Raises:
        OutputError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"Cannot make the take folder {folder}: {error.strerror or error}. "
            "Save the .blend in a folder that can be written, or name another take folder"
        ) from error
