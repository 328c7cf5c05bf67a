# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may import whom: read from the sources, and tried with Blender's modules out of reach."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("addon", "inference", "reporting", "rigging", "training")
COMMANDS = (
    "cli.py",
    "cli_c3d.py",
    "cli_cameras.py",
    "cli_export.py",
    "cli_lens.py",
    "cli_live.py",
    "cli_models.py",
    "cli_networks.py",
    "cli_report.py",
    "cli_self_test.py",
    "cli_terminal.py",
    "cli_track.py",
)
BLENDER = {"bpy", "bpy_extras", "mathutils", "addon_utils", "bmesh"}

ALLOWED_OUTSIDE = {
    "inference": set(),
    "rigging": set(),
    "reporting": {"rigging"},
    "addon": {
        "rigging",
        "inference.protocol",
        "inference.models",
        "inference.frame_ring",
        "inference.catalogue",
        "inference.providers",
        "inference.user_folder",
    },
    "training": {"inference", "rigging", "addon"},
    "cli.py": {"inference", "rigging"},
    "cli_c3d.py": {"inference", "rigging"},
    "cli_cameras.py": {"inference", "rigging"},
    "cli_export.py": {"inference", "rigging"},
    "cli_lens.py": {"inference"},
    "cli_live.py": {"inference", "rigging"},
    "cli_models.py": {"inference"},
    "cli_networks.py": {"inference"},
    "cli_report.py": {"inference", "reporting", "rigging"},
    "cli_self_test.py": {"inference"},
    "cli_terminal.py": set(),
    "cli_track.py": {"inference", "rigging"},
    "__init__.py": {"addon"},
}


def sources(layer):
    path = ROOT / layer
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def imports(path):
    """Absolute module names that a file imports; the package itself counts as `track_spine`."""
    package = ("track_spine", *path.relative_to(ROOT).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            stem = ".".join((*base, *((node.module,) if node.module else ())))
            yield from (f"{stem}.{alias.name}" for alias in node.names)


def within(name, modules):
    return any(name == module or name.startswith(module + ".") for module in modules)


@pytest.mark.parametrize("layer", [name for name in ALLOWED_OUTSIDE if (ROOT / name).exists()])
def test_a_layer_imports_only_what_the_design_allows(layer):
    allowed = {f"track_spine.{name}" for name in ALLOWED_OUTSIDE[layer]}
    own = f"track_spine.{layer}"
    wrong = [
        f"{path.name}: {name}"
        for path in sources(layer)
        for name in imports(path)
        if any(within(name, [f"track_spine.{other}"]) for other in LAYERS)
        and not within(name, {own, *allowed})
    ]
    assert not wrong


def test_only_the_addon_imports_blender_and_only_training_torch():
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for layer in (*LAYERS, *COMMANDS, "__init__.py")
        for path in sources(layer)
        for name in imports(path)
        if (within(name, BLENDER) and layer not in ("addon", "training"))
        or (within(name, {"torch"}) and layer != "training")
    ]
    assert not wrong


def test_onnx_runtime_is_imported_in_one_file():
    users = [path.name for path in sources("inference") if within_any(path, {"onnxruntime"})]
    assert users == ["session.py"]


def test_rigging_needs_numpy_and_scipy_only():
    third_party = {"numpy", "scipy", "track_spine"}
    foreign = {
        name.split(".")[0]
        for path in sources("rigging")
        for name in imports(path)
        if name.split(".")[0] not in sys.stdlib_module_names | third_party
    }
    assert not foreign


def within_any(path, modules):
    return any(within(name, modules) for name in imports(path))


def test_imports_inside_the_package_are_relative():
    for layer in ("addon", "inference", "rigging", *COMMANDS):
        for path in sources(layer):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.level == 0:
                    assert (node.module or "").split(".")[0] not in {"track_spine", *LAYERS}, path
                if isinstance(node, ast.Import):
                    tops = {alias.name.split(".")[0] for alias in node.names}
                    assert not tops & {"track_spine", *LAYERS}, path


@pytest.mark.parametrize("layer", ["inference.pipeline", "rigging.retarget", "cli"])
def test_pure_layers_run_where_blender_is_out_of_reach(layer):
    block = f"import sys; sys.modules.update(dict.fromkeys({sorted(BLENDER)!r}))"
    code = f"{block}; import track_spine.{layer}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_every_source_file_names_its_licence_first_and_stays_readable():
    for folder in (*LAYERS, "tools", "benchmarks", "tests"):
        for path in sources(folder):
            lines = path.read_text("utf-8").splitlines()
            assert lines[0] == "# SPDX-License-Identifier: GPL-3.0-or-later", path
            assert len(lines) <= 400 or folder == "tests", f"{path} has {len(lines)} lines"
