# SPDX-License-Identifier: GPL-3.0-or-later
"""The take on disk: `take.json` beside chunks of plain arrays, each written whole or not at all."""

import contextlib
import io
import json
import os
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from .errors import TakeError
from .keypoints import NAMES
from .tracks import STATE_ARRAYS

SCHEMA: Final = "track_spine.take"
VERSION: Final = 2
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
    "raw_score": ((len(NAMES),), "f4"),
    "relative_m": ((len(NAMES), 3), "f4"),
    "ray_px": ((2,), "f4"),
}
"""Arrays of a chunk: shape after (T,) or, for those of PERSONAL, (T, P); and type."""

PERSONAL: Final = ("xy_px", "score", "raw_score", "relative_m", "ray_px")
SCORES: Final = ("score", "raw_score")

AGAIN: Final = "delete it and every later one to track these frames again"


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

    def discard_empty(self) -> None:
        """Take back what `begin` made where no chunk has followed; other files stay."""
        if not self._chunk_files():
            with contextlib.suppress(OSError):
                (self.folder / "take.json").unlink(missing_ok=True)
                (self.folder / CHUNKS).rmdir()

    def read_json(self, oldest: int = VERSION) -> dict[str, Any]:
        """Read `take.json`.

        Args:
            oldest: Version of it that will do, for who needs nothing that came since.

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
        if content.get("version") not in range(oldest, VERSION + 1):
            raise TakeError(
                f"{path} is a take of version {content.get('version')}; this Track Spine reads "
                f"version {VERSION}: track the clip into another folder, this one stays"
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

    def write_chunk(self, arrays: Arrays, state: Arrays) -> None:
        """Add the next chunk.

        Args:
            arrays: The arrays of CHUNK_ARRAYS, and `person` (P,) int64 ids.
            state: The arrays of STATE_ARRAYS: what the next chunk begins from.

        Raises:
            TakeError: The folder cannot be written.
        """
        name = f"{int(arrays['row'][0]):08d}.npz"
        with replacing(self.folder / CHUNKS / name) as file:
            file.write(_packed(arrays | state))

    def read_chunks(self) -> tuple[Arrays, Arrays]:
        """Read all chunks that follow one another from row 0.

        Returns:
            The arrays of CHUNK_ARRAYS over all rows, and `person` (P,) ids of everybody in them,
            increasing; NaN and score 0 where somebody is not seen. And the arrays of STATE_ARRAYS
            that the last chunk ends with.

        Raises:
            TakeError: A chunk is damaged.
        """
        empty = {name: np.empty((0, *shape), kind) for name, (shape, kind) in STATE_ARRAYS.items()}
        parts, state = [chunk_arrays(0, [0])], empty
        done = 0
        for path in self._chunk_files():
            arrays, state = _read_chunk(path, done)
            parts.append(arrays)
            done += len(arrays["row"])
        person = np.unique(np.concatenate([part["person"] for part in parts]))
        parts = [_among(part, person) for part in parts]
        joined = {name: np.concatenate([part[name] for part in parts]) for name in CHUNK_ARRAYS}
        return joined | {"person": person}, state

    def set_aside_damage(self) -> int | None:
        """Rename the first chunk that cannot be read, and all after it, so that they are made anew.

        Nothing is deleted: the files stay beside the others, with `.damaged` after their names.

        Returns:
            The row from which on frames are to be tracked again, or None where all is whole.

        Raises:
            TakeError: A file may not be read or renamed.
        """
        done = 0
        files = self._chunk_files()
        for place, path in enumerate(files):
            try:
                done += len(_read_chunk(path, done)[0]["row"])
            except TakeError as error:
                if isinstance(error.__cause__, PermissionError):
                    raise
                # Backwards, so that a run killed within this leaves no gap.
                for stale in reversed(files[place:]):
                    _set_aside(stale)
                return done
        return None

    def _chunk_files(self) -> list[Path]:
        return sorted((self.folder / CHUNKS).glob("*.npz"))

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


def chunk_arrays(count: int, person: Sequence[int]) -> Arrays:
    """Make the arrays of a chunk, with nobody seen in it yet.

    Args:
        count: Rows.
        person: Ids of the people in it.

    Returns:
        The arrays of CHUNK_ARRAYS, and `person`.
    """
    arrays: Arrays = {"person": np.array(person, np.int64)}
    for name, (shape, kind) in CHUNK_ARRAYS.items():
        leading = (count, len(person)) if name in PERSONAL else (count,)
        missing = np.nan if name in PERSONAL and name not in SCORES else 0
        arrays[name] = np.full((*leading, *shape), missing, kind)
    return arrays


def _among(arrays: Arrays, person: NDArray[np.int64]) -> Arrays:
    """The same chunk with a place for everybody."""
    if np.array_equal(arrays["person"], person):
        return arrays
    wider = chunk_arrays(len(arrays["row"]), person.tolist())
    places = np.searchsorted(person, arrays["person"])
    for name in CHUNK_ARRAYS:
        if name in PERSONAL:
            wider[name][:, places] = arrays[name]
        else:
            wider[name] = arrays[name]
    return wider


def _set_aside(path: Path) -> None:
    number, target = 1, path.with_name(f"{path.name}.damaged")
    while target.exists():
        number, target = number + 1, path.with_name(f"{path.name}.{number + 1}.damaged")
    try:
        os.rename(path, target)
    except OSError as error:
        raise TakeError(
            f"Damaged chunk {path} cannot be renamed: {error.strerror or error}. {AGAIN}"
        ) from error


def _read_chunk(path: Path, first: int) -> tuple[Arrays, Arrays]:
    """Arrays and state of a chunk that begins with row `first`."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in (*CHUNK_ARRAYS, "person")}
            state = {name: file[name] for name in STATE_ARRAYS}
    except Exception as error:  # what zipfile and NumPy raise on a hostile file has no common class
        raise TakeError(f"Chunk {path} is damaged ({error}): {AGAIN}") from error
    person = arrays["person"]
    if person.ndim != 1 or person.dtype != np.int64 or (np.diff(person, prepend=-1) <= 0).any():
        raise TakeError(f"Chunk {path} has person of {person.shape} {person.dtype}: {AGAIN}")
    count, tracks = arrays["row"].size, state["track_person"].size
    wanted = {name: (count, *shape) for name, (shape, _) in CHUNK_ARRAYS.items()}
    wanted |= {name: (count, len(person), *CHUNK_ARRAYS[name][0]) for name in PERSONAL}
    wanted |= {name: (tracks, *shape) for name, (shape, _) in STATE_ARRAYS.items()}
    kinds = CHUNK_ARRAYS | STATE_ARRAYS
    for name, shape in wanted.items():
        array, kind = (arrays | state)[name], kinds[name][1]
        if array.shape != shape or array.dtype != np.dtype(kind):
            raise TakeError(
                f"Chunk {path} has {name} of {array.shape} {array.dtype}, not {shape} {kind}: "
                f"{AGAIN}"
            )
    if not np.array_equal(arrays["row"], np.arange(count) + first):
        raise TakeError(f"Chunk {path} does not follow on row {first - 1}: {AGAIN}")
    return arrays, state


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
