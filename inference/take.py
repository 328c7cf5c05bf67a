# SPDX-License-Identifier: GPL-3.0-or-later
"""The take on disk: `take.json` beside chunks of plain arrays, each written whole or not at all."""

import contextlib
import io
import json
import os
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from .errors import TakeError
from .keypoints import NAMES

SCHEMA: Final = "track_spine.take"
VERSION: Final = 1
CHUNKS: Final = "chunks"
LIFTED: Final = "lifted.npz"
PARTIAL: Final = "partial"
"""State of a take whose clip is not tracked to its end."""

Arrays = dict[str, NDArray[Any]]

CHUNK_ARRAYS: Final = {
    "row": ((), "i8"),
    "frame": ((), "i8"),
    "time_s": ((), "f8"),
    "whole": ((), "b1"),
    "xy_px": ((len(NAMES), 2), "f4"),
    "score": ((len(NAMES),), "f4"),
    "relative_m": ((len(NAMES), 3), "f4"),
    "ray_px": ((2,), "f4"),
}
"""Arrays of a chunk: shape after (T,) or, from `xy_px` on, (T, P); and type."""

AGAIN: Final = "delete it and every later one to track these frames again"

CROP_STATE: Final = 4
"""Numbers of a crop that the next chunk begins from: centre x and y, side, angle."""


@dataclass(frozen=True)
class Take:
    """An open take folder."""

    folder: Path

    def begin(self, head: Mapping[str, Any]) -> None:
        """Make the folder, or make sure that the one there was begun from the same.

        Args:
            head: `source`, `models` and `settings`, which decide the raw points; plain JSON values.

        Raises:
            TakeError: The folder cannot be made or written, or holds a take of something else.
        """
        try:
            (self.folder / CHUNKS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TakeError(
                f"Take folder {self.folder} cannot be made: {error.strerror}. Choose another"
            ) from error
        if not (self.folder / "take.json").exists():
            self.write_json({"schema": SCHEMA, "version": VERSION, **head, "state": PARTIAL})
            return
        there, wanted = self.read_json(), json.loads(json.dumps(head))
        for what in (("source", "sha256"), ("models",), ("settings",)):
            if _at(there, what) != _at(wanted, what):
                raise TakeError(
                    f"{self.folder} holds a take made with another {what[0]}: choose another "
                    "folder, or delete this one to begin anew"
                )

    def read_json(self) -> dict[str, Any]:
        """Read `take.json`.

        Returns:
            Its content.

        Raises:
            TakeError: It is missing, not JSON, or of another schema or version.
        """
        path = self.folder / "take.json"
        try:
            content = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise TakeError(f"{path} cannot be read as a take: {error}") from error
        if not isinstance(content, dict) or content.get("schema") != SCHEMA:
            raise TakeError(f"{path} is not a Track Spine take")
        if content.get("version") != VERSION:
            raise TakeError(
                f"{path} is a take of version {content.get('version')}; this Track Spine reads "
                f"version {VERSION}"
            )
        return content

    def write_json(self, content: Mapping[str, Any]) -> None:
        """Replace `take.json` in one step.

        Args:
            content: Plain JSON values.

        Raises:
            TakeError: The folder cannot be written.
        """
        with replacing(self.folder / "take.json") as file:
            file.write((json.dumps(content, indent=1) + "\n").encode())

    def write_chunk(self, arrays: Arrays, crops: NDArray[np.float64]) -> None:
        """Add the next chunk.

        Args:
            arrays: The arrays of CHUNK_ARRAYS.
            crops: (2, 4) where to look in the next frame, and where the person was last seen.

        Raises:
            TakeError: The folder cannot be written.
        """
        name = f"{int(arrays['row'][0]):08d}.npz"
        with replacing(self.folder / CHUNKS / name) as file:
            file.write(_packed(arrays | {"crops": crops}))

    def read_chunks(self) -> tuple[Arrays, NDArray[np.float64]]:
        """Read all chunks that follow one another from row 0.

        Returns:
            The arrays of CHUNK_ARRAYS over all rows, and the crops that the last chunk ends with.

        Raises:
            TakeError: A chunk is damaged.
        """
        shapes = CHUNK_ARRAYS.items()
        parts = [{name: _empty(name, shape, kind) for name, (shape, kind) in shapes}]
        crops = np.full((2, CROP_STATE), np.nan)
        done = 0
        for path in sorted((self.folder / CHUNKS).glob("*.npz")):
            arrays, ends_at = _read_chunk(path)
            if not np.array_equal(arrays["row"], np.arange(len(arrays["row"])) + done):
                raise TakeError(f"Chunk {path} does not follow on row {done - 1}: {AGAIN}")
            parts.append(arrays)
            crops, done = ends_at, done + len(arrays["row"])
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, crops

    def write_lifted(self, arrays: Arrays) -> Path:
        """Write the 3D points.

        Args:
            arrays: As docs/take.md lists them.

        Returns:
            The file.

        Raises:
            TakeError: The folder cannot be written.
        """
        path = self.folder / LIFTED
        with replacing(path) as file:
            file.write(_packed(arrays))
        return path


def _packed(arrays: Arrays) -> bytes:
    # In memory first: a full disk would leave NumPy's archive open, and it complains when it goes.
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _at(content: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content


def _empty(name: str, shape: tuple[int, ...], kind: str) -> NDArray[Any]:
    leading = (0,) if name in ("row", "frame", "time_s", "whole") else (0, 1)
    return np.empty((*leading, *shape), kind)


def _read_chunk(path: Path) -> tuple[Arrays, NDArray[np.float64]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in (*CHUNK_ARRAYS, "crops")}
    except Exception as error:  # what zipfile and NumPy raise on a hostile file has no common class
        raise TakeError(f"Chunk {path} is damaged ({error}): {AGAIN}") from error
    crops = arrays.pop("crops")
    count = arrays["row"].size
    for name, (shape, kind) in CHUNK_ARRAYS.items():
        wanted = (count, *_empty(name, shape, kind).shape[1:])
        if arrays[name].shape != wanted or arrays[name].dtype != np.dtype(kind):
            raise TakeError(
                f"Chunk {path} has {name} of {arrays[name].shape} {arrays[name].dtype}, not "
                f"{wanted} {kind}: {AGAIN}"
            )
    if crops.shape != (2, CROP_STATE) or crops.dtype != np.float64:
        raise TakeError(f"Chunk {path} has crops of {crops.shape} {crops.dtype}: {AGAIN}")
    return arrays, crops


@contextlib.contextmanager
def replacing(path: Path) -> Generator[IO[bytes], None, None]:
    """Open a file for writing that appears under its name only once it is whole.

    Args:
        path: The file wanted.

    Yields:
        A binary file to write to.

    Raises:
        TakeError: It cannot be written (read-only folder, full disk).
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        raise TakeError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
