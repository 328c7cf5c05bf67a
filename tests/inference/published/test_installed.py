# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of published networks: asked for, accepted, checked, remembered, and refused."""

import dataclasses
import hashlib
import io
import json
import zipfile

import numpy as np
import pytest
from track_spine.inference import installed, user_folder
from track_spine.inference.catalogue import CATALOGUE, HOSTS, LIFTER
from track_spine.inference.errors import ModelError
from track_spine.inference.installed import ModelFolder

HERE = ("127.0.0.1",)
YOLOX = next(one for one in CATALOGUE if one.name == "yolox-tiny")
SMALL = next(one for one in CATALOGUE if one.name == "spinepose-v2-s")


class Asked(list):
    """Accepts licences, or does not, and notes what it was shown."""

    def __init__(self, answer=True):
        """Choose the answer."""
        self.answer = answer

    def __call__(self, terms):
        self.append(terms)
        return self.answer


@pytest.fixture
def folder(tmp_path):
    return ModelFolder(tmp_path / "deep" / "models")


@pytest.fixture
def lifter(networks):
    """A network with the lifter's ends; the argument makes it another one."""

    def make(value=0.0):
        return networks.constant((37, 2), {"output": np.full((37, 3), value)})

    return make


@pytest.fixture
def fetch(server, folder):
    def fetch_from_server(model=LIFTER, accept=None, online=True, **more):
        here = dataclasses.replace(model, url=server.url("/net"))
        asked = Asked() if accept is None else accept
        return folder.fetch(here, online=online, accept=asked, hosts=HERE, **more)

    return fetch_from_server


def files(folder):
    return sorted(path.name for path in folder.folder.iterdir()) if folder.folder.exists() else []


def test_a_fetched_network_is_recorded_and_runs(server, folder, fetch, lifter):
    server.serve("/net", lifter(3.0))
    card = fetch()
    assert card.sha256 == hashlib.sha256(lifter(3.0)).hexdigest()
    assert card.licence == "CC-BY-NC-4.0"
    assert files(folder) == ["licences.json", "spinepose-lifter.json", "spinepose-lifter.onnx"]
    (output,) = folder.open(LIFTER, 1).run(np.zeros((2, 37, 2), np.float32), ("output",))
    assert output.shape == (2, 37, 3)
    assert (output == 3.0).all()


def test_the_second_time_nothing_is_downloaded(server, fetch, lifter):
    server.serve("/net", lifter())
    assert fetch() == fetch(online=False)
    assert len(server.asked) == 1


def test_nothing_is_downloaded_offline(server, folder, fetch):
    with pytest.raises(ModelError, match="online access is off"):
        fetch(online=False)
    assert not server.asked
    assert files(folder) == []


def test_the_licence_is_shown_once_before_anything_is_downloaded(server, folder, fetch, lifter):
    server.serve("/net", lifter())
    refusing, accepting = Asked(False), Asked()
    with pytest.raises(ModelError, match=r"CC-BY-NC-4.0 of DFKI.* not accepted"):
        fetch(accept=refusing)
    assert refusing == [LIFTER.terms]
    assert not server.asked
    fetch(accept=accepting)
    server.serve("/net", b"")
    with pytest.raises(ModelError):
        fetch(SMALL, accept=accepting)  # of the same publisher, under the same licence
    assert accepting == [LIFTER.terms]
    assert "CC-BY-NC-4.0 of DFKI, dfki-av/spinepose" in json.loads(
        (folder.folder / "licences.json").read_text()
    )


def test_interruption_and_resumption_give_the_same_network(server, folder, fetch, lifter):
    server.serve("/net", lifter(), cut=len(lifter()) // 2)
    with pytest.raises(ModelError, match="goes on from there"):
        fetch()
    assert not folder.has(LIFTER)
    server.serve("/net", lifter())
    fetch()
    assert (folder.folder / LIFTER.file).read_bytes() == lifter()
    assert files(folder) == ["licences.json", "spinepose-lifter.json", "spinepose-lifter.onnx"]


def test_what_comes_later_must_be_what_came_first(server, folder, fetch, lifter):
    server.serve("/net", lifter(1.0))
    first = fetch()
    (folder.folder / LIFTER.file).unlink()
    server.serve("/net", lifter(2.0), etag='"2"')
    with pytest.raises(ModelError, match="not the network that was known before") as caught:
        fetch()
    assert "spinepose-lifter.json" in str(caught.value)
    assert not folder.has(LIFTER)
    server.serve("/net", lifter(1.0), etag='"3"')
    assert fetch() == first


def test_a_pinned_hash_holds_from_the_start(server, folder, fetch, lifter):
    pinned = dataclasses.replace(LIFTER, sha256="0" * 64)
    server.serve("/net", lifter())
    with pytest.raises(ModelError, match="expected 0000"):
        fetch(pinned)
    assert files(folder) == ["licences.json"]


def test_the_hash_that_the_server_states_is_checked(server, folder, fetch, lifter):
    server.redirect("/net", server.url("/store"), {"X-Linked-Etag": f'"{"ab" * 32}"'})
    server.serve("/store", lifter())
    with pytest.raises(ModelError, match="its server states abab"):
        fetch()
    assert files(folder) == ["licences.json"]


def test_a_network_changed_on_disk_is_not_opened(server, folder, fetch, lifter):
    server.serve("/net", lifter(1.0))
    fetch()
    (folder.folder / LIFTER.file).write_bytes(lifter(2.0))
    with pytest.raises(ModelError, match="models fetch spinepose-lifter"):
        folder.open(LIFTER)


def test_a_network_never_fetched_is_not_opened(folder):
    with pytest.raises(ModelError, match="models fetch spinepose-lifter"):
        folder.open(LIFTER)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"sha256": "00"}', '{"schema": 1}'])
