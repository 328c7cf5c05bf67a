# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the take of a clip is kept, so that a second run on the same clip finds the first."""

import contextlib
import dataclasses
import hashlib
from pathlib import Path
from typing import Final

from ..inference.models import CARDS, POINTS_VERSION
from ..inference.protocol import TrackRequest
from .errors import OutputError

NOT_TOLD_BY: Final = (
    *("take", "subject_height_m", "threads"),
    *("focal_px", "focal_source", "centre_px", "distortion", "calibration"),
)
"""Settings that decide no raw point: with others, the same take is lifted anew."""


def take_folder(request: TrackRequest, home: Path, identity: str = "") -> Path:
    """Name the folder of a take.

    Args:
        request: What is tracked; its own take folder does not count.
        home: Folder that holds the takes.
        identity: What the footage is told by beside its file; empty for a file.

    Returns:
        A folder named for the footage, another one once footage, choices or networks have changed.
    """
    choices = dataclasses.asdict(request)
    told = [identity, str(POINTS_VERSION), *(card.sha256 for card in CARDS)]
    told += [f"{name}={choices[name]}" for name in sorted(choices) if name not in NOT_TOLD_BY]
    video = Path(request.video)
    with contextlib.suppress(OSError):  # a missing clip is the worker's to report
        status = video.stat()
        told += [str(status.st_size), str(status.st_mtime_ns)]
    digest = hashlib.sha256("|".join(told).encode()).hexdigest()
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
