# SPDX-License-Identifier: GPL-3.0-or-later
"""Several calibrated cameras that film the same person: calibrations, times, points in space."""
