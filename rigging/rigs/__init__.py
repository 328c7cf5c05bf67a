# SPDX-License-Identifier: GPL-3.0-or-later
"""Bone names of rig families, one data file a family."""
