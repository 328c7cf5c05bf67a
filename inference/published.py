# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens networks of others for work: by the name of an installed one, or from a file."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .box_detectors import raw_yolox_ends
from .catalogue import CATALOGUE, find
from .ends import Ends, check_ends
from .errors import ModelError
from .installed import ModelFolder
from .models import ModelCard
from .onnx_file import MAX_BYTES, check_structure
from .session import Session
from .user_folder import user_folder

RAW: Final = tuple(("yolox", raw_yolox_ends(side)) for side in (416, 640))
"""Ends that no published file here has, and files that users make have."""


@dataclass(frozen=True)
class Opened:
    """A network of others, ready to run.

    Attributes:
        card: What a take records of it.
        family: As in `PublishedModel`.
        ends: What it takes and gives.
        session: The network.
    """

    card: ModelCard
    family: str
    ends: Ends
    session: Session


def open_published(
    name: str, families: Sequence[str], provider: str | None = None, folder: Path | None = None
) -> Opened:
    """Open a network of others.

    Args:
        name: Of an installed one, or path of an ONNX file with the ends of one.
        families: What will do.
        provider: As in `Session`.
        folder: Where installed ones lie; None for the user's.

    Returns:
        The network.

    Raises:
        ModelError: There is no such network or file, it is of another family, or it is not what it
            should be.
    """
    installed = ModelFolder(folder or user_folder("models"))
    model = find(name)
    if model is None:
        return _open_file(Path(name), families, provider)
    if model.family not in families:
        raise ModelError(f"{model.name} is of the family {model.family}, not {_said(families)}")
    session = installed.open(model, provider=provider)
    return Opened(installed.card(model), model.family, model.ends, session)


def _open_file(path: Path, families: Sequence[str], provider: str | None) -> Opened:
    """Open a file by what it takes and gives."""
    if not path.is_file():
        names = ", ".join(one.name for one in CATALOGUE if one.family in families)
        raise ModelError(f"{path} is neither a file nor one of {names}")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelError(f"{path} is larger than {MAX_BYTES} bytes: no network here is")
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error
    check_structure(content, path.name)
    sha256 = hashlib.sha256(content).hexdigest()
    card = ModelCard(path.stem, path.name, sha256, "unknown", str(path))
    session = Session(card, path.parent, remedy="give the file again", provider=provider)
    refused = []
    for family, ends in _candidates(families):
        try:
            check_ends(session, ends, path.name)
        except ModelError as error:
            refused.append(error)
        else:
            return Opened(card, family, ends, session)
    raise ModelError(
        f"{path.name} has not the ends of a network of {_said(families)}: {refused[-1]}"
    )


def _candidates(families: Sequence[str]) -> list[tuple[str, Ends]]:
    known = [(one.family, one.ends) for one in CATALOGUE] + list(RAW)
    return [one for one in dict.fromkeys(known) if one[0] in families]


def _said(families: Sequence[str]) -> str:
    return " or ".join(families)
