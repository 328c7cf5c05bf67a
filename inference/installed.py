# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of published networks that a user asked for: fetched or added, checked, remembered.

Beside each network lies a record with its hash. It outlives the network, so that what is fetched
later is held against what was fetched first.
"""

import hashlib
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .catalogue import HOSTS, PublishedModel
from .downloads import Report, download
from .ends import check_ends
from .errors import ModelError
from .licences import Accept, require_accepted
from .models import ModelCard
from .onnx_file import MAX_BYTES, check_structure
from .records import put_in_place, read_record, write_record, write_whole
from .session import Session

SCHEMA: Final = "track_spine.model"
VERSION: Final = 1


@dataclass(frozen=True)
class ModelFolder:
    """Published networks on this machine."""

    folder: Path

    def fetch(
        self,
        model: PublishedModel,
        *,
        online: bool,
        accept: Accept,
        report: Report = lambda done, total: None,
        stopping: Callable[[], bool] = lambda: False,
        hosts: Sequence[str] = HOSTS,
    ) -> ModelCard:
        """Download a network, unless it is there.

        Args:
            model: Which.
            online: Whether the user lets this program use the network.
            accept: Shown the licence the first time; says whether the user accepts it.
            report: Told of bytes done and in all.
            stopping: Asked whether to stop.
            hosts: Where downloads may come from.

        Returns:
            Its card, to open it with.

        Raises:
            StoppedError: On request.
            ModelError: It is not allowed, cannot be fetched or written, or is not what it should
                be.
        """
        if self.has(model):
            return self.card(model)
        if not online:
            raise ModelError(
                f"{model.name} is not downloaded: online access is off. Allow it (in Blender: "
                "Preferences, System, Network), or add the file by hand"
            )
        part = self._part(model)
        require_accepted(self.folder, model.terms, accept)
        stated = download(model.url, part, hosts, report, stopping)
        found = _sha256(part)
        if stated not in (None, found):
            _discard(part)
            raise ModelError(
                f"{model.url} has SHA-256 {found}, its server states {stated}: it was damaged on "
                "the way and is deleted. Try again"
            )
        return self._keep(model, part, model.url)

    def add(self, model: PublishedModel, file: Path, *, accept: Accept) -> ModelCard:
        """Take a network from a file of the user's.

        Args:
            model: Which network it is.
            file: The file, which stays; for a network in an archive, either of them.
            accept: As in `fetch`.

        Returns:
            Its card, to open it with.

        Raises:
            ModelError: It is not allowed, cannot be read or written, or is not what it should be.
        """
        try:
            if not file.is_file():
                raise ModelError(f"{file} is not a file")
            if file.stat().st_size > MAX_BYTES:
                raise ModelError(f"{file} is larger than {MAX_BYTES} bytes: no network here is")
            content = file.read_bytes()
        except OSError as error:
            raise ModelError(f"{file} cannot be read: {error.strerror or error}") from error
        part = self._part(model)
        require_accepted(self.folder, model.terms, accept)
        _discard(part)
        write_whole(part, content)
        return self._keep(model, part, str(file))

    def has(self, model: PublishedModel) -> bool:
        """Tell whether a network was fetched or added, without reading all of it.

        Args:
            model: Which.

        Returns:
            Whether the network and its record are there.
        """
        return (self.folder / model.file).is_file() and self._record(model).is_file()

    def card(self, model: PublishedModel) -> ModelCard:
        """Card of a network that is there; opening it checks its hash against the record.

        Args:
            model: Which.

        Returns:
            What `Session` opens, with this folder.

        Raises:
            ModelError: It was never fetched, or its record is damaged.
        """
        known = self._known_sha256(model)
        if known is None:
            raise ModelError(
                f"{model.name} is not in {self.folder}: `track-spine models fetch {model.name}`"
            )
        return ModelCard(
            name=model.name,
            file=model.file,
            sha256=known,
            licence=model.terms.licence,
            source=model.url,
        )

    def open(self, model: PublishedModel, threads: int = 0, provider: str | None = None) -> Session:
        """Open a network that is there.

        Args:
            model: Which.
            threads: As in `Session`.
            provider: As in `Session`.

        Returns:
            The network.

        Raises:
            ModelError: It is not there, was changed, or cannot be run.
        """
        remedy = f"`track-spine models fetch {model.name}`"
        return Session(self.card(model), self.folder, threads, remedy, provider)

    def _part(self, model: PublishedModel) -> Path:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ModelError(
                f"Folder for models {self.folder} cannot be made: {error.strerror or error}"
            ) from error
        return self.folder / f"{model.name}.part"

    def _record(self, model: PublishedModel) -> Path:
        return self.folder / f"{model.name}.json"

    def _known_sha256(self, model: PublishedModel) -> str | None:
        """Hash that the network must have: the pinned one, else that of the first time."""
        if model.sha256:
            return model.sha256
        record = self._record(model)
        content = read_record(record)
        sha256 = content.get("sha256")
        if content and (content.get("schema") != SCHEMA or not isinstance(sha256, str)):
            raise ModelError(f"{record} is damaged: delete it to fetch {model.name} anew")
        return sha256

    def _keep(self, model: PublishedModel, part: Path, source: str) -> ModelCard:
        """Check what has come and let it take its place; delete it where it is not right."""
        try:
            content = _unpacked(model, part)
            sha256 = hashlib.sha256(content).hexdigest()
            self._require_known(model, sha256)
            check_structure(content, model.name)
            card = ModelCard(model.name, part.name, sha256, model.terms.licence, model.url)
            check_ends(Session(card, self.folder, threads=1), model.ends, model.name)
        except ModelError:
            _discard(part)
            raise
        self._write_record(model, sha256, source)
        put_in_place(part, self.folder / model.file)
        _discard(part)
        return self.card(model)

    def _require_known(self, model: PublishedModel, sha256: str) -> None:
        known = self._known_sha256(model)
        if known not in (None, sha256):
            raise ModelError(
                f"{model.name} has SHA-256 {sha256}, expected {known}: it is not the network that "
                f"was known before. If its publisher changed it, delete {self._record(model)}"
            )

    def _write_record(self, model: PublishedModel, sha256: str, source: str) -> None:
        content = {
            "schema": SCHEMA,
            "version": VERSION,
            "name": model.name,
            "sha256": sha256,
            "licence": model.terms.licence,
            "source": source,
        }
        write_record(self._record(model), content)


def _unpacked(model: PublishedModel, part: Path) -> bytes:
    """Content of the network that has come, taken out of its archive if it lies in one."""
    if not model.member or not zipfile.is_zipfile(part):
        return part.read_bytes()
    try:
        with zipfile.ZipFile(part) as archive:
            inside = [one for one in archive.infolist() if Path(one.filename).name == model.member]
            if len(inside) != 1:
                raise ModelError(
                    f"The archive of {model.name} has {len(inside)} files {model.member}, not one"
                )
            if inside[0].file_size > MAX_BYTES:
                raise ModelError(f"{model.name} unpacks to more than {MAX_BYTES} bytes")
            content = archive.read(inside[0])
    except ModelError:
        raise
    except Exception as error:  # what zipfile raises on a hostile file has no common class
        raise ModelError(f"The archive of {model.name} is damaged: {error}") from error
    write_whole(part, content)
    return content


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _discard(part: Path) -> None:
    with suppress(OSError):
        part.unlink(missing_ok=True)
        part.with_name(part.name + ".etag").unlink(missing_ok=True)
