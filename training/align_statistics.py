# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of an alignment: residuals, lines through pairs of angles, ranges against literature."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..inference.keypoints import INDEX, NAMES, SPINE
from .align_ranges import BOUND_DEG, MEAN_DEG, REGION_SD_SHARE, REGIONS
from .anatomy import COUPLED_AXIAL, JOINTS, LUMBAR, NECK, THORACIC, Floats

REJECT_M: Final = 0.10
"""A point farther off is rejected. Source: the SpinePose paper."""

BENT_DEG: Final = 30.0
"""A bent back, as the training set counts them."""

AXES: Final = ("flexion", "lateral", "axial")
PARTS: Final = {"lumbar": LUMBAR, "thoracic": THORACIC, "neck": NECK}
TAILS: Final = (1.0, 50.0, 99.0)

_SPINE_ROWS: Final = [INDEX[name] for name in SPINE]

Figures = dict[str, Any]


def residuals(residual_m: Floats, family: NDArray[np.str_]) -> Figures:
    """Sum up residuals.

    Args:
        residual_m: (M, 37) distances in metres.
        family: (M,) family or source of each pose.

    Returns:
        Centimetres: root mean squares over all 37 markers and the nine of the spine, figures of
        each marker, of each family, and what is rejected: points of the spine beyond 10 cm, and
        poses that have one.
    """
    spine = residual_m[:, _SPINE_ROWS]
    over = spine > REJECT_M
    return {
        "poses": len(residual_m),
        "all_rmse_cm": _rms_cm(residual_m),
        "spine_rmse_cm": _rms_cm(spine),
        "points": {name: _of_point(residual_m[:, INDEX[name]]) for name in NAMES},
        "families": {
            str(name): {
                "poses": int(np.sum(family == name)),
                "all_rmse_cm": _rms_cm(residual_m[family == name]),
                "spine_rmse_cm": _rms_cm(spine[family == name]),
            }
            for name in np.unique(family)
        },
        "rejected": {
            "points": int(over.sum()),
            "points_percent": _round(100.0 * over.mean()),
            "poses": int(over.any(axis=1).sum()),
            "poses_percent": _round(100.0 * over.any(axis=1).mean()),
        },
    }


def line(x: Floats, y: Floats) -> Figures:
    """Line through pairs, by least squares of y.

    Args:
        x: (M,) what is known.
        y: (M,) what was found.

    Returns:
        Correlation `r`, `slope`, `rmse` of y against x after the mean difference is removed, and
        that difference, `bias`.
    """
    apart = y - x
    return {
        "r": _round(float(np.corrcoef(x, y)[0, 1])),
        "slope": _round(float(np.polyfit(x, y, 1)[0])),
        "bias": _round(float(apart.mean())),
        "rmse": _round(float(apart.std())),
    }


def levels(spine_deg: Floats) -> dict[str, Figures]:
    """Hold each joint's angles against the literature.

    Args:
        spine_deg: (N, 25, 3) degrees from the body's rest.

    Returns:
        For each axis, of each joint: 1st, 50th and 99th percentile, the literature's mean range and
        bound, and whether the middle 98 % are wider than the bound.
    """
    low, middle, high = np.percentile(spine_deg, TAILS, axis=0)
    return {
        axis: {
            joint: {
                "p1": _round(low[row, column]),
                "p50": _round(middle[row, column]),
                "p99": _round(high[row, column]),
                "mean_range": _round(MEAN_DEG[row, column]),
                "bound": _round(BOUND_DEG[row, column]),
                "too_wide": bool(high[row, column] - low[row, column] > BOUND_DEG[row, column]),
            }
            for row, joint in enumerate(JOINTS)
        }
        for column, axis in enumerate(AXES)
    }


def regions(spine_deg: Floats) -> dict[str, Figures]:
    """Hold the sums of lumbar, thoracic and neck angles against the literature.

    Args:
        spine_deg: (N, 25, 3) degrees.

    Returns:
        For each region and axis: percentiles, the literature's mean to both ends, and the share of
        poses beyond it by more than two standard deviations of people, in percent.
    """
    result: dict[str, Figures] = {}
    for part, rows in PARTS.items():
        total = spine_deg[:, rows].sum(axis=1)
        result[part] = {}
        for column, axis in enumerate(AXES):
            up, down = REGIONS[part][column]
            slack = 1.0 + 2.0 * REGION_SD_SHARE
            values = total[:, column]
            beyond = (values > slack * up) | (values < -slack * down)
            low, middle, high = np.percentile(values, TAILS)
            result[part][axis] = {
                "p1": _round(low),
                "p50": _round(middle),
                "p99": _round(high),
                "literature": [-down, up],
                "beyond_two_sd_percent": _round(100.0 * beyond.mean()),
            }
    return result


def couplings(spine_deg: Floats) -> Figures:
    """How much axial turn comes with a lateral bend in each region.

    Args:
        spine_deg: (N, 25, 3) degrees.

    Returns:
        For each region: slope of the joints' axial turn on their lateral bend, same side positive,
        and the mean of what was asked for, anatomy.COUPLED_AXIAL.
    """
    result: Figures = {}
    for part, rows in PARTS.items():
        lateral, axial = spine_deg[:, rows, 1].ravel(), spine_deg[:, rows, 2].ravel()
        slope = float(np.dot(lateral, axial) / np.dot(lateral, lateral))
        result[part] = {"slope": _round(slope), "asked": _round(float(COUPLED_AXIAL[rows].mean()))}
    return result


def sharing(spine_deg: Floats) -> Figures:
    """How much of a forward bend of the trunk the lumbar joints make.

    Args:
        spine_deg: (N, 25, 3) degrees.

    Returns:
        Percentiles of the lumbar share in percent, of poses with more than 30 degrees of trunk
        flexion, and the literature's mean: lumbar and thoracic flexion of `REGIONS`.
    """
    lumbar, thoracic = (spine_deg[:, PARTS[part], 0].sum(axis=1) for part in ("lumbar", "thoracic"))
    bent = lumbar + thoracic > BENT_DEG
    share = 100.0 * lumbar[bent] / (lumbar + thoracic)[bent]
    back, chest = REGIONS["lumbar"][0][0], REGIONS["thoracic"][0][0]
    middle = {f"p{tail}": _round(np.percentile(share, tail)) for tail in (5, 50, 95)}
    return {"poses": int(bent.sum()), **middle, "literature": _round(100 * back / (back + chest))}


def spread(values: Floats) -> Figures:
    """Mean and standard deviation."""
    return {"mean": _round(np.mean(values)), "sd": _round(np.std(values))}


def _of_point(residual_m: Floats) -> Figures:
    return {
        "rmse_cm": _rms_cm(residual_m),
        "median_cm": _round(100.0 * float(np.median(residual_m))),
        "p95_cm": _round(100.0 * float(np.percentile(residual_m, 95.0))),
    }


def _rms_cm(residual_m: Floats) -> float:
    return _round(100.0 * float(np.sqrt(np.mean(np.square(residual_m)))))


def _round(value: float | np.floating[Any]) -> float:
    return round(float(value), 2)
