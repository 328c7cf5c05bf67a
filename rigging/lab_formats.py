# SPDX-License-Identifier: GPL-3.0-or-later
"""Points and angles as OpenSim's text formats, TRC and MOT.

Their axes: X forward, Y up, Z to the person's right, where the world's are -Y, Z and -X.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from .angles import PLANES, regional_angles
from .errors import RigError
from .motion import Motion3D
from .rotation import Floats
from .solve import Solved

UNEVEN: Final = 0.01
"""Part of a step by which times may stray and still count as even; milliseconds in containers of
30 frames a second stray by .015 of a step at most, and are worth resampling."""


def evenly(motion: Motion3D) -> Motion3D:
    """Sample key points at equal steps, which formats with a frame rate ask for.

    Args:
        motion: Key points at any times.

    Returns:
        The same motion if its steps are equal; else points on straight lines between the frames
        before and after, missing where one of the two is, scores likewise.
    """
    step = median_step(motion.time_s)
    wanted = motion.time_s[0] + step * np.arange(
        int((motion.time_s[-1] - motion.time_s[0]) / step + 0.5) + 1
    )
    if len(wanted) == len(motion.time_s) and np.allclose(
        wanted, motion.time_s, rtol=0.0, atol=UNEVEN * step
    ):
        return motion
    after = np.clip(np.searchsorted(motion.time_s, wanted), 1, len(motion.time_s) - 1)
    span = motion.time_s[after] - motion.time_s[after - 1]
    share = np.clip((wanted - motion.time_s[after - 1]) / span, 0.0, 1.0)
    before_m, after_m = motion.xyz_m[after - 1], motion.xyz_m[after]
    xyz_m = before_m + share[:, None, None] * (after_m - before_m)
    score = np.minimum(motion.score[after - 1], motion.score[after])
    return Motion3D(motion.names, wanted, xyz_m, score)


def median_step(time_s: Floats) -> float:
    """Give the usual time between frames, seconds.

    Args:
        time_s: (T,) times.

    Returns:
        The median step.

    Raises:
        RigError: There are fewer than two frames.
    """
    if len(time_s) < 2:
        raise RigError("A clip of one frame has no frame rate; export one with two frames or more.")
    return float(np.median(np.diff(time_s)))


def trc_text(motion: Motion3D, name: str) -> str:
    """Write key points as TRC: metres, a column triple a point, empty where it is missing.

    Rows end with a tab, as OpenSim counts an empty last column only so.

    Args:
        motion: Key points at equal steps (`evenly`).
        name: Name of the file, which the format repeats inside.

    Returns:
        The text of a .trc file.

    Raises:
        RigError: There are fewer than two frames.
    """
    rate = f"{1.0 / median_step(motion.time_s):.6g}"
    frames, points = len(motion.time_s), len(motion.names)
    numbers = "".join(f"X{k}\tY{k}\tZ{k}\t" for k in range(1, points + 1))
    xyz = opensim_axes(motion.xyz_m).reshape(frames, -1)
    rows = [
        f"{row + 1}\t{time:.6f}\t" + "".join("\t" if np.isnan(x) else f"{x:.6f}\t" for x in values)
        for row, (time, values) in enumerate(zip(motion.time_s, xyz, strict=True))
    ]
    return "\n".join(
        [
            f"PathFileType\t4\t(X/Y/Z)\t{name}",
            "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits"
            "\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
            f"{rate}\t{rate}\t{frames}\t{points}\tm\t{rate}\t1\t{frames}",
            "Frame#\tTime\t" + "\t\t\t".join(motion.names) + "\t\t",
            f"\t\t{numbers}".rstrip(),
            "",
            *rows,
            "",
        ]
    )


def mot_text(solved: Solved) -> str:
    """Write the angles of the back's regions and the pelvis's place as MOT.

    Angles are in degrees as `angles.regional_angles` defines them, places in metres. Frames in
    which the person is not seen are left out; the times tell.

    Args:
        solved: Skeleton and motion.

    Returns:
        The text of a .mot file.
    """
    seen = solved.motion.valid
    angles = regional_angles(solved.skeleton, solved.motion)
    names = [f"{region}_{plane}" for region in angles for plane in PLANES]
    columns = np.concatenate(
        [
            solved.motion.time_s[seen, None],
            *(np.degrees(angle[seen]) for angle in angles.values()),
            opensim_axes(solved.motion.root_m[seen]),
        ],
        axis=-1,
    )
    return _storage("track_spine", ["time", *names, "pelvis_tx", "pelvis_ty", "pelvis_tz"], columns)


def opensim_axes(vectors: Floats) -> Floats:
    """Turn vectors (..., 3) from the world's axes to X forward, Y up, Z right."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.stack([-y, z, -x], axis=-1)


def _storage(name: str, labels: Sequence[str], columns: Floats) -> str:
    header = [
        name,
        "version=1",
        f"nRows={len(columns)}",
        f"nColumns={len(labels)}",
        "inDegrees=yes",
        "endheader",
        "\t".join(labels),
    ]
    return "\n".join([*header, *("\t".join(f"{x:.6f}" for x in row) for row in columns), ""])
