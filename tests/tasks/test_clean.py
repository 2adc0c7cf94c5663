"""Cleaning equals what Python's own functions say, one text or many at a time."""

import html
import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_lake.data_settings import DataSettings, Rules
from tasks.clean import TrailerCutter, clean_text, clean_texts, decode_entities
from tasks.rules import broken_rule, says_title
from tasks.split import fold

# Pieces from which wild texts are made: whole, cut and nested references, controls, white space, letters that compose.
_PIECES = st.sampled_from(
    "& &amp; amp; &lt &lt; &#39; &#x92; &#151; &#0; &#x110000; &#xD800; &nbsp; &Ntilde; &notit; &rsquo ; # &#; &&"
    "|\x00|\x7f|\x85|\x9f|\xa0|\t|\r\n|  | |\u2028|\u3000"
    "|\ufeff|\u200b|\xad|\u037e|e\u0301|\u212b|\u1e9b\u0323|é|ñ|’|\U0001f600|x|Word"
    "|&amp;amp;amp;#8217;|&am\x00p;|&rsquo\u037e".split("|")
)
WILD = st.lists(_PIECES | st.text(max_size=5), max_size=12).map("".join)
TRAILERS = TrailerCutter(DataSettings().trailers)


@given(WILD)
def test_entities_are_decoded_as_html_unescape_repeated(text):
    expected = text
    while (decoded := html.unescape(expected)) != expected:
        expected = decoded
    assert decode_entities(text) == expected


@given(WILD)
def test_clean_texts_are_clean(text):
    clean = clean_text(text)
    assert clean_text(clean) == clean
    assert html.unescape(clean) == clean
    assert unicodedata.is_normalized("NFC", clean)
    assert clean == " ".join(clean.split())
    assert not any(unicodedata.category(character) == "Cc" for character in clean)


@given(st.lists(WILD | st.text(st.characters(max_codepoint=127))))
def test_many_texts_are_cleaned_as_each_alone(texts):
    clean, _ = clean_texts(pl.Series(texts, dtype=pl.String))
    assert clean.to_list() == [clean_text(text) for text in texts]


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Judith Kerr&#8217;s best&#8211;selling", "Judith Kerr’s best–selling"),
        ("Caf&eacute; &Ntilde;and&uacute;", "Café Ñandú"),
        ("it&#x92;s &#147;so&#148;", "it’s “so”"),
        ("rock &amp;amp; roll &amp;#39;n&amp;#39; more", "rock & roll 'n' more"),
        ("a&#xA0;&nbsp;b\t\nc  ", "a b c"),
        ("AT&T, R&D & Q&A", "AT&T, R&D & Q&A"),
        ("bell\x07 and\x00 null", "bell and null"),
        ("cafe\u0301", "café"),
        ("1 < 2 &lt; 3", "1 < 2 < 3"),
    ],
)
def test_dirt_seen_in_the_real_file(raw, clean):
    assert clean_text(raw) == clean


def test_entities_are_counted_by_text():
    texts = pl.Series(["a &amp; b", "AT&T", "plain", "&#39;&#39;", "&amp;lt;"])
    assert clean_texts(texts)[1] == 2 + 1


@pytest.mark.timeout(20)
@pytest.mark.parametrize("nested", ["amp;", "#38;", "#x26;", "amp", "AMP;"])
def test_escapes_nested_without_end_are_decoded_in_time(nested):
    assert decode_entities("&" + nested * 50_000 + " x") in ("& x", "&amp x")


@pytest.mark.parametrize(
    ("content", "cut"),
    [
        ("A fine book.--This text refers to theHardcoveredition.", "A fine book."),
        ("A fine book. --This text refers to an alternatePaperbackedition.", "A fine book."),
        ("Good.--This text refers to an out of print or unavailable edition of this title.", "Good."),
        ("Photos.Copyright 1992 Reed Business Information, Inc.", "Photos."),
        ("NYCopyright © Reed Business Information, a division of Reed Elsevier Inc. All rights reserved.", "NY"),
        ("CACopyright © American Library Association. All rights reserved", "CA"),
        (
            "Tour.Copyright 2001 Cahners Business Information, Inc.--This text refers to theHardcoveredition.",
            "Tour.",
        ),
        ("--This text refers to thePaperbackedition.", ""),
        ("This text refers to the first edition of the map.", "This text refers to the first edition of the map."),
        (
            "Copyright 1992 Reed Business Information, Inc. is a firm",
            "Copyright 1992 Reed Business Information, Inc. is a firm",
        ),
        ("Made by Copyright 1992", "Made by Copyright 1992"),
    ],
)
def test_trailers(content, cut):
    assert TRAILERS.cut(content) == cut
    assert TRAILERS.cut_all(pl.Series([content, "other"]))[0].to_list() == [cut, "other"]


def test_own_trailers_and_none():
    own = TrailerCutter({"Sold by ": r"\w+\."})
    assert own.cut("A lamp. Sold by Alba.") == "A lamp."
    assert TrailerCutter({}).cut_all(pl.Series(["--This text refers to theHardcoveredition."]))[1] == 0


@pytest.mark.parametrize(
    ("title", "content", "reason"),
    [
        ("", "two words", "empty_title"),
        ("", "", "empty_title"),
        ("title", "", "empty_content"),
        ("Red LAMP", "red lamp", "content_equals_title"),
        ("STRASSE 1", "Straße 1", "content_equals_title"),
        ("title", "TUtu", "too_short"),
        ("title", "four are enough here", None),
        ("t" * 21, "two words", "too_long"),
        ("title", "two " + "w" * 30, "too_long"),
    ],
)
def test_the_first_broken_rule_is_named(title, content, reason):
    rules = Rules(max_title=20, max_content=30)
    assert broken_rule(_row(title, content), rules).to_list() == [reason]


@pytest.mark.parametrize("rule", ["empty_title", "empty_content", "content_equals_title", "too_short", "too_long"])
def test_every_rule_can_be_switched_off(rule):
    row = {
        "empty_title": _row("", "two words"),
        "empty_content": _row("title", ""),
        "content_equals_title": _row("red lamp", "Red lamp"),
        "too_short": _row("title", "TUtu"),
        "too_long": _row("t" * 3_000, "two words"),
    }[rule]
    others = {name: False for name in ("too_short",) if rule == "empty_content"}
    assert broken_rule(row, Rules(**others)).to_list() == [rule]
    assert broken_rule(row, Rules(**others, **{rule: False})).to_list() == [None]


@pytest.mark.parametrize(("words", "content"), [(1, ""), (2, "one"), (3, "one two"), (4, "one two three")])
def test_fewer_words_than_asked_for(words, content):
    rules = Rules(min_words=words, empty_content=False)
    enough = f"{content} more".strip()
    assert broken_rule(_row("title", content), rules).to_list() == ([None] if words == 1 else ["too_short"])
    assert broken_rule(_row("title", enough), rules).to_list() == [None]


def _row(title: str, content: str) -> pl.DataFrame:
    row = pl.DataFrame({"title": [title], "content": [content]})
    return row.with_columns(says_title(row["title"], fold(row["content"])))
