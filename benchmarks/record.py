# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps measured figures in one JSON list, a figure a name."""

import json
import os
from pathlib import Path


def record(
    path: Path, name: str, value: float, unit: str, baseline: float | None, command: str
) -> None:
    """Enter a figure in place of an earlier one of the same name.

    Args:
        path: The JSON file, a list; made when missing.
        name: What was measured.
        value: What came out.
        unit: Its unit; "ratio" for a quotient.
        baseline: What it is to be compared with: a target, or what an older version reached.
        command: What to run to measure it again.

    Raises:
        ValueError: The file holds something else than a list of figures.
    """
    figures = json.loads(path.read_text("utf-8")) if path.exists() else []
    if not isinstance(figures, list):
        raise ValueError(f"{path} holds no list of figures: delete it to begin anew")
    entry = {"name": name, "value": value, "unit": unit, "baseline": baseline, "command": command}
    kept = [figure for figure in figures if figure["name"] != name]
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    partial.write_text(json.dumps([*kept, entry], indent=1) + "\n", "utf-8")
    partial.replace(path)
