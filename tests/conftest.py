# SPDX-License-Identifier: GPL-3.0-or-later
"""Footage shared by all tests: the sample clip, and a short and small cut of it."""

import os
import sys
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import pytest

SAMPLE = Path(__file__).parent.parent / ".cache" / "sample" / "demo.mp4"
CUT = slice(70, 118)
"""A man stands on a roof at the left, a woman walks over the lawn from right to left."""


@pytest.fixture(scope="session")
def sample_clip():
    """Path of the sample: 230 frames of 1768 x 994 at 30 a second."""
    if not SAMPLE.is_file():
        pytest.fail(f"{SAMPLE} is missing: `make test` and `make demo` fetch it")
    return SAMPLE


@pytest.fixture(scope="session")
def short_clip(sample_clip, tmp_path_factory):
    """Path of 48 frames of the sample, scaled to 884 x 498."""
    path = tmp_path_factory.mktemp("footage") / "short.mp4"
    with av.open(str(sample_clip)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=30, options={"preset": "veryfast", "crf": "16"})
        stream.width, stream.height, stream.pix_fmt = 884, 498, "yuv420p"
        for index, frame in enumerate(islice(source.decode(video=0), CUT.start, CUT.stop)):
            small = frame.reformat(stream.width, stream.height, stream.pix_fmt)
            small.pts, small.time_base = index, Fraction(1, 30)
            target.mux(stream.encode(small))
        target.mux(stream.encode(None))
    return path


_exit_status = 0


def pytest_sessionfinish(session, exitstatus):
    global _exit_status
    _exit_status = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    # Blender as a module crashes (4.2) or waits for ever (4.5) when Python ends after classes or
    # callbacks were registered; the suite's own exit status must not drown in that.
    if "bpy" in sys.modules:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_exit_status)
