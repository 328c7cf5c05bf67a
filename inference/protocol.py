# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages between Blender and the worker: one JSON object a line, no pickles, no sockets."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, ClassVar, get_args

from .errors import VideoError
from .trim import Trim

PROTOCOL = 1

ASSUMED_HEIGHT_M = 1.7
"""Standing height where nobody tells one, by choice: what the lifter scales bodies to, too."""

MAX_LINE_CHARS = 1 << 20


class ProtocolError(Exception):
    """A line is not a message of this protocol."""


@dataclass(frozen=True)
class TrackRequest:
    """Parent to child: track one clip into a take folder, or go on with a take begun before.

    Attributes:
        video: Path of the clip.
        take: Folder of the take; made when missing, resumed when it was begun from the same clip.
        subject_height_m: Standing height of the person, metres: gives the scale.
        focal_px: Focal length in pixels of the upright frame, or None: then the file tells it, or
            it is estimated.
        subject_px: A pixel (x, y) of the upright frame that the person to follow passes, or None.
        trim: The part wanted, as `Trim.parse` reads it, or None for the whole.
        rate_hz: Frame rate of an image sequence; None for a movie, which has its own times.
        people: `one` to follow one person, `all` to follow everybody.
        most_people: How many people to follow at most, where all are wanted.
        subject_s: Time in the footage at which the person passes `subject_px`, seconds: the frames
            before are not looked at.
        threads: Crops looked through at the same time; None for one a core.
        batch_frames: Frames looked at together; None for as many as suit the machine. It decides
            which points come out, in their last digits.
        model: Network of others that finds the 37 points, by name or path; None for ours.
        detector: Network of others that finds people, likewise.
        lifter: Network of others that makes points in space, likewise.
        flip_test: Whether `model` looks at mirrored pictures too.
        focal_source: Who told the focal length, for the record.
        centre_px: Principal point, pixels of the upright frame; None for its middle. Only
            with `focal_px`.
        distortion: OpenCV's five coefficients for `focal_px`, or eight; empty for none.
        calibration: Calibration file to take the whole lens from, "NAME=PATH" where it holds
            several cameras; None where there is none.
    """

    type: ClassVar[str] = "track"
    video: str
    take: str
    subject_height_m: float = ASSUMED_HEIGHT_M
    focal_px: float | None = None
    subject_px: tuple[float, float] | None = None
    trim: str | None = None
    rate_hz: float | None = None
    people: str = "one"
    most_people: int = 8
    subject_s: float = 0.0
    threads: int | None = None
    batch_frames: int | None = None
    model: str | None = None
    detector: str | None = None
    lifter: str | None = None
    flip_test: bool = False
    focal_source: str = "given"
    centre_px: tuple[float, float] | None = None
    distortion: tuple[float, ...] = ()
    calibration: str | None = None

    def __post_init__(self) -> None:
        """Refuse values no camera or person has.

        Raises:
            ProtocolError: With the value and the range it must lie in.
        """
        if not self.video or not self.take:
            raise ProtocolError("A track request needs the path of a video and of a take folder")
        if not 0.3 <= self.subject_height_m <= 2.8:
            raise ProtocolError(
                f"Subject height is {self.subject_height_m} m; it must lie between 0.3 and 2.8 m"
            )
        if self.focal_px is not None and not 10.0 <= self.focal_px <= 1e6:
            raise ProtocolError(
                f"Focal length is {self.focal_px} px; it must lie in 10..1000000 px"
            )
        if self.focal_px is not None and self.calibration is not None:
            raise ProtocolError("A calibration tells the focal length: leave one of the two out")
        object.__setattr__(self, "distortion", tuple(map(float, self.distortion)))
        if self.centre_px is not None and self.focal_px is None:
            raise ProtocolError(f"An optical centre {self.centre_px} needs a focal length beside")
        if self.distortion and (self.focal_px is None or len(self.distortion) not in (5, 8)):
            raise ProtocolError(
                f"Distortion is {self.distortion}: five or eight numbers and a focal length are "
                "needed"
            )
        if self.subject_px is not None:
            if len(self.subject_px) != 2 or not all(abs(value) <= 1e6 for value in self.subject_px):
                raise ProtocolError(f"Subject point is {self.subject_px}; two pixel numbers needed")
            object.__setattr__(self, "subject_px", tuple(map(float, self.subject_px)))
        if self.rate_hz is not None and not 0.01 <= self.rate_hz <= 1e5:
            raise ProtocolError(f"Frame rate is {self.rate_hz} Hz; it must lie in 0.01..100000 Hz")
        if self.people not in ("one", "all"):
            raise ProtocolError(f"People to follow are {self.people!r}; it must be 'one' or 'all'")
        if self.people == "all" and self.subject_px is not None:
            raise ProtocolError("A subject point picks one person: leave it out to follow all")
        if self.subject_s and self.subject_px is None:
            raise ProtocolError(f"A time of {self.subject_s} s is given without a subject point")
        for name, most in (("most_people", 64), ("threads", 1024), ("batch_frames", 64)):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= most:
                raise ProtocolError(f"{name} is {value}; it must lie in 1..{most}")
        try:
            self.part()
        except (VideoError, ValueError) as error:  # ValueError: thousands of digits
            raise ProtocolError(str(error)) from error

    def part(self) -> Trim:
        """Read `trim`.

        Returns:
            The part wanted.
        """
        return Trim() if self.trim is None else Trim.parse(self.trim)


