# SPDX-License-Identifier: GPL-3.0-or-later
"""`track-spine track`: a clip, or a camera, becomes a take, an overlay and BVH files."""

import argparse
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from .cli_lens import add_lens_options, lens_of
from .cli_live import add_camera_options, footage_path, live_footage, shown_live
from .cli_networks import add_lifter_argument, add_network_arguments
from .cli_person import add_person_options, chosen_person
from .cli_terminal import INTERRUPTED, OK, bars, console
from .inference.overlay import write_overlay
from .inference.pipeline import Tracker
from .inference.protocol import (
    ASSUMED_HEIGHT_M,
    Cancelled,
    Progress,
    ProtocolError,
    Result,
    TrackRequest,
)
from .inference.source import Footage, open_footage
from .inference.swaps import unswapped
from .inference.take import Take, replacing
from .inference.video import VideoInfo
from .rigging.bvh import bvh_text
from .rigging.motion import load_lifted
from .rigging.reconstruct import reconstruct
from .rigging.trunk import spine_confidence


def add_track_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `track` to the parser of `track-spine`.

    Args:
        commands: What it is added to; it sets `run`, from arguments to exit status.
    """
    track = commands.add_parser("track", help="track people through a clip")
    track.add_argument(
        "clip",
        nargs="?",
        type=Path,
        help="video file, or image sequence: its folder, first picture or pattern (walk_####.png)",
    )
    track.add_argument("--out", type=Path, required=True, help="folder for what is made")
    track.add_argument(
        "--height",
        type=float,
        metavar="M",
        help="the people's height in metres: it sets the scale (default: 1.7, said to be assumed)",
    )
    add_lens_options(track)
    track.add_argument(
        "--subject",
        type=_subject,
        default=(None, 0.0),
        metavar="X,Y[@S]",
        help="a pixel that the person to follow passes, from second S on "
        "(default: the most prominent person)",
    )
    track.add_argument(
        "--people", choices=("one", "all"), default="one", help="whom to follow (default: one)"
    )
    track.add_argument(
        "--max-people", type=int, default=8, metavar="N", help="at most so many, with --people all"
    )
    _add_footage_options(track)
    _add_speed_options(track)
    add_camera_options(track)
    add_network_arguments(track)
    add_lifter_argument(track)
    add_person_options(track)
    track.set_defaults(run=_track)


def _add_footage_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--trim",
        metavar="PART",
        help="the part to track: frames 120:480 (the last is out) or seconds 2.5s:10s",
    )
    command.add_argument("--fps", type=float, help="frame rate of an image sequence")


def _add_speed_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--threads",
        type=int,
        metavar="N",
        help="crops looked at in parallel (default: a core each)",
    )
    command.add_argument(
        "--batch",
        type=int,
        metavar="N",
        help="frames looked at together (default: as suits the machine)",
    )


def refuse_overwriting(outputs: Sequence[Path], inputs: Sequence[Path]) -> None:
    """Make sure that nothing to be read is written over.

    Args:
        outputs: Files to be written.
        inputs: Files to be read.

    Raises:
        ProtocolError: One is the other.
    """
    for output in outputs:
        if any(output.exists() and one.exists() and output.samefile(one) for one in inputs):
            raise ProtocolError(f"{output} is what you gave to be read: name another output")


def _subject(text: str) -> tuple[tuple[float, float], float]:
    place, _, second = text.partition("@")
    try:
        x, y = (float(part) for part in place.split(","))
        return (x, y), float(second or 0.0)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not two numbers X,Y, or X,Y@S with a time in seconds"
        ) from None


def _track(arguments: argparse.Namespace) -> int:
    out: Path = arguments.out
    path = footage_path(arguments)
    refuse_overwriting([out / "motion.bvh", out / "overlay.mp4"], [path])
    result, info, fps = _tracked(arguments, _request(arguments, path))
    if isinstance(result, Cancelled):
        console.print(
            f"Interrupted: {result.frames} frames are kept in {result.take}; "
            "the same command goes on from there"
        )
        return INTERRUPTED
    motions = _write_motions(arguments, Path(result.lifted), out)
    made = [Path(result.take), *motions]
    if arguments.camera is None:
        _write_overlay(info, Take(Path(result.take)), out / "overlay.mp4")
        made.append(out / "overlay.mp4")
    else:
        console.print(f"Recorded {path}: track it as a clip to have every frame of it")
        made.append(path)
    for line in _summary(result, fps):
        console.print(line)
    if arguments.height is None:
        console.print(
            f"Scale unknown: a height of {ASSUMED_HEIGHT_M} m is assumed, tell the true one with "
            "--height"
        )
    for path, confidence in motions.items():
        where = f" in {path.name}" if len(motions) > 1 else ""
        console.print(f"Spine seen with {confidence:.0%} confidence{where}")
    if result.note:
        console.print(f"Note: {result.note}")
    console.print(f"Made {', '.join(map(str, made))}")
    return OK


def _request(arguments: argparse.Namespace, path: Path) -> TrackRequest:
    subject_px, subject_s = arguments.subject
    return TrackRequest(
        video=str(path),
        take=str(arguments.out / "take"),
        subject_height_m=ASSUMED_HEIGHT_M if arguments.height is None else arguments.height,
        **lens_of(arguments, path),
        subject_px=subject_px,
        subject_s=subject_s,
        trim=arguments.trim,
        rate_hz=arguments.fps,
        people=arguments.people,
        most_people=arguments.max_people,
        threads=arguments.threads,
        batch_frames=arguments.batch,
        model=arguments.model,
        detector=arguments.detector,
        lifter=arguments.lifter,
        flip_test=arguments.flip_test,
    )


def _tracked(
    arguments: argparse.Namespace, request: TrackRequest
) -> tuple[Result | Cancelled, VideoInfo, float]:
    """Track, and show how far it is; returns frames a second besides."""
    tracker = Tracker(arguments.provider)
    with (
        _interrupts() as interrupted,
        _opened(request, arguments, interrupted) as (footage, stopping),
        bars() as shown,
    ):
        bar = shown.add_task("Tracking", total=None)
        fps = 0.0

        def report(progress: Progress) -> None:
            nonlocal fps
            said = "Lifting to 3D"
            if progress.stage == "track":
                fps, said = progress.fps, f"Tracking at {progress.fps:.0f} frames/s"
            shown.update(bar, completed=progress.done, total=progress.total, description=said)

        result = tracker.track(request, report, stopping, footage, shown_live(arguments))
    return result, footage.info, fps


@contextmanager
def _opened(
    request: TrackRequest, arguments: argparse.Namespace, interrupted: Callable[[], bool]
) -> Iterator[tuple[Footage, Callable[[], bool]]]:
    """Open the clip, which Ctrl-C breaks off, or the camera, whose recording it ends."""
    if arguments.camera is None:
        yield open_footage(request), interrupted
        return
    path = Path(request.video)
    with live_footage(arguments.camera, path, arguments.seconds, interrupted) as footage:
        yield footage, lambda: False


def _write_motions(arguments: argparse.Namespace, lifted: Path, out: Path) -> dict[Path, float]:
    """Write a BVH file a person; returns how surely each one's spine was seen."""
    people = load_lifted(lifted)
    camera = next(iter(people.values())).camera
    if camera is not None:
        console.print(f"Focal length {camera.lens}")
    options = chosen_person(arguments, list(people.values()), out)
    confidence = {}
    for number, motion in enumerate(people.values(), 1):
        path = out / ("motion.bvh" if len(people) == 1 else f"motion_{number}.bvh")
        solved = reconstruct(motion, options)
        with replacing(path) as file:
            file.write(bvh_text(solved.skeleton, solved.motion).encode())
        confidence[path] = spine_confidence(motion)
    return confidence


