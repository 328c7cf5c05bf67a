# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of the worker: what is written comes back equal, and nothing else is let in."""

import json

import pytest
from track_spine.inference.protocol import (
    MAX_LINE_CHARS,
    PROTOCOL,
    Cancelled,
    CancelRequest,
    Failure,
    Fetched,
    FetchRequest,
    FrameReady,
    FramesWanted,
    Progress,
    ProtocolError,
    Ready,
    Result,
    SharedFrames,
    SlotFree,
    TrackRequest,
    decode,
    encode,
)

MESSAGES = [
    TrackRequest("clip.mp4", "take"),
    TrackRequest("Ä b\n\u2028'\".mp4", "C:\\t", 1.83, 1450.5, (12.5, 700.0)),
    TrackRequest("shot/walk_####.png", "take", trim="2.5s:10s", rate_hz=23.976),
    CancelRequest(),
    Ready("3.11.7", "CPUExecutionProvider"),
    Progress("track", 7, None, 1, 31.5),
    Progress("lift", 7, 120, 0, 0.0),
    Result("take", "take/lifted.npz", 230, 228, {"follow": 1.5, "lift": 0.0}),
    Result("take", "take/lifted.npz", 230, 228, {}),
    Result("take", "take/lifted.npz", 230, 228, {}, "2 damaged frames were left out (4, 9)"),
    Failure("VideoError", "clip.mp4 is empty", "Traceback\n  line"),
    Cancelled("take", 0),
    SharedFrames("7", 4, 1920, 1080, 29.97, 250, "ab" * 32),
    FramesWanted(120),
    FrameReady(3, 120, 4.004),
    SlotFree(3),
    FetchRequest("spinepose-v2-m", "CC-BY-NC-4.0 of DFKI"),
    Fetched("spinepose-v2-m", "/models/spinepose-v2-m.onnx"),
]

TRACK = {"type": "track", "video": "a.mp4", "take": "b"}


def refusal_of_line(line):
    with pytest.raises(ProtocolError) as caught:
        decode(line)
    return str(caught.value)


def refusal(fields):
    return refusal_of_line(json.dumps(fields))


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.type)
def test_a_message_comes_back_equal_from_one_line_of_ascii(message):
    line = encode(message)
    assert line.endswith("\n")
    assert len(line.splitlines()) == 1
    assert line.isascii()
    assert decode(line) == message
    assert json.loads(line)["type"] == message.type


def test_defaults_of_a_request_need_not_be_written():
    assert decode(json.dumps(TRACK)) == TrackRequest("a.mp4", "b", 1.7, None, None)


def test_whole_numbers_serve_as_floats():
    request = decode(json.dumps({**TRACK, "subject_height_m": 2, "subject_px": [3, 4]}))
    assert (request.subject_height_m, request.subject_px) == (2, (3.0, 4.0))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "\n",
        "rubbish",
        "{",
        '{"type": "cancel"',
        '{"type": "cancel"} {"type": "cancel"}',
        "[" * 100_000,
        '{"a":' * 100_000,
        "\ufeff" + '{"type": "cancel"}',
        "\x00",
        "9" * 5000,
    ],
    ids=lambda line: repr(line[:20]),
)
def test_rubbish_is_refused(line):
    assert "Not a message" in refusal_of_line(line)


@pytest.mark.parametrize("value", [None, 1, "cancel", [], ["cancel"], {}, {"video": "a"}])
def test_json_that_is_no_message_is_refused(value):
    assert "Unknown message" in refusal(value)


@pytest.mark.parametrize("kind", ["", "Track", "exec", None, 1, ["cancel"], {"cancel": 1}])
def test_an_unknown_type_is_refused(kind):
    assert "Unknown message" in refusal({"type": kind})


def test_a_line_without_end_is_refused_before_it_is_parsed():
    line = json.dumps({"type": "cancel", "x": "y" * MAX_LINE_CHARS})
    said = refusal_of_line(line)
    assert str(len(line)) in said
    assert len(said) < 300


def test_another_protocol_version_is_named():
    for fields in (
        {"type": "ready", "python": "3", "provider": "p", "protocol": PROTOCOL + 1},
        {**TRACK, "protocol": PROTOCOL + 1},
    ):
        said = refusal(fields)
        assert f"protocol {PROTOCOL + 1}" in said
        assert f"speaks {PROTOCOL}" in said


@pytest.mark.parametrize("name", ["video", "take"])
def test_a_missing_field_is_named(name):
    fields = {key: value for key, value in TRACK.items() if key != name}
    assert f"missing ['{name}']" in refusal(fields)


