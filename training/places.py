# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the ingredients of training lie."""

from pathlib import Path
from typing import Final

CACHE: Final = Path(__file__).resolve().parent.parent / ".cache" / "training"
"""What was fetched or made and can be made again."""

DATA: Final = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
"""Clips, motions and photos, unless a command is told otherwise."""
