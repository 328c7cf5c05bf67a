# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of the four-camera clip: how well cameras agree, and one camera against all four.

`python -m track_spine.training.motion_cameras`; nothing here was trained or tuned on its angles.
"""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from ..benchmarks.record import record
from ..inference.errors import InferenceError
from ..inference.keypoints import INDEX, SPINE
from ..inference.pipeline import Tracker
from ..inference.protocol import TrackRequest
from ..inference.take import Take
from ..inference.views.calibrations import read_calibration
from ..inference.views.combine import Combined, combine
from ..inference.views.record import write_combined
from ..inference.views.synchronise import Seen, sample
from ..rigging.angles import PLANES, regional_angles
from ..rigging.motion import load_lifted
from ..rigging.reconstruct import reconstruct
from ..rigging.rotation import Floats
from .errors import TrainingError
from .evaluate_motion import COMMAND, OUT
from .four_cameras import CAMERAS, SUBJECT_PX, fetch
from .places import CACHE

COMPARED: Final = [(region, plane) for region in ("lumbar", "thoracic") for plane in (0, 1)]
"""Flexion and side bend of the regions; axial rotation is not seen by one camera."""


def main() -> int:
    """Measure, print and record the figures.

    Returns:
        Exit status: 0, or 1 when the clip cannot be had or its cameras do not fit.
    """
    try:
        _measure(fetch())
    except (TrainingError, InferenceError) as error:
        sys.stderr.write(f"motion_cameras: {error}\n")
        return 1
    return 0


def _measure(folder: Path) -> None:
    views = read_calibration(folder / "calibration.xml")
    tracker = Tracker()
    takes = {name: _take(tracker, folder, name) for name in CAMERAS}
    clips = [Seen.of(Take(take)) for take in takes.values()]
    combined = combine([views[name] for name in CAMERAS], clips, reach_s=0.5)
    _record_agreement(combined, clips)
    sources = [{"clip": name, "sha256": "", "take": str(take)} for name, take in takes.items()]
    lifted = write_combined(CACHE / "four_camera_takes" / "all", combined, sources)
    truth = _angles(lifted)
    errors, likeness = [], []
    for (name, take), offset in zip(takes.items(), combined.clocks.offset_s, strict=True):
        time_s, angles = _angles(take / "lifted.npz")
        one = time_s - offset, angles
        for (region, plane), (error, r) in _compared(one, truth).items():
            ranges = [float(np.degrees(np.ptp(of[region][:, plane]))) for of in (angles, truth[1])]
            sys.stdout.write(
                f"{name} {region:9} {PLANES[plane]:9} RMSE {error:5.1f} deg, r {r:5.2f}, "
                f"range {ranges[0]:.0f} deg, of all cameras {ranges[1]:.0f} deg\n"
            )
            errors.append(error)
            likeness.append(r)
    still = [float(np.degrees(np.std(truth[1][region][:, plane]))) for region, plane in COMPARED]
    _record("regional_flexion_rmse_deg", float(np.mean(errors)), "deg", float(np.mean(still)))
    _record("regional_flexion_worst_rmse_deg", max(errors), "deg", max(still))
    _record("regional_flexion_least_r", min(likeness), "correlation", None)


def _take(tracker: Tracker, folder: Path, name: str) -> Path:
    take = CACHE / "four_camera_takes" / name
    shutil.rmtree(take, ignore_errors=True)  # figures are of the networks as they are now
    request = TrackRequest(str(folder / f"{name}.mp4"), str(take), subject_px=SUBJECT_PX[name])
    tracker.track(request, lambda _: None, lambda: False)
    return take


def _angles(lifted: Path) -> tuple[Floats, Mapping[str, Floats]]:
    (motion,) = load_lifted(lifted).values()
    solved = reconstruct(motion)
    return motion.time_s, regional_angles(solved.skeleton, solved.motion)


def _compared(
    one: tuple[Floats, Mapping[str, Floats]], truth: tuple[Floats, Mapping[str, Floats]]
) -> dict[tuple[str, int], tuple[float, float]]:
    """Error without the offset, degrees, and correlation, by region and plane."""
    result = {}
    for region, plane in COMPARED:
        b = truth[1][region][:, plane]
        a = np.interp(truth[0], one[0], one[1][region][:, plane])
        a, b = np.degrees(a - a.mean()), np.degrees(b - b.mean())
        result[region, plane] = (
            float(np.sqrt(np.mean((a - b) ** 2))),
            float(np.corrcoef(a, b)[0, 1]),
        )
    return result


def _record_agreement(combined: Combined, clips: list[Seen]) -> None:
    spine, ends = [INDEX[name] for name in SPINE], [INDEX["hip"], INDEX["neck"]]
    first, placed = combined.views[0], combined.world_from_camera
    in_camera = (combined.xyz_m - placed[:3, 3]) @ placed[:3, :3]
    calibrated = (in_camera - first.translation) @ first.rotation
    shares = []
    for view, clip, offset in zip(combined.views, clips, combined.clocks.offset_s, strict=True):
        pixels = sample(clip.time_s, clip.xy_px, combined.time_s + offset)
        trunk = np.linalg.norm(pixels[:, ends[1]] - pixels[:, ends[0]], axis=1)
        missed = np.linalg.norm(view.project(calibrated) - pixels, axis=2)[:, spine]
        shares.append(100.0 * float(np.nanmean(missed / trunk[:, None])))
        sys.stdout.write(
            f"{view.name} clock {1000.0 * offset:+.0f} ms, "
            f"reprojection {shares[-1]:.2f} % of the trunk\n"
        )
    length = np.linalg.norm(np.diff(combined.xyz_m[:, spine], axis=1), axis=2)
    varied = 100.0 * np.nanstd(length, axis=0) / np.nanmean(length, axis=0)
    for name, mean, share in zip(SPINE, np.nanmean(length, axis=0), varied, strict=False):
        sys.stdout.write(f"{name} and above: {1000.0 * mean:.0f} mm, varies by {share:.1f} %\n")
    _record("four_camera_reprojection", float(np.mean(shares)), "% of trunk", None)
    _record("segment_length_variation", float(np.mean(varied)), "%", None)


def _record(name: str, value: float, unit: str, baseline: float | None) -> None:
    record(OUT, name, value, unit, baseline, COMMAND)
    sys.stdout.write(f"{name} {value:.2f} {unit}\n")


if __name__ == "__main__":
    sys.exit(main())
