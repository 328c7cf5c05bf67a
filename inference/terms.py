# SPDX-License-Identifier: GPL-3.0-or-later
"""Under which terms a network is published: plain data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Terms:
    """Whose network it is and what may be done with it.

    Attributes:
        publisher: Who publishes it.
        licence: SPDX identifier.
        address: Where the licence stands.
        note: What a user should know before accepting, one sentence.
    """

    publisher: str
    licence: str
    address: str
    note: str

    def __str__(self) -> str:
        """Licence and publisher, as the record names them."""
        return f"{self.licence} of {self.publisher}"
