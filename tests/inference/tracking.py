# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the tracking with the real networks, and what they leave."""

import numpy as np
from track_spine.inference.protocol import TrackRequest

WALKER = (650.0, 370.0)
"""The woman's hips in the first frame of the short clip, by eye."""

FRAMES = 48


def never():
    return False


def ignore(progress):
    pass


def run(tracker, clip, take, report=ignore, stopping=never, **settings):
    settings = {"subject_px": WALKER, "subject_height_m": 1.65, "batch_frames": 2, **settings}
    return tracker.track(TrackRequest(str(clip), str(take), **settings), report, stopping)


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def lifted(folder):
    with np.load(folder / "lifted.npz", allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


class StopAfter:
    """Asks to stop after so many questions: one comes with every two frames."""

    def __init__(self, count):
        """Stop at question `count`."""
        self.left = count

    def __call__(self):
        self.left -= 1
        return self.left <= 0
