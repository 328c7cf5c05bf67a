# SPDX-License-Identifier: GPL-3.0-or-later
"""Inside a Blender with an empty user folder: install a zip, try it, and write down what happened.

    python extension_probe.py -- ZIP CLIP REPORT      (a Python with bpy)
    blender -b -P extension_probe.py -- ZIP CLIP REPORT

CLIP may be empty, then nothing is tracked. The report is JSON.
"""

import json
import subprocess
import sys
import threading
from pathlib import Path

import bpy

MODULE = "bl_ext.user_default.track_spine"
LIBRARIES = ("av", "cv2", "onnxruntime", "scipy")

commands = []
timers = []


def keep_account():
    """Note what registers commands and timers, of which Blender has no list."""
    register, unregister = bpy.utils.register_cli_command, bpy.utils.unregister_cli_command
    start_timer = bpy.app.timers.register

    def register_cli_command(name, execute):
        handle = register(name, execute)
        commands.append((handle, name))
        return handle

    def unregister_cli_command(handle):
        unregister(handle)
        commands[:] = [entry for entry in commands if entry[0] is not handle]

    def register_timer(function, **options):
        timers.append(function)
        start_timer(function, **options)

    bpy.utils.register_cli_command = register_cli_command
    bpy.utils.unregister_cli_command = unregister_cli_command
    bpy.app.timers.register = register_timer


def traces():
    """Everything an extension can leave behind in a running Blender."""
    found = {f"command {name}" for _, name in commands}
    found |= {f"timer {timer}" for timer in timers if bpy.app.timers.is_registered(timer)}
    found |= {f"thread {thread.name}" for thread in threading.enumerate()}
    for name in dir(bpy.app.handlers):
        handlers = getattr(bpy.app.handlers, name)
        if isinstance(handlers, list):
            found |= {f"handler {name} {handler}" for handler in handlers}
    for name in dir(bpy.types):
        kind = getattr(bpy.types, name)
        found.add(f"type {name}")
        described = getattr(kind, "bl_rna", None)
        if described is not None:
            found |= {f"property {name}.{key}" for key, _ in described.properties.items()}
        drawn = getattr(getattr(kind, "draw", None), "_draw_funcs", ())
        found |= {f"drawing {name} {function}" for function in drawn}
    for base in (bpy.types.AddonPreferences, bpy.types.PropertyGroup):  # bpy.types lists none
        found |= {f"class {kind.__name__}" for kind in base.__subclasses__() if kind.is_registered}
    return found


def policy_violations():
    """What Blender itself would complain about in its preferences."""
    import addon_utils  # within reach only once bpy is imported

    addon_utils._extensions_warnings_get._is_first = True
    return {name: list(told) for name, told in addon_utils._extensions_warnings_get().items()}


def stray_modules():
    """Modules of the extension that were imported under a bare name."""
    home = Path(sys.modules[MODULE].__file__).parent
    files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    return [
        name
        for name, file in files.items()
        if file and not name.startswith("bl_ext.") and Path(file).is_relative_to(home)
    ]


def switch_on_and_off():
    """Register, unregister and register again."""
    before = traces()
    bpy.ops.preferences.addon_enable(module=MODULE)
    first = traces()
    bpy.ops.preferences.addon_disable(module=MODULE)
    after = traces()
    bpy.ops.preferences.addon_enable(module=MODULE)
    return {
        "added": sorted(first - before),
        "left": sorted(after ^ before),
        "added_otherwise_again": sorted(traces() ^ first),
    }


def worker_libraries():
    """Where the worker's interpreter finds the libraries it needs."""
    addon = f"{MODULE}.addon"
    (python, *_), folders = sys.modules[f"{addon}.preferences"].worker_command()
    environment = sys.modules[f"{addon}.process"].worker_environment(folders)
    code = f"import {', '.join(LIBRARIES)}\nfor m in {', '.join(LIBRARIES)}: print(m.__file__)"
    told = subprocess.run(
        [python, "-s", "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    return told.stdout.splitlines() or [told.stderr]


def track(clip, folder):
    """Track a clip with the installed extension and its own worker."""
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.track_spine.track(filepath=clip, take=str(folder / "take"))
    (armature,) = (ob for ob in bpy.data.objects if ob.type == "ARMATURE")
    channels = sys.modules[f"{MODULE}.addon.compat"].action_channels(armature)
    return {
        "bones": [bone.name for bone in armature.data.bones],
        "keys": {curve.data_path: len(curve.keyframe_points) for curve in channels.fcurves},
        "libraries": worker_libraries(),
    }


def main(archive, clip, report):
    """Do it all in order."""
    keep_account()
    bpy.ops.extensions.package_install_files(
        filepath=archive, repo="user_default", enable_on_install=False
    )
    seen = switch_on_and_off()
    if clip:
        seen["track"] = track(clip, Path(report).parent)
    seen["policy_violations"] = policy_violations()
    seen["stray_modules"] = stray_modules()
    seen["blender"] = bpy.app.version_string
    seen["extensions"] = bpy.utils.user_resource("EXTENSIONS")
    Path(report).write_text(json.dumps(seen), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[sys.argv.index("--") + 1 :])
