# SPDX-License-Identifier: GPL-3.0-or-later
"""What a score means: `make calibration` holds scores against errors.

On renders kept aside, and for body points on annotated photos too; both the scores and what the
networks themselves say. A point counts as right within SURE_WITHIN of a trunk's length of the
truth, which is what scores say the probability of. Nothing is chosen here: all pictures only judge.
"""

import sys
from collections.abc import Mapping
from typing import Final

import numpy as np

from ..benchmarks.record import record
from ..inference.calibration import calibrated
from ..inference.errors import InferenceError
from ..inference.keypoints import INDEX
from ..inference.spine import POINTS, SURE_WITHIN
from .errors import TrainingError
from .judge import HELD_OUT, ROOT
from .judge_look import Looker
from .judge_photos import PHOTOS
from .places import DATA
from .reliability import Curve, curve_of, draw
from .scored import Floats, ask, ask_photos, kept_aside

COMMAND: Final = "make calibration"
REPORT: Final = ROOT / "out" / "model.json"
PICTURE: Final = ROOT / "docs" / "pictures" / "confidence.png"

RENDERS: Final = "renders"
ON_PHOTOS: Final = "photos"
RAW: Final = "raw"
SCORE: Final = "score"

_BOTH: Final = ("left", "right")
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "spine": POINTS,
    "shoulders and hips": tuple(f"{s}_{p}" for s in _BOTH for p in ("shoulder", "hip")),
    "arms and legs": tuple(
        f"{s}_{p}" for s in _BOTH for p in ("elbow", "wrist", "knee", "ankle", "heel", "big_toe")
    ),
    "face": ("nose", *(f"{s}_{p}" for s in _BOTH for p in ("eye", "ear"))),
    "small toes": tuple(f"{s}_small_toe" for s in _BOTH),
}
"""Points whose scores come the same way: from the spine head, from the base, or guessed."""


def curves(score: Floats, error: Floats) -> dict[str, Curve]:
    """Reliability of each group of points that are labelled.

    Args:
        score: (N, 37) 0..1.
        error: (N, 37) trunk lengths, NaN where nothing is labelled.

    Returns:
        Curves by group, in the order of GROUPS.
    """
    found = {}
    for name, points in GROUPS.items():
        rows = [INDEX[point] for point in points]
        known = np.isfinite(error[:, rows])
        if known.any():
            found[name] = curve_of(score[:, rows][known], error[:, rows][known] <= SURE_WITHIN)
    return found


def main() -> int:
    """Judge, and write figures and picture; returns the exit status."""
    try:
        looker = Looker()
        asked = {RENDERS: ask(looker, kept_aside(HELD_OUT))}
        if (DATA / PHOTOS).exists():
            asked[ON_PHOTOS] = ask_photos(looker, DATA / PHOTOS)
    except (TrainingError, InferenceError) as error:
        print(f"calibration: {error}", file=sys.stderr)
        return 1
    for where, scored in asked.items():
        print(f"{where}: {len(scored.score)} of {scored.looked} people are scored")
        for when, score in (RAW, scored.score), (SCORE, calibrated(scored.score)):
            for name, curve in curves(score, scored.error).items():
                print(f"{where}, {when}, {name}: {curve}")
                _enter("_".join((*name.split(), where, when)), curve)
    judged = asked[RENDERS]
    before, after = (curves(s, judged.error) for s in (judged.score, calibrated(judged.score)))
    draw({"as the networks say": before, "score": after}, PICTURE)
    print(f"written: {REPORT.relative_to(ROOT)}, {PICTURE.relative_to(ROOT)}")
    return 0


def _enter(name: str, curve: Curve) -> None:
    error = 100.0 * curve.calibration_error
    record(REPORT, f"calibration_error_{name}", error, "points of %", None, COMMAND)
    if np.isfinite(right := curve.share_near(0.8)):
        record(REPORT, f"right_at_080_{name}", 100.0 * right, "%", 80.0, COMMAND)


if __name__ == "__main__":
    sys.exit(main())
