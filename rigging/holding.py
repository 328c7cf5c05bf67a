# SPDX-License-Identifier: GPL-3.0-or-later
"""Holding what rests where it rests: feet do not slide, and what comes and goes is led there."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from .attachments import Attachments
from .contacts import FEET, HANDS, SEAT, episodes
from .freedoms import Ints
from .observations import Locks
from .rotation import Bools, Floats, rotate
from .solve import Solved

_SLIP_USUAL_M: Final[Mapping[str, float]] = MappingProxyType(
    {**dict.fromkeys(FEET, 0.001), **dict.fromkeys(HANDS, 0.005), SEAT: 0.02}
)
"""How far parts slip, usually: of the 5 mm that a foot may slide a fifth is left; palms and clothes
give way."""

_BLEND_S: Final = 0.3
_BLEND_ERROR_M: Final = 0.005
"""How long before and after contact a point is led to where it rests, and how far it may be from
its way there, so that knees do not pop. Of 0.15 s and 20 mm, 0.15 s and 5 mm, 0.3 s and 5 mm the
last leave least jitter in pose_1.mp4 and pose_squats.mp4 of tensorflow/tfjs-models: 0.276 and 1.14
of raw against 0.280 and 1.19. A foot swings for 0.4 s."""

_SLIP_M: Final = 0.0025
"""Distance from where it should rest at which a foot is released: one that is held slides by twice
that at most, the 5 mm a step that are allowed."""

_LEVEL_M: Final = 0.04
"""Rests that lie within this of the usual height of the same point are on the same floor: a quarter
of a low step, and nearly what errors add to heights."""


@dataclass(frozen=True, eq=False)
class _Stay:
    """A contact.

    Attributes:
        rows: Frames of it.
        place: (3,) where the part stays, metres.
    """

    rows: Ints
    place: Floats


def hold(solved: Solved, contacts: Mapping[str, Bools], attachments: Attachments) -> Locks:
    """Tell where resting parts stay.

    Each stays at the median of its places during a contact; feet on one floor share their height.
    Before and after the contact it goes the way it has without, moved by what leads it there, which
    fades.

    Args:
        solved: The solution without, T frames.
        contacts: Of `find_contacts`.
        attachments: Where key points sit on the bones.

    Returns:
        The points to hold.
    """
    carried = _carried(solved, attachments)
    turn = solved.turn
    tracks = {
        name: solved.heads_m[:, bone] + rotate(turn[:, bone], offset)
        for name, (bone, offset) in carried.items()
    }
    stays = {name: _stays(track, contacts[name]) for name, track in tracks.items()}
    for side in ("left", "right"):
        heel, ball = f"{side}_heel", f"{side}_ball"
        if heel in carried:
            reach = float(np.linalg.norm(carried[heel][1] - carried[ball][1]))
            _keep_length(stays[heel], stays[ball], tracks[heel] - tracks[ball], reach)
    held = [
        _held(solved.motion.time_s, tracks[name], stays[name], _SLIP_USUAL_M[name])
        for name in carried
    ]
    bones, offsets = zip(*carried.values(), strict=True)
    where, firmness = zip(*held, strict=True)
    return Locks(
        tuple(carried),
        np.array(bones),
        np.array(offsets),
        np.stack(where, axis=1),
        np.stack(firmness, axis=1),
    )


def kept(solved: Solved, contacts: Mapping[str, Bools], locks: Locks) -> dict[str, Bools]:
    """Release feet that were not held after all: at the ends of contacts they have often left.

    Args:
        solved: The solution with the locks.
        contacts: Of `find_contacts`.
        locks: Of `hold`.

    Returns:
        (T,) each by part; a foot that is more than 2.5 mm from where it should rest does not.
    """
    turn = solved.turn
    held = dict(contacts)
    for i, name in enumerate(locks.names):
        if name in FEET:
            bone = locks.bone[i]
            track = solved.heads_m[:, bone] + rotate(turn[:, bone], locks.offset[i])
            away = np.linalg.norm((track - locks.xyz_m[:, i])[:, :2], axis=-1)
            held[name] = contacts[name] & (away < _SLIP_M)
    return held


def slides(solved: Solved, contacts: Mapping[str, Bools], attachments: Attachments) -> Floats:
    """Measure how far heels and balls of the feet slide along the ground in each contact.

    Args:
        solved: The solution.
        contacts: Of `find_contacts`.
        attachments: Where key points sit on the bones.

    Returns:
        (S,) metres from where each contact begins, at most, in the plane.
    """
    turn = solved.turn
    found = []
    for name, (bone, offset) in _carried(solved, attachments).items():
        if name in FEET:
            track = solved.heads_m[:, bone] + rotate(turn[:, bone], offset)
            for rows in episodes(contacts[name]):
                away = track[rows, :2] - track[rows[0], :2]
                found.append(float(np.linalg.norm(away, axis=-1).max()))
    return np.array(found)


def _carried(solved: Solved, attachments: Attachments) -> dict[str, tuple[int, Floats]]:
    """Give the bone of each part that may rest, and where on it (3,) the part is."""
    skeleton = solved.skeleton
    places: dict[str, tuple[int, Floats]] = {}
    for side, s in (("left", "L"), ("right", "R")):
        foot, forearm = skeleton.index(f"foot.{s}"), skeleton.index(f"forearm.{s}")
        places[f"{side}_ball"] = foot, skeleton.tail_m[foot] - skeleton.head_m[foot]
        places[f"{side}_hand"] = forearm, skeleton.tail_m[forearm] - skeleton.head_m[forearm]
        if f"{side}_heel" in attachments.points:
            at = attachments.points.index(f"{side}_heel")
            places[f"{side}_heel"] = int(attachments.bone[at]), attachments.offset[at]
    places[SEAT] = 0, np.zeros(3)
    return places


def _stays(track: Floats, resting: Bools) -> list[_Stay]:
    """Give where a part (T, 3) is in each of its contacts: the median, level with most others."""
    stays = [_Stay(rows, np.nanmedian(track[rows], axis=0)) for rows in episodes(resting)]
    floor = np.median([stay.place[2] for stay in stays]) if stays else 0.0
    for stay in stays:
        if abs(stay.place[2] - floor) < _LEVEL_M:
            stay.place[2] = floor
    return stays


def _keep_length(heels: list[_Stay], balls: list[_Stay], apart: Floats, reach: float) -> None:
    """Move heels so that they lie as far from the ball that rests with them as on the bone.

    Args:
        heels: Contacts of the heel.
        balls: Contacts of the ball of the same foot.
        apart: (T, 3) from ball to heel.
        reach: Distance from ball to heel, metres.
    """
    for heel in heels:
        shared = [np.intersect1d(heel.rows, ball.rows) for ball in balls]
        most = max(range(len(shared)), key=lambda i: len(shared[i]), default=0)
        if not shared or len(shared[most]) == 0:
            continue
        along = np.nanmedian(apart[shared[most], :2], axis=0)
        rise = heel.place[2] - balls[most].place[2]
        level = np.sqrt(max(reach**2 - rise**2, 0.0)) / max(float(np.linalg.norm(along)), 1e-9)
        heel.place[:2] = balls[most].place[:2] + level * along


def _held(
    time_s: Floats, track: Floats, stays: list[_Stay], slip_m: float
) -> tuple[Floats, Floats]:
    """Give where a point (T, 3) is drawn (T, 3), and how firmly (T,), 1 / m^2."""
    moved, fade, firmness = np.zeros_like(track), np.zeros(len(track)), np.zeros(len(track))
    for stay in stays:
        before, after = time_s[stay.rows[0]] - time_s, time_s - time_s[stay.rows[-1]]
        share = np.clip(np.maximum(before, after) / _BLEND_S, 0.0, 1.0)
        left = (1.0 - share) ** 2 * (1.0 + 2.0 * share)
        edge = np.where(before > 0.0, stay.rows[0], stay.rows[-1])
        moved += left[:, None] * (stay.place - track[edge])
        fade += left
        firmness[share < 1.0] = _BLEND_ERROR_M**-2.0
    where = track + moved / np.maximum(fade, 1.0)[:, None]
    for stay in stays:
        where[stay.rows], firmness[stay.rows] = stay.place, slip_m**-2.0
    return np.nan_to_num(where), firmness
