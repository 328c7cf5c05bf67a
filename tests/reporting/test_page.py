# SPDX-License-Identifier: GPL-3.0-or-later
"""The page holds everything it shows, loads nothing, and says what one camera does not see."""

import csv
import io
from html.parser import HTMLParser

import numpy as np
import pytest
from track_spine.reporting.page import html_page
from track_spine.reporting.table import csv_table
from track_spine.rigging.angles import REGIONS
from track_spine.rigging.findings import Findings

FRAMES = 40


@pytest.fixture(name="findings")
def _findings():
    time_s = np.arange(FRAMES) / 25.0
    angles = {region: np.radians(np.tile([10.0, -5.0, 2.0], (FRAMES, 1))) for region in REGIONS}
    angles["lumbar"][7] = np.nan
    return Findings(
        time_s=time_s,
        angles=angles,
        sigma={region: np.full((FRAMES, 3), np.radians(3.0)) for region in REGIONS},
        arc=np.linspace(0.1, 1.2, 8),
        curvature=np.zeros((FRAMES, 8)),
        spine_score=np.linspace(0.2, 0.9, FRAMES),
        contacts={"left_heel": np.arange(FRAMES) < 20},
        reprojection=np.full(FRAMES, 0.021),
        jitter=0.21,
        amplitude=0.98,
    )


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.addresses, self.text = [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for key, value in attributes if key in ("src", "href")]

    def handle_data(self, data):
        self.text.append(data)


def read(page):
    parser = _Page()
    parser.feed(page)
    return parser


def test_the_page_loads_nothing_and_runs_nothing(findings):
    page = read(html_page("walk.mp4", {"Frames": "40"}, findings, several_cameras=False))
    assert "script" not in page.tags and "link" not in page.tags
    assert all(address.startswith("data:") for address in page.addresses)


def test_the_page_names_regions_figures_and_what_one_camera_does_not_see(findings):
    text = " ".join(read(html_page("walk", {}, findings, several_cameras=False)).text)
    for wanted in ("Lumbar", "Thoracic", "Cervical", "21.0 %", "98.0 %", "2.1 % of the trunk"):
        assert wanted in text
    assert "One camera does not see axial rotation" in text
    assert "level is of low trust from one camera" in text
    several = " ".join(read(html_page("walk", {}, findings, several_cameras=True)).text)
    assert "one camera" not in several.lower() and "triangulated" in several


def test_a_file_name_cannot_break_out_of_the_page(findings):
    page = read(html_page("<script>x</script>", {"<b>": "<i>"}, findings, several_cameras=False))
    assert not {"script", "b", "i"} & set(page.tags)


def test_the_table_has_a_row_a_frame_in_degrees_with_blanks_where_not_known(findings):
    rows = list(csv.DictReader(io.StringIO(csv_table(findings))))
    assert len(rows) == FRAMES
    assert float(rows[3]["trunk_flexion_deg"]) == pytest.approx(10.0)
    assert float(rows[3]["trunk_sigma_deg"]) == pytest.approx(3.0)
    assert rows[7]["lumbar_flexion_deg"] == ""
    assert [rows[0]["left_heel"], rows[30]["left_heel"]] == ["1", "0"]
    assert float(rows[-1]["time_s"]) == pytest.approx((FRAMES - 1) / 25.0)
