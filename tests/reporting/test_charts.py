# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts are well-formed, place values where they belong, and break where nothing is known."""

import base64
import re
import xml.etree.ElementTree as ElementTree

import cv2
import numpy as np
import pytest
from track_spine.reporting.charts import MAX_POINTS, Curve, colour_map, line_chart, png, strips

TIME_S = np.linspace(0.0, 4.0, 101)


def polylines(svg):
    texts = re.findall(r'<polyline[^>]*points="([^"]*)"', svg)
    return [np.array([pair.split(",") for pair in text.split()], float) for text in texts]


def test_a_line_rises_as_its_values_do():
    (line,) = polylines(line_chart(TIME_S, [Curve("a", 3.0 * TIME_S, "#000")], "°"))
    x, y = line.T
    assert np.corrcoef(x, TIME_S)[0, 1] == pytest.approx(1.0, abs=1e-6)
    assert np.corrcoef(y, -TIME_S)[0, 1] == pytest.approx(1.0, abs=1e-5)  # up is less in SVG


def test_a_gap_breaks_the_line():
    values = np.sin(TIME_S)
    values[40:60] = np.nan
    assert [
        len(line) for line in polylines(line_chart(TIME_S, [Curve("a", values, "#000")], ""))
    ] == [
        40,
        41,
    ]


def test_a_gap_breaks_the_band_and_the_band_lies_in_the_chart():
    values = np.sin(TIME_S)
    values[40:60] = np.nan
    svg = line_chart(TIME_S, [Curve("a", values, "#000", np.full(101, 5.0))], "", height=180)
    outlines = re.findall(r'<polygon[^>]*points="([^"]*)"', svg)
    assert [len(outline.split()) for outline in outlines] == [80, 82]
    y = [float(pair.split(",")[1]) for outline in outlines for pair in outline.split()]
    assert min(y) >= 0.0 and max(y) <= 180.0


def test_nothing_known_is_an_empty_chart():
    svg = line_chart(TIME_S, [Curve("a", np.full(101, np.nan), "#000")], "")
    assert not polylines(svg)
    ElementTree.fromstring(svg)


def test_hours_of_samples_are_thinned():
    time_s = np.arange(50_000) / 30.0
    (line,) = polylines(line_chart(time_s, [Curve("a", np.sin(time_s), "#000")], ""))
    assert len(line) == MAX_POINTS


def test_names_from_files_cannot_break_out():
    svg = line_chart(TIME_S, [Curve("</svg><script>", TIME_S, "#000")], "<b>")
    assert "<script>" not in svg and "<b>" not in svg
    ElementTree.fromstring(svg)


def test_a_png_is_read_back_by_others():
    picture = np.random.default_rng(0).integers(0, 256, (7, 13, 3)).astype(np.uint8)
    read = cv2.imdecode(np.frombuffer(png(picture), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(read[..., ::-1], picture)


@pytest.mark.parametrize(
    "svg",
    [
        strips(TIME_S, {"spine": np.linspace(0, 1, 101), "left heel": np.full(101, np.nan)}),
        colour_map(TIME_S, np.random.default_rng(1).normal(size=(101, 8)), list("abcdefgh"), 2.0),
    ],
)
def test_pictures_in_charts_are_well_formed(svg):
    root = ElementTree.fromstring(svg)
    images = [one for one in root.iter() if one.tag.endswith("image")]
    assert images and all(one.attrib["href"].startswith("data:image/png") for one in images)


def test_red_is_above_zero_and_the_first_row_at_the_bottom():
    svg = colour_map(TIME_S, np.column_stack([np.full(101, 9.0), np.full(101, -9.0)]), "ab", 9.0)
    data = re.search(r"base64,([^\"]+)", svg).group(1)
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    blue_top, red_bottom = picture[0, 0], picture[-1, 0]
    assert blue_top[0] > blue_top[2] and red_bottom[2] > red_bottom[0]