def test_a_damaged_record_is_named(folder, content):
    folder.folder.mkdir(parents=True)
    record = folder.folder / "spinepose-lifter.json"
    record.write_text(content)
    with pytest.raises(ModelError, match="delete it") as caught:
        folder.card(LIFTER)
    assert str(record) in str(caught.value)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("page", "not an ONNX network"),
        ("short", "not an ONNX network"),
        ("external", "another file"),
        ("input", "takes any x 37 x 3, not any x 37 x 2"),
        ("channels", "takes any x 256 x 192 x 3, not any x 37 x 2"),
        ("batch", "takes 4 x 37 x 2"),
        ("output", "gives 1 x 36 x 3 for one picture, not 1 x 37 x 3"),
        ("none", "gives 1 x 37 for one picture, not 1 x 37 x 3"),
        ("two", r"must take one tensor\(float\)"),
        ("unrunnable", "cannot be run"),
        ("unknown", "cannot open"),
        ("bomb", "cannot be run|cannot open"),
    ],
)
def test_wrong_and_hostile_files_are_refused_and_deleted(
    server, folder, fetch, networks, lifter, what, words
):
    constant = networks.constant
    both = {"input": [1, 37, 2], "other": [1]}
    made = {
        "page": lambda: b"<html>",
        "short": lambda: lifter()[:-40],
        "external": networks.external,
        "input": lambda: constant((37, 3), {"output": np.zeros((37, 3))}),
        "channels": lambda: constant((256, 192, 3), {"output": np.zeros((37, 3))}),
        "batch": lambda: constant((37, 2), {"output": np.zeros((37, 3))}, batch=4),
        "output": lambda: constant((37, 2), {"output": np.zeros((36, 3))}),
        "none": lambda: constant((37, 2), {"output": np.zeros(37)}),
        "two": lambda: networks.model([networks.node("Relu")], both, {"output": [1, 37, 2]}),
        "unrunnable": lambda: networks.unrunnable((37, 2)),
        "unknown": lambda: networks.model(
            [networks.node("Nonsense")], {"input": [1]}, {"output": [1]}
        ),
        "bomb": lambda: networks.model(  # a few bytes that ask for 400 TB
            [networks.node("Expand", more=["size"])],
            {"input": ["n", 37, 2]},
            {"output": ["n", "m", "k"]},
            {"size": np.array([10**12, 37, 2])},
        ),
    }[what]()
    server.serve("/net", made if isinstance(made, bytes) else made.SerializeToString())
    with pytest.raises(ModelError, match=words) as caught:
        fetch()
    assert "spinepose-lifter" in str(caught.value)
    assert files(folder) == ["licences.json"]


def archive(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def yolox(networks):
    return networks.constant((3, 416, 416), {"dets": np.zeros((100, 5)), "labels": np.zeros(100)})


def renamed(content):
    return archive(**{"20230511__yolox__end2end.onnx": content, "20230511__detail.json": b"{}"})


def test_a_network_is_taken_out_of_its_archive(server, folder, fetch, yolox):
    server.serve("/net", renamed(yolox))
    assert fetch(YOLOX).sha256 == hashlib.sha256(yolox).hexdigest()
    assert (folder.folder / "yolox-tiny.onnx").read_bytes() == yolox
    assert files(folder) == ["licences.json", "yolox-tiny.json", "yolox-tiny.onnx"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (archive(detail=b"{}"), "0 files end2end.onnx"),
        (archive(**{"a__end2end.onnx": b"1", "b__end2end.onnx": b"2"}), "2 files end2end.onnx"),
        (renamed(b"x" * 1000)[:-30], "not an ONNX network"),
        (renamed(b"x" * 1000).replace(b"PK\x01\x02", b"PK\x07\x07"), "damaged"),
    ],
)
def test_wrong_archives_are_refused(server, folder, fetch, content, words):
    server.serve("/net", content)
    with pytest.raises(ModelError, match=words):
        fetch(YOLOX)
    assert files(folder) == ["licences.json"]


def test_an_archive_that_unpacks_to_too_much_is_refused(server, fetch, monkeypatch):
    monkeypatch.setattr(installed, "MAX_BYTES", 10_000)
    server.serve("/net", renamed(bytes(10_001)))
    with pytest.raises(ModelError, match="unpacks to more than 10000"):
        fetch(YOLOX)


