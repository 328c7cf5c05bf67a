# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames a second from file to points against MediaPipe Pose: same clip, one person.

MediaPipe runs with `model_complexity=1`, the same landmark network as ours, and gives 33 landmarks;
ours adds the spine head and writes a take, chunks and lifted points. Networks are loaded before.

Run: .venv-bench/bin/python benchmarks/mediapipe_pose.py
"""

import sys
import tempfile
from pathlib import Path

import cv2
import mediapipe
from clips import FRAMES, OUT, cut, read_bgr
from paired import paired
from record import record
from track_spine.inference.pipeline import Tracker
from track_spine.inference.protocol import Result, TrackRequest

COMMAND = "make bench"
ROUNDS = 5
LEAST = 2.0


def track(tracker: Tracker, clip: Path) -> Result:
    """Track a clip from file to take.

    Args:
        tracker: With its networks loaded.
        clip: The clip.

    Returns:
        What was found.
    """
    with tempfile.TemporaryDirectory() as folder:
        request = TrackRequest(str(clip), str(Path(folder) / "take"))
        result = tracker.track(request, lambda progress: None, lambda: False)
    assert isinstance(result, Result)
    return result


def main() -> int:
    """Measure, print and record.

    Returns:
        Exit status: 1 when the target is missed.
    """
    tracker, seen = Tracker(), []
    pose = mediapipe.solutions.pose.Pose(model_complexity=1)

    def theirs() -> None:
        pose.reset()
        answers = (pose.process(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)) for bgr in read_bgr(clip))
        seen.append(sum(answer.pose_landmarks is not None for answer in answers))

    with tempfile.TemporaryDirectory() as folder:
        clip = cut(Path(folder) / "walk.mp4")
        tracked = track(tracker, clip).tracked
        pair = paired(lambda: track(tracker, clip), theirs, ROUNDS)
    print(pair.told(FRAMES, "Track Spine", f"MediaPipe {mediapipe.__version__}"))
    print(f"The person is seen in {tracked} and in {seen[-1]} of {FRAMES} frames")
    record(OUT, "fps_vs_mediapipe", round(pair.ratio, 3), "ratio", LEAST, COMMAND)
    return int(pair.ratio < LEAST)


if __name__ == "__main__":
    sys.exit(main())
