# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line `track-spine`: a clip becomes a take, an overlay and a BVH file."""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .cli_cameras import add_cameras_command
from .cli_export import add_export_command
from .cli_live import add_camera_options, footage_path, live_footage
from .cli_models import add_model_commands
from .cli_networks import add_lifter_argument, add_network_arguments, networks_of
from .cli_person import add_person_options, chosen_person
from .cli_report import add_report_command
from .cli_self_test import add_self_test_command
from .cli_terminal import FAILED, INTERRUPTED, NOBODY, OK, WRONG_ARGUMENTS, bars, console
from .inference.errors import InferenceError, NobodyFoundError, VideoError
from .inference.overlay import write_overlay
from .inference.photos import PhotoDetector
from .inference.pipeline import Tracker
from .inference.protocol import Cancelled, ProtocolError, Result, TrackRequest
from .inference.protocol import Progress as TrackProgress
from .inference.source import Footage, open_footage
from .inference.take import Take, replacing
from .inference.video import VideoInfo
from .rigging.bvh import bvh_text
from .rigging.errors import RigError
from .rigging.motion import load_lifted
from .rigging.reconstruct import reconstruct
from .rigging.trunk import spine_confidence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Arguments without the program's name; None for those of the process.

    Returns:
        Exit status: 0 done, 1 failed, 2 wrong arguments, 3 nobody in the clip, 130 interrupted.
    """
    arguments = _parser().parse_args(argv)
    try:
        run: Callable[[argparse.Namespace], int] = arguments.run
        return run(arguments)
    except NobodyFoundError as error:
        console.print(f"track-spine: {error}")
        return NOBODY
    except ProtocolError as error:
        console.print(f"track-spine: {error}")
        return WRONG_ARGUMENTS
    except (InferenceError, RigError) as error:
        console.print(f"track-spine: {error}")
        return FAILED
    except KeyboardInterrupt:
        console.print("track-spine: interrupted")
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="track-spine", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    _add_track(commands.add_parser("track", help="track people through a clip"))

    detect = commands.add_parser("detect", help="find the 37 points of everybody in photos")
    detect.add_argument("photos", nargs="+", metavar="PHOTO")
    detect.add_argument("--json", type=Path, required=True, metavar="FILE", help="file to write")
    add_network_arguments(detect)
    detect.set_defaults(run=_detect)

    add_cameras_command(commands)
    add_export_command(commands)
    add_report_command(commands)
    add_self_test_command(commands)
    models = commands.add_parser("models", help="networks that others publish: list, fetch, add")
    add_model_commands(models.add_subparsers(required=True, metavar="COMMAND"))
    return parser


def _add_track(track: argparse.ArgumentParser) -> None:
    track.add_argument(
        "clip",
        nargs="?",
        type=Path,
        help="video file, or image sequence: its folder, first picture or pattern (walk_####.png)",
    )
    track.add_argument("--out", type=Path, required=True, help="folder for what is made")
    track.add_argument(
        "--height", type=float, default=1.7, metavar="M", help="the people's height in metres"
    )
    track.add_argument(
        "--focal", type=float, metavar="PX", help="focal length in pixels, where it is known"
    )
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
    track.add_argument(
        "--trim",
        metavar="PART",
        help="the part to track: frames 120:480 (the last is out) or seconds 2.5s:10s",
    )
    track.add_argument("--fps", type=float, help="frame rate of an image sequence")
    track.add_argument(
        "--threads",
        type=int,
        metavar="N",
        help="crops looked at in parallel (default: a core each)",
    )
    track.add_argument(
        "--batch",
        type=int,
        metavar="N",
        help="frames looked at together (default: as suits the machine)",
    )
    add_camera_options(track)
    add_network_arguments(track)
    add_lifter_argument(track)
    add_person_options(track)
    track.set_defaults(run=_track)


def _subject(text: str) -> tuple[tuple[float, float], float]:
    place, _, second = text.partition("@")
    try:
        x, y = (float(part) for part in place.split(","))
        return (x, y), float(second or 0.0)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not two numbers X,Y, or X,Y@S with a time in seconds"
        ) from None


def _refuse_overwriting(outputs: Sequence[Path], inputs: Sequence[Path]) -> None:
    for output in outputs:
        if any(output.exists() and one.exists() and output.samefile(one) for one in inputs):
            raise ProtocolError(f"{output} is what you gave to be read: name another output")


def _track(arguments: argparse.Namespace) -> int:
    out: Path = arguments.out
    path = footage_path(arguments)
    _refuse_overwriting([out / "motion.bvh", out / "overlay.mp4"], [path])
    subject_px, subject_s = arguments.subject
    request = TrackRequest(
        video=str(path),
        take=str(out / "take"),
        subject_height_m=arguments.height,
        focal_px=arguments.focal,
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
    tracker = Tracker(arguments.provider)
    with (
        _interrupts() as interrupted,
        _opened(request, arguments, interrupted) as (footage, stopping),
        bars() as shown,
    ):
        bar = shown.add_task("Tracking", total=None)
        fps = 0.0

        def report(progress: TrackProgress) -> None:
            nonlocal fps
            fps = progress.fps
            description = f"Tracking at {progress.fps:.0f} frames/s"
            shown.update(
                bar, completed=progress.done, total=progress.total, description=description
            )

        result = tracker.track(request, report, stopping, footage)
    if isinstance(result, Cancelled):
        console.print(
            f"Interrupted: {result.frames} frames are kept in {result.take}; "
            "the same command goes on from there"
        )
        return INTERRUPTED
    motions = _write_motions(arguments, Path(result.lifted), out)
    made = [Path(result.take), *motions]
    if arguments.camera is None:
        _write_overlay(footage.info, Path(result.take), out / "overlay.mp4")
        made.append(out / "overlay.mp4")
    else:
        console.print(f"Recorded {path}: track it as a clip to have every frame of it")
        made.append(path)
    for line in _summary(result, fps):
        console.print(line)
    for path, confidence in motions.items():
        where = f" in {path.name}" if len(motions) > 1 else ""
        console.print(f"Spine seen with {confidence:.0%} confidence{where}")
    if result.note:
        console.print(f"Note: {result.note}")
    console.print(f"Made {', '.join(map(str, made))}")
    return OK


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
    options = chosen_person(arguments, list(people.values()), out)
    confidence = {}
    for number, motion in enumerate(people.values(), 1):
        path = out / ("motion.bvh" if len(people) == 1 else f"motion_{number}.bvh")
        solved = reconstruct(motion, options)
        with replacing(path) as file:
            file.write(bvh_text(solved.skeleton, solved.motion).encode())
        confidence[path] = spine_confidence(motion)
    return confidence


def _write_overlay(info: VideoInfo, take: Path, path: Path) -> None:
    arrays, _ = Take(take).read_chunks()
    with bars() as shown:
        bar = shown.add_task("Drawing", total=len(arrays["row"]))
        points = arrays["xy_px"], arrays["score"]
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


def _detect(arguments: argparse.Namespace) -> int:
    _refuse_overwriting([arguments.json], [Path(path) for path in arguments.photos])
    detector = PhotoDetector(networks_of(arguments))
    images, failed = {}, []
    with bars() as shown:
        for path in shown.track(arguments.photos, description="Detecting"):
            try:
                images[path] = detector.detect(Path(path))
            except VideoError as error:
                failed.append(str(error))
    with replacing(arguments.json) as file:
        file.write(json.dumps({"images": images}).encode())
    for message in failed:
        console.print(f"track-spine: {message}")
    people = sum(map(len, images.values()))
    console.print(f"Found {people} people in {len(images)} photos: {arguments.json}")
    return FAILED if failed else OK


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


if __name__ == "__main__":
    sys.exit(main())
