# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads from a server that misbehaves: the same bytes in the end, or a reason and no harm."""

import errno
import http
from pathlib import Path

import numpy as np
import pytest
from track_spine.inference import downloads
from track_spine.inference.downloads import StoppedError, download
from track_spine.inference.errors import ModelError

HERE = ("127.0.0.1",)
CONTENT = np.random.default_rng(0).bytes(700_000)


@pytest.fixture
def part(tmp_path):
    return tmp_path / "net.part"


def refusal(server, part, path="/net", **arguments):
    with pytest.raises(ModelError) as caught:
        download(server.url(path), part, HERE, **arguments)
    return str(caught.value)


def ranges(server):
    return [headers.get("Range") for _, headers in server.asked]


def test_a_file_comes_whole_and_progress_is_told(server, part):
    server.serve("/net", CONTENT)
    told = []
    assert download(server.url("/net"), part, HERE, lambda *said: told.append(said)) is None
    assert part.read_bytes() == CONTENT
    done, totals = zip(*told, strict=True)
    assert list(done) == sorted(done)
    assert done[-1] == len(CONTENT)
    assert set(totals) == {len(CONTENT)}


@pytest.mark.parametrize("cut", [1, 300_000, len(CONTENT) - 1])
def test_a_broken_download_goes_on_where_it_stopped(server, part, cut):
    server.serve("/net", CONTENT, cut=cut)
    said = refusal(server, part)
    assert f"{cut} of {len(CONTENT)} bytes" in said
    assert "goes on from there" in said
    assert part.stat().st_size == cut
    server.serve("/net", CONTENT)
    download(server.url("/net"), part, HERE)
    assert ranges(server) == [None, f"bytes={cut}-"]
    assert part.read_bytes() == CONTENT


def test_a_download_that_breaks_again_and_again_arrives(server, part):
    server.serve("/net", CONTENT, cut=100_000)
    for _ in range(6):
        refusal(server, part)
    download(server.url("/net"), part, HERE)
    assert part.read_bytes() == CONTENT


def test_stopping_keeps_the_part(server, part):
    server.serve("/net", CONTENT)
    with pytest.raises(StoppedError, match="goes on"):
        download(server.url("/net"), part, HERE, stopping=lambda: True)
    assert 0 < part.stat().st_size < len(CONTENT)
    download(server.url("/net"), part, HERE)
    assert part.read_bytes() == CONTENT


def test_a_file_that_was_replaced_meanwhile_is_begun_anew(server, part):
    server.serve("/net", CONTENT, etag='"old"', cut=300_000)
    refusal(server, part)
    server.serve("/net", CONTENT[::-1], etag='"new"')
    download(server.url("/net"), part, HERE)
    assert part.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("etag", [None, 'W/"1"'])
def test_without_a_tag_that_tells_bytes_apart_nothing_is_joined(server, part, etag):
    server.serve("/net", CONTENT, etag=etag, cut=300_000)
    refusal(server, part)
    server.serve("/net", CONTENT[::-1], etag=etag)
    download(server.url("/net"), part, HERE)
    assert ranges(server) == [None, None]
    assert part.read_bytes() == CONTENT[::-1]


def test_a_part_longer_than_the_file_is_begun_anew(server, part):
    part.write_bytes(CONTENT + b"more")
    part.with_name("net.part.etag").write_text('"1"')
    server.serve("/net", CONTENT)
    download(server.url("/net"), part, HERE)
    assert ranges(server) == [f"bytes={len(CONTENT) + 4}-", None]  # answered 416, then 200
    assert part.read_bytes() == CONTENT


def test_another_part_than_the_one_asked_for_is_not_joined(server, part):
    part.write_bytes(CONTENT[:1000])
    part.with_name("net.part.etag").write_text('"1"')
    server.serve("/net", CONTENT)
    whole = server.answers["/net"]

    def wrong_part(handler):
        if "Range" not in handler.headers:
            return whole(handler)
        handler.send_response(http.HTTPStatus.PARTIAL_CONTENT)
        handler.send_header("Content-Range", f"bytes 10-99/{len(CONTENT)}")
        handler.send_header("Content-Length", "90")
        handler.end_headers()
        handler.wfile.write(CONTENT[10:100])
        return None

    server.answers["/net"] = wrong_part
    download(server.url("/net"), part, HERE)
    assert part.read_bytes() == CONTENT


def test_a_server_without_parts_starts_over(server, part):
    part.write_bytes(CONTENT[:1000])
    part.with_name("net.part.etag").write_text('"1"')
    server.serve("/net", CONTENT, etag='"other"')
    download(server.url("/net"), part, HERE)
    assert part.read_bytes() == CONTENT


@pytest.mark.parametrize("status", [401, 403, 404, 410, 500, 503])
def test_an_error_of_the_server_is_told_with_what_to_do(server, part, status):
    server.refuse("/net", status)
    said = refusal(server, part)
    assert str(status) in said
    assert "models add" in said
    assert not part.exists()


def test_a_416_without_a_part_is_an_error_and_no_loop(server, part):
    server.refuse("/net", 416)
    assert "416" in refusal(server, part)
    assert len(server.asked) == 1


