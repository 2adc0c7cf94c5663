"""Cleaning: a raw text becomes plain text, a raw line becomes a clean row or a reason to reject it."""

import re
import unicodedata
from html import unescape

from data_lake.data_settings import DataSettings

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
    """Entities decoded, NFC, without control characters, white space runs made one space.

    Cleaning a clean text changes nothing.
    """
    while True:
        if "&" in text:
            text = decode_entities(text)
        tidied = _tidy(text)
        # Tidying can bring forth what an earlier step looks for: "&am\x00p;", or U+037E, which NFC turns into ";".
        if tidied == text or (text.isascii() and "&" not in tidied):
            return tidied
        text = tidied


def _tidy(text: str) -> str:
    if text.isascii():
        if text.isprintable():
            return " ".join(text.split()) if "  " in text or text[:1] == " " or text[-1:] == " " else text
    else:
        text = unicodedata.normalize("NFC", text)
    return " ".join(_CONTROL.sub("", text).split())


class Cleaner:
    """Cleans and judges rows by one set of options."""

    def __init__(self, settings: DataSettings) -> None:
        self._rules = settings.rules
        self._trailers = [(start, re.compile(rest, re.DOTALL)) for start, rest in settings.trailers.items()]

    def cut_trailers(self, content: str) -> str:
        """Cuts known endings off a clean content, as many as stand one behind the other."""
        reach = max(0, len(content) - _TRAILER_REACH)
        for start, rest in self._trailers:
            at = content.rfind(start, reach)
            if at >= 0 and rest.fullmatch(content, at + len(start)):
                return self.cut_trailers(content[:at].rstrip())
        return content

    def reason_against_empty(self, title: str, content: str) -> str | None:
        """What tells against a row with an empty text: known before cleaning."""
        if not title and self._rules.empty_title:
            return "empty_title"
        if not content and self._rules.empty_content:
            return "empty_content"
        return None

    def reason_against(self, title: str, content: str, folded: str) -> str | None:
        """The first rule that a clean row breaks, or None. `folded` is the case-folded content."""
        rules = self._rules
        if not (title and content) and (reason := self.reason_against_empty(title, content)):
            return reason
        if rules.content_equals_title and folded == title.casefold():
            return "content_equals_title"
        if rules.too_short and content.count(" ") + 1 < rules.min_words:
            return "too_short"
        if rules.too_long and (len(content) > rules.max_content or len(title) > rules.max_title):
            return "too_long"
        return None
