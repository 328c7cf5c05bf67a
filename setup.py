# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of the Python package is the extension's: it is written in the manifest only."""

import tomllib
from pathlib import Path

from setuptools import setup

manifest = Path(__file__).with_name("blender_manifest.toml")
setup(version=tomllib.loads(manifest.read_text("utf-8"))["version"])
