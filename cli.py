# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line `track-spine`: a clip becomes a take, an overlay and a BVH file."""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .cli_models import add_model_commands
from .cli_terminal import FAILED, INTERRUPTED, NOBODY, OK, WRONG_ARGUMENTS, bars, console
from .inference.errors import InferenceError, NobodyFoundError
from .inference.overlay import write_overlay
from .inference.photos import PhotoDetector
from .inference.pipeline import Tracker, footage
from .inference.protocol import Cancelled, ProtocolError, Result, TrackRequest
from .inference.protocol import Progress as TrackProgress
from .inference.take import Take, replacing
from .rigging.bvh import bvh_text
from .rigging.errors import RigError
from .rigging.filters import smooth
from .rigging.motion import load_lifted
from .rigging.solve import solve
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

    track = commands.add_parser("track", help="track one person through a clip")
    track.add_argument(
        "clip",
        type=Path,
        help="video file, or image sequence: its folder, first picture or pattern (walk_####.png)",
    )
    track.add_argument("--out", type=Path, required=True, help="folder for what is made")
    track.add_argument(
        "--height", type=float, default=1.7, metavar="M", help="the person's height in metres"
    )
    track.add_argument(
        "--focal", type=float, metavar="PX", help="focal length in pixels, where it is known"
    )
    track.add_argument(
        "--subject",
        type=_point,
        metavar="X,Y",
        help="a pixel that the person to follow passes (default: the most prominent person)",
    )
    track.add_argument(
        "--trim",
        metavar="PART",
        help="the part to track: frames 120:480 (the last is out) or seconds 2.5s:10s",
    )
    track.add_argument("--fps", type=float, help="frame rate of an image sequence")
    track.set_defaults(run=_track)

    detect = commands.add_parser("detect", help="find the 37 points of everybody in photos")
    detect.add_argument("photos", nargs="+", metavar="PHOTO")
    detect.add_argument("--json", type=Path, required=True, metavar="FILE", help="file to write")
    detect.set_defaults(run=_detect)

    models = commands.add_parser("models", help="networks that others publish: list, fetch, add")
    add_model_commands(models.add_subparsers(required=True, metavar="COMMAND"))
    return parser


def _point(text: str) -> tuple[float, float]:
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not two numbers X,Y") from None
    return x, y


def _refuse_overwriting(outputs: Sequence[Path], inputs: Sequence[Path]) -> None:
    for output in outputs:
        if any(output.exists() and one.exists() and output.samefile(one) for one in inputs):
            raise ProtocolError(f"{output} is what you gave to be read: name another output")


def _track(arguments: argparse.Namespace) -> int:
    out: Path = arguments.out
    _refuse_overwriting([out / "motion.bvh", out / "overlay.mp4"], [arguments.clip])
    request = TrackRequest(
        video=str(arguments.clip),
        take=str(out / "take"),
        subject_height_m=arguments.height,
        focal_px=arguments.focal,
        subject_px=arguments.subject,
        trim=arguments.trim,
        rate_hz=arguments.fps,
    )
    with _interrupts() as interrupted, bars() as shown:
        bar = shown.add_task("Tracking", total=None)
        fps = 0.0

        def report(progress: TrackProgress) -> None:
            nonlocal fps
            fps = progress.fps
            description = f"Tracking at {progress.fps:.0f} frames/s"
            shown.update(
                bar, completed=progress.done, total=progress.total, description=description
            )

        result = Tracker().track(request, report, interrupted)
    if isinstance(result, Cancelled):
        console.print(
            f"Interrupted: {result.frames} frames are kept in {result.take}; "
            "the same command goes on from there"
        )
        return INTERRUPTED
    confidence = _write_motion(Path(result.lifted), out / "motion.bvh")
    _write_overlay(request, out / "overlay.mp4")
    for line in _summary(result, fps):
        console.print(line)
    console.print(f"Spine seen with {confidence:.0%} confidence")
    if result.note:
        console.print(f"Note: {result.note}")
    console.print(f"Made {result.take}, {out / 'motion.bvh'}, {out / 'overlay.mp4'}")
    return OK


def _write_motion(lifted: Path, path: Path) -> float:
    """Write the BVH file; returns how surely the spine was seen."""
    (motion,) = load_lifted(lifted).values()
    solved = solve(smooth(motion))
    with replacing(path) as file:
        file.write(bvh_text(solved.skeleton, solved.motion).encode())
    return spine_confidence(motion)


def _write_overlay(request: TrackRequest, path: Path) -> None:
    arrays, _ = Take(Path(request.take)).read_chunks()
    with bars() as shown:
        bar = shown.add_task("Drawing", total=len(arrays["row"]))
        points = arrays["xy_px"], arrays["score"]
        write_overlay(footage(request), *points, path, lambda n: shown.update(bar, completed=n))


def _summary(result: Result, fps: float) -> Iterator[str]:
    missed = result.frames - result.tracked
    yield f"Tracked {result.tracked} of {result.frames} frames, {missed} without the person"
    total = sum(result.seconds.values())
    if "follow" in result.seconds:
        shares = ", ".join(f"{name} {100 * s / total:.0f} %" for name, s in result.seconds.items())
        yield f"Tracking ran at {fps:.1f} frames/s ({shares})"
    else:
        yield "All frames were tracked by an earlier run"


def _detect(arguments: argparse.Namespace) -> int:
    _refuse_overwriting([arguments.json], [Path(path) for path in arguments.photos])
    detector = PhotoDetector()
    images = {}
    with bars() as shown:
        for path in shown.track(arguments.photos, description="Detecting"):
            images[path] = detector.detect(Path(path))
    with replacing(arguments.json) as file:
        file.write(json.dumps({"images": images}).encode())
    people = sum(map(len, images.values()))
    console.print(f"Found {people} people in {len(images)} photos: {arguments.json}")
    return OK


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
