# SPDX-License-Identifier: GPL-3.0-or-later
"""Try a head on photos and footage: pictures with the head's spine beside the geometric guess."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ..inference import prior, video
from ..inference.crop import Crop
from ..inference.detect import detect
from ..inference.keypoints import SPINE
from ..inference.models import DETECTOR
from ..inference.photos import SEARCH_LEVELS, read_photo
from ..inference.pose2d import INPUT_PX, MIN_PRESENCE, Body
from ..inference.pose2d import decode as decode_body
from ..inference.session import Session
from ..inference.spine import POINTS, ROWS
from .base import BODY, FrozenBase
from .codec import read_landmarks, square_about
from .model import SpineHead
from .student import INPUTS, Student

TILE_PX: Final = 420
PHOTOS: Final = (".png", ".jpg", ".jpeg")
HEAD_RGB: Final = (255, 40, 40)
PRIOR_RGB: Final = (90, 200, 255)
OTHER_RGB: Final = (255, 230, 0)

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Look:
    """What base and head make of a person.

    Attributes:
        body: Landmarks, pixels of the frame.
        points: (P, 2) the head's points and
        scale: (P,) the scales of their errors, pixels of the frame.
        square: The torso's square.
    """

    body: Body
    points: NDArray[np.float64]
    scale: NDArray[np.float64]
    square: Crop


def tiles(head: SpineHead, paths: list[Path], frames: int) -> Picture:
    """Draw a sheet: the first person found in photos and in frames spread over clips.

    Args:
        head: The head, in evaluation mode.
        paths: Photos and clips.
        frames: Frames of each clip.

    Returns:
        RGB picture; red the head, blue the geometric guess, yellow clavicles, latissimus, head.
    """
    base, detector, student = FrozenBase(), Session(DETECTOR), Student(head)
    drawn = []
    for path in paths:
        for picture in _pictures(path, frames):
            found = sorted(detect(detector, picture, SEARCH_LEVELS), key=lambda one: -one.score)
            if not found:
                continue
            again = look_at(base, student, picture, found[0].crop()).body.next_crop()
            look = look_at(base, student, picture, again)
            if look.body.presence > MIN_PRESENCE:
                drawn.append(_tile(picture, look))
    columns = max(1, min(len(drawn), 6))
    blank = np.zeros((TILE_PX, TILE_PX, 3), np.uint8)
    drawn += [blank] * (-len(drawn) % columns or (columns if not drawn else 0))
    lines = [np.hstack(drawn[row : row + columns]) for row in range(0, len(drawn), columns)]
    return np.vstack(lines)


@torch.no_grad()
def look_at(base: FrozenBase, student: Student, picture: Picture, crop: Crop) -> Look:
    """Ask base and head about a person.

    Args:
        base: The base.
        student: The head with its eyes.
        picture: (H, W, 3) RGB.
        crop: The person's crop.

    Returns:
        Their answer.
    """
    outputs = base.run(crop.cut(picture, INPUT_PX, black_outside=False)[None])
    given = [torch.from_numpy(np.ascontiguousarray(outputs[name])) for name in INPUTS]
    points, scale = student(*given)
    square = square_about(read_landmarks(given[INPUTS.index("landmarks")])[0])
    zoom = crop.side_px / INPUT_PX
    centre = crop.to_frame(square.centre[0].numpy().astype(float), INPUT_PX)
    return Look(
        decode_body(crop, *(outputs[name][0] for name in BODY)),
        crop.to_frame(points[0].numpy().astype(float), INPUT_PX),
        zoom * scale[0].numpy().astype(float),
        Crop(centre, zoom * float(square.side), 0.0),
    )


def _pictures(path: Path, count: int) -> Iterator[Picture]:
    if path.suffix.lower() in PHOTOS:
        yield read_photo(path)
        return
    info = video.probe(path)
    total = max(info.frame_count or 200, 1)
    wanted = {round(total * (row + 0.5) / count) for row in range(count)}
    source = video.frames(info)
    try:
        for frame in source:
            if frame.index in wanted:
                yield frame.rgb
            if frame.index >= max(wanted):
                break
    finally:
        source.close()


def _tile(picture: Picture, look: Look) -> Picture:
    """Draw a person, cut out upright and enlarged."""
    places, scale = look.points, look.scale
    guess = prior.complete(look.body).xy_px[ROWS]
    middle, reach = look.square.centre_px, 0.62 * look.square.side_px
    zoom = TILE_PX / (2 * reach)
    shift = TILE_PX / 2 - middle * zoom
    matrix = np.array([[zoom, 0.0, shift[0]], [0.0, zoom, shift[1]]])
    canvas = np.asarray(cv2.warpAffine(picture, matrix, (TILE_PX, TILE_PX)), np.uint8)
    chain = len(SPINE)
    for points, colour in ((guess[:chain], PRIOR_RGB), (places[:chain], HEAD_RGB)):
        line = np.round(points * zoom + shift).astype(np.int32)
        cv2.polylines(canvas, [line], False, colour, 2, cv2.LINE_AA)
        for x, y in line.tolist():
            cv2.circle(canvas, (x, y), 3, colour, -1, cv2.LINE_AA)
    for row in range(chain, len(POINTS)):
        x, y = np.round(places[row] * zoom + shift).astype(int).tolist()
        cv2.circle(canvas, (x, y), 4, OTHER_RGB, -1, cv2.LINE_AA)
    told = f"+-{200 * scale[:chain].mean() / look.square.side_px * 2.5:.0f} % of trunk"
    cv2.putText(canvas, told, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
    return canvas
