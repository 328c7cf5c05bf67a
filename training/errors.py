# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors that a person at the command line can act upon."""


class TrainingError(Exception):
    """Something needed to make training data is missing or damaged; the message says what to do."""
