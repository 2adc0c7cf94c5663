"""Cleaning: raw texts become plain texts."""

import re
import unicodedata
from html import unescape

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
"""Control characters that are not white space."""

_NESTED = re.compile(r"&(?:(?:amp|#38|#x26);?)+", re.IGNORECASE)
_MANY_PASSES = 64
_TRAILER_REACH = 200
"""Characters from the end of a content in which a trailer must begin."""


def decode_entities(text: str) -> str:
    """Decodes HTML entities until none is left: `html.unescape` repeated to its fixed point.

    Escapes nested deeper than 64 times are an attack, not a text: their ampersands are folded into one, which keeps
    the time linear.
    """
    while True:
        for _ in range(_MANY_PASSES):
            decoded = unescape(text)
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


def clean_texts(texts: list[str]) -> tuple[list[str], int]:
    """`clean_text` of every text.

    Returns:
        The clean texts, and how many of them held entities.
    """
    cleaned, with_entities = texts.copy(), 0
    for position in _unclean(texts):
        raw = texts[position]
        cleaned[position] = clean = clean_text(raw)
        with_entities += clean.count("&") < raw.count("&")
    return cleaned, with_entities


def _unclean(texts: list[str]) -> list[int]:
    """The positions of the texts that cleaning may change: looked for in all at once, which is ten times faster."""
    array = pa.array(texts, pa.string())
    text = pl.from_arrow(array)
    suspect = text.str.contains("&", literal=True) | text.str.contains("  ", literal=True)
    suspect |= text.str.starts_with(" ") | text.str.ends_with(" ")
    # Printable ASCII is free of control characters, and in NFC.
    suspect |= ~pl.from_arrow(pc.ascii_is_printable(array))
    return suspect.arg_true().to_list()


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

    def cut_all(self, contents: list[str]) -> tuple[list[str], int]:
        """`cut` of every content, and how many it changed."""
        if not self._trailers:
            return contents, 0
        begun = pl.Series(contents, dtype=pl.String).str.contains_any([start for start, _ in self._trailers])
        result, changed = contents.copy(), 0
        for position in begun.arg_true():
            result[position] = self.cut(contents[position])
            changed += result[position] != contents[position]
        return result, changed
