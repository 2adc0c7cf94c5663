"""Cleaning: raw texts become plain texts."""

import re
import unicodedata
from functools import lru_cache
from html import unescape

import polars as pl
import pyarrow.compute as pc

_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
"""Control characters that are not white space."""

_REFERENCE = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)")
"""What `html.unescape` takes for a reference."""

_NESTED = re.compile(r"&(?:(?:amp|#38|#x26);?)+", re.IGNORECASE)
_MANY_PASSES = 64
_TRAILER_REACH = 200
"""Characters from the end of a content in which a trailer must begin."""


_decode_reference = lru_cache(4096)(unescape)


def _decode_once(text: str) -> str:
    """`html.unescape`, a third faster where the same few references come again and again."""
    return _REFERENCE.sub(lambda found: _decode_reference(found[0]), text)


def decode_entities(text: str) -> str:
    """Decodes HTML entities until none is left: `html.unescape` repeated to its fixed point.

    Escapes nested deeper than 64 times are an attack, not a text: their ampersands are folded into one, which keeps
    the time linear.
    """
    while True:
        for _ in range(_MANY_PASSES):
            if "&" not in text:
                return text
            decoded = _decode_once(text)
            if decoded == text:
                return text
            text = decoded
        text = _NESTED.sub("&", text)


def clean_text(text: str) -> str:
    """Entities decoded, NFC, without control characters, runs of white space made one space.

    Cleaning a clean text changes nothing.
    """
    while True:
        decoded = decode_entities(text)
        text = _tidy(decoded)
        # Tidying can bring forth another entity: "&am\x00p;", or U+037E, which NFC turns into ";".
        if "&" not in text or text == decoded:
            return text


def _tidy(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    # The usual dirt first: replacing costs a fifth of splitting into words.
    text = text.replace("\xa0", " ")
    while "  " in text:
        text = text.replace("  ", " ")
    text = text.strip(" ")
    if text.isprintable():
        return text
    text = " ".join(text.split())
    freed = _CONTROL.sub("", text)
    return text if freed == text else _tidy(freed)


def clean_texts(texts: pl.Series) -> tuple[pl.Series, int]:
    """`clean_text` of every text.

    Returns:
        The clean texts, and how many of them held entities.
    """
    # What cleaning may change is looked for in all texts at once, which costs a tenth of looking at each.
    suspect = texts.str.contains("&", literal=True) | texts.str.contains("  ", literal=True)
    suspect |= texts.str.starts_with(" ") | texts.str.ends_with(" ")
    # Printable ASCII is free of control characters, and in NFC.
    suspect |= ~pl.Series(pc.ascii_is_printable(texts.to_arrow(compat_level=pl.CompatLevel.oldest())))
    positions = suspect.arg_true()
    raw = texts.gather(positions).to_list()
    decoded = [decode_entities(text) for text in raw]
    with_entities = sum(before != after for before, after in zip(raw, decoded, strict=True))
    return texts.scatter(positions, [clean_text(text) for text in decoded]), with_entities


class TrailerCutter:
    """Cuts known endings off clean contents.

    Args:
        trailers: an ending's first words → regular expression of all that may follow them.
    """

    def __init__(self, trailers: dict[str, str]) -> None:
        self._trailers = [(start, re.compile(rest, re.DOTALL)) for start, rest in trailers.items()]

    def cut(self, content: str) -> str:
        """The content without its trailers, as many as stand one behind the other."""
        reach = max(0, len(content) - _TRAILER_REACH)
        for start, rest in self._trailers:
            at = content.rfind(start, reach)
            if at >= 0 and rest.fullmatch(content, at + len(start)):
                return self.cut(content[:at].rstrip())
        return content

    def cut_all(self, contents: pl.Series) -> tuple[pl.Series, int]:
        """`cut` of every content, and how many it changed."""
        if not self._trailers:
            return contents, 0
        starts = [start for start, _ in self._trailers]
        positions = contents.str.contains_any(starts).arg_true()
        whole = contents.gather(positions).to_list()
        cut = [self.cut(content) for content in whole]
        changed = sum(before != after for before, after in zip(whole, cut, strict=True))
        return contents.scatter(positions, cut), changed