@dataclass(frozen=True)
class CancelRequest:
    """Parent to child: finish the chunk at hand, write it, and stop."""

    type: ClassVar[str] = "cancel"


@dataclass(frozen=True)
class Ready:
    """Child to parent, first line: which interpreter answers and what it computes with."""

    type: ClassVar[str] = "ready"
    python: str
    provider: str
    protocol: int = PROTOCOL


@dataclass(frozen=True)
class Progress:
    """Child to parent: how far a stage has come; `total` is None where the file does not say."""

    type: ClassVar[str] = "progress"
    stage: str
    done: int
    total: int | None
    people: int
    fps: float


@dataclass(frozen=True)
class Result:
    """Child to parent, last line of a good run.

    Attributes:
        take: Folder of the take.
        lifted: File of its 3D points.
        frames: Frames of the clip.
        tracked: Frames that show somebody who is followed.
        seconds: Time that this run spent in each stage; empty stages were done by an earlier run.
        note: What the user should know of the footage, in a sentence; empty where all is well.
        people: How many people were followed.
        engine: What computed it, in words: provider, threads and frames looked at together.
    """

    type: ClassVar[str] = "result"
    take: str
    lifted: str
    frames: int
    tracked: int
    seconds: dict[str, float]
    note: str = ""
    people: int = 1
    engine: str = ""


@dataclass(frozen=True)
class Failure:
    """Child to parent, last line of a failed run; `kind` is the name of the error's class."""

    type: ClassVar[str] = "error"
    kind: str
    message: str
    detail: str


@dataclass(frozen=True)
class Cancelled:
    """Child to parent, last line of a run that was asked to stop; `frames` are kept in the take."""

    type: ClassVar[str] = "cancelled"
    take: str
    frames: int


MAX_SIDE_PX = 32768
MAX_SLOTS = 64


@dataclass(frozen=True)
class SharedFrames:
    """Parent to child, before the request: its frames come through shared memory.

    Attributes:
        handle: What `shared_frames.FrameRing` opens.
        slots: Frames that the memory holds.
        width: Width of a frame, pixels.
        height: Height of a frame, pixels.
        rate_hz: Nominal frame rate.
        count: Number of frames that will come.
        identity: SHA-256, hexadecimal, of all that decides what the frames show.
    """

    type: ClassVar[str] = "shared_frames"
    handle: str
    slots: int
    width: int
    height: int
    rate_hz: float
    count: int
    identity: str

    def __post_init__(self) -> None:
        """Refuse memory that nobody would make.

        Raises:
            ProtocolError: With the value and the range it must lie in.
        """
        for name, most in (("slots", MAX_SLOTS), ("width", MAX_SIDE_PX), ("height", MAX_SIDE_PX)):
            if not 1 <= getattr(self, name) <= most:
                raise ProtocolError(
                    f"Shared frames have {name} = {getattr(self, name)}; it must lie in 1..{most}"
                )
        if not 0.01 <= self.rate_hz <= 1e5 or self.count < 1:
            raise ProtocolError(
                f"Shared frames come {self.count} in number at {self.rate_hz} Hz: neither may be 0"
            )


