# SPDX-License-Identifier: GPL-3.0-or-later
"""What moves: 3D key points of one person over time, and rotations of bones over time."""

import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .errors import RigError
from .rotation import Bools, Floats

_SCHEMA: Final = "track_spine.lifted"
_VERSIONS: Final = (1, 2, 3)
_LARGEST_ARRAY_BYTES: Final = 2**31
_FARTHEST_M: Final = 1e4
_LONGEST_FOCAL_PX: Final = 1e6

_LEAST_STEP_S: Final = 1e-6
"""Least time between two frames: faster than any camera by far. The sixth powers of time in filters
and fit lose all their digits between 1e-8 and 1e-9 s."""

# What is read of the file: kind of number (as in numpy.dtype.kind) and number of axes.
_LIFTED: Final[Mapping[str, tuple[str, int]]] = MappingProxyType(
    {
        "schema": ("U", 0),
        "version": ("iu", 0),
        "names": ("U", 1),
        "time_s": ("f", 1),
        "xyz_m": ("f", 4),
        "score": ("f", 3),
        "person": ("iu", 1),
    }
)

# What is read besides where it is there: deviations and pixels since version 2, scores as the
# networks give them since version 3, and the camera.
_OPTIONAL: Final[Mapping[str, tuple[str, int]]] = MappingProxyType(
    {
        "raw_score": ("f", 3),
        "sigma_m": ("f", 3),
        "xy_px": ("f", 4),
        "world_from_camera": ("f", 2),
        "focal_px": ("f", 0),
        "focal_source": ("U", 0),
        "focal_spread": ("f", 0),
        "image_size_px": ("iu", 1),
    }
)

