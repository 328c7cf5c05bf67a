# SPDX-License-Identifier: GPL-3.0-or-later
"""From video to 3D points: runs as a child process or as a library, without Blender."""
