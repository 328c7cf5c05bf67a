# SPDX-License-Identifier: GPL-3.0-or-later
"""`track-spine report`: what a take says of a back, as a page to read and a table to work with."""

import argparse
from pathlib import Path
from typing import Any, Final

from .cli_terminal import OK, console
from .inference.errors import TakeError
from .inference.take import LIFTED, Take, replacing
from .reporting.page import html_page
from .reporting.table import csv_table
from .rigging.errors import RigError
from .rigging.findings import examine
from .rigging.motion import Motion3D, load_lifted
from .rigging.person import load_person
from .rigging.reconstruct import Reconstruction, reconstruct

OLDEST: Final = 1
"""Version of takes that reports read: later ones differ in what the networks saw, not in points."""

AVERAGE: Final = (
    "absolute, from an average person's neutral curve: --person makes them changes from a neutral "
    "trial of this one"
)


def add_report_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `report` to the parser of `track-spine`.

    Args:
        commands: What it is added to; it sets `run`, from arguments to exit status.
    """
    command = commands.add_parser("report", help="angles of the back over time, as HTML and CSV")
    command.add_argument("take", type=Path, metavar="TAKE", help="folder of a finished take")
    command.add_argument(
        "--out", type=Path, metavar="FILE", help="page to write (default: TAKE/report.html)"
    )
    command.add_argument(
        "--person",
        type=Path,
        metavar="FILE",
        help="person.json of a neutral trial: angles are told as change from it",
    )
    command.set_defaults(run=_report)


def _report(arguments: argparse.Namespace) -> int:
    folder: Path = arguments.take
    head = Take(folder).read_json(oldest=OLDEST)
    if not (folder / LIFTED).is_file():
        raise TakeError(
            f"{folder} is not tracked to its end: track it again, it goes on from there"
        )
    people = load_lifted(folder / LIFTED)
    person = load_person(arguments.person) if arguments.person else None
    if person and len(people) != 1:
        raise RigError(f"--person needs one person in the take, not {len(people)}.")
    zero = (
        AVERAGE if person is None else f"change from the neutral trial in {arguments.person.name}"
    )
    for number, motion in people.items():
        page = _page_path(arguments.out or folder / "report.html", number, len(people))
        findings = examine(motion, reconstruct(motion, Reconstruction(person=person)), person)
        title = f"The back in {_source_name(head)}" + (
            f", person {number}" if len(people) > 1 else ""
        )
        several = "cameras" in head
        facts = _facts(head, motion) | {"Angles": zero}
        texts = {
            page: html_page(title, facts, findings, several),
            page.with_suffix(".csv"): csv_table(findings),
        }
        for path, text in texts.items():
            with replacing(path) as file:
                file.write(text.encode())
            console.print(f"Made {path}")
    return OK


def _page_path(path: Path, person: int, people: int) -> Path:
    return path if people == 1 else path.with_stem(f"{path.stem}_{person}")


def _source_name(head: dict[str, Any]) -> str:
    if "cameras" in head:
        return ", ".join(Path(camera["clip"]).name for camera in head["cameras"])
    return Path(head["source"]["path"]).name


def _facts(head: dict[str, Any], motion: Motion3D) -> dict[str, str]:
    count = len(motion.time_s)
    seen = int((motion.score > 0.0).any(axis=1).sum())
    length = float(motion.time_s[-1] - motion.time_s[0])
    facts = {"Frames": f"{seen} of {count} show the person, {length:.2f} s"}
    if "cameras" in head:
        facts |= {
            f"Camera {camera['name']}": (
                f"off by {camera['reprojection_px']:.1f} px, clock {camera['offset_s']:+.3f} s"
            )
            for camera in head["cameras"]
        }
        return facts
    camera = head["camera"]
    if motion.camera is not None:
        facts["Focal length"] = motion.camera.lens
    facts["Vertical"] = str(camera["up_source"])
    facts["Stature"] = f"{head['subject_height_m']:.2f} m, given or assumed: it sets the scale"
    return facts