# Everything zipfile and numpy raise on files that are missing, cut off, damaged or made to do harm.
_UNREADABLE: Final = (
    OSError,
    EOFError,
    MemoryError,
    ValueError,
    RuntimeError,
    SyntaxError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera at rest, its principal point in the middle of the picture.

    Attributes:
        world_from_camera: (4, 4) from camera axes (x right, y down, z ahead) to the world, metres.
        focal_px: Focal length, pixels.
        image_size_px: Width and height of the upright picture.
        focal_source: What told the focal length; empty where that is not known.
        focal_spread: Standard deviation of its logarithm; 0 where it was given.
    """

    world_from_camera: Floats
    focal_px: float
    image_size_px: tuple[int, int]
    focal_source: str = ""
    focal_spread: float = 0.0

    def __post_init__(self) -> None:
        """Check that this is a camera.

        Raises:
            RigError: The matrix does not move rigidly, or focal length or size are not positive.
        """
        matrix = self.world_from_camera
        _require_shape("world_from_camera", matrix, (4, 4))
        turn = matrix[:3, :3]
        rigid = np.isfinite(matrix).all() and np.allclose(turn @ turn.T, np.eye(3), atol=1e-4)
        if not rigid or np.linalg.det(turn) < 0.0 or not np.allclose(matrix[3], [0, 0, 0, 1]):
            raise RigError("The camera's place must be a rotation and a translation.")
        if not 0.0 < self.focal_px < _LONGEST_FOCAL_PX or min(self.image_size_px) < 1:
            raise RigError(
                f"A focal length of {self.focal_px} pixels and a picture of {self.image_size_px} "
                "pixels are not those of a camera; give the focal length again."
            )

    @property
    def lens(self) -> str:
        """In words, for example "1911 px, estimated, give or take 19 %"."""
        unsure = f"give or take {self.focal_spread:.0%}" if self.focal_spread else ""
        return ", ".join(filter(None, (f"{self.focal_px:.0f} px", self.focal_source, unsure)))

    def seen_from(self, xyz_m: Floats) -> Floats:
        """Give points (..., 3) of the world in camera axes, metres."""
        place = self.world_from_camera
        return np.asarray((xyz_m - place[:3, 3]) @ place[:3, :3])


@dataclass(frozen=True, eq=False)
class Motion3D:
    """3D key points of one person. A missing point is NaN with score 0.

    Attributes:
        names: K key-point names.
        time_s: (T,) strictly increasing seconds.
        xyz_m: (T, K, 3) world positions, metres.
        score: (T, K) confidence, 0 to 1; 0 exactly where missing.
        sigma_m: (T, K) standard deviation of each point, metres, NaN where missing; None where it
            is not known.
        xy_px: (T, K, 2) the same points in the upright picture, pixels, NaN where missing; None
            where not known.
        camera: What took the picture; None where not known.
    """

    names: tuple[str, ...]
    time_s: Floats
    xyz_m: Floats
    score: Floats
    sigma_m: Floats | None = None
    xy_px: Floats | None = None
    camera: Camera | None = None

    def __post_init__(self) -> None:
        """Check that the parts fit together.

        Raises:
            RigError: Names repeat, a shape is wrong, time does not increase by a microsecond a
                frame, or a value is out of range.
        """
        frames, points = len(self.time_s), len(self.names)
        if len(set(self.names)) != points:
            raise RigError(f"Key-point names repeat: {', '.join(self.names)}.")
        _require_shape("time_s", self.time_s, (frames,))
        _require_shape("xyz_m", self.xyz_m, (frames, points, 3))
        _require_shape("score", self.score, (frames, points))
        _require_increasing(self.time_s)
        if not ((self.score >= 0.0) & (self.score <= 1.0)).all():
            raise RigError("Scores of key points must lie between 0 and 1.")
        missing = np.isnan(self.xyz_m).any(axis=-1)
        if not (missing == (self.score == 0.0)).all() or np.isinf(self.xyz_m).any():
            raise RigError(
                "Key points must be finite where their score is above 0 and NaN where it is 0."
            )
        if self.sigma_m is not None:
            _require_shape("sigma_m", self.sigma_m, (frames, points))
            if (self.sigma_m <= 0.0).any() or np.isinf(self.sigma_m).any():
                raise RigError("Standard deviations of key points must be above 0 and finite.")
        if self.xy_px is not None:
            _require_shape("xy_px", self.xy_px, (frames, points, 2))
            if np.isinf(self.xy_px).any():
                raise RigError("Pixels of key points must be finite, or NaN where missing.")

    def at(self, rows: npt.NDArray[np.intp] | Bools | slice) -> "Motion3D":
        """Give some of the frames.

        Args:
            rows: Which of the T frames, in order.

        Returns:
            Their motion.
        """
        return replace(
            self,
            time_s=self.time_s[rows],
            xyz_m=self.xyz_m[rows],
            score=self.score[rows],
            sigma_m=None if self.sigma_m is None else self.sigma_m[rows],
            xy_px=None if self.xy_px is None else self.xy_px[rows],
        )

    def point(self, name: str) -> Floats:
        """Give the track of one key point.

        Args:
            name: One of `names`.

        Returns:
            (T, 3) world positions, NaN where missing; NaN throughout when there is no such key
            point.
        """
        if name not in self.names:
            return np.full((len(self.time_s), 3), np.nan)
        return np.asarray(self.xyz_m[:, self.names.index(name)])

    def point_score(self, name: str) -> Floats:
        """Give the scores of one key point.

        Args:
            name: One of `names`.

        Returns:
            (T,) scores; zeros when there is no such key point.
        """
        if name not in self.names:
            return np.zeros(len(self.time_s))
        return np.asarray(self.score[:, self.names.index(name)])


@dataclass(frozen=True, eq=False)
class BoneMotion:
    """Rotations of bones over time; rows of frames that are not valid are NaN.

    Attributes:
        bones: B bone names.
        time_s: (T,) strictly increasing seconds.
        rotation: (T, B, 4) orientation of each bone in the world.
        root_m: (T, 3) world position of the root joint, metres.
        valid: (T,) False where the torso was not seen.
    """

    bones: tuple[str, ...]
    time_s: Floats
    rotation: Floats
    root_m: Floats
    valid: Bools

    def __post_init__(self) -> None:
        """Check that the parts fit together.

        Raises:
            RigError: A shape is wrong, time does not increase by a microsecond a frame, or a valid
                frame holds NaN or a non-unit quaternion.
        """
        frames = len(self.time_s)
        _require_shape("time_s", self.time_s, (frames,))
        _require_shape("rotation", self.rotation, (frames, len(self.bones), 4))
        _require_shape("root_m", self.root_m, (frames, 3))
        _require_shape("valid", self.valid, (frames,))
        _require_increasing(self.time_s)
        length = np.linalg.norm(self.rotation[self.valid], axis=-1)
        if (
            not (np.abs(length - 1.0) < 1e-6).all()
            or not np.isfinite(self.root_m[self.valid]).all()
        ):
            raise RigError(
                "Bone rotations of valid frames must be unit quaternions with a finite root."
            )


def _require_shape(what: str, array: Floats | Bools, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise RigError(f"Array {what} has shape {array.shape}, expected {shape}.")


def _require_increasing(time_s: Floats) -> None:
    if not np.isfinite(time_s).all() or not (np.diff(time_s) > 0.0).all():
        raise RigError("Times must be finite and strictly increasing; write the take again.")
    least_s = float(np.diff(time_s).min(initial=np.inf))
    if least_s < _LEAST_STEP_S:
        raise RigError(
            f"Frames {least_s:.1e} s apart are closer than a microsecond: give times in seconds."
        )


def load_lifted(path: Path) -> dict[int, Motion3D]:
    """Read the 3D key points that inference left in a take.

    Args:
        path: `lifted.npz` of a take folder.

    Returns:
        Motion of each person, by person id.

    Raises:
        RigError: The file is missing, of another kind or version, incomplete, damaged or too large.
    """
    try:
        return _people(_read_arrays(path))
    except RigError as error:
        raise RigError(f"{path} cannot be used: {error} Track the clip again.") from error
    except _UNREADABLE as error:
        raise RigError(
            f"{path} cannot be read as 3D key points ({error}). Track the clip again."
        ) from error


def _read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays of `_LIFTED`, what there is of `_OPTIONAL`, and no others; none is huge."""
    with zipfile.ZipFile(path) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    missing = [name for name in _LIFTED if f"{name}.npy" not in sizes]
    wanted = dict(_LIFTED) | {n: form for n, form in _OPTIONAL.items() if f"{n}.npy" in sizes}
    huge = [name for name in wanted if sizes.get(f"{name}.npy", 0) > _LARGEST_ARRAY_BYTES]
    if missing or huge:
        raise RigError(f"Missing arrays: {missing}; arrays larger than 2 GiB: {huge}.")
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in wanted}
    for name, (kinds, axes) in wanted.items():
        array = arrays[name]
        if not isinstance(array, np.ndarray) or array.dtype.kind not in kinds or array.ndim != axes:
            raise RigError(f"The array {name} should have {axes} axes of kind {kinds!r}.")
    return arrays


