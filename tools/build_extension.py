# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the extension: a zip for each platform, which brings along its wheels and models."""

import argparse
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from track_spine.inference.models import MODELS_FOLDER, NETWORKS
from track_spine.tools.fetch_wheels import fetch_platform_wheels, read_platforms
from track_spine.tools.pinned_wheel import FetchError, is_pinned

ROOT: Final = Path(__file__).parent.parent
MANIFEST: Final = "blender_manifest.toml"
SHIPPED: Final = (
    "LICENSE",
    "NOTICE",
    "__init__.py",
    "addon/**/*.py",
    "inference/**/*.py",
    "rigging/**/*.py",
)
"""What goes into the zip beside manifest, models and wheels, as patterns in the checkout."""


class BuildError(Exception):
    """The extension cannot be built, or Blender would not accept it."""


def build(platform: str, wheels: Sequence[Path], out: Path) -> Path:
    """Build and validate the zip of one platform with Blender's own tool.

    The checkout is only read: what ships is copied to a temporary folder first.

    Args:
        platform: Blender's name of the platform, such as linux-x64.
        wheels: Wheel files to bring along.
        out: Folder for the zip; made if missing.

    Returns:
        The zip.

    Raises:
        BuildError: If a file or model is missing, or Blender's tool refuses something.
    """
    manifest = (ROOT / MANIFEST).read_text("utf-8")
    name = "{id}-{version}".format_map(tomllib.loads(manifest))
    archive = out / f"{name}-{platform}.zip"
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="track_spine_") as folder:
        stage = Path(folder)
        for source in shipped_files():
            _copy(source, stage / source.relative_to(ROOT))
        for wheel in wheels:
            _copy(wheel, stage / "wheels" / wheel.name)
        files = [f"./wheels/{wheel.name}" for wheel in wheels]
        (stage / MANIFEST).write_text(_manifest_for(platform, files, manifest), "utf-8")
        _run_blender_tool("build", "--source-dir", folder, "--output-filepath", str(archive))
    _run_blender_tool("validate", str(archive))
    return archive


def shipped_files() -> list[Path]:
    """List what ships on every platform, apart from the manifest.

    Returns:
        Absolute paths in the checkout.

    Raises:
        BuildError: If something that must ship is not there, or a model is not the one of its card.
    """
    files: list[Path] = []
    for pattern in SHIPPED:
        found = sorted(ROOT.glob(pattern))
        if not found:
            raise BuildError(f"There is no {pattern} in {ROOT}; restore it from the repository")
        files += found
    for card in NETWORKS:
        path = MODELS_FOLDER / card.file
        if not is_pinned(path, card.sha256):
            raise BuildError(f"{path} is missing or not the one of its card: run `make setup`")
        files.append(path)
    return files


def blender_tool() -> tuple[Path, Path]:
    """Find what Blender builds extensions with, in the installed bpy.

    Returns:
        The program, and the list of tags it shall allow.

    Raises:
        BuildError: If there is no bpy here.
    """
    spec = importlib.util.find_spec("bpy")  # found, not imported: that would start Blender
    for folder in (spec and spec.submodule_search_locations) or ():
        for scripts in Path(folder).glob("*/scripts"):
            program = scripts / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"
            return program, scripts / "modules" / "_bpy_internal" / "extensions" / "tags.py"
    raise BuildError(f"{sys.executable} has no bpy, whose tool builds extensions: run `make setup`")


def _manifest_for(platform: str, wheels: Sequence[str], manifest: str) -> str:
    # TOML wants these before the first table. JSON writes strings and lists of them as TOML does.
    lines = [f"platforms = {json.dumps([platform])}"]
    if wheels:  # Blender refuses an empty list
        lines.append(f"wheels = {json.dumps(wheels, indent=2)}")
    return "\n".join((*lines, manifest))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def _run_blender_tool(*arguments: str) -> None:
    program, tags = blender_tool()
    result = subprocess.run(
        [sys.executable, str(program), *arguments, "--valid-tags", str(tags)],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        said = f"{result.stdout}{result.stderr}".strip() or "nothing"
        raise BuildError(f"Blender's {program.name} {arguments[0]} failed. It says: {said}")


def _describe(archive: Path) -> str:
    size_mb = archive.stat().st_size / 1e6
    with archive.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return f"{archive}: {size_mb:.1f} MB, SHA-256 {sha256}"


def main() -> int:
    """Run the command line; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--platform",
        nargs="+",
        choices=list(read_platforms()),
        default=["linux-x64"],
        help="what to build for (default: linux-x64)",
    )
    parser.add_argument("--out", type=Path, default=Path("out/extension"), help="folder of zips")
    arguments = parser.parse_args()
    try:
        for platform in arguments.platform:
            print(f"Building for {platform}", flush=True)
            archive = build(platform, fetch_platform_wheels(platform), arguments.out)
            print(_describe(archive))
    except (BuildError, FetchError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
