# SPDX-License-Identifier: GPL-3.0-or-later
"""Licences of published networks: shown and accepted once, and remembered."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from .errors import ModelError
from .records import read_record, write_record
from .terms import Terms

FILE: Final = "licences.json"
"""Accepted ones by licence and publisher, with the time."""


Accept = Callable[[Terms], bool]
"""Shows the terms to the user and says whether they are accepted."""


def require_accepted(folder: Path, terms: Terms, accept: Accept) -> None:
    """Have the user accept the terms, unless that was done before.

    Args:
        folder: Where the record lies.
        terms: The terms.
        accept: Asked the first time.

    Raises:
        ModelError: They are not accepted, or the record cannot be read or written.
    """
    accepted = read_record(folder / FILE)
    if str(terms) in accepted:
        return
    if not accept(terms):
        raise ModelError(f"The licence {terms} was not accepted: nothing is downloaded or added")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    write_record(folder / FILE, accepted | {str(terms): now})
