# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames a second against the published `spinepose` library, which people would take otherwise.

With the same stand-in network, of the small published size, and the same boxes given to both: for
one person and for four. And both at their defaults from file to points: theirs detects in every
frame and looks through its large network, of which there are stand-ins (`stand_ins.py`).

Run: .venv-bench/bin/python benchmarks/spinepose_library.py
"""

import hashlib
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import numpy as np
from clips import FRAMES, OUT, cut, read_bgr
from mediapipe_pose import COMMAND, track
from paired import Pair, paired
from record import record
from spinepose.pose_estimator import SpinePoseEstimator
from spinepose.pose_tracker import PoseTracker
from stand_ins import make_detector, make_pose
from track_spine.inference.cores import usable_cores
from track_spine.inference.models import ModelCard
from track_spine.inference.pipeline import Tracker
from track_spine.inference.session import Session
from track_spine.inference.simcc import estimate
from track_spine.inference.simcc_layout import SMALL

ROUNDS = 5
GIVEN_FRAMES = 120
DEFAULT_FRAMES = 12
"""Frames that the library gets at its defaults, which take seconds; ours gets the whole clip."""

BOX = (560.0, 360.0, 180.0, 310.0)
"""Box of a person in the frame: x, y, width, height, pixels."""

LEAST = {"": 1.3, "_4_people": 1.5, "_defaults": 10.0}


class Given(SpinePoseEstimator):
    """The library with networks that lie here."""

    def __init__(self, pose: Path, finder: Path, **kwargs: object) -> None:
        """Name files in place of addresses.

        Args:
            pose: Pose network.
            finder: Person detector.
            kwargs: As for the library's class.
        """
        files = {"pose": str(pose), "det_rfdetr": str(finder)}
        self.MODE = {mode: config | files for mode, config in self.MODE.items()}
        super().__init__(**kwargs)


def same_boxes(library: Given, session: Session, frames: list[np.ndarray], people: int) -> Pair:
    """Compare with boxes given.

    Args:
        library: The library.
        session: The same network, opened by ours.
        frames: (H, W, 3) pictures.
        people: Boxes a frame.

    Returns:
        The times.
    """
    x, y, width, height = BOX
    shifts = np.arange(people) * 40.0
    ours = [np.array([x + shift, y, width, height]) for shift in shifts]
    theirs = np.array([[x + shift, y, x + shift + width, y + height] for shift in shifts])
    threads = ThreadPoolExecutor(usable_cores())

    def look(frame: np.ndarray) -> object:
        return estimate(session, SMALL, frame, ours)

    with threads:
        return paired(
            lambda: list(threads.map(look, frames)),
            lambda: [library.estimate(frame, theirs) for frame in frames],
            ROUNDS,
        )


def defaults(folder: Path, detector: Path) -> Pair:
    """Compare both at their defaults, from file to points.

    Args:
        folder: For files.
        detector: The detector's stand-in.

    Returns:
        The times, theirs as for the whole clip.
    """
    pose = make_pose(folder / "large.onnx", "large")
    library = PoseTracker(lambda **settings: Given(pose, detector, **settings))
    tracker, clip = Tracker(), cut(folder / "walk.mp4")

    def theirs() -> None:
        for _, bgr in zip(range(DEFAULT_FRAMES), read_bgr(clip), strict=False):
            library(bgr)

    pair = paired(lambda: track(tracker, clip), theirs, 3)
    whole = FRAMES / DEFAULT_FRAMES
    return Pair(pair.ours_s, [whole * seconds for seconds in pair.theirs_s])


def main() -> int:
    """Measure, print and record.

    Returns:
        Exit status: 1 when a target is missed.
    """
    name, missed = f"spinepose {version('spinepose')}", False

    def tell(case: str, pair: Pair, frames: int) -> None:
        nonlocal missed
        print(f"{case or 'same network and boxes'}: {pair.told(frames, 'Track Spine', name)}")
        key = f"fps_vs_spinepose_library{case}"
        record(OUT, key, round(pair.ratio, 3), "ratio", LEAST[case], COMMAND)
        missed |= pair.ratio < LEAST[case]

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        path = make_pose(folder / "small.onnx", "small")
        detector = make_detector(folder / "detector.onnx", (0.5, 0.7, 0.14, 0.43))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        session = Session(ModelCard("stand-in", path.name, digest, "", ""), folder, threads=1)
        library = Given(path, detector, mode="small")
        shown = read_bgr(cut(folder / "shown.mp4"))
        frames = [frame for _, frame in zip(range(GIVEN_FRAMES), shown, strict=False)]
        for case, people in (("", 1), ("_4_people", 4)):
            tell(case, same_boxes(library, session, frames, people), GIVEN_FRAMES)
        del frames
        tell("_defaults", defaults(folder, detector), FRAMES)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