def test_names_in_an_archive_lead_nowhere(server, folder, fetch, yolox):
    server.serve("/net", archive(**{"..__..__..__end2end.onnx": yolox}))
    fetch(YOLOX)
    outside = folder.folder.parent.parent
    assert [path.name for path in outside.rglob("end2end.onnx")] == []


def test_a_local_file_is_taken_and_stays(folder, tmp_path, lifter):
    file, asked = tmp_path / "mine.onnx", Asked()
    file.write_bytes(lifter())
    card = folder.add(LIFTER, file, accept=asked)
    assert asked == [LIFTER.terms]
    assert card.sha256 == hashlib.sha256(lifter()).hexdigest()
    assert file.read_bytes() == lifter()
    assert folder.open(LIFTER).outputs[0].shape == (None, 37, 3)
    record = json.loads((folder.folder / "spinepose-lifter.json").read_text())
    assert record["source"] == str(file)


def test_a_local_archive_or_its_network_is_taken(folder, tmp_path, yolox):
    for name, content in (("a.zip", renamed(yolox)), ("b.onnx", yolox)):
        (tmp_path / name).write_bytes(content)
        card = folder.add(YOLOX, tmp_path / name, accept=Asked())
        assert card.sha256 == hashlib.sha256(yolox).hexdigest()


def test_a_local_file_is_checked_like_a_download(folder, tmp_path, networks):
    file = tmp_path / "mine.onnx"
    file.write_bytes(networks.external())
    with pytest.raises(ModelError, match="another file"):
        folder.add(LIFTER, file, accept=Asked())
    assert files(folder) == ["licences.json"]
    assert file.exists()


@pytest.mark.parametrize("kind", ["missing", "folder", "large"])
def test_what_is_no_file_is_refused(folder, tmp_path, monkeypatch, kind):
    file = tmp_path / "mine.onnx"
    if kind == "folder":
        file.mkdir()
    if kind == "large":
        file.write_bytes(bytes(20))
        monkeypatch.setattr(installed, "MAX_BYTES", 10)
    with pytest.raises(ModelError, match=r"mine\.onnx is (not a file|larger)"):
        folder.add(LIFTER, file, accept=Asked())


def test_a_folder_that_cannot_be_made_is_named(tmp_path, lifter):
    (tmp_path / "file").touch()
    (tmp_path / "mine.onnx").write_bytes(lifter())
    folder = ModelFolder(tmp_path / "file" / "models")
    with pytest.raises(ModelError, match="cannot be made"):
        folder.add(LIFTER, tmp_path / "mine.onnx", accept=Asked())


def test_a_full_disk_at_the_last_step_leaves_no_half_network(folder, tmp_path, lifter, monkeypatch):
    (tmp_path / "mine.onnx").write_bytes(lifter())

    def full(path, content):
        raise ModelError("No space left on device")

    monkeypatch.setattr(installed, "write_record", full)
    with pytest.raises(ModelError, match="No space"):
        folder.add(LIFTER, tmp_path / "mine.onnx", accept=Asked())
    assert not folder.has(LIFTER)
    assert not (folder.folder / LIFTER.file).exists()


@pytest.mark.parametrize(
    ("platform", "variable", "under"),
    [
        ("linux", "XDG_DATA_HOME", ""),
        ("linux", None, ".local/share"),
        ("win32", "LOCALAPPDATA", ""),
        ("darwin", None, "Library/Application Support"),
    ],
)
def test_the_users_folder_is_where_the_platform_keeps_data(
    monkeypatch, tmp_path, platform, variable, under
):
    monkeypatch.setattr(user_folder.sys, "platform", platform)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    if variable:
        monkeypatch.setenv(variable, str(tmp_path))
    assert user_folder.user_folder("models") == tmp_path / under / "track_spine" / "models"


def test_the_catalogue_is_sound():
    names = [one.name for one in CATALOGUE]
    assert len(set(names)) == len(names) == 15
    for model in CATALOGUE:
        assert model.url.startswith("https://")
        assert any(model.url.startswith(f"https://{host}/") for host in HOSTS)
        assert model.terms.licence and model.terms.address.startswith("https://")
        assert model.url.endswith(".zip") == bool(model.member)
        assert model.sha256 is None or len(model.sha256) == 64
    pose = [one for one in CATALOGUE if one.family == "simcc"]
    assert [one.name[-4:] for one in pose] == [
        "v2-s",
        "v2-m",
        "v2-l",
        "v1-s",
        "v1-m",
        "v1-l",
        "v1-x",
    ]
    assert {one.ends.input for one in pose if one.name[-1] == "x"} == {(3, 384, 288)}
    assert {one.ends.outputs for one in pose if one.name[-1] == "x"} == {((37, 576), (37, 768))}
    assert {one.ends.input for one in pose if one.name[-1] != "x"} == {(3, 256, 192)}
