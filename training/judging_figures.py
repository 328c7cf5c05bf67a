# SPDX-License-Identifier: GPL-3.0-or-later
"""How good spine points are on real pictures: any source of points against those placed by eye."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..inference.crop import Crop
from ..inference.errors import InferenceError
from ..inference.keypoints import INDEX, SPINE
from ..inference.models import POSE
from ..inference.pose2d import estimate
from ..inference.session import Session
from . import judge_sources
from .coco import SIGMAS, Guess, Truth, precision_recall
from .errors import TrainingError
from .judge_sources import SOURCES
from .judging_photos import VIEWS, Person, body_crop

Picture = NDArray[np.uint8]
Floats = NDArray[np.float64]
Source = Callable[[Picture, Crop], Floats]
"""From a picture and a body's crop in it to the spine, (9, 3): x, y in pixels, score."""

WORST: Final = 5

_ROWS: Final = [INDEX[name] for name in SPINE]


def product_session() -> Session:
    """Open the product's pose network, with one thread.

    Raises:
        TrainingError: If its file is missing or not the pinned one.
    """
    try:
        return Session(POSE, threads=1)
    except InferenceError as error:
        raise TrainingError(str(error)) from error


def sources_of(session: Session) -> dict[str, Source]:
    """The baselines and the network that ships, by name; they ask the product's pose network."""
    return {name: _source(session, find) for name, find in SOURCES.items()}


def _source(session: Session, find: judge_sources.Source) -> Source:
    def source(rgb: Picture, crop: Crop) -> Floats:
        return np.column_stack(find(estimate(session, rgb, [crop])[0]))

    return source


def judge(
    people: Iterable[Person], sources: Mapping[str, Source], session: Session
) -> dict[str, dict[str, Any]]:
    """Ask sources of points about people and compare with the labels.

    Args:
        people: Labelled people.
        sources: Sources by name.
        session: The product's pose network, for the crops.

    Returns:
        Figures of each source, see `figures`.

    Raises:
        TrainingError: If there is nobody, or a source leaves out a spine point.
    """
    asked: list[Person] = []
    answers: dict[str, list[Floats]] = {name: [] for name in sources}
    for person in people:
        crop = body_crop(session, person)
        asked.append(person)
        for name, source in sources.items():
            points = source(person.rgb, crop)
            if not np.isfinite(points).all():
                raise TrainingError(f"{name} gives no complete spine for {person.name}")
            answers[name].append(points)
    if not asked:
        raise TrainingError("nobody to be judged on")
    return {name: figures(asked, np.stack(points)) for name, points in answers.items()}


def figures(people: list[Person], points: Floats) -> dict[str, Any]:
    """Compare spine points with the labels.

    Args:
        people: N people.
        points: (N, 9, 3) x, y, score.

    Returns:
        `groups`: for all, each view, bent and straight backs: spine AP and, in % of the torso (hip
        to C7 along the spine), mean and median error and the means of its parts along and across
        the spine. `points`: the same for each point, and `bias`, the signed part along the spine,
        towards the head positive. `people`: mean error of each by name.
    """
    parts = np.stack([errors(*pair) for pair in zip(people, points[..., :2], strict=True)])
    view = np.array([person.view for person in people])
    bent = np.array([person.bent for person in people])
    groups = {"all": np.ones(len(people), bool), **{name: view == name for name in VIEWS}}
    groups |= {"bent": bent, "straight": ~bent}
    return {
        "groups": {
            name: {"people": int(rows.sum()), **_group(people, points, parts, rows)}
            for name, rows in groups.items()
            if rows.any()
        },
        "points": {
            name: {**_spread(parts[:, row]), "bias": float(parts[:, row, 0].mean())}
            for row, name in enumerate(SPINE)
        },
        "people": {
            person.name: float(np.linalg.norm(part, axis=-1).mean())
            for person, part in zip(people, parts, strict=True)
        },
    }


def errors(person: Person, xy: Floats) -> Floats:
    """Errors along and across the labelled spine.

    Args:
        person: The person.
        xy: (9, 2) spine points, pixels.

    Returns:
        (9, 2) % of the torso: along the spine, towards the head positive; and across it.
    """
    way = np.gradient(person.spine, axis=0)
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    across = np.column_stack([-way[:, 1], way[:, 0]])
    share = 100.0 * (xy - person.spine) / person.torso_px
    return np.column_stack([(share * way).sum(axis=1), (share * across).sum(axis=1)])


def _group(
    people: list[Person], points: Floats, parts: Floats, rows: NDArray[np.bool_]
) -> dict[str, float]:
    seen = np.ones(len(SPINE), np.int64)
    pairs = [
        (
            [Guess(points[row, :, :2], float(points[row, :, 2].mean()))],
            [Truth(people[row].spine, seen, people[row].area, people[row].box)],
        )
        for row in np.flatnonzero(rows)
    ]
    ap, _ = precision_recall(pairs, SIGMAS[_ROWS])
    return {"AP": ap, **_spread(parts[rows])}


def _spread(parts: Floats) -> dict[str, float]:
    away = np.linalg.norm(parts, axis=-1)
    along, across = np.abs(parts).reshape(-1, 2).mean(axis=0).tolist()
    return {
        "mean": float(away.mean()),
        "median": float(np.median(away)),
        "along": along,
        "across": across,
    }


def worst(found: Mapping[str, Any]) -> str:
    """Names and mean errors of the people that a source errs most on, worst first."""
    people = sorted(found["people"].items(), key=lambda one: -one[1])[:WORST]
    return ", ".join(f"{name} {error:.0f}" for name, error in people)
