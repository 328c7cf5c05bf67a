# SPDX-License-Identifier: GPL-3.0-or-later
"""One decoded picture made upright RGB: its colours, shape of pixels, turn and mirror."""

from typing import Final, cast

import av
import numpy as np
from av.sidedata.sidedata import SideDataContainer, Type
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc
from numpy.typing import NDArray

from .light import displayed

HDR: Final = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)

UNSPECIFIED: Final = 2
"""FFmpeg's code for a colour matrix, transfer or primaries that the file does not tell."""

HD_WIDTH_PX: Final = 1280
HD_HEIGHT_PX: Final = 577
"""From this size on a picture that tells no colour matrix is taken to be BT.709, as mpv does."""

BACKDROP: Final = 128
"""Grey that is put behind transparent parts: neither dark nor light clothes vanish in it."""

CODED_WHITE: Final = 255 << 8
"""Code that libswscale gives the white of 10-bit YUV in 16-bit RGB (measured, libswscale 9.5)."""


def orientation(picture: av.VideoFrame) -> tuple[int, bool]:
    """Read how a picture is to be shown.

    Args:
        picture: As decoded.

    Returns:
        Counter-clockwise turn, 0, 90, 180 or 270 degrees, and whether the stored picture is to be
        mirrored left to right before it.

    Source: the matrix of ISO 14496-12, 6.2.2: (x, y) is shown at (a x + c y, b x + d y).
    """
    try:
        beside = cast(SideDataContainer, picture.side_data)
    except ValueError:  # PyAV 18 knows no EXIF data, and then gives none: the turn alone it does
        return round(picture.rotation / 90) * 90 % 360, False
    for data in beside:
        if data.type is Type.DISPLAYMATRIX:
            a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].astype(float)
            mirrored = bool(a * d - b * c < 0)
            if mirrored:
                a, b = -a, -b
            return -round(np.degrees(np.arctan2(b, a)) / 90) * 90 % 360, mirrored
    return 0, False


def upright(
    picture: av.VideoFrame, size: tuple[int, int], rotation_deg: int = 0, mirrored: bool = False
) -> NDArray[np.uint8]:
    """Turn a decoded picture into what a player shows.

    Args:
        picture: As decoded.
        size: Width and height of the upright picture, pixels.
        rotation_deg: Counter-clockwise turn to apply, a multiple of 90 degrees.
        mirrored: Whether to mirror it left to right before the turn.

    Returns:
        (H, W, 3) RGB.
    """
    width, height = size if rotation_deg % 180 == 0 else size[::-1]
    rgb = _rgb(picture, width, height)
    if mirrored:
        rgb = rgb[:, ::-1]
    return np.ascontiguousarray(np.rot90(rgb, rotation_deg // 90))


def _rgb(picture: av.VideoFrame, width: int, height: int) -> NDArray[np.uint8]:
    def converted(form: str) -> NDArray[np.generic]:
        shown = picture.reformat(width, height, form, src_colorspace=_matrix(picture))
        return cast(NDArray[np.generic], shown.to_ndarray())

    transfer = _transfer(picture)
    if transfer is not None:
        code = cast(NDArray[np.uint16], converted("rgb48le"))
        white = np.iinfo(np.uint16).max if picture.format.is_rgb else CODED_WHITE
        wide = picture.color_primaries == ColorPrimaries.BT2020 or (
            transfer in HDR and picture.color_primaries == UNSPECIFIED
        )
        return displayed(code, transfer, white, wide)
    if any(component.is_alpha for component in picture.format.components):
        rgba = cast(NDArray[np.uint8], converted("rgba"))
        share = rgba[..., 3:].astype(np.float32) / 255.0
        over = rgba[..., :3] * share + BACKDROP * (1.0 - share)
        opaque: NDArray[np.uint8] = np.round(over).astype(np.uint8)
        return opaque
    return cast(NDArray[np.uint8], converted("rgb24"))


def _transfer(picture: av.VideoFrame) -> ColorTrc | None:
    """The curve that has to be undone, or None where an ordinary screen shows the codes as is."""
    if "f32" in picture.format.name or "f16" in picture.format.name:
        return ColorTrc.LINEAR  # pictures of floating point hold light, not codes
    code = picture.color_trc
    return ColorTrc(code) if code in (*HDR, ColorTrc.LINEAR) else None


def _matrix(picture: av.VideoFrame) -> Colorspace | None:
    untold = picture.colorspace == UNSPECIFIED and not picture.format.is_rgb
    large = picture.width >= HD_WIDTH_PX or picture.height >= HD_HEIGHT_PX
    if untold and _transfer(picture) in HDR:
        return Colorspace.BT2020
    return Colorspace.ITU709 if untold and large else None
