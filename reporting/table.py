# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings as a table that spreadsheets and statistics programs read."""

import numpy as np

from ..rigging.angles import PLANES
from ..rigging.findings import Findings


def csv_table(findings: Findings) -> str:
    """Write a row a frame.

    Args:
        findings: What was measured.

    Returns:
        CSV text: time in seconds, angles and their deviations in degrees, the spine's score, and
        1 or 0 where a part of a foot rests; empty where not known.
    """
    columns = {"time_s": findings.time_s}
    for region, angles in findings.angles.items():
        for column, plane in enumerate(PLANES):
            columns[f"{region}_{plane}_deg"] = np.degrees(angles[:, column])
        if region in findings.sigma:
            columns[f"{region}_sigma_deg"] = np.degrees(findings.sigma[region][:, 0])
    columns["spine_score"] = findings.spine_score
    columns |= {name: resting.astype(float) for name, resting in findings.contacts.items()}
    lines = [",".join(columns)]
    for row in zip(*columns.values(), strict=True):
        lines.append(",".join("" if not np.isfinite(value) else f"{value:.5g}" for value in row))
    return "\n".join(lines) + "\n"
