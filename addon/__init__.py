# SPDX-License-Identifier: GPL-3.0-or-later
"""The Blender side: the only part of Track Spine that imports bpy."""
