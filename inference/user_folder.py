# SPDX-License-Identifier: GPL-3.0-or-later
"""Where this program keeps files of the user of this machine."""

import os
import sys
from pathlib import Path


def user_folder(kind: str) -> Path:
    """Folder of the user for one kind of files.

    Args:
        kind: Such as `models`.

    Returns:
        The folder, which need not be there yet.
    """
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "track_spine" / kind
