# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches one file over HTTPS into a partial file, going on where an earlier attempt stopped.

The partial file stays behind after an interruption, with the server's ETag beside it: without one
that still holds, the file is begun anew, so that two versions of it are never joined.
"""

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from email.message import Message
from pathlib import Path
from typing import IO, Final
from urllib.parse import urlsplit

from .errors import ModelError
from .onnx_file import MAX_BYTES

TIMEOUT_S: Final = 30.0
"""A server that is silent for longer is given up."""

BLOCK_BYTES: Final = 2**18

LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
"""Plain HTTP is good enough within one machine, and only there."""

AGAIN: Final = "the part that came is kept: the same request goes on from there"

BY_HAND: Final = (
    "Look whether the file is still published there; one that was downloaded by hand is taken by "
    "`track-spine models add`"
)

Report = Callable[[int, int | None], None]
"""Called with bytes done and bytes in all, None where the server does not say."""


class StoppedError(ModelError):
    """The download was stopped on request."""


def download(
    url: str,
    part: Path,
    hosts: Sequence[str],
    report: Report = lambda done, total: None,
    stopping: Callable[[], bool] = lambda: False,
    timeout_s: float = TIMEOUT_S,
) -> str | None:
    """Fetch a file, or the rest of it.

    Args:
        url: Where it lies: https, or http on this machine.
        part: Where its bytes go; its folder is there. The caller renames it.
        hosts: Where the file and redirects may lead, with the hosts under these.
        report: Told of progress after each block.
        stopping: Asked after each block whether to stop.
        timeout_s: Longest silence of the server, seconds.

    Returns:
        SHA-256 that the server states for the file, if it does.

    Raises:
        StoppedError: On request; the part is kept.
        ModelError: The file cannot be fetched or written.
    """
    redirects = _Redirects(hosts)
    _require_allowed(url, hosts)
    tag = part.with_name(part.name + ".etag")
    try:
        response, done = _open(url, part, tag, redirects, timeout_s)
        with closing(response):
            _save(response, done, part, tag, report, stopping)
    except urllib.error.HTTPError as error:
        answer = f"{error.code} {error.reason}"
        raise ModelError(f"{url}: the server answers {answer}. {BY_HAND}") from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or str(error) or type(error).__name__
        raise ModelError(
            f"{url} cannot be fetched: {reason}. Check the connection; {AGAIN}"
        ) from error
    return redirects.sha256


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to allowed places only, and notes the hash that Hugging Face sends along.

    Source: huggingface_hub, constants.py, HUGGINGFACE_HEADER_X_LINKED_ETAG: the SHA-256 of files in
    Git LFS, on the answer that redirects to the store.
    """

    def __init__(self, hosts: Sequence[str]) -> None:
        self._hosts = hosts
        self.sha256: str | None = None

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        _require_allowed(newurl, self._hosts)
        linked = (headers.get("X-Linked-Etag") or "").strip('"')
        if re.fullmatch(r"[0-9a-f]{64}", linked):
            self.sha256 = linked
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _require_allowed(url: str, hosts: Sequence[str]) -> None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        raise ModelError(f"{url} is refused: models come over https only. {BY_HAND}")
    if not any(host == one or host.endswith("." + one) for one in hosts):
        raise ModelError(
            f"{url} is refused: {host or 'no host'} is not one of {', '.join(hosts)}. {BY_HAND}"
        )


def _open(
    url: str, part: Path, tag: Path, redirects: _Redirects, timeout_s: float
) -> tuple[http.client.HTTPResponse, int]:
    """Ask for what is missing; where the server has no such rest, for the whole file.

    Returns:
        The answer, and the bytes kept that it goes on from.
    """
    opener = urllib.request.build_opener(redirects)
    size, etag = _kept(part, tag)
    if size:
        headers = {"Range": f"bytes={size}-", "If-Range": etag}
        try:
            response = opener.open(urllib.request.Request(url, headers=headers), timeout=timeout_s)
        except urllib.error.HTTPError as error:
            if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
            error.close()
        else:
            if response.status == http.HTTPStatus.OK:
                return response, 0
            if _begins_at(response, size):
                return response, size
            response.close()
    return opener.open(url, timeout=timeout_s), 0


def _kept(part: Path, tag: Path) -> tuple[int, str]:
    """Bytes that may be gone on from, and the ETag of the file they are from."""
    try:
        etag = tag.read_text("latin-1")
        size = part.stat().st_size
    except OSError:
        return 0, ""
    return size, etag


def _begins_at(response: http.client.HTTPResponse, size: int) -> bool:
    span = response.headers.get("Content-Range") or ""
    return response.status == http.HTTPStatus.PARTIAL_CONTENT and span.startswith(f"bytes {size}-")


def _save(
    response: http.client.HTTPResponse,
    done: int,
    part: Path,
    tag: Path,
    report: Report,
    stopping: Callable[[], bool],
) -> None:
    encoding = response.headers.get("Content-Encoding") or "identity"
    if encoding != "identity":
        raise ModelError(f"{response.url} comes {encoding}-encoded, which was not asked for")
    total = None if response.length is None else done + response.length
    _require_small(response.url, total or 0)
    with _writing(part):
        if not done:
            _note(tag, response.headers.get("ETag") or "")
        file = part.open("ab" if done else "wb")
    with closing(file):
        # read1 gives what has come, so that a slow server's bytes are kept and a stop is heard.
        while block := response.read1(BLOCK_BYTES):
            done += len(block)
            _require_small(response.url, done)
            with _writing(part):
                file.write(block)
                file.flush()
            report(done, total)
            if stopping():
                raise StoppedError(f"{response.url} was stopped after {done} bytes; {AGAIN}")
    if total is not None and done < total:
        raise ModelError(f"{response.url} ended after {done} of {total} bytes; {AGAIN}")


def _note(tag: Path, etag: str) -> None:
    # A weak tag does not tell bytes apart, and a server must not be asked to go on by one.
    if etag and not etag.startswith("W/"):
        tag.write_text(etag, "latin-1")
    else:
        tag.unlink(missing_ok=True)


def _require_small(url: str, size: int) -> None:
    if size > MAX_BYTES:
        raise ModelError(
            f"{url} has more than {MAX_BYTES} bytes, the most that a network here may have"
        )


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Tell what the disk refuses apart from what the network does."""
    try:
        yield
    except OSError as error:
        raise ModelError(
            f"{path} cannot be written ({error.strerror or error}): make room or choose another "
            "folder for models"
        ) from error
