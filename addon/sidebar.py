# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame of everything in the sidebar tab."""

from typing import ClassVar

import bpy


class SidebarPanel:
    """A panel of the tab, in either editor."""

    bl_category = "Track Spine"
    bl_region_type = "UI"

    layout: bpy.types.UILayout


class SubPanel(SidebarPanel):
    """A part of the tab that is closed until somebody needs it."""

    bl_options: ClassVar = {"DEFAULT_CLOSED"}


def in_columns(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """Set a layout to names on the left and values on the right; returns it."""
    layout.use_property_split = True
    layout.use_property_decorate = False
    return layout
