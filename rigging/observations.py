# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of where points of the body are, and how it pulls on them."""

from dataclasses import dataclass, replace

import numpy as np

from .attachments import Attachments
from .freedoms import Ints
from .motion import Camera
from .rotation import Floats

_DOUBT = 3.0
"""Standard deviations from which a point counts less: Cauchy's cost, 95 % efficient at 2.4."""


@dataclass(frozen=True, eq=False)
class Pulls:
    """How N points are drawn over T frames.

    Attributes:
        cost: What their distances cost.
        weight: (T, N, 3, 3) curvature of the cost by their places.
        force: (T, N, 3) its slope.
    """

    cost: float
    weight: Floats
    force: Floats


@dataclass(frozen=True, eq=False)
class Sight:
    """A camera's picture of points.

    Attributes:
        camera: The camera.
        xy_px: (T, N, 2) where points are seen, pixels.
        precision: (T, N) trust, 1 / pixel^2; 0 where they are not seen.
    """

    camera: Camera
    xy_px: Floats
    precision: Floats

    def at(self, rows: slice) -> "Sight":
        """Give some of the frames."""
        return Sight(self.camera, self.xy_px[rows], self.precision[rows])

    def pulls(self, points: Floats) -> Pulls:
        """Compare with where points (T, N, 3) of the world would be seen."""
        seen = self.camera.seen_from(points)
        depth = np.maximum(seen[..., 2:], 1e-3)
        slopes = seen[..., :2] / depth
        centre = 0.5 * np.array(self.camera.image_size_px)
        error = self.camera.focal_px * slopes + centre - self.xy_px
        project = np.zeros((*seen.shape[:-1], 2, 3))
        project[..., 0, 0] = project[..., 1, 1] = 1.0
        project[..., 2] = -slopes
        project = self.camera.focal_px / depth[..., None] * project
        project = project @ self.camera.world_from_camera[:3, :3].T
        cost, weight = _doubted(np.sum(error**2, axis=-1), self.precision)
        back = np.swapaxes(project, -1, -2)
        return Pulls(
            cost,
            weight[..., None, None] * (back @ project),
            weight[..., None] * (back @ error[..., None])[..., 0],
        )


@dataclass(frozen=True, eq=False)
class Places:
    """Where points of the body are.

    Attributes:
        xyz_m: (T, N, 3) metres.
        precision: (T, N) trust along each axis, 1 / m^2; 0 where nothing is known.
    """

    xyz_m: Floats
    precision: Floats

    def pulls(self, points: Floats) -> Pulls:
        """Compare with points (T, N, 3)."""
        error = points - self.xyz_m
        cost, weight = _doubted(np.sum(error**2, axis=-1), self.precision)
        return Pulls(cost, weight[..., None, None] * np.eye(3), weight[..., None] * error)


@dataclass(frozen=True, eq=False)
class Locks:
    """Points that rest somewhere and are held there.

    Attributes:
        names: M parts of the body.
        bone: (M,) the bone that carries each.
        offset: (M, 3) from that bone's head, at rest, metres.
        xyz_m: (T, M, 3) where they rest, metres.
        precision: (T, M) how firmly they are held, 1 / m^2; 0 where they are free.
    """

    names: tuple[str, ...]
    bone: Ints
    offset: Floats
    xyz_m: Floats
    precision: Floats

    def at(self, rows: slice | Ints) -> "Locks":
        """Give some of the frames."""
        return replace(self, xyz_m=self.xyz_m[rows], precision=self.precision[rows])

    def pulls(self, points: Floats) -> Pulls:
        """Compare with points (T, M, 3); what rests is not doubted."""
        force = self.precision[..., None] * (points - self.xyz_m)
        weight = self.precision[..., None, None] * np.eye(3)
        return Pulls(0.5 * float(np.sum(force * (points - self.xyz_m))), weight, force)


@dataclass(frozen=True, eq=False)
class Observed:
    """All that is known of a person over T frames.

    Attributes:
        time_s: (T,) seconds.
        attachments: Where its N points sit on the bones.
        places: Where they are.
        from_root: Whether that is from the root joint, or in the world.
        sight: Where a camera sees them; None without one.
        root_m: (T, 3) where the root joint is, metres.
        root_precision: (T, 3, 3) trust in that, 1 / m^2.
        locks: Points that rest; none before contacts are known.
    """

    time_s: Floats
    attachments: Attachments
    places: Places
    from_root: bool
    sight: Sight | None
    root_m: Floats
    root_precision: Floats
    locks: Locks | None = None

    def at(self, rows: slice) -> "Observed":
        """Give some of the frames."""
        sight = self.sight
        return Observed(
            self.time_s[rows],
            self.attachments,
            Places(self.places.xyz_m[rows], self.places.precision[rows]),
            self.from_root,
            None if sight is None else sight.at(rows),
            self.root_m[rows],
            self.root_precision[rows],
            None if self.locks is None else self.locks.at(rows),
        )


def _doubted(square: Floats, precision: Floats) -> tuple[float, Floats]:
    """Give Cauchy's cost of squared distances (T, N), and the weight (T, N) of each."""
    share = precision * square / _DOUBT**2
    return 0.5 * _DOUBT**2 * float(np.sum(np.log1p(share))), precision / (1.0 + share)
