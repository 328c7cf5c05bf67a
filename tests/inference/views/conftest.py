# SPDX-License-Identifier: GPL-3.0-or-later
"""Four cameras about a person whose points move in closed form."""

import numpy as np
import pytest
from track_spine.inference.keypoints import INDEX, NAMES
from track_spine.inference.views.synchronise import Seen
from track_spine.inference.views.view import View

SIZE = np.array([1280.0, 720.0])
STATURE_M = 1.7


def camera(name, azimuth_deg, height_m=1.6, distance_m=4.0, turns=0, distortion=(0.05, -0.02)):
    """A camera that looks at the middle of a person, from an angle about them; +Z is up."""
    azimuth = np.radians(azimuth_deg)
    place = np.array([distance_m * np.sin(azimuth), -distance_m * np.cos(azimuth), height_m])
    ahead = np.array([0.0, 0.0, 0.9]) - place
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(ahead, right), ahead])
    # A camera on its side sees the world turned; its footage is turned back.
    back = np.linalg.matrix_power(
        np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), turns
    )
    axes = back @ axes
    return View(
        name=name,
        size_px=SIZE,
        matrix=np.array([[900.0, 0.0, 641.5], [0.0, 905.0, 352.5], [0.0, 0.0, 1.0]]),
        distortion=np.array([*distortion, 0.001, -0.001, 0.0]),
        rotation=axes,
        translation=-axes @ place,
        turns=turns,
    )


def person(time_s):
    """(T, K, 3) metres: somebody 1.7 m tall who bends and waves, standing on z = 0."""
    rng = np.random.default_rng(5)
    rest = rng.normal((0.0, 0.0, 0.9), 0.08, (len(NAMES), 3))
    for side, x in (("left", 0.1), ("right", -0.1)):
        rest[INDEX[f"{side}_heel"]] = [x, 0.05, 0.0]
        rest[INDEX[f"{side}_big_toe"]] = [x, -0.15, 0.0]
        rest[INDEX[f"{side}_ankle"]] = [x, 0.03, 0.07]
        rest[INDEX[f"{side}_knee"]] = [x, 0.0, 0.45]
        rest[INDEX[f"{side}_hip"]] = [x, 0.0, 0.9]
    heights = {"hip": 0.92, "neck": 1.42, "neck_03": 1.52, "head": STATURE_M}
    for name, height in heights.items():
        rest[INDEX[name]] = [0.0, 0.02, height]
    phase = np.linspace(0.0, 5.0, len(NAMES))
    sway = np.stack(
        [np.sin(2.1 * time_s[:, None] + phase), np.sin(3.3 * time_s[:, None] + phase)], -1
    )
    share = np.clip((rest[:, 2] - 0.5) / 1.2, 0.0, 1.0)
    moved = np.repeat(rest[None], len(time_s), axis=0)
    moved[..., :2] += 0.25 * share[:, None] * sway
    return moved


def seen(view, time_s, noise_px=0.0, seed=0):
    """What a camera sees of the person at times of the common clock."""
    rng = np.random.default_rng(seed)
    xy_px = view.project(person(time_s))
    return xy_px + rng.normal(0.0, noise_px, xy_px.shape) if noise_px else xy_px


def clip(view, rate_hz=30.0, seconds=4.0, late_s=0.0, noise_px=0.0, seed=0):
    """A recording whose clock is ahead of the common one by `late_s`."""
    time_s = np.arange(0.0, seconds, 1.0 / rate_hz)
    xy_px = seen(view, time_s, noise_px, seed)
    return Seen(time_s + late_s, xy_px, np.where(np.isfinite(xy_px).all(-1), 0.9, 0.0))


@pytest.fixture
def views():
    """Cameras in front, at both sides behind, one on its side."""
    return [camera("a", 0.0), camera("b", 100.0), camera("c", 220.0, turns=1), camera("d", 300.0)]
