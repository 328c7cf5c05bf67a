# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge's report: shape of the JSON, the table in the docs, figures of known answers."""

import json

import numpy as np
import pytest

pytest.importorskip("anny", reason="training has its own environment, see training/README.md")

from track_spine.inference.crop import Crop
from track_spine.training import judge, judge_groups
from track_spine.training.errors import TrainingError
from track_spine.training.judge import Entry, learning_curve, table, write
from track_spine.training.judge_held_out import Answers, figures
from track_spine.training.judge_look import crop_about, mirrored

ENTRIES = [
    Entry("spine_ap_synthetic", 0.912345, "", 0.75),
    Entry("training_images", 25088.0, "images", None),
]


def test_the_report_is_a_list_of_named_figures(tmp_path):
    card = tmp_path / "model.md"
    card.write_text("# Model\n\nbefore\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n")
    write(ENTRIES, {"figures": table(ENTRIES)}, tmp_path / "out" / "model.json", card)
    rows = json.loads((tmp_path / "out" / "model.json").read_text())
    assert [set(row) for row in rows] == [{"name", "value", "unit", "baseline", "command"}] * 2
    assert rows[0]["value"] == 0.912345 and rows[1]["baseline"] is None
    text = card.read_text()
    assert text.startswith("# Model\n\nbefore\n<!-- figures -->\n| measure")
    assert text.endswith("<!-- /figures -->\nafter\n") and "old" not in text
    write(ENTRIES, {"figures": table(ENTRIES)}, tmp_path / "out" / "model.json", card)
    assert card.read_text() == text


def test_a_card_without_a_place_for_the_table_is_refused(tmp_path):
    card = tmp_path / "model.md"
    card.write_text("# Model\n")
    with pytest.raises(TrainingError, match="marks of figures"):
        write(ENTRIES, {"figures": table(ENTRIES)}, tmp_path / "model.json", card)
    assert card.read_text() == "# Model\n"


def test_the_table_shows_three_figures():
    lines = table(ENTRIES).splitlines()
    assert lines[2] == "| spine_ap_synthetic | 0.912 | 0.75 |  |"
    assert lines[3] == "| training_images | 25088 |  | images |"


def test_the_learning_curve_comes_sorted(tmp_path):
    path = tmp_path / "curve.json"
    rows = [{"images": 800, "ap": 0.9, "median": 4, "bent_median": 5}]
    rows += [{"images": 100, "ap": 0.8, "median": 6, "bent_median": 7}]
    path.write_text(json.dumps(rows))
    entries = {entry.name: entry for entry in learning_curve(lambda line: None, path)}
    assert entries["training_images"].value == 800
    assert entries["learning_curve_ap_800"].baseline == 0.8
    assert len(entries) == 7
    path.write_text("[{}]")
    with pytest.raises(TrainingError, match=r"curve\.json"):
        learning_curve(lambda line: None, path)


def test_a_missing_learning_curve_is_said(tmp_path):
    said = []
    assert learning_curve(said.append, tmp_path / "none.json") == []
    assert "none.json" in said[0]


def test_missing_photos_are_said(tmp_path, monkeypatch):
    monkeypatch.setattr(judge, "DATA", tmp_path)
    said = []
    assert judge.photos(None, said.append) == []
    assert "missing" in said[0]


@pytest.fixture
def answers():
    """40 spines; the network errs by 3 % of the trunk, the others by 12 %."""
    rng = np.random.default_rng(3)
    target = rng.uniform(80.0, 200.0, (40, 9, 2))
    way = rng.normal(0.0, 1.0, (40, 9, 2))
    way /= np.linalg.norm(way, axis=2, keepdims=True)
    names = {"network": 3.0, "network, flip test": 3.0, "geometric prior": 12.0}
    return Answers(
        points={name: target + size / 100 * 50.0 * way for name, size in names.items()},
        score={name: np.ones(40) for name in names},
        scale_px=np.linspace(0.74, 0.76, 360).reshape(40, 9),
        target=target,
        torso_px=np.full(40, 50.0),
        box_px2=np.full(40, 100.0 * 200.0),
        view_deg=np.tile([0.0, 90.0, 180.0, -90.0], 10),
        bent=np.arange(40) % 2 == 0,
        clothes=np.array(["dress+shoes+long", "bottom+top+jacket+short"] * 20),
        body=np.tile([0.9, 0.7, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.3, 0.3, 0.4, 1.7], (40, 1)),
        tone=np.repeat([2.0, 9.0], 20),
        hidden=np.zeros(40, np.int64),
        place=np.column_stack([np.zeros(40, np.int64), np.arange(40)]),
        looked=50,
    )


def test_figures_of_known_errors(answers):
    report = figures(answers)
    network, prior = report["network"], report["geometric prior"]
    for name in ("median", "mean", "bent median", "front median", "side median", "back median"):
        assert network[name] == pytest.approx(3.0) and prior[name] == pytest.approx(12.0)
    assert network["PCK@5"] == 100.0 and prior["PCK@10"] == 0.0
    assert network["spine AP"] == pytest.approx(1.0)
    assert prior["spine AP"] < 0.95
    # 1.5 px is twice the scale told: beyond the radius of 50 %, within that of 80 %.
    assert network["within 50% radius"] == 0.0 and network["within 80% radius"] == 1.0
    assert network["error / told"] == pytest.approx(1.0)


def test_mirrored_twice_is_the_same():
    places = np.array([[3.0, 5.0], [250.5, 7.0]])
    assert np.array_equal(mirrored(mirrored(places, 288), 288), places)
    assert mirrored(places, 288)[0, 0] == 285.0


def test_a_crop_of_labels_holds_them_with_the_trunk_upwards():
    points = np.array([[100.0, 100.0], [160.0, 100.0], [40.0, 110.0]])
    crop = crop_about(points, points[0], points[1])
    assert isinstance(crop, Crop) and crop.angle == pytest.approx(np.pi / 2)
    reach = np.hypot(60.0, 10.0)
    assert crop.side_px == pytest.approx(2.5 * reach)


def test_groups_tell_whom_it_is_worse_for(answers):
    target, found = answers.target, answers.points["network"]
    dressed = np.arange(40) % 2 == 0
    found[dressed] = target[dressed] + 4.0 * (found[dressed] - target[dressed])
    rows = {name: rest for name, *rest in judge_groups.groups(answers)}
    assert rows["dress or skirt"] == [20, pytest.approx(12.0), 100.0]
    assert rows["jacket"] == [20, pytest.approx(3.0), 0.0]
    assert rows["all"][2] == 50.0 and rows["women"][0] == 40
    assert rows["lightest skin, Monk 1-4"][0] == rows["darkest skin, Monk 7-10"][0] == 20
    assert "men" not in rows and "child" not in rows  # nobody there
    assert "| jacket | 20 | 3.0 | 0 % |" in judge_groups.table(judge_groups.groups(answers))
