# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that tell `track-spine track` what the footage was filmed with."""

import argparse
from typing import Any


def add_lens_options(track: argparse.ArgumentParser) -> None:
    """Add `--focal` and `--calibration` to a command.

    Args:
        track: What they are added to.
    """
    lens = track.add_mutually_exclusive_group()
    lens.add_argument(
        "--focal",
        type=float,
        metavar="PX",
        help="focal length in pixels (default: the file's, else estimated from the person)",
    )
    lens.add_argument(
        "--calibration",
        metavar="[NAME=]FILE",
        help="calibration of the camera, as `cameras` reads them: focal length and distortion",
    )


def lens_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Give what the options say as fields of a request.

    Args:
        arguments: With the options of `add_lens_options`.

    Returns:
        Fields of `TrackRequest`.
    """
    return {"focal_px": arguments.focal, "calibration": arguments.calibration}
