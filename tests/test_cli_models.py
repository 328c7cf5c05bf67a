# SPDX-License-Identifier: GPL-3.0-or-later
"""`track-spine models` as a user runs it."""

import io

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from track_spine import cli
from track_spine.inference.catalogue import CATALOGUE, LIFTER


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "models"


@pytest.fixture
def file(tmp_path):
    """A network with the lifter's ends, under the name that its publisher gave it."""
    shapes = {"input": ["n", 37, 2], "output": ["n", 37, 3]}
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    ]
    weights = numpy_helper.from_array(np.ones((2, 3), np.float32), "weights")
    node = helper.make_node("MatMul", ["input", "weights"], ["output"])
    graph = helper.make_graph([node], "g", values[:1], values[1:], [weights])
    path = tmp_path / LIFTER.url.rpartition("/")[2]
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path
    )
    return path


def run(folder, *arguments):
    return cli.main(["models", *map(str, arguments), "--folder", str(folder)])


def answer(monkeypatch, text):
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_list_names_every_network_with_its_licence(folder, capsys):
    assert run(folder, "list") == cli.OK
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(CATALOGUE)
    assert lines[0].split()[:3] == ["spinepose-v2-s", "-", "CC-BY-NC-4.0"]
    assert not folder.exists()


def test_a_file_added_under_its_published_name_is_listed(folder, file, monkeypatch, capsys):
    answer(monkeypatch, "yes\n")
    assert run(folder, "add", file) == cli.OK
    said = capsys.readouterr().err
    assert "https://creativecommons.org/licenses/by-nc/4.0/" in said
    assert "Not for commercial use" in said
    assert "SHA-256" in said
    run(folder, "list")
    assert "spinepose-lifter   here" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "no\n", "y\n"])
def test_without_a_yes_nothing_is_added(folder, file, monkeypatch, capsys, text):
    answer(monkeypatch, text)
    assert run(folder, "add", file) == cli.FAILED
    assert "was not accepted" in capsys.readouterr().err
    assert not (folder / LIFTER.file).exists()


def test_a_file_of_another_name_needs_to_be_told(folder, file, capsys):
    other = file.rename(file.with_name("mine.onnx"))
    assert run(folder, "add", other) == cli.WRONG_ARGUMENTS
    assert "--as" in capsys.readouterr().err
    told = run(folder, "add", other, "--as", "spinepose-lifter", "--accept-licence")
    assert told == cli.OK


def test_a_file_that_is_another_network_is_refused(folder, file, capsys):
    assert run(folder, "add", file, "--as", "spinepose-v1-x", "--accept-licence") == cli.FAILED
    said = capsys.readouterr().err
    assert "takes any x 37 x 2, not any x 3 x 384 x 288" in said
    assert "Traceback" not in said


def test_fetch_of_what_is_here_needs_no_network(folder, file, capsys):
    run(folder, "add", file, "--accept-licence")
    assert run(folder, "fetch", "spinepose-lifter") == cli.OK


def test_fetch_asks_for_the_licence_before_it_goes_online(folder, monkeypatch, capsys):
    answer(monkeypatch, "no\n")
    assert run(folder, "fetch", "spinepose-v2-m") == cli.FAILED
    assert "CC-BY-NC-4.0 of DFKI" in capsys.readouterr().err


def test_ctrl_c_ends_a_download_as_interrupted(folder, monkeypatch, capsys):
    def interrupted(url, part, hosts, report, stopping):
        report(5, 100)
        raise KeyboardInterrupt

    monkeypatch.setattr("track_spine.inference.installed.download", interrupted)
    assert run(folder, "fetch", "spinepose-v2-m", "--accept-licence") == cli.INTERRUPTED
    assert "interrupted" in capsys.readouterr().err


def test_an_unknown_name_is_a_wrong_argument(folder):
    with pytest.raises(SystemExit) as leaving:
        run(folder, "fetch", "spinepose-v9")
    assert leaving.value.code == 2
