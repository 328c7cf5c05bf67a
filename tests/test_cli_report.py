# SPDX-License-Identifier: GPL-3.0-or-later
"""`track-spine report`: a page and a table beside the take, or the reason why not."""

import json

import numpy as np
import pytest
from track_spine import cli
from track_spine.inference.views.combine import combine
from track_spine.inference.views.record import write_combined
from track_spine.rigging.person import Person, person_text
from track_spine.rigging.skeleton import DEFAULT_LENGTHS_M, DEFAULT_OFFSETS_M

from .inference.views.conftest import camera, clip

VIEWS = [camera("a", 0.0), camera("b", 110.0), camera("c", 240.0)]


@pytest.fixture(name="take", scope="module")
def _take(tmp_path_factory):
    clips = [clip(view, seconds=2.0, noise_px=0.5, seed=n) for n, view in enumerate(VIEWS)]
    combined = combine(VIEWS, clips, 0.5)
    folder = tmp_path_factory.mktemp("report") / "take"
    sources = [{"clip": f"{view.name}.mp4", "sha256": "0" * 64, "take": "-"} for view in VIEWS]
    write_combined(folder, combined, sources)
    return folder


def test_a_page_and_a_table_are_written_beside_the_take(take, capsys):
    assert cli.main(["report", str(take)]) == 0
    page = (take / "report.html").read_text()
    assert "The back in a.mp4, b.mp4, c.mp4" in page and "triangulated" in page
    rows = (take / "report.csv").read_text().splitlines()
    assert rows[0].startswith("time_s,lumbar_flexion_deg")
    assert len(rows) == 1 + json.loads((take / "take.json").read_text())["timestamps"]["count"]
    assert "report.html" in capsys.readouterr().err


def test_angles_are_told_from_a_neutral_trial_where_there_is_one(take, tmp_path):
    kept = tmp_path / "person.json"
    kept.write_text(
        person_text(Person({**DEFAULT_LENGTHS_M, **DEFAULT_OFFSETS_M}, np.zeros((8, 2))))
    )
    table = {}
    for name, options in (("absolute", []), ("change from", ["--person", str(kept)])):
        page = tmp_path / f"{name}.html"
        assert cli.main(["report", str(take), "--out", str(page), *options]) == 0
        assert name in page.read_text()
        table[name] = page.with_suffix(".csv").read_text()
    # The person's lengths take part in the fit.
    assert table["absolute"] != table["change from"]


def test_a_file_that_is_no_person_is_told(take, tmp_path, capsys):
    (tmp_path / "person.json").write_text("{}")
    assert cli.main(["report", str(take), "--person", str(tmp_path / "person.json")]) == 1
    assert "neutral trial" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(("version", "status"), [(1, 0), (0, 1), (99, 1)])
def test_takes_of_an_earlier_version_are_read_and_of_later_ones_refused(
    take, tmp_path, capsys, version, status
):
    head = json.loads((take / "take.json").read_text()) | {"version": version}
    (tmp_path / "take.json").write_text(json.dumps(head))
    (tmp_path / "lifted.npz").write_bytes((take / "lifted.npz").read_bytes())
    assert cli.main(["report", str(tmp_path)]) == status
    assert (tmp_path / "report.html").is_file() == (status == 0)
    assert ("of version" in capsys.readouterr().err) == (status == 1)


def test_several_people_have_a_page_each_and_gaps_stay_blank(take, tmp_path, capsys):
    (tmp_path / "take.json").write_text((take / "take.json").read_text())
    with np.load(take / "lifted.npz") as lifted:
        arrays = dict(lifted)
    gone = slice(20, 40)
    for name in ("xyz_m", "sigma_m", "score", "raw_score", "xy_px"):
        if name in arrays:
            second = arrays[name].copy()
            second[gone] = 0.0 if "score" in name else np.nan
            arrays[name] = np.concatenate([arrays[name], second], axis=1)
    np.savez(tmp_path / "lifted.npz", **(arrays | {"person": np.array([0, 7])}))
    assert cli.main(["report", str(tmp_path)]) == 0
    assert not (tmp_path / "report.html").exists()
    assert "person 7" in (tmp_path / "report_7.html").read_text()
    for person, blank in ((0, 0), (7, 20)):
        rows = (tmp_path / f"report_{person}.csv").read_text().splitlines()[1:]
        assert sum(row.split(",")[1] == "" for row in rows) == blank
    # One person's neutral posture says nothing of another's angles.
    kept = tmp_path / "person.json"
    kept.write_text(
        person_text(Person({**DEFAULT_LENGTHS_M, **DEFAULT_OFFSETS_M}, np.zeros((8, 2))))
    )
    assert cli.main(["report", str(tmp_path), "--person", str(kept)]) == 1
    assert "needs one person" in " ".join(capsys.readouterr().err.split())


def test_the_page_may_go_elsewhere(take, tmp_path):
    assert cli.main(["report", str(take), "--out", str(tmp_path / "back.html")]) == 0
    assert (tmp_path / "back.html").is_file() and (tmp_path / "back.csv").is_file()


def test_a_take_that_is_not_finished_or_no_take_is_told(take, tmp_path, capsys):
    (tmp_path / "take.json").write_text((take / "take.json").read_text())
    assert cli.main(["report", str(tmp_path)]) == 1
    assert "not tracked to its end" in capsys.readouterr().err
    assert cli.main(["report", str(tmp_path / "nothing")]) == 1
    assert "cannot be read as a take" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_told(take, tmp_path, capsys):
    assert cli.main(["report", str(take), "--out", str(tmp_path / "no" / "back.html")]) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.part"))