def test_an_extra_field_is_named():
    assert "unknown ['shell']" in refusal({"type": "cancel", "shell": "ls"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"video": 1},
        {"video": None},
        {"video": ["a.mp4"]},
        {"take": {"a": 1}},
        {"subject_height_m": "1.7"},
        {"subject_height_m": True},
        {"subject_height_m": None},
        {"subject_height_m": [1.7]},
        {"focal_px": "1000"},
        {"focal_px": False},
        {"subject_px": "12"},
        {"subject_px": 12},
        {"subject_px": {"x": 1}},
        {"subject_px": ["1", "2"]},
        {"subject_px": ["a", 0]},
        {"subject_px": [None, 0]},
        {"subject_px": [True, 0]},
        {"subject_px": [[1], 0]},
        {"trim": 120},
        {"trim": ["120:480"]},
        {"rate_hz": "24"},
        {"rate_hz": True},
    ],
    ids=str,
)
def test_a_field_of_another_type_is_refused_and_named(wrong):
    ((name, value),) = wrong.items()
    assert f"has {name} = {value!r}" in refusal({**TRACK, **wrong})


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "progress", "stage": "track", "done": 1.5, "total": 2, "people": 1, "fps": 1.0},
        {"type": "progress", "stage": "track", "done": 1, "total": "2", "people": 1, "fps": 1.0},
        {"type": "result", "take": "a", "lifted": "b", "frames": 1, "tracked": 1, "seconds": []},
        {
            "type": "result",
            "take": "a",
            "lifted": "b",
            "frames": 1,
            "tracked": 1,
            "seconds": {"a": "1"},
        },
        {"type": "ready", "python": "3", "provider": "p", "protocol": True},
    ],
    ids=lambda fields: fields["type"],
)
def test_what_the_child_says_is_checked_as_well(fields):
    assert f"'{fields['type']}' has" in refusal(fields)


@pytest.mark.parametrize(
    "value", [0, -1.7, 0.29, 2.81, 170, 1e308, float("nan"), float("inf")], ids=str
)
def test_a_height_no_person_has_is_refused_with_its_range(value):
    said = refusal({**TRACK, "subject_height_m": value})
    assert str(value) in said
    assert "0.3 and 2.8 m" in said


@pytest.mark.parametrize(
    "value", [0, -5, 9.9, 1.1e6, float("nan"), float("inf"), 10**400], ids=lambda v: f"{v}"[:9]
)
def test_a_focal_length_no_camera_has_is_refused_with_its_range(value):
    assert "10..1000000 px" in refusal({**TRACK, "focal_px": value})


@pytest.mark.parametrize(
    "value", [[], [1], [1, 2, 3], [float("nan"), 1], [1, float("inf")], [10**400, 0]], ids=repr
)
def test_a_subject_point_is_two_finite_numbers(value):
    assert "two pixel numbers" in refusal({**TRACK, "subject_px": value})


@pytest.mark.parametrize("value", ["", "120", "480:120", "-1:5", "2.5:10", "1s", "9" * 5000 + ":"])
def test_a_trim_that_holds_nothing_is_refused(value):
    assert refusal({**TRACK, "trim": value})


def test_a_trim_is_told_how_to_be_written():
    assert "write frames as 120:480 or seconds as 2.5s:10s" in refusal({**TRACK, "trim": "5-9"})
    assert "480 to 120 ends before it starts" in refusal({**TRACK, "trim": "480:120"})


def test_the_part_of_a_request():
    part = TrackRequest("a", "b", trim="120:9.5s").part()
    assert (part.first, part.end, part.first_s, part.end_s) == (120, None, None, 9.5)
    assert TrackRequest("a", "b").part() == TrackRequest("a", "b", trim=":").part()


@pytest.mark.parametrize("value", [0, -24, 2e5, float("nan"), float("inf")], ids=str)
def test_a_rate_no_footage_has_is_refused_with_its_range(value):
    assert "0.01..100000 Hz" in refusal({**TRACK, "rate_hz": value})


@pytest.mark.parametrize("name", ["video", "take"])
def test_a_request_needs_both_paths(name):
    assert "path" in refusal({**TRACK, name: ""})


def test_the_library_is_held_to_the_same_ranges():
    with pytest.raises(ProtocolError, match="Subject height"):
        TrackRequest("a", "b", subject_height_m=17.0)
    with pytest.raises(ProtocolError, match="Subject point"):
        TrackRequest("a", "b", subject_px=(1.0, float("nan")))
    assert TrackRequest("a", "b", 0.3, 10.0).focal_px == 10.0
    assert TrackRequest("a", "b", 2.8, 1e6).subject_height_m == 2.8


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"people": "two"}, "must be 'one' or 'all'"),
        ({"people": "all", "subject_px": [3, 4]}, "leave it out to follow all"),
        ({"subject_s": 2.0}, "without a subject point"),
        ({"most_people": 0}, "most_people is 0; it must lie in 1..64"),
        ({"threads": 0}, "threads is 0"),
        ({"batch_frames": 65}, "batch_frames is 65"),
    ],
)
def test_people_and_machine_that_cannot_be_are_refused(fields, words):
    assert words in refusal({**TRACK, **fields})
