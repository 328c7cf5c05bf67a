# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames on their way to the worker: as many as it takes, from where it wants them, and no more."""

import numpy as np
import pytest
from track_spine.addon.errors import SourceError, StoppedError, WorkerError
from track_spine.addon.frame_feed import FrameFeed
from track_spine.addon.job import TrackJob, run_to_end
from track_spine.inference.protocol import ProtocolError, TrackRequest

WIDTH, HEIGHT, COUNT = 16, 8, 12


class Source:
    """Pictures of one brightness each, counted as they are made."""

    size_px = (WIDTH, HEIGHT)
    rate_hz = 25.0
    count = COUNT
    identity = "cd" * 32
    repeatable = False

    def __init__(self, fails_at=None):
        """Fail at a frame, or at none."""
        self.made = []
        self.fails_at = fails_at

    def picture(self, index):
        if index == self.fails_at:
            raise SourceError(f"Frame {index} cannot be rendered: no camera")
        self.made.append(index)
        return np.full((HEIGHT, WIDTH, 3), index, np.uint8)


@pytest.fixture
def start_job(start_fake, tmp_path):
    def start(behaviour, *arguments, source):
        feed = FrameFeed(source)
        worker = start_fake(behaviour, *arguments, inherited=feed.inherited)
        return TrackJob(worker, TrackRequest("Scene", str(tmp_path)), feed)

    return start


def test_the_worker_gets_the_frames_it_wants_in_order_at_their_times(start_job, tmp_path):
    (tmp_path / "made.npz").write_bytes(b"")
    source = Source()
    job = start_job("tracks", tmp_path / "made.npz", source=source)
    run_to_end(job, lambda _progress: None)
    assert job.result().frames == 40
    assert source.made == list(range(2, COUNT))  # the first two were in the take
    log = (tmp_path / "log.txt").read_text().splitlines()
    assert log == [
        f"frame {index} {index / 25.0:.4f} {index * WIDTH * HEIGHT * 3}"
        for index in range(2, COUNT)
    ]


def test_no_frame_is_made_before_there_is_room_for_it():
    source = Source()
    feed = FrameFeed(source)
    slots = feed.description.slots
    assert not feed.due
    feed.begin(0)
    sent = []
    while feed.due:
        sent.append(feed.next_frame())
    assert source.made == list(range(slots))
    assert sorted(message.slot for message in sent) == list(range(slots))
    feed.take_back(sent[1].slot)
    assert feed.next_frame().slot == sent[1].slot
    assert not feed.due
    feed.close()


def test_a_worker_that_takes_nothing_makes_blender_render_a_ringful(start_job):
    source = Source()
    job = start_job("wants_frames_only", source=source)
    while len(source.made) < 4:
        job.step(wait_s=5.0)
    for _ in range(5):
        job.step()
    assert source.made == list(range(4))
    job.abandon()


def test_a_frame_that_cannot_be_made_ends_the_run_with_the_reason(start_job, tmp_path):
    (tmp_path / "made.npz").write_bytes(b"")
    job = start_job("tracks", tmp_path / "made.npz", source=Source(fails_at=5))
    run_to_end(job, lambda _progress: None)
    with pytest.raises(SourceError, match="Frame 5 cannot be rendered"):
        job.result()


def test_slots_that_were_not_handed_out_are_not_taken_back(start_job):
    feed = FrameFeed(Source())
    for slot in (0, -1, 4, 99):
        with pytest.raises(ProtocolError, match=f"Slot {slot} "):
            feed.take_back(slot)
    for first in (-1, COUNT + 1):
        with pytest.raises(ProtocolError, match=f"Frame {first} "):
            feed.begin(first)
    feed.close()
    job = start_job("gives_back_too_much", source=Source())
    run_to_end(job, lambda _progress: None)
    with pytest.raises(WorkerError, match="Slot 99 was given back"):
        job.result()


def test_a_run_can_be_stopped_while_it_is_fed(start_job):
    job = start_job("wants_frames_only", source=Source())
    job.step(wait_s=5.0)
    job.request_stop()
    job.request_stop()
    with pytest.raises(StoppedError, match="the next run begins anew"):
        job.result()
    job.step()
