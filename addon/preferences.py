# SPDX-License-Identifier: GPL-3.0-or-later
"""Preferences of the extension, and the worker's command that follows from them."""

import sys
from pathlib import Path

import bpy

from .. import __package__ as base_package
from ..inference.providers import AUTOMATIC, ENVIRONMENT, NAMES
from .process import worker_environment

ROOT = Path(__file__).parent.parent

_LABELS = {
    "auto": "Automatic",
    "cpu": "CPU",
    "cuda": "CUDA",
    "tensorrt": "TensorRT",
    "migraphx": "MIGraphX",
    "directml": "DirectML",
    "coreml": "Core ML",
    "openvino-gpu": "OpenVINO on a GPU",
    "openvino-cpu": "OpenVINO on the CPU",
}


class TRACKSPINE_AP_preferences(bpy.types.AddonPreferences):
    """Settings that belong to the machine, not to a file."""

    bl_idname = base_package

    worker_python: bpy.props.StringProperty(
        name="Worker Python",
        description="Python interpreter that runs the networks. Empty uses Blender's own",
        subtype="FILE_PATH",
    )

    provider: bpy.props.EnumProperty(
        name="Compute On",
        description="What ONNX Runtime computes with",
        items=[(name, _LABELS.get(name, name.upper()), "") for name in NAMES],
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the preferences."""
        from .fetch_operator import draw_models  # which needs the worker's command from here

        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "worker_python", placeholder="Blender's own")
        layout.prop(self, "provider")
        draw_models(layout)


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


def worker_settings(python_path: list[str]) -> dict[str, str]:
    """Make the variables of the worker's environment.

    Args:
        python_path: Folders with packages, from `worker_command`.

    Returns:
        The variables; an execution provider among them where the user has chosen one.
    """
    addon = bpy.context.preferences.addons.get(base_package)
    provider = addon.preferences.provider if addon else AUTOMATIC
    chosen = {} if provider == AUTOMATIC else {ENVIRONMENT: provider}
    return worker_environment(python_path) | chosen
