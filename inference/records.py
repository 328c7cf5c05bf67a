# SPDX-License-Identifier: GPL-3.0-or-later
"""Small JSON files beside models: what a user accepted, and what was fetched."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import ModelError, TakeError
from .take import replacing


def read_record(path: Path) -> dict[str, Any]:
    """Read a record.

    Args:
        path: The file.

    Returns:
        Its content; empty where there is no such file.

    Raises:
        ModelError: It cannot be read, or is no JSON object.
    """
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read ({error}): delete it") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} is damaged: delete it")
    return content


def write_record(path: Path, content: Mapping[str, Any]) -> None:
    """Write a record, whole or not at all.

    Args:
        path: The file.
        content: Plain JSON values.

    Raises:
        ModelError: It cannot be written.
    """
    write_whole(path, (json.dumps(content, indent=1) + "\n").encode())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all.

    Args:
        path: The file.
        content: Its bytes.

    Raises:
        ModelError: It cannot be written.
    """
    try:
        with replacing(path) as file:
            file.write(content)
    except TakeError as error:
        raise ModelError(f"{error}. Make room or choose another folder for models") from error


def put_in_place(part: Path, path: Path) -> None:
    """Give a file that is whole its name.

    Args:
        part: The file, in the same folder.
        path: Its new path; what lies there is replaced.

    Raises:
        ModelError: The folder does not allow it.
    """
    try:
        os.replace(part, path)
    except OSError as error:
        raise ModelError(
            f"{path} cannot be written ({error.strerror or error}): close programs that use it, "
            "or choose another folder for models"
        ) from error
