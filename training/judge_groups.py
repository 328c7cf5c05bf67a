# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom the spine is found worse on: errors on renders by view, bend, clothes, hair and body."""

from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from .bodies import PHENOTYPES
from .errors import TrainingError
from .judge_held_out import Answers
from .metrics import percent_of_torso
from .shards import picture_of, read_shard, shard_path
from .spine_score import views

Picture = NDArray[np.uint8]

FAR_OFF: Final = 10.0
"""Percent of the trunk beyond which a point counts as far off."""

LEAST: Final = 12
"""Fewer pictures than that tell nothing of a group."""

CHILD_M: Final = 1.45
"""Stature below which a body counts as a child's: the median at the age of eleven (WHO, 2007)."""

OLD: Final = 0.8
HEAVY: Final = 0.67
LIGHT: Final = 0.33
"""Parts of Anny's phenotypes, each 0..1: an age of 2/3 is a young adult and 1 an old one; a gender
over a half is a woman."""

TONES: Final = {"lightest": (1.0, 4.0), "middle": (4.0, 7.0), "darkest": (7.0, 10.0)}
"""Thirds of the Monk scale."""

TILE_PX: Final = 220
TILES: Final = 6
TRUE_BGR: Final = (80, 230, 80)
FOUND_BGR: Final = (50, 50, 255)


def groups(answers: Answers) -> list[tuple[str, int, float, float]]:
    """Errors of the network by group.

    Args:
        answers: What was found on the held-out renders.

    Returns:
        Name, pictures, median error in % of the trunk, and share of points more than FAR_OFF % off,
        for each group of LEAST pictures or more.
    """
    error = percent_of_torso(answers.points["network"], answers.target, answers.torso_px)
    return [
        (
            name,
            int(rows.sum()),
            float(np.median(error[rows])),
            float(100.0 * (error[rows] > FAR_OFF).mean()),
        )
        for name, rows in members(answers).items()
        if rows.sum() >= LEAST
    ]


def members(answers: Answers) -> dict[str, NDArray[np.bool_]]:
    """Who belongs to which group: (N,) booleans by name."""
    seen = views(answers.view_deg)
    worn = [set(clothes.split("+")) for clothes in answers.clothes.tolist()]
    body = dict(zip((*PHENOTYPES, "stature_m"), answers.body.T, strict=True))
    child = body["stature_m"] < CHILD_M

    def wears(*kinds: str) -> NDArray[np.bool_]:
        return np.array([bool(own & set(kinds)) for own in worn])

    return {
        "all": np.ones(len(worn), bool),
        "seen from the front": seen["front"],
        "from the side": seen["side"],
        "from behind": seen["back"],
        "straight back": ~answers.bent,
        "bent back": answers.bent,
        "jacket": wears("jacket"),
        "dress or skirt": wears("dress", "skirt"),
        "top and trousers or shorts": ~wears("jacket", "dress", "skirt"),
        "long hair": wears("long"),
        "other hair, or none": ~wears("long"),
        "child": child,
        "old": ~child & (body["age"] > OLD),
        "other grown-ups": ~child & (body["age"] <= OLD),
        "heavy": body["weight"] > HEAVY,
        "light": body["weight"] < LIGHT,
        "women": ~child & (body["gender"] > 0.5),
        "men": ~child & (body["gender"] <= 0.5),
        **{
            f"{name} skin, Monk {low:.0f}-{high:.0f}": (answers.tone >= low) & (answers.tone < high)
            for name, (low, high) in TONES.items()
        },
        "three or more spine points behind something": answers.hidden >= 3,
    }


def table(rows: list[tuple[str, int, float, float]]) -> str:
    """Make the table of the model card."""
    lines = [
        f"| group | pictures | median, % of trunk | points over {FAR_OFF:g} % off |",
        "|---|---|---|---|",
    ]
    lines += [f"| {name} | {count} | {mid:.1f} | {far:.0f} % |" for name, count, mid, far in rows]
    return "\n".join(lines)


def sheet(answers: Answers, folder: Path) -> Picture:
    """Draw the worst of the pictures above, and below some as they come.

    Args:
        answers: What was found.
        folder: The shards they were found in.

    Returns:
        BGR picture: truth green, network red.
    """
    error = percent_of_torso(answers.points["network"], answers.target, answers.torso_px)
    worst = np.argsort(-error.mean(axis=1), kind="stable")[: 2 * TILES]
    usual = np.linspace(0, len(error) - 1, 2 * TILES).astype(int)
    shards: dict[int, dict[str, NDArray[Any]]] = {}
    drawn = [_tile(answers, row, folder, shards) for row in (*worst, *usual)]
    lines = [np.hstack(drawn[at : at + TILES]) for at in range(0, len(drawn), TILES)]
    return np.vstack(lines)


def _tile(
    answers: Answers, row: int, folder: Path, shards: dict[int, dict[str, NDArray[Any]]]
) -> Picture:
    number, place = answers.place[row].tolist()
    if number not in shards:
        shards[number] = read_shard(shard_path(folder, number))
    picture = cv2.cvtColor(picture_of(shards[number], place), cv2.COLOR_RGB2BGR)
    zoom = TILE_PX / picture.shape[0]
    tile = cv2.resize(picture, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA)
    for points, colour in ((answers.target, TRUE_BGR), (answers.points["network"], FOUND_BGR)):
        line = np.round(points[row] * zoom).astype(np.int32)
        cv2.polylines(tile, [line], False, colour, 1, cv2.LINE_AA)
        for x, y in line.tolist():
            cv2.circle(tile, (x, y), 2, colour, -1, cv2.LINE_AA)
    return np.asarray(tile, np.uint8)


def write_sheet(picture: Picture, path: Path) -> None:
    """Write the sheet as JPEG.

    Args:
        picture: From `sheet`.
        path: The file.

    Raises:
        TrainingError: If it cannot be written.
    """
    if not cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, 85]):
        raise TrainingError(f"cannot write {path}")
