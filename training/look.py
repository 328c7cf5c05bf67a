# SPDX-License-Identifier: GPL-3.0-or-later
"""Try a head on photos and footage: pictures with the head's spine beside the geometric guess."""

from collections.abc import Iterator
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
from ..inference.pose2d import MIN_PRESENCE
from ..inference.session import Session
from .base import FrozenBase, Look
from .codec import POINTS, ROWS, decode
from .model import SpineHead

TILE_PX: Final = 420
PHOTOS: Final = (".png", ".jpg", ".jpeg")
HEAD_RGB: Final = (255, 40, 40)
PRIOR_RGB: Final = (90, 200, 255)
OTHER_RGB: Final = (255, 230, 0)

Picture = NDArray[np.uint8]


def tiles(head: SpineHead, tight: bool, paths: list[Path], frames: int) -> Picture:
    """Draw a sheet: the first person found in photos and in frames spread over clips.

    Args:
        head: The head, in evaluation mode.
        tight: Whether it was trained with the tighter crop.
        paths: Photos and clips.
        frames: Frames of each clip.

    Returns:
        RGB picture; red the head, blue the geometric guess, yellow clavicles, latissimus, head.
    """
    base, detector = FrozenBase(tight), Session(DETECTOR)
    drawn = []
    for path in paths:
        for picture in _pictures(path, frames):
            found = sorted(detect(detector, picture, SEARCH_LEVELS), key=lambda one: -one.score)
            look = _second_look(base, picture, [one.crop() for one in found[:1]])
            if look is not None:
                drawn.append(_tile(head, picture, look))
    columns = max(1, min(len(drawn), 6))
    blank = np.zeros((TILE_PX, TILE_PX, 3), np.uint8)
    drawn += [blank] * (-len(drawn) % columns or (columns if not drawn else 0))
    lines = [np.hstack(drawn[row : row + columns]) for row in range(0, len(drawn), columns)]
    return np.vstack(lines)


@torch.no_grad()
def points_px(head: SpineHead, look: Look) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ask a head about a person.

    Args:
        head: The head, in evaluation mode.
        look: What the base makes of the person.

    Returns:
        (P, 2) pixels of the frame and (P,) scale of their errors, pixels.
    """
    maps = (torch.from_numpy(values)[None] for values in (look.early, look.decoder, look.context))
    points, scale, _ = head(*maps)
    places = decode(points[0].numpy().astype(float), look.square)
    return places, scale[0].numpy().astype(float) * look.square.side_px


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


def _second_look(base: FrozenBase, picture: Picture, crops: list[Crop]) -> Look | None:
    """Look twice, the second time through the crop that the first one's landmarks give."""
    if not crops:
        return None
    again = base.look(picture, crops)[0].body.next_crop()
    look = base.look(picture, [again])[0]
    return look if look.body.presence > MIN_PRESENCE else None


def _tile(head: SpineHead, picture: Picture, look: Look) -> Picture:
    """Draw a person, cut out upright and enlarged."""
    places, scale = points_px(head, look)
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
