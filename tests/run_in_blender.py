# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs tests inside a Blender program, not the bpy wheel; what follows `--` goes to pytest.

    PYTHONPATH=SITE blender -b --factory-startup --python-use-system-env --python-exit-code 1 \
        -P tests/run_in_blender.py -- tests/addon

SITE is a folder with pytest and the package's dependencies for Blender's version of Python, made by
`pip install --target SITE`. The exit code is pytest's.
"""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


class CheckoutFinder:
    """Lets the checkout be imported as `track_spine`, as an installation of the package would."""

    @staticmethod
    def find_spec(name, _path, _target=None):
        """Answer the import system."""
        if name != "track_spine":
            return None
        return importlib.util.spec_from_file_location(
            name, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
        )


if __name__ == "__main__":
    sys.meta_path.append(CheckoutFinder)
    os.chdir(ROOT)
    sys.exit(pytest.main(sys.argv[sys.argv.index("--") + 1 :]))
