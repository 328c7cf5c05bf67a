# SPDX-License-Identifier: GPL-3.0-or-later
"""When feet, hands and seat rest on something, and holding them still while they do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from scipy.ndimage import label, minimum_filter1d

from .attachments import Attachments
from .freedoms import Ints
from .lengths import BALL_SHARE, mid_hip, sole
from .motion import Motion3D
from .observations import Locks
from .rotation import Bools, Floats, conjugate, multiply, rotate
from .solve import Solved

FEET: Final = ("left_heel", "left_ball", "right_heel", "right_ball")
_HANDS: Final = ("left_hand", "right_hand")
_SEAT: Final = "seat"


@dataclass(frozen=True)
class _Rest:
    """When a part counts as resting.

    Attributes:
        slow_m_s: Speed below which it may begin to rest; 1.6 times that ends it.
        low_m: Height above the ground below which it may begin to rest; half as much again ends it.
        shortest_s: Shortest time that counts.
        slip_m: How far it may slip, usually.
    """

    slow_m_s: float
    low_m: float
    shortest_s: float
    slip_m: float


_RESTS: Final[Mapping[str, _Rest]] = MappingProxyType(
    {
        **dict.fromkeys(FEET, _Rest(0.25, 0.045, 0.1, 0.001)),
        **dict.fromkeys(_HANDS, _Rest(0.1, 0.12, 0.2, 0.005)),
        _SEAT: _Rest(0.06, 0.62, 0.5, 0.02),
    }
)
"""Feet swing at 2 to 4 m/s and heels leave the ground at 0.5 m/s. A wrist lies up to 0.1 m above
the palm that rests. The seat's height is a share of the length of the legs."""


@dataclass(frozen=True, eq=False)
class _Stay:
    """A contact.

    Attributes:
        rows: Frames of it.
        place: (3,) where the part stays, metres.
    """

    rows: Ints
    place: Floats


_ONE_CAMERA_M: Final = 0.03
_MEASURED_M: Final = 0.005
"""Usual error, from frame to frame, of points seen by one camera, and of points measured.

Deviations of lifted points are larger, but most of that is depth, and stays for a while.
"""

_SPEED_PER_ERROR: Final = 8.0
_HEIGHT_PER_ERROR: Final = 1.5
"""What the error of a point, metres, adds to its speed, m/s, and to its height.

In the monocular take of a walker 7 m away, feet on the ground seem to move at 0.1 to 0.7 m/s across
the view and to rise by up to 0.09 m.
"""

_ALONG_VIEW: Final = 0.2
"""How much of the speed along a camera's view counts: there errors are several times those across
it."""

_SPEED_TIME_S: Final = 0.1
_GROUND_TIME_S: Final = 1.5
"""Time over which the lowest foot shows where the ground is; jumps are shorter."""

_FORGIVEN_S: Final = 0.07
"""Interruptions of contact that are taken for noise."""

_BLEND_S: Final = 0.15
_BLEND_ERROR_M: Final = 0.02
"""How long before and after contact a point is drawn to where it rests, and how far it may be from
there next to the contact, so that knees do not pop."""

_SLIP_M: Final = 0.004
"""Distance from where it should rest at which a foot is released."""

_LEVEL_M: Final = 0.04
"""Rests that lie within this of the usual height of the same point are on the same floor."""


