# SPDX-License-Identifier: GPL-3.0-or-later
"""`track-spine cameras`: one person filmed by several calibrated cameras becomes one motion."""

import argparse
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .cli_terminal import OK, bars, console
from .inference.pipeline import Tracker
from .inference.protocol import Progress, ProtocolError, TrackRequest
from .inference.source import open_footage
from .inference.take import Take, replacing
from .inference.views.calibrations import read_calibration
from .inference.views.combine import AXES, Combined, combine
from .inference.views.record import write_combined
from .inference.views.synchronise import Seen
from .inference.views.view import View
from .rigging.bvh import bvh_text
from .rigging.motion import load_lifted
from .rigging.reconstruct import reconstruct

T = TypeVar("T")


def add_cameras_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `cameras` to the parser of `track-spine`.

    Args:
        commands: What it is added to; it sets `run`, from arguments to exit status.
    """
    command = commands.add_parser("cameras", help="one person through several calibrated cameras")
    command.add_argument(
        "clips",
        nargs="+",
        metavar="[NAME=]CLIP",
        help="footage of each camera, with its name in the calibration where the file's name or "
        "the order does not tell",
    )
    command.add_argument("--calibration", type=Path, required=True, metavar="FILE")
    command.add_argument("--out", type=Path, required=True, help="folder for what is made")
    command.add_argument(
        "--subject",
        action="append",
        default=[],
        metavar="NAME=X,Y",
        help="a pixel that the person passes in that camera (default: the most prominent person)",
    )
    command.add_argument(
        "--offset",
        action="append",
        default=[],
        metavar="NAME=S",
        help="seconds to add to the first camera's times for this one's (default: from the motion)",
    )
    command.add_argument(
        "--synchronised", action="store_true", help="all cameras began at the same moment"
    )
    command.add_argument(
        "--reach", type=float, default=5.0, metavar="S", help="largest offset looked for (5 s)"
    )
    command.add_argument("--without", action="append", default=[], metavar="NAME")
    command.add_argument("--up", choices=AXES, help="axis of the calibration that points up")
    command.set_defaults(run=_cameras)


def _cameras(arguments: argparse.Namespace) -> int:
    views = read_calibration(arguments.calibration)
    clips = _assigned(arguments.clips, views)
    for name in arguments.without:
        if clips.pop(name, None) is None:
            raise ProtocolError(f"--without {name}: no such camera has a clip, only {list(clips)}")
    if len(clips) < 2:
        raise ProtocolError(f"Two cameras at least are needed, not {list(clips)}")
    subjects = _by_name("--subject", arguments.subject, clips, _pixel)
    known = _known_offsets(arguments, list(clips))
    tracker = Tracker()
    fitted, seen, sources = [], [], []
    for name, clip in clips.items():
        take = arguments.out / name / "take"
        request = TrackRequest(str(clip), str(take), subject_px=subjects.get(name))
        info = open_footage(request).info
        fitted.append(views[name].resized(info.width, info.height))
        _track(tracker, name, request)
        seen.append(Seen.of(Take(take)))
        sources.append({"clip": str(clip), "sha256": info.sha256, "take": str(take)})
    combined = combine(fitted, seen, arguments.reach, known, arguments.up)
    lifted = write_combined(arguments.out / "take", combined, sources)
    (motion,) = load_lifted(lifted).values()
    solved = reconstruct(motion)
    with replacing(arguments.out / "motion.bvh") as file:
        file.write(bvh_text(solved.skeleton, solved.motion).encode())
    _tell(combined)
    console.print(f"Made {arguments.out / 'take'}, {arguments.out / 'motion.bvh'}")
    return OK


def _assigned(clips: Sequence[str], views: Mapping[str, View]) -> dict[str, Path]:
    """Which clip is whose: as given, by the file's name, or else by the order."""
    pairs = [clip.rpartition("=") for clip in clips]
    given = {name: Path(path) for name, _, path in pairs if name}
    rest = [Path(path) for name, _, path in pairs if not name]
    named = {path.stem: path for path in rest if path.stem in views}
    if not given and not named and len(rest) == len(views):
        return dict(zip(views, rest, strict=True))
    unknown = [name for name in given if name not in views]
    unknown += [str(path) for path in rest if path.stem not in views]
    if unknown or len(given | named) < len(clips):
        raise ProtocolError(
            f"Which camera {unknown or list(clips)} are of is not clear: write NAME=CLIP with "
            f"names of the calibration, {list(views)}"
        )
    both = given | named
    return {name: both[name] for name in views if name in both}


def _by_name(
    option: str, texts: Sequence[str], names: Collection[str], read: Callable[[str], T]
) -> dict[str, T]:
    found = {}
    for text in texts:
        name, _, value = text.rpartition("=")
        if name not in names:
            raise ProtocolError(f"{option} {text}: the cameras are {list(names)}")
        try:
            found[name] = read(value)
        except ValueError:
            raise ProtocolError(f"{option} {text}: {value!r} is no number or pixel") from None
    return found


def _pixel(text: str) -> tuple[float, float]:
    x, y = (float(part) for part in text.split(","))
    return x, y


def _known_offsets(arguments: argparse.Namespace, names: list[str]) -> NDArray[np.float64] | None:
    if arguments.synchronised:
        return np.zeros(len(names))
    if not arguments.offset:
        return None
    offsets = {names[0]: 0.0} | _by_name("--offset", arguments.offset, names, float)
    missing = [name for name in names if name not in offsets]
    if missing or offsets[names[0]] != 0.0:
        raise ProtocolError(
            f"--offset is needed for every camera but the first, {names[0]}, whose is 0: "
            f"missing {missing}"
        )
    return np.array([offsets[name] for name in names])


def _track(tracker: Tracker, name: str, request: TrackRequest) -> None:
    with bars() as shown:
        bar = shown.add_task(f"Tracking {name}", total=None)

        def report(progress: Progress) -> None:
            shown.update(bar, completed=progress.done, total=progress.total)

        tracker.track(request, report, lambda: False)


def _tell(combined: Combined) -> None:
    for index, view in enumerate(combined.views):
        x, y = combined.shift_px[index]
        console.print(
            f"{view.name}: {combined.clocks.offset_s[index]:+.3f} s, "
            f"picture shifted by ({x:.0f}, {y:.0f}) px, "
            f"misses the others by {100 * combined.agreement.off_alone[index]:.1f} % of the trunk"
        )
    sigma_mm = 1000 * float(np.nanmedian(combined.sigma_m))
    console.print(f"Up: {combined.up_source}; points are known to about {sigma_mm:.0f} mm")