def _people(arrays: Mapping[str, npt.NDArray[Any]]) -> dict[int, Motion3D]:
    """Take the arrays of a file apart into people."""
    schema, version = str(arrays["schema"]), int(arrays["version"])
    if schema != _SCHEMA or version not in _VERSIONS:
        raise RigError(f"It holds {schema!r} version {version}, not {_SCHEMA!r} {_VERSIONS}.")
    names = tuple(str(name) for name in arrays["names"])
    ids = [int(person) for person in arrays["person"]]
    if len(set(ids)) != len(ids):
        raise RigError(f"Person ids repeat: {ids}.")
    expected = (len(arrays["time_s"]), len(ids), len(names))
    shapes = {"xyz_m": (*expected, 3), "score": expected}
    shapes |= {"raw_score": expected, "sigma_m": expected, "xy_px": (*expected, 2)}
    wrong = {n: arrays[n].shape for n, s in shapes.items() if n in arrays and arrays[n].shape != s}
    if wrong:
        raise RigError(
            f"Arrays {wrong} do not fit {expected[0]} times, {expected[1]} people and "
            f"{expected[2]} names."
        )
    xyz_m = arrays["xyz_m"].astype(np.float64)
    # Filters and solver were chosen on what the networks say, before it was calibrated.
    score = arrays.get("raw_score", arrays["score"]).astype(np.float64)
    if (np.abs(xyz_m) > _FARTHEST_M).any():
        raise RigError(f"A key point is more than {_FARTHEST_M:.0f} m away.")
    missing = np.isnan(xyz_m).any(axis=-1) | (score == 0.0)
    xyz_m[missing] = np.nan
    score[missing] = 0.0
    camera = _camera(arrays)
    extra = {
        name: arrays[name].astype(np.float64) for name in ("sigma_m", "xy_px") if name in arrays
    }
    return {
        person: Motion3D(
            names,
            arrays["time_s"].astype(np.float64),
            xyz_m[:, p],
            score[:, p],
            camera=camera,
            **{name: array[:, p] for name, array in extra.items()},
        )
        for p, person in enumerate(ids)
    }


def _camera(arrays: Mapping[str, npt.NDArray[Any]]) -> Camera | None:
    """Give the camera of a file, None where it says too little of it."""
    if not {"world_from_camera", "focal_px", "image_size_px"} <= set(arrays):
        return None
    size = tuple(int(side) for side in arrays["image_size_px"])
    if len(size) != 2:
        raise RigError(f"The array image_size_px should hold width and height, not {size}.")
    return Camera(
        arrays["world_from_camera"].astype(np.float64),
        float(arrays["focal_px"]),
        size,
        str(arrays.get("focal_source", "")),
        float(arrays.get("focal_spread", 0.0)),
    )