@dataclass(frozen=True)
class FramesWanted:
    """Child to parent, once: which frame to begin from; those before it are in the take."""

    type: ClassVar[str] = "frames_wanted"
    first: int


@dataclass(frozen=True)
class FrameReady:
    """Parent to child: a slot of the shared memory holds the next frame."""

    type: ClassVar[str] = "frame"
    slot: int
    index: int
    time_s: float


@dataclass(frozen=True)
class SlotFree:
    """Child to parent: a slot was read and may be written again."""

    type: ClassVar[str] = "free"
    slot: int


@dataclass(frozen=True)
class FetchRequest:
    """Parent to child, in place of a track request: download a network that others publish.

    Attributes:
        model: Its name in the catalogue.
        licence: The terms that were shown to the user and accepted, as `Terms` says them.
    """

    type: ClassVar[str] = "fetch"
    model: str
    licence: str


@dataclass(frozen=True)
class Fetched:
    """Child to parent, last line of a good download."""

    type: ClassVar[str] = "fetched"
    model: str
    file: str


FromParent = TrackRequest | CancelRequest | SharedFrames | FrameReady | FetchRequest
FromChild = Ready | Progress | Result | Failure | Cancelled | FramesWanted | SlotFree | Fetched
Message = FromParent | FromChild

_BY_TYPE: dict[str, type[Message]] = {
    kind.type: kind for kind in (*get_args(FromParent), *get_args(FromChild))
}

_JSON_TYPES: dict[Any, tuple[type, ...]] = {
    bool: (bool,),
    str: (str,),
    str | None: (str, type(None)),
    int: (int,),
    float: (int, float),
    float | None: (int, float, type(None)),
    int | None: (int, type(None)),
    tuple[float, float] | None: (list, type(None)),
    tuple[float, ...]: (list,),
    dict[str, float]: (dict,),
}


def encode(message: Message) -> str:
    """Write a message as one line.

    Args:
        message: Any message of this module.

    Returns:
        JSON with its newline.
    """
    return json.dumps({"type": message.type, **dataclasses.asdict(message)}) + "\n"


def decode(line: str) -> Message:
    """Read one line; everything in it is checked, since the other side may be broken or hostile.

    Args:
        line: One line, with or without its newline.

    Returns:
        The message.

    Raises:
        ProtocolError: The line is too long, not JSON, of an unknown type, or has wrong fields.
    """
    shown = line[:80].rstrip()
    if len(line) > MAX_LINE_CHARS:
        raise ProtocolError(f"A line of {len(line)} characters is not a message: {shown!r}...")
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"Not a message of the worker: {shown!r}") from error
    kind = _BY_TYPE.get(str(fields.pop("type", None))) if isinstance(fields, dict) else None
    if kind is None:
        raise ProtocolError(f"Unknown message: {shown!r}")
    if fields.get("protocol", PROTOCOL) != PROTOCOL:
        raise ProtocolError(
            f"The worker speaks protocol {fields['protocol']}, this extension speaks {PROTOCOL}: "
            "both must come from the same version of Track Spine"
        )
    _check_fields(kind, fields, shown)
    return kind(**fields)


def _check_fields(kind: type[Message], fields: dict[str, Any], shown: str) -> None:
    known = {field.name: field for field in dataclasses.fields(kind)}
    unknown = sorted(set(fields) - set(known))
    missing = sorted(
        name
        for name, field in known.items()
        if field.default is dataclasses.MISSING and name not in fields
    )
    if unknown or missing:
        raise ProtocolError(
            f"Message {kind.type!r} with unknown {unknown} and missing {missing} fields: {shown!r}"
        )
    for name, value in fields.items():
        allowed = _JSON_TYPES[known[name].type]
        numbers = value.values() if isinstance(value, dict) else value
        bad = isinstance(value, dict | list) and any(type(n) not in (int, float) for n in numbers)
        bad |= isinstance(value, bool) and bool not in allowed  # to Python, True is a number
        if not isinstance(value, allowed) or bad:
            raise ProtocolError(f"Message {kind.type!r} has {name} = {value!r}: {shown!r}")