def _write_overlay(info: VideoInfo, take: Take, path: Path) -> None:
    arrays = unswapped(take.read_chunks()[0])
    with bars() as shown:
        bar = shown.add_task("Drawing", total=len(arrays["row"]))
        kept = np.isin(arrays["person"], [one["id"] for one in take.read_json()["people"]])
        points = arrays["xy_px"][:, kept], arrays["score"][:, kept]
        write_overlay(info, *points, path, lambda n: shown.update(bar, completed=n))


def _summary(result: Result, fps: float) -> Iterator[str]:
    missed = result.frames - result.tracked
    whom = "the person" if result.people == 1 else f"any of the {result.people} people"
    yield f"Tracked {result.tracked} of {result.frames} frames, {missed} without {whom}"
    total = sum(result.seconds.values())
    if "follow" in result.seconds:
        shares = ", ".join(f"{name} {100 * s / total:.0f} %" for name, s in result.seconds.items())
        yield f"Tracking ran at {fps:.1f} frames/s ({shares}; {result.engine})"
    else:
        yield "All frames were tracked by an earlier run"


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C end the run after the frame at hand; a second one ends it at once."""
    asked: list[int] = []

    def ask(number: int, _frame: object) -> None:
        asked.append(number)
        signal.signal(number, before)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)
