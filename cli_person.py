# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that tell `track-spine track` who the person is: a neutral trial, or one kept before."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from .inference.take import replacing
from .rigging.errors import RigError
from .rigging.motion import Motion3D
from .rigging.person import load_person, person_text
from .rigging.reconstruct import Reconstruction, neutral_trial


def add_person_options(command: argparse.ArgumentParser) -> None:
    """Add `--neutral` and `--person` to a command.

    Args:
        command: What they are added to.
    """
    who = command.add_mutually_exclusive_group()
    who.add_argument(
        "--neutral",
        type=_frames,
        metavar="A:B",
        help="frames in which the person stands as they do (the last is out): they give lengths "
        "and neutral posture, and are kept in DIR/person.json",
    )
    who.add_argument(
        "--person", type=Path, metavar="FILE", help="person.json of another clip of the person"
    )


def chosen_person(
    arguments: argparse.Namespace, motions: Sequence[Motion3D], out: Path
) -> Reconstruction:
    """Learn who is in a clip, and keep it where that was asked.

    Args:
        arguments: With the options of `add_person_options`.
        motions: Raw key points of the people in the clip.
        out: Folder for what is made.

    Returns:
        How the clip is to be solved.

    Raises:
        RigError: Several people are in the clip, the frames go beyond it or do not show the torso,
            or the file cannot be used.
    """
    if arguments.neutral is None and arguments.person is None:
        return Reconstruction()
    if len(motions) != 1:
        raise RigError(
            f"--neutral and --person need one person in the clip, not {len(motions)}: "
            "leave out --people all."
        )
    if arguments.person is not None:
        return Reconstruction(person=load_person(arguments.person))
    person = neutral_trial(motions[0], arguments.neutral)
    with replacing(out / "person.json") as file:
        file.write(person_text(person).encode())
    return Reconstruction(person=person)


def _frames(text: str) -> slice:
    try:
        first, last = (int(part) for part in text.split(":"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not two frames A:B") from None
    if not 0 <= first < last:
        raise argparse.ArgumentTypeError(f"{text!r} is not two frames A:B with A before B")
    return slice(first, last)
