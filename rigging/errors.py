# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error of this layer."""


class RigError(Exception):
    """Motion or a rig cannot be used; the message says what failed and what to do."""