def test_a_redirect_to_an_allowed_place_is_followed_with_the_range(server, part):
    sha256 = "ab" * 32
    server.redirect("/net", server.url("/store"), {"X-Linked-Etag": f'"{sha256}"'})
    server.serve("/store", CONTENT, cut=5000)
    refusal(server, part)
    server.serve("/store", CONTENT)
    assert download(server.url("/net"), part, HERE) == sha256
    assert ranges(server)[-2:] == ["bytes=5000-"] * 2
    assert part.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("http://127.0.0.2/net", "https only"),
        ("http://example.org/net", "https only"),
        ("https://example.org/net", "example.org is not one of"),
        ("https://127.0.0.1.example.org/net", "is not one of"),
        ("http://localhost:9/net", "localhost is not one of"),
        ("file:///etc/passwd", "not allowed"),
        ("ftp://127.0.0.1/net", "https only"),
    ],
)
def test_a_redirect_to_another_scheme_or_host_is_not_followed(server, part, target, words):
    server.redirect("/net", target)
    assert words in refusal(server, part)
    assert not part.exists()


def test_a_circle_of_redirects_ends(server, part):
    server.redirect("/net", server.url("/net"))
    assert "redirect" in refusal(server, part)
    assert len(server.asked) < 12


@pytest.mark.parametrize("url", ["http://huggingface.co/x", "file:///x", "https://evil.org/x", "x"])
def test_addresses_that_no_card_should_have_are_refused(part, url):
    with pytest.raises(ModelError, match="refused"):
        download(url, part, ("huggingface.co",))


def test_hosts_under_an_allowed_one_are_allowed():
    downloads._require_allowed("https://cdn-lfs.hf.co/x", ("hf.co",))
    with pytest.raises(ModelError):
        downloads._require_allowed("https://nothf.co/x", ("hf.co",))


def test_a_length_stated_too_long_counts_as_broken(server, part):
    server.serve("/net", CONTENT, length=len(CONTENT) + 10)
    assert f"{len(CONTENT)} of {len(CONTENT) + 10} bytes" in refusal(server, part)


def test_a_length_stated_too_short_gives_no_more_than_that(server, part):
    server.serve("/net", CONTENT, length=1000)
    download(server.url("/net"), part, HERE)
    assert part.read_bytes() == CONTENT[:1000]  # what it is not worth is seen when it is opened


def test_a_huge_file_is_refused_before_it_comes(server, part):
    server.serve("/net", CONTENT, length=10**12)
    assert "the most that a network" in refusal(server, part)
    assert not part.exists()


def test_a_huge_file_of_unknown_length_ends_at_the_limit(server, part, monkeypatch):
    monkeypatch.setattr(downloads, "MAX_BYTES", 300_000)

    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(CONTENT)

    server.answers["/net"] = answer
    assert "the most that a network" in refusal(server, part)
    assert part.stat().st_size <= 300_000


def test_a_chunked_answer_that_breaks_is_told(server, part):
    def answer(handler):
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"400\r\n" + CONTENT[:512])
        handler.close_connection = True

    server.answers["/net"] = answer
    assert "cannot be fetched" in refusal(server, part)


def test_a_trickle_arrives(server, part):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "600")
        handler.end_headers()
        for byte in CONTENT[:600]:
            handler.wfile.write(bytes([byte]))

    server.answers["/net"] = answer
    download(server.url("/net"), part, HERE)
    assert part.read_bytes() == CONTENT[:600]


@pytest.mark.parametrize("head", [b"", b"HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\nhalf"])
def test_a_server_that_falls_silent_is_given_up(server, part, head):
    def answer(handler):
        handler.wfile.write(head)
        server.released.wait(10)

    server.answers["/net"] = answer
    said = refusal(server, part, timeout_s=0.1)
    assert "timed out" in said
    assert "Check the connection" in said


@pytest.mark.parametrize("junk", [b"", b"\0\1\2", b"HTTP/9 lies\r\n\r\n", b"x" * 70_000])
def test_an_answer_that_is_no_http_is_told(server, part, junk):
    server.answers["/net"] = lambda handler: handler.wfile.write(junk)
    assert "cannot be fetched" in refusal(server, part)


def test_a_server_that_is_not_there_is_told(server, part):
    server.socket.close()
    assert "cannot be fetched" in refusal(server, part, timeout_s=0.1)


def test_a_compressed_answer_is_refused(server, part):
    server.serve("/net", CONTENT, headers={"Content-Encoding": "gzip"})
    assert "gzip" in refusal(server, part)


def test_a_folder_that_cannot_be_written_is_named(server, tmp_path):
    server.serve("/net", CONTENT)
    (tmp_path / "file").touch()
    said = refusal(server, tmp_path / "file" / "net.part")
    assert "cannot be written" in said
    assert "another folder" in said


def test_a_full_disk_is_told_apart_from_a_bad_connection(server, part, monkeypatch):
    server.serve("/net", CONTENT)
    opened = Path.open

    class Full:
        def __init__(self, file):
            self.file = file

        def write(self, block):
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self):
            self.file.close()

    def open_full(path, mode="r", **how):
        file = opened(path, mode, **how)
        return Full(file) if path == part else file

    monkeypatch.setattr(Path, "open", open_full)
    said = refusal(server, part)
    assert "No space left on device" in said
    assert "make room" in said
    assert "connection" not in said