def find_contacts(motion: Motion3D, solved: Solved) -> dict[str, Bools]:
    """Tell when feet, hands and seat rest.

    A part rests while it is slow and near the ground, by thresholds with hysteresis. The ground is
    where the lowest foot has been for some time, so it may lie anywhere and climb. Feet above the
    hips never rest.

    Args:
        motion: Smoothed key points, T frames.
        solved: The solution for the same frames.

    Returns:
        (T,) each for heels, balls of the feet, hands and seat.
    """
    tracks = _tracks(motion, solved)
    time_s = motion.time_s
    feet = np.stack([tracks[name][:, 2] for name in FEET])
    lowest = np.where(np.isfinite(feet), feet, np.inf).min(axis=0)
    wrists = np.stack([tracks[name][:, 2] for name in _HANDS])
    # A person standing on the hands shows the ground by them.
    lowest = np.minimum(lowest, np.where(np.isfinite(wrists), wrists, np.inf).min(axis=0))
    ground = _running_least(time_s, lowest)
    root = solved.motion.root_m[:, 2]
    leg = sum(
        float(solved.skeleton.length_m[solved.skeleton.index(b)]) for b in ("thigh.L", "shin.L")
    )
    contacts = {}
    for name, track in tracks.items():
        height = track[:, 2] - ground
        if name == _SEAT:
            height = height / leg
        speed = _speed(motion, track)
        allowed = np.isfinite(speed) & np.isfinite(height)
        if name in FEET:
            allowed &= track[:, 2] < root
        rest, error = _RESTS[name], _error(motion, name)
        pace = speed / (rest.slow_m_s + _SPEED_PER_ERROR * error)
        level = height / (rest.low_m + _HEIGHT_PER_ERROR * error)
        contacts[name] = _lasting(time_s, pace, level, allowed, rest.shortest_s)
    return contacts


