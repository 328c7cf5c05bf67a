# SPDX-License-Identifier: GPL-3.0-or-later
"""Pseudo-labels of real footage: kept only where independent looks at a person agree.

One camera: a head asked in several ways against the skeleton fitted to its answers and the base's
landmarks. Several cameras: what each view says against where all of them together put the point.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..inference import prior
from ..inference.spine import POINTS, ROWS
from ..inference.views.triangulation import triangulate
from .base import FrozenBase
from .calibrated import Filming, Pinhole, moments, read_cameras
from .crowd import Crowd, choose
from .ensemble import Opinion, ask
from .errors import TrainingError
from .fit_body import Fit, Template, fit_body
from .labels import (
    TRUSTED,
    UNKNOWN,
    WEAK,
    flat,
    person_entry,
    write_json,
    write_labels,
)
from .student import Student

Floats = NDArray[np.float64]

ERROR_SHARE: Final = 0.10
"""Largest error that the head may expect of itself, spread included, in trunk lengths."""

GAP_SHARE: Final = 0.05
"""Largest distance between head and fit. With the line above 70 % of the points of 71 renders are
kept, at a mean error of 4.3 % of the torso with 4 % of them off by more than 10; head alone, all
points: 6.2 and 14 (first head, 2,816 renders)."""

VIEW_SHARE: Final = 0.06
"""Largest distance of a view from where all views put the point, in trunk lengths."""

FEWEST_VIEWS: Final = 2
SURE_VIEWS: Final = 3
"""Views that must agree for a weak label, and for a trusted one."""

SEEN: Final = 0.5
"""Score from which a landmark of the base is a weak label of the body."""

JPEG_QUALITY: Final = 92

Say = Callable[[str], None]


@dataclass
class Collected:
    """What goes into the files.

    Attributes:
        out: Folder of pictures and files.
        images: COCO's images,
        people: COCO's annotations,
        head: results of the head alone,
        fit: and of the fit or the views, in the format of `evaluate-coco`.
        kept: Points kept and asked, by source.
    """

    out: Path
    images: list[dict[str, Any]] = field(default_factory=list)
    people: list[dict[str, Any]] = field(default_factory=list)
    head: list[dict[str, Any]] = field(default_factory=list)
    fit: list[dict[str, Any]] = field(default_factory=list)
    kept: dict[str, list[NDArray[np.bool_]]] = field(default_factory=dict)

    def add_picture(self, name: str, frame: NDArray[np.uint8], **more: Any) -> int:
        """Write a picture; returns its number."""
        self.out.mkdir(parents=True, exist_ok=True)
        path = self.out / f"{name}.jpg"
        quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        if not cv2.imwrite(str(path), np.ascontiguousarray(frame[..., ::-1]), quality):
            raise TrainingError(f"cannot write {path}")
        height, width = frame.shape[:2]
        size = {"height": height, "width": width}
        self.images.append({"id": len(self.images), "file_name": path.name, **size, **more})
        return len(self.images) - 1

    def add_person(
        self,
        source: str,
        image_id: int,
        opinion: Opinion,
        other_px: Floats,
        label_px: Floats,
        known: NDArray[np.int64],
    ) -> None:
        """Keep a person's labels and what was said of them.

        Args:
            source: Name of the clip, for the report.
            image_id: The picture.
            opinion: The head's.
            other_px: (14, 2) the other source's points.
            label_px: (14, 2) the labels.
            known: (14,) UNKNOWN, WEAK or TRUSTED.
        """
        whole = prior.complete(opinion.body)
        seen = np.where(whole.score >= SEEN, WEAK, UNKNOWN)
        xy = whole.xy_px.copy()
        xy[ROWS], seen[ROWS] = label_px, known
        if not known.any():
            seen[:] = UNKNOWN  # perhaps nobody: the base is not believed alone
        number = len(self.people) + 1
        self.people.append(person_entry(number, image_id, xy, seen, opinion.body.crop))
        self.kept.setdefault(source, []).append(known > 0)
        score = confidence(opinion.error_px() / opinion.trunk_px)
        for results, points in ((self.head, opinion.xy_px), (self.fit, other_px)):
            xy, third = whole.xy_px.copy(), whole.score.copy()
            xy[ROWS], third[ROWS] = points, score
            results.append(
                {
                    "image_id": image_id,
                    "category_id": 1,
                    "keypoints": flat(xy, third),
                    "score": round(float(opinion.body.presence * score.mean()), 4),
                    "crop": self.people[-1]["crop"],
                }
            )

    def write(self, say: Say) -> None:
        """Write the files and say which share of the points was kept.

        Raises:
            TrainingError: If nobody was found.
        """
        if not self.people:
            raise TrainingError("nobody was found in the clips: nothing is labelled")
        write_labels(self.out / "labels.json", self.images, self.people)
        write_json(self.out / "head.json", self.head)
        write_json(self.out / "fit.json", self.fit)
        for source, rows in self.kept.items():
            share = np.mean(rows, axis=0)
            by_point = " ".join(
                f"{name} {part:.2f}" for name, part in zip(POINTS, share, strict=True)
            )
            say(f"{source}: {len(rows)} people, kept {share.mean():.2f} of the points: {by_point}")
        say(f"{len(self.images)} pictures and labels.json written to {self.out}")


def confidence(error_share: Floats) -> Floats:
    """Score 0..1 of answers: 0.5 where the error expected is as large as is kept."""
    return np.asarray(1.0 / (1.0 + (error_share / ERROR_SHARE) ** 2))


def label_clips(
    clips: Iterable[Path],
    base: FrozenBase,
    student: Student,
    skeleton: Template,
    collected: Collected,
    every_s: float,
    say: Say,
) -> None:
    """Label everybody in clips of one camera.

    Args:
        clips: Videos.
        base: The frozen base.
        student: The head that is asked.
        skeleton: The mean skeleton.
        collected: Receives pictures and labels.
        every_s: Least time between two labels of one person.
        say: Receives a line of progress.

    Raises:
        VideoError: If a clip cannot be read.
        TrainingError: If a picture cannot be written.
    """
    for clip in clips:
        for index, frame, bodies in choose(base, clip, every_s):
            image_id = collected.add_picture(f"{clip.stem}-{index:06d}", frame)
            for body in bodies:
                opinion = ask(base, student, frame, body.crop)
                size = (frame.shape[1], frame.shape[0])
                fit = fit_body(skeleton, opinion.body, opinion.xy_px, opinion.error_px(), size)
                label, known = agreed(opinion, fit, size)
                collected.add_person(clip.stem, image_id, opinion, fit.xy_px, label, known)
        say(f"{clip.name}: {len(collected.people)} people labelled so far")


def agreed(
    opinion: Opinion, fit: Fit, size_px: tuple[int, int]
) -> tuple[Floats, NDArray[np.int64]]:
    """Make labels where head and fit agree.

    Args:
        opinion: The head's.
        fit: The fitted skeleton.
        size_px: Width and height of the frame; what lies outside is not labelled.

    Returns:
        (14, 2) pixels, half way between them, and (14,) WEAK or UNKNOWN.
    """
    sure = opinion.error_px() <= ERROR_SHARE * opinion.trunk_px
    gap = np.linalg.norm(opinion.xy_px - fit.xy_px, axis=1)
    label = (opinion.xy_px + fit.xy_px) / 2
    keep = sure & (gap <= GAP_SHARE * opinion.trunk_px) & inside(label, size_px)
    return label, np.where(keep, WEAK, UNKNOWN)


def label_cameras(
    calibration: Path,
    recording: Path,
    base: FrozenBase,
    student: Student,
    collected: Collected,
    every_s: float,
    say: Say,
) -> None:
    """Label the one person whom several calibrated cameras film.

    Args:
        calibration: Caliscope's camera_array.toml.
        recording: Folder of cam_NAME.mp4 and timestamps.csv.
        base: The frozen base.
        student: The head that is asked.
        collected: Receives pictures, with camera and moment, and labels.
        every_s: Least time between two moments.
        say: Receives a line of progress.

    Raises:
        VideoError: If a video cannot be read.
        TrainingError: If the calibration or the timestamps cannot be read.
    """
    cameras = read_cameras(calibration)
    crowds = {camera.name: Crowd(base) for camera in cameras}
    last_s = -np.inf
    for moment, time_s, frames in moments(recording, cameras):
        views = []
        for camera in cameras:
            if camera.name in frames:
                views += _view(camera, frames[camera.name], crowds[camera.name], time_s)
        if time_s - last_s < every_s or len(views) < FEWEST_VIEWS:
            continue
        last_s = time_s
        opinions = [ask(base, student, view.frame, view.body.crop) for view in views]
        pinholes = [view.camera for view in views]
        said = np.stack([opinion.xy_px for opinion in opinions])
        error = np.stack([opinion.error_px() for opinion in opinions])
        points = triangulate([camera.view() for camera in pinholes], said, error).xyz_m
        seen = np.stack([camera.project(points) for camera in pinholes])
        trunks = np.array([opinion.trunk_px for opinion in opinions])
        known = in_agreement(seen - said, error, trunks)
        seen = np.where(np.isfinite(seen), seen, said)  # unknown, and written all the same
        for view, opinion, label, own in zip(views, opinions, seen, known, strict=True):
            size = (view.frame.shape[1], view.frame.shape[0])
            image_id = collected.add_picture(
                f"{moment}-{view.name}", view.frame, moment=moment, camera=_entry(view.camera)
            )
            own = np.where(inside(label, size), own, UNKNOWN)
            collected.add_person(recording.name, image_id, opinion, label, label, own)
    say(f"{recording.name}: {len(collected.people)} people labelled so far")


def in_agreement(off_px: Floats, error_px: Floats, trunk_px: Floats) -> NDArray[np.int64]:
    """Which views of a point can be believed.

    Args:
        off_px: (V, P, 2) from what a view says to where all views put the point.
        error_px: (V, P) error expected of each view.
        trunk_px: (V,) length of the trunk in each.

    Returns:
        (V, P) TRUSTED where SURE_VIEWS views agree on the point and this is one, WEAK where only
        FEWEST_VIEWS do, else UNKNOWN.
    """
    near = np.linalg.norm(off_px, axis=2) <= VIEW_SHARE * trunk_px[:, None]
    agree = near & (error_px <= ERROR_SHARE * trunk_px[:, None])
    count = agree.sum(axis=0)
    level = np.where(count >= SURE_VIEWS, TRUSTED, np.where(count >= FEWEST_VIEWS, WEAK, UNKNOWN))
    return np.where(agree, level, UNKNOWN)


def inside(points: Floats, size_px: tuple[int, int]) -> NDArray[np.bool_]:
    """Which of (P, 2) points lie in a picture of such width and height."""
    return np.asarray(((points >= 0.0) & (points <= np.array(size_px))).all(axis=1))


@dataclass(frozen=True)
class _View:
    name: str
    frame: NDArray[np.uint8]
    camera: Pinhole
    body: Any


def _view(camera: Filming, raw: NDArray[np.uint8], crowd: Crowd, time_s: float) -> list[_View]:
    """The largest person in a camera's frame, or nobody."""
    frame, pinhole = camera.upright(raw)
    found = [body for _, body in crowd.step(frame, time_s)]
    largest = sorted(found, key=lambda body: -body.crop.side_px)[:1]
    return [_View(camera.name, frame, pinhole, body) for body in largest]


def _entry(camera: Pinhole) -> dict[str, Any]:
    return {name: values.tolist() for name, values in vars(camera).items()}
