# SPDX-License-Identifier: GPL-3.0-or-later
"""From 3D points to bone rotations: plain arrays, without Blender."""
