# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of high dynamic range or of linear light, brought into the range of a screen.

What a screen shows as white is the reference white of the footage; brighter parts are rolled off
up to a peak, beyond which they are white.
"""

from functools import cache
from typing import Final

import cv2
import numpy as np
from av.video.reformatter import ColorTrc
from numpy.typing import NDArray

REFERENCE_WHITE_NITS: Final = 203.0
"""Diffuse white of HDR footage: ITU-R BT.2408-7, table 1."""

PEAK_NITS: Final = 1000.0
"""Brightest light told from white: what most HDR footage is mastered to, and HLG's own peak."""

KNEE: Final = 0.8
"""Share of reference white above which light is rolled off; all below it is left as it is."""

BT709_FROM_BT2020: Final = (
    (1.6605, -0.5876, -0.0728),
    (-0.1246, 1.1329, -0.0083),
    (-0.0182, -0.1006, 1.1187),
)
"""ITU-R BT.2087-0, annex 2: linear light, wide primaries to those of an ordinary screen."""

CODES: Final = 1 << 16


def displayed(
    code: NDArray[np.uint16], transfer: ColorTrc, white_code: int, wide: bool
) -> NDArray[np.uint8]:
    """Map coded light to what an ordinary (sRGB) screen shows.

    Args:
        code: (H, W, 3) RGB as coded in the file.
        transfer: SMPTE2084 (PQ), ARIB_STD_B67 (HLG) or LINEAR, whose codes end at white.
        white_code: Code that stands for 1.0.
        wide: Whether the primaries are those of BT.2020.

    Returns:
        (H, W, 3) sRGB.
    """
    light = _light_of_codes(transfer, white_code)[code]
    if wide:
        light = np.asarray(cv2.transform(light, np.array(BT709_FROM_BT2020)), np.float32)
    peak = 1.0 if transfer == ColorTrc.LINEAR else PEAK_NITS / REFERENCE_WHITE_NITS
    light *= (CODES - 1) / peak
    return _screen_of_light(peak)[np.clip(light, 0, CODES - 1).astype(np.uint16)]


@cache
def _light_of_codes(transfer: ColorTrc, white_code: int) -> NDArray[np.float32]:
    """(CODES,) light of each code, 1 = reference white."""
    value = np.minimum(np.arange(CODES) / white_code, 1.0)
    if transfer == ColorTrc.SMPTE2084:
        value = _pq_nits(value) / REFERENCE_WHITE_NITS
    elif transfer == ColorTrc.ARIB_STD_B67:
        value = _hlg_nits(value) / REFERENCE_WHITE_NITS
    return value.astype(np.float32)


def _pq_nits(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Source: ITU-R BT.2100-2, table 4, reference EOTF."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = signal ** (1 / m2)
    light = np.maximum(root - c1, 0.0) / (c2 - c3 * root)
    return np.asarray(10_000.0 * light ** (1 / m1))


def _hlg_nits(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Source: ITU-R BT.2100-2, table 5, inverse OETF; its OOTF a channel, gamma 1.2."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    bright = (np.exp((np.maximum(signal, 0.5) - c) / a) + b) / 12.0
    scene = np.where(signal <= 0.5, signal**2 / 3.0, bright)
    return np.asarray(1000.0 * scene**1.2)


@cache
def _screen_of_light(peak: float) -> NDArray[np.uint8]:
    """(CODES,) screen value of light up to the peak: rolled off, then the sRGB curve."""
    light = np.linspace(0.0, peak, CODES)
    # Reinhard's extended curve from the knee on: slope 1 there, 1 at the peak (all, if that is 1).
    over, most = (np.maximum(light - KNEE, 0.0) / (1 - KNEE), (peak - KNEE) / (1 - KNEE))
    rolled = KNEE + (1 - KNEE) * over * (1 + over / most**2) / (1 + over)
    shown = np.where(light > KNEE, rolled, light)
    # IEC 61966-2-1
    curve = np.where(shown <= 0.0031308, 12.92 * shown, 1.055 * shown ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(255.0 * curve), np.uint8)
