"""Parsing finds the same rows and rejects all at once as line by line, and knows where each line stands."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_lake.data_settings import DataSettings, FieldNames
from tasks import parse
from tasks.parse import parse_lines

SETTINGS = DataSettings()
_GOOD = st.fixed_dictionaries(
    {"title": st.text() | st.none(), "content": st.text()},
    optional={
        "uid": st.text() | st.integers() | st.none(),
        "x": st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=3),
    },
)
_GOOD_LINES = st.builds(
    lambda row, escaped: json.dumps(row, ensure_ascii=escaped).encode(errors="replace"), _GOOD, st.booleans()
)
_ODD_LINES = st.sampled_from(
    [
        b"",
        b" ",
        b"{}",
        b"{}{}",
        b'{"title":"a"}{"title":"b"}',
        b'{"title":',
        b'"a"}',
        b"[1]",
        b"\r",
        b'{"title": 1}',
        b"\xff{}",
        b'{"x": "\xff"}',
        b'{"x":[{}',
        b"{}]}",
        b'{"title":"\\ud800"}',
        b'{"uid": 1.5}',
        b"\x00",
        b"nul",
        b"{}\r",
    ]
)


@given(st.lists(_GOOD_LINES | _ODD_LINES | st.binary(max_size=8).filter(lambda line: b"\n" not in line)), st.booleans())
def test_all_at_once_equals_one_by_one(lines, ends):
    data = b"\n".join(lines) + b"\n" * ends
    parser = parse._Parser(data, SETTINGS, overlong=False)
    each = parser.one_by_one()
    together = parser.all_at_once()
    if together is not None:
        assert together == each
        assert parser.rejects == []


@given(st.lists(_GOOD_LINES, min_size=1))
def test_good_lines_are_parsed_all_at_once(lines):
    rows = [json.loads(line) for line in lines]
    parsed = parse_lines(b"\n".join(lines), SETTINGS).rows
    assert parsed["title"].to_list() == [row["title"] or "" for row in rows]
    assert parsed["content"].to_list() == [row["content"] for row in rows]
    assert parse._Parser(b"\n".join(lines), SETTINGS, overlong=False).all_at_once() is not None


@given(st.lists(_GOOD_LINES | _ODD_LINES | st.binary(max_size=8)))
def test_no_line_is_lost_and_every_offset_is_right(lines):
    data = b"".join(line + b"\n" for line in lines)
    parsed = parse_lines(data, SETTINGS)
    found = sorted([*parsed.rows.select("line", "offset").rows(), *parsed.rejects.select("line", "offset").rows()])
    starts = [0]
    for line in data.split(b"\n")[:-2]:
        starts.append(starts[-1] + len(line) + 1)
    assert found == (list(enumerate(starts)) if data else [])
    assert parsed.lines == data.count(b"\n")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "bad_json"),
        (b"{", "bad_json"),
        (b'{"title": "a"} {"title": "b"}', "bad_json"),
        (b'{"title": "a\x00b"}', "bad_json"),
        (b'{"title": "\\ud800"}', "bad_json"),
        (b"[" * 100_000, "bad_json"),
        (b'{"x": ' + b"[" * 100_000, "bad_json"),
        (b"null", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"[1, 2]", "not_an_object"),
        (b'{"title": 5}', "not_text"),
        (b'{"content": ["a"]}', "not_text"),
        (b'{"content": {"a": 1}}', "not_text"),
        (b'{"title": false}', "not_text"),
        (b'{"uid": 1.5}', "not_text"),
        (b'{"uid": true}', "not_text"),
        (b'{"title": "caf\xe9"}', "invalid_utf8"),
        (b'{"other": "caf\xe9"}', "invalid_utf8"),
        (b'{"title": "\xed\xa0\x80"}', "invalid_utf8"),
        ('{"title": "a"}'.encode("utf-16-le"), "bad_json"),
    ],
)
def test_reasons(line, reason):
    parsed = parse_lines(b'{"title": "good"}\n' + line + b'\n{"title": "good"}', SETTINGS)
    assert parsed.rejects["reason"].to_list() == [reason]
    assert parsed.rejects["raw"].to_list() == [line.decode(errors="backslashreplace")]
    assert parsed.rejects.select("line", "offset").rows() == [(1, 18)]
    assert parsed.rows["title"].to_list() == ["good", "good"]


def test_missing_and_null_are_empty_texts():
    parsed = parse_lines(b'{}\n{"title": null, "content": null, "uid": null}\n{"uid": ""}\n{"uid": 7}\n', SETTINGS)
    assert parsed.rows["title"].to_list() == [""] * 4
    assert parsed.rows["uid"].to_list() == [None, None, None, "7"]


def test_fields_by_other_names():
    settings = DataSettings(fields=FieldNames(title="name", content="about.text", uid="id"))
    parsed = parse_lines(b'{"name": "a", "about.text": "b", "id": 3, "title": 5}', settings)
    assert parsed.rows.select("uid", "title", "content").rows() == [("3", "a", "b")]


def test_a_line_that_is_too_long_is_not_parsed():
    long = b'{"title": "' + b"x" * (1 << 20) + b'"}'
    parsed = parse_lines(b'{"title": "a"}\n' + long + b'\n{"title": "b"}\n', DataSettings(max_line_mb=1))
    assert parsed.rejects["reason"].to_list() == ["too_long"]
    assert len(parsed.rejects["raw"][0]) == 2_000
    assert parsed.rows["line"].to_list() == [0, 2]
