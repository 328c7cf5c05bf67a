# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of one person's back as one HTML page that needs nothing beside it."""

from collections.abc import Mapping
from html import escape
from typing import Final

import numpy as np

from ..rigging.angles import LOW_TRUST, PLANES
from ..rigging.findings import Findings
from ..rigging.rotation import Floats
from .charts import Curve, colour_map, line_chart, strips

COLOURS: Final = {"flexion": "#b2182b", "side_bend": "#2166ac", "axial": "#777777"}

NAMES: Final = {"flexion": "flexion", "side_bend": "side bend, left", "axial": "axial, left"}

JOINTS: Final = ("L5", "L3", "L1", "T8", "T3", "C7", "C4", "C1")

FULL_COLOUR: Final = 8.0
"""Curvature of full colour, radians a metre: a radius of 12.5 cm."""

STYLE: Final = """
body{font:14px/1.45 system-ui,sans-serif;max-width:900px;margin:2em auto;color:#222}
svg text{font:11px system-ui,sans-serif;fill:#444}.grid{stroke:#e4e4e4}
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:1.6em}
table{border-collapse:collapse}td,th{padding:.15em .9em .15em 0;text-align:left}
.note{color:#666}
"""

ONE_CAMERA: Final = (
    "One camera does not see axial rotation of the back, nor its absolute curvature: both follow "
    "from hips, shoulders and an average neutral spine, and are drawn dashed. Changes of flexion "
    "and side bend are what was seen."
)
ONE_CAMERA_CURVATURE: Final = "Its level is of low trust from one camera; its changes were seen."
SEVERAL_CAMERAS: Final = (
    "Points were triangulated from several cameras. Axial rotation follows from hips and "
    "shoulders, not from the back itself, and is drawn dashed."
)

METHOD: Final = (
    "Angles are of the top segment of a region in the axes of its bottom one, from the neutral "
    "pose, in ISB's order: flexion about the axis to the left, side bend about the axis between, "
    "axial rotation about the upward axis. Regions are bounded by the contract's points, which are "
    "not a radiologist's."
)


def html_page(
    title: str, facts: Mapping[str, str], findings: Findings, several_cameras: bool
) -> str:
    """Write the report of one person.

    Args:
        title: What was filmed.
        facts: Lines of the table at the top, name and value.
        findings: What was measured.
        several_cameras: Whether the points were triangulated.

    Returns:
        An HTML page; it loads nothing and runs no script.
    """
    table = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts.items()
    )
    note = SEVERAL_CAMERAS if several_cameras else ONE_CAMERA
    body = [
        f"<h1>{escape(title)}</h1><table>{table}{_figures(findings)}</table>",
        f'<p class="note">{note} {METHOD}</p>',
        *_angle_charts(findings),
        "<h2>Sagittal curvature along the spine</h2>",
        '<p class="note">Blue is lordosis, red kyphosis; full colour is a radius of 12.5 cm. '
        f"{'' if several_cameras else ONE_CAMERA_CURVATURE}</p>",
        colour_map(findings.time_s, findings.curvature, JOINTS, FULL_COLOUR),
        "<h2>How surely the spine was seen, and which parts of the feet rest</h2>",
        strips(findings.time_s, _strip_rows(findings)),
        *_reprojection_chart(findings),
    ]
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body>{''.join(body)}</body></html>\n"
    )


def _figures(findings: Findings) -> str:
    rows = {
        "Jitter, after solving over before": _percent(findings.jitter),
        "Amplitude kept": _percent(findings.amplitude),
    }
    if findings.reprojection is not None and np.isfinite(findings.reprojection).any():
        off = float(np.nanmedian(findings.reprojection))
        rows["Solved spine against its points in the picture"] = f"{_percent(off)} of the trunk"
    return "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows.items())


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if np.isfinite(share) else "not known"


def _angle_charts(findings: Findings) -> list[str]:
    parts = []
    for region, angles in findings.angles.items():
        bands = findings.sigma.get(region)
        curves = [
            Curve(
                NAMES[plane],
                np.degrees(angles[:, column]),
                COLOURS[plane],
                None if bands is None else np.degrees(bands[:, column]),
                plane in LOW_TRUST,
            )
            for column, plane in enumerate(PLANES)
        ]
        parts += [f"<h2>{region.capitalize()}</h2>", line_chart(findings.time_s, curves, "°")]
    return parts


def _strip_rows(findings: Findings) -> dict[str, Floats]:
    contacts = {
        name.replace("_", " "): resting.astype(float) for name, resting in findings.contacts.items()
    }
    return {"spine": findings.spine_score} | contacts


def _reprojection_chart(findings: Findings) -> list[str]:
    if findings.reprojection is None:
        return []
    curve = Curve("% of trunk", 100.0 * findings.reprojection, "#444444")
    return [
        "<h2>Distance of the solved spine from its points in the picture</h2>",
        line_chart(findings.time_s, [curve], " %", height=120),
    ]
