# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that tell `track-spine track` what the footage was filmed with."""

import argparse
from pathlib import Path
from typing import Any

from .inference.protocol import ProtocolError
from .inference.video import probe

MOST_SENSOR_MM = 300.0
"""Plates of 8 x 10 inches, the largest that are sold, measure 254 mm."""


def add_lens_options(track: argparse.ArgumentParser) -> None:
    """Add `--focal`, `--sensor` and `--calibration` to a command.

    Args:
        track: What they are added to.
    """
    lens = track.add_mutually_exclusive_group()
    lens.add_argument(
        "--focal",
        type=float,
        metavar="PX",
        help="focal length in pixels, in millimetres with --sensor (default: the file's, else "
        "estimated from the person)",
    )
    track.add_argument(
        "--sensor",
        type=float,
        metavar="MM",
        help="millimetres of the sensor that the long side of the picture covers, for --focal",
    )
    lens.add_argument(
        "--calibration",
        metavar="[NAME=]FILE",
        help="calibration of the camera, as `cameras` reads them: focal length and distortion",
    )


def lens_of(arguments: argparse.Namespace, clip: Path) -> dict[str, Any]:
    """Give what the options say as fields of a request.

    Args:
        arguments: With the options of `add_lens_options`, and `camera` and `fps`.
        clip: The footage.

    Returns:
        Fields of `TrackRequest`.

    Raises:
        ProtocolError: A sensor that is none, or without a focal length or a clip.
        VideoError: The clip cannot be read, of which the sensor needs the size.
    """
    focal_px = arguments.focal
    if arguments.sensor is not None:
        if not 0.0 < arguments.sensor <= MOST_SENSOR_MM:
            raise ProtocolError(
                f"Sensor is {arguments.sensor} mm; it must lie in 0..{MOST_SENSOR_MM:g} mm"
            )
        if focal_px is None or arguments.camera is not None:
            raise ProtocolError(
                f"A sensor of {arguments.sensor} mm needs --focal in millimetres, and a clip"
            )
        info = probe(clip, arguments.fps)
        focal_px *= max(info.width, info.height) / arguments.sensor
    return {"focal_px": focal_px, "calibration": arguments.calibration}
