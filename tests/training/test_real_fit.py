# SPDX-License-Identifier: GPL-3.0-or-later
"""The fitted skeleton: it bends as a spine, finds what it is shown, mends what cannot be."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="training has its own environment, see training/README.md")

from scipy.spatial.transform import Rotation
from track_spine.inference.crop import Crop
from track_spine.inference.keypoints import SPINE
from track_spine.inference.pose2d import LANDMARKS, Body
from track_spine.inference.spine import POINTS
from track_spine.training.anatomy import CONTRACT_ARC, FLEXION_DEG, JOINT_ARC, LUMBAR
from track_spine.training.fit_body import CARRIED, Template, fit_body

PLACES = {
    "hip": (0.18, 0.0, 0.0),
    "shoulder": (0.36, 0.0, 0.95),
    "clavicle": (0.05, -0.1, 0.9),
    "eye": (0.06, -0.18, 1.42),
    "ear": (0.14, -0.02, 1.4),
    "nose": (0.0, -0.25, 1.35),
    "head": (0.0, 0.0, 1.6),
}


def straight():
    """A skeleton with a straight back behind the hips, whose arc is as long as its trunk."""
    column = [np.column_stack([0 * arc, 0 * arc + 0.06, arc]) for arc in (JOINT_ARC, CONTRACT_ARC)]
    carried = []
    for name in CARRIED:
        side = {"left": 1.0, "right": -1.0}.get(name.split("_")[0], 0.0)
        carried.append(np.array(PLACES[name.split("_")[-1]]) * [side, 1.0, 1.0])
    mean = np.concatenate([*column, carried])
    return Template(mean, np.zeros((1, *mean.shape)), np.searchsorted(JOINT_ARC, CONTRACT_ARC))


SKELETON = straight()
FOCAL, SIZE = 640.0, (640, 480)
SIDE_VIEW = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]])


def seen(spine_deg, facing=SIDE_VIEW):
    """A person 4 trunks away as base and head would see them without error."""
    points = SKELETON.pose(spine_deg, np.zeros(1), np.zeros((2, 2))) @ facing.T
    camera = points + np.array([0.3, 0.2, 4.0])
    pixels = FOCAL * camera[:, :2] / camera[:, 2:] + np.array(SIZE) / 2
    named = dict(zip((*SPINE, *CARRIED), pixels, strict=True))
    deep = dict(zip((*SPINE, *CARRIED), points, strict=True))
    xy, world = np.zeros((33, 2)), np.zeros((33, 3))
    for row, name in enumerate(LANDMARKS):
        if name in named:
            xy[row], world[row] = named[name], 0.5 * deep[name]
    crop = Crop(np.array(SIZE) / 2, 400.0, 0.0)
    body = Body(xy, np.ones(33), world, 1.0, crop, named["hip"], named["head"])
    for side in ("left", "right"):
        middle = (named["spine_04"] + named["spine_05"]) / 2
        out = 0.6 * (named[f"{side}_shoulder"] - named["spine_05"])
        named[f"{side}_latissimus"] = middle + out
    return body, np.stack([named[name] for name in POINTS])


def flexed(share):
    spine_deg = np.zeros((25, 3))
    spine_deg[LUMBAR, 0] = share * FLEXION_DEG[LUMBAR]
    return spine_deg


def test_a_skeleton_at_rest_is_its_mean_and_flexion_leads_forward():
    still = SKELETON.pose(np.zeros((25, 3)), np.zeros(1), np.zeros((2, 2)))
    assert np.allclose(still, SKELETON.mean[25:])
    bent = SKELETON.pose(flexed(1.0), np.zeros(1), np.zeros((2, 2)))
    neck = SPINE.index("neck")
    assert bent[neck, 1] < still[neck, 1] - 0.3 and np.allclose(bent[0], still[0])
    angle = Rotation.from_rotvec([np.radians(FLEXION_DEG[LUMBAR].sum()), 0, 0]).apply([0, 0, 1])
    top = bent[SPINE.index("neck")] - bent[SPINE.index("spine_05")]
    assert np.allclose(top / np.linalg.norm(top), angle, atol=1e-9)


@pytest.mark.parametrize("share", [-0.3, 0.0, 0.8])
def test_what_is_shown_without_error_is_found(share):
    body, spine = seen(flexed(share))
    fit = fit_body(SKELETON, body, spine, np.full(14, 3.0), SIZE)
    # The priors draw by less than 2 % of a trunk of 160 px.
    assert np.linalg.norm(fit.xy_px - spine, axis=1).max() < 0.02 * body.trunk_px()
    assert fit.off < 0.5


def test_a_point_that_no_spine_can_have_is_mended():
    body, spine = seen(flexed(0.3))
    wrong, row = spine.copy(), POINTS.index("spine_04")
    wrong[row] += [0.25 * body.trunk_px(), 0.0]
    fit = fit_body(SKELETON, body, wrong, np.full(14, 8.0), SIZE)
    away = np.linalg.norm(fit.xy_px - spine, axis=1) / body.trunk_px()
    assert away[row] < 0.08
    assert np.median(away) < 0.03


def test_bends_stay_within_what_spines_do():
    """The picture of a back that is broken at one joint is answered by a bend that can be."""
    broken = np.zeros((25, 3))
    broken[4, 0] = 110.0
    body, spine = seen(broken)
    fit = fit_body(SKELETON, body, spine, np.full(14, 4.0), SIZE)
    # The slack of supple people is 1.15; a neutral curve flatter by two deviations adds 0.3.
    assert (fit.spine_deg[LUMBAR, 0] < 1.45 * FLEXION_DEG[LUMBAR]).all()
