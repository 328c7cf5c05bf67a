# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is trained on and who is kept aside, decided by name before anything is trained.

A body (with its clothes, which are made for it), a captured clip and a background are each kept
aside or not, by a hash of their name. A picture is for training if nothing in it is kept aside, for
the test if everything in it is, and neither otherwise. Random poses, drawn grounds and plain
backgrounds are drawn anew for each picture and count as either.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

TRAIN: Final = 0
MIXED: Final = 1
TEST: Final = 2
NAMES: Final = ("train", "mixed", "test")

BODIES_ASIDE: Final = 0.12
CLIPS_ASIDE: Final = 0.15
BACKGROUNDS_ASIDE: Final = 0.15
"""Shares of the names kept aside: about 4 % of the pictures are then for the test and 75 % for
training."""

FRESH_BACKGROUNDS: Final = ("plain", "room")


def split_of(arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.int8]:
    """Split the pictures of a shard.

    Args:
        arrays: The shard's arrays; body_id, source, clip, background of (N,) are used.

    Returns:
        (N,) TRAIN, MIXED or TEST.
    """
    columns = (arrays[name].tolist() for name in ("body_id", "source", "clip", "background"))
    rows = zip(*columns, strict=True)
    return np.array([_split(str(body), *names) for body, *names in rows], np.int8)


def bodies_aside(body_id: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which bodies are kept aside.

    Args:
        body_id: (N,) rows of the bank.

    Returns:
        (N,) true where nobody was trained on that body or its clothes.
    """
    return np.array([_aside("body", str(body), BODIES_ASIDE) for body in body_id.tolist()], bool)


def clip_aside(source: str, clip: str) -> bool:
    """Whether a captured clip is kept aside."""
    return _aside("clip", f"{source}/{clip}", CLIPS_ASIDE)


def background_aside(background: str) -> bool:
    """Whether a background is kept aside, by its id; a drawn one is neither."""
    return _aside("background", background, BACKGROUNDS_ASIDE)


def _split(body: str, source: str, clip: str, background: str) -> int:
    verdicts = [_aside("body", body, BODIES_ASIDE)]
    if clip:
        verdicts.append(clip_aside(source, clip))
    if background.split("/")[0] not in FRESH_BACKGROUNDS:
        verdicts.append(background_aside(background))
    if not any(verdicts):
        return TRAIN
    return TEST if all(verdicts) else MIXED


def _aside(kind: str, name: str, share: float) -> bool:
    digest = hashlib.sha256(f"{kind}:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64
