# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line `track-spine`: a clip becomes a take, an overlay and a BVH file."""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from .inference.errors import InferenceError, NobodyFoundError
from .inference.overlay import write_overlay
from .inference.photos import PhotoDetector
from .inference.pipeline import Tracker
from .inference.protocol import Cancelled, ProtocolError, Result, TrackRequest
from .inference.protocol import Progress as TrackProgress
from .inference.take import Take, replacing
from .inference.video import probe
from .rigging.bvh import bvh_text
from .rigging.errors import RigError
from .rigging.filters import smooth
from .rigging.motion import load_lifted
from .rigging.solve import solve

OK: Final = 0
FAILED: Final = 1
WRONG_ARGUMENTS: Final = 2
NOBODY: Final = 3
INTERRUPTED: Final = 130
"""Exit statuses; argparse too ends with 2."""

_console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


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
        _console.print(f"track-spine: {error}")
        return NOBODY
    except ProtocolError as error:
        _console.print(f"track-spine: {error}")
        return WRONG_ARGUMENTS
    except (InferenceError, RigError) as error:
        _console.print(f"track-spine: {error}")
        return FAILED
    except KeyboardInterrupt:
        _console.print("track-spine: interrupted")
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="track-spine", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    track = commands.add_parser("track", help="track one person through a clip")
    track.add_argument("clip", type=Path, help="video file")
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
    track.set_defaults(run=_track)

    detect = commands.add_parser("detect", help="find the 37 points of everybody in photos")
    detect.add_argument("photos", nargs="+", metavar="PHOTO")
    detect.add_argument("--json", type=Path, required=True, metavar="FILE", help="file to write")
    detect.set_defaults(run=_detect)
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
    )
    with _interrupts() as interrupted, _bars() as bars:
        bar = bars.add_task("Tracking", total=None)

        fps = 0.0

        def report(progress: TrackProgress) -> None:
            nonlocal fps
            fps = progress.fps
            description = f"Tracking at {progress.fps:.0f} frames/s"
            bars.update(bar, completed=progress.done, total=progress.total, description=description)

        result = Tracker().track(request, report, interrupted)
    if isinstance(result, Cancelled):
        _console.print(
            f"Interrupted: {result.frames} frames are kept in {result.take}; "
            "the same command goes on from there"
        )
        return INTERRUPTED
    _write_motion(Path(result.lifted), out / "motion.bvh")
    _write_overlay(arguments.clip, Path(result.take), out / "overlay.mp4")
    for line in _summary(result, fps):
        _console.print(line)
    _console.print(f"Made {result.take}, {out / 'motion.bvh'}, {out / 'overlay.mp4'}")
    return OK


def _write_motion(lifted: Path, path: Path) -> None:
    (motion,) = load_lifted(lifted).values()
    solved = solve(smooth(motion))
    with replacing(path) as file:
        file.write(bvh_text(solved.skeleton, solved.motion).encode())


def _write_overlay(clip: Path, take: Path, path: Path) -> None:
    arrays, _ = Take(take).read_chunks()
    with _bars() as bars:
        bar = bars.add_task("Drawing", total=len(arrays["frame"]))
        write_overlay(probe(clip), arrays["xy_px"], path, lambda n: bars.update(bar, completed=n))


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
    with _bars() as bars:
        for path in bars.track(arguments.photos, description="Detecting"):
            images[path] = detector.detect(Path(path))
    with replacing(arguments.json) as file:
        file.write(json.dumps({"images": images}).encode())
    people = sum(map(len, images.values()))
    _console.print(f"Found {people} people in {len(images)} photos: {arguments.json}")
    return OK


def _bars() -> Progress:
    count = TextColumn("{task.completed:.0f}")
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        count,
        TimeRemainingColumn(),
        console=_console,
    )


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
