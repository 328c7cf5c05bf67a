# SPDX-License-Identifier: GPL-3.0-or-later
"""Preferences of the extension, and the worker's command that follows from them."""

import sys
from pathlib import Path

import bpy

from .. import __package__ as base_package

ROOT = Path(__file__).parent.parent


class TRACKSPINE_AP_preferences(bpy.types.AddonPreferences):
    """Settings that belong to the machine, not to a file."""

    bl_idname = base_package

    worker_python: bpy.props.StringProperty(
        name="Worker Python",
        description="Python interpreter that runs the networks. Empty uses Blender's own",
        subtype="FILE_PATH",
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the preferences."""
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "worker_python", placeholder="Blender's own")


def worker_command() -> tuple[list[str], list[str]]:
    """Choose the interpreter of the worker.

    Returns:
        The command, and the folders whose packages it must be able to import.
    """
    addon = bpy.context.preferences.addons.get(base_package)
    named = addon.preferences.worker_python.strip() if addon else ""
    arguments = ["-s", "-m", "inference"]
    if named:
        return [str(Path(bpy.path.abspath(named)).expanduser()), *arguments], []
    # Blender unpacks an extension's wheels here and adds it to its own sys.path.
    wheels = Path(bpy.utils.user_resource("EXTENSIONS"), ".local")
    search = [folder for folder in sys.path if folder and Path(folder).is_relative_to(wheels)]
    return [sys.executable, *arguments], search