def hold(
    motion: Motion3D, solved: Solved, contacts: Mapping[str, Bools], attachments: Attachments
) -> Locks:
    """Tell where resting parts stay.

    Each stays at the median of its places during a contact; feet on one floor share their height.
    Before and after the contact it is drawn there more and more firmly, and less and less.

    Args:
        motion: Key points, T frames.
        solved: The solution for the same frames.
        contacts: Of `find_contacts`.
        attachments: Where key points sit on the bones.

    Returns:
        The points to hold.
    """
    carried = _carried(solved, attachments)
    turn = multiply(solved.motion.rotation, conjugate(solved.skeleton.rest))
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
        _held(motion.time_s, tracks[name], stays[name], _RESTS[name].slip_m) for name in carried
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
        (T,) each by part; a foot that is more than 4 mm from where it should rest does not.
    """
    turn = multiply(solved.motion.rotation, conjugate(solved.skeleton.rest))
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
    turn = multiply(solved.motion.rotation, conjugate(solved.skeleton.rest))
    found = []
    for name, (bone, offset) in _carried(solved, attachments).items():
        if name in FEET:
            track = solved.heads_m[:, bone] + rotate(turn[:, bone], offset)
            for rows in _episodes(contacts[name]):
                away = track[rows, :2] - track[rows[0], :2]
                found.append(float(np.linalg.norm(away, axis=-1).max()))
    return np.array(found)


def _tracks(motion: Motion3D, solved: Solved) -> dict[str, Floats]:
    """Give the paths (T, 3) of what may rest, NaN where not seen."""
    tracks = {}
    for side in ("left", "right"):
        heel, toes, _ = sole(motion, side)
        tracks[f"{side}_heel"] = heel
        tracks[f"{side}_ball"] = heel + BALL_SHARE * (toes - heel)
    for name in _HANDS:
        tracks[name] = motion.point(name.replace("hand", "wrist"))
    tracks[_SEAT] = np.where(solved.motion.valid[:, None], mid_hip(motion)[0], np.nan)
    return tracks


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
    places[_SEAT] = 0, np.zeros(3)
    return places


def _speed(motion: Motion3D, track: Floats) -> Floats:
    """Give the speed (T,) of a path over a tenth of a second; NaN where it is not seen."""
    time_s = motion.time_s
    seen = np.isfinite(track).all(axis=-1)
    speed = np.full(len(track), np.nan)
    if seen.sum() < 2:
        return speed
    bridged = np.stack([np.interp(time_s, time_s[seen], c[seen]) for c in track.T], axis=-1)
    half = 0.5 * _SPEED_TIME_S
    early = np.clip(time_s - half, time_s[0], None)
    late = np.clip(time_s + half, None, time_s[-1])
    ends = [
        np.stack([np.interp(at, time_s, c) for c in bridged.T], axis=-1) for at in (early, late)
    ]
    velocity = (ends[1] - ends[0]) / (late - early)[:, None]
    if motion.camera is not None:
        ray = bridged - motion.camera.world_from_camera[:3, 3]
        ray /= np.maximum(np.linalg.norm(ray, axis=-1, keepdims=True), 1e-9)
        along = np.sum(velocity * ray, axis=-1, keepdims=True) * ray
        velocity = velocity - (1.0 - _ALONG_VIEW) * along
    speed[seen] = np.linalg.norm(velocity, axis=-1)[seen]
    return speed


def _running_least(time_s: Floats, height: Floats) -> Floats:
    """Give the least height (T,) about each time; infinite where nothing is seen."""
    step = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 1.0
    return np.asarray(minimum_filter1d(height, 2 * round(0.5 * _GROUND_TIME_S / step) + 1))


def _error(motion: Motion3D, name: str) -> float:
    """Give the usual error of a part that may rest, metres."""
    if motion.sigma_m is not None:
        side, _, part = name.partition("_")
        points = {"heel": ("heel",), "ball": ("big_toe", "small_toe"), "hand": ("wrist",)}
        wanted = [f"{side}_{point}" for point in points[part]] if part else ["left_hip"]
        columns = [motion.names.index(point) for point in wanted if point in motion.names]
        known = motion.sigma_m[:, columns]
        if np.isfinite(known).any():
            return min(float(np.nanmedian(known)), _ONE_CAMERA_M)
    return _MEASURED_M if motion.camera is None else _ONE_CAMERA_M


def _lasting(
    time_s: Floats, pace: Floats, level: Floats, allowed: Bools, shortest_s: float
) -> Bools:
    """Tell (T,) when a part rests: both thresholds once passed, the looser ones kept to."""
    strict = allowed & (pace < 1.0) & (level < 1.0)
    loose = allowed & (pace < 1.6) & (level < 1.5)
    runs, count = label(loose)
    begun = np.zeros(count + 1, dtype=bool)
    begun[np.unique(runs[strict])] = True
    begun[0] = False
    resting: Bools = begun[runs]
    for rows in _episodes(~resting & allowed):
        inside = rows[0] > 0 and rows[-1] < len(time_s) - 1
        if inside and resting[rows[0] - 1] and resting[rows[-1] + 1]:
            brief = time_s[rows[-1] + 1] - time_s[rows[0] - 1] <= _FORGIVEN_S
            resting[rows] = brief
    for rows in _episodes(resting):
        resting[rows] = time_s[rows[-1]] - time_s[rows[0]] >= shortest_s
    return resting


def _episodes(which: Bools) -> Iterator[Ints]:
    """Yield the rows of each run of what is true."""
    at = np.flatnonzero(which)
    if len(at):
        yield from np.split(at, np.flatnonzero(np.diff(at) > 1) + 1)


def _stays(track: Floats, resting: Bools) -> list[_Stay]:
    """Give where a part (T, 3) is in each of its contacts: the median, level with most others."""
    stays = [_Stay(rows, np.nanmedian(track[rows], axis=0)) for rows in _episodes(resting)]
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
    where, firmness = np.nan_to_num(track), np.zeros(len(track))
    for stay in stays:
        outside = np.maximum(time_s[stay.rows[0]] - time_s, time_s - time_s[stay.rows[-1]])
        share = np.clip(outside / _BLEND_S, 0.0, 1.0)
        drawn = np.where(outside <= 0.0, slip_m**-2.0, ((1.0 - share) / _BLEND_ERROR_M) ** 2)
        nearer = drawn > firmness
        where[nearer], firmness[nearer] = stay.place, drawn[nearer]
    return where, firmness
