"""Parsing: lines of bytes become columns of texts; what is no row becomes a reject."""

from dataclasses import dataclass, field

import msgspec

from data_lake.data_settings import DataSettings

Reject = tuple[int, int, str, str | None, str | None, str | None]
"""`line` and `offset` from 0 in the chunk, `reason`, `raw`, `title`, `content`."""

_OVERLONG_RAW = 2_000
"""Bytes that a reject keeps of a line too long to be parsed."""


@dataclass
class Parsed:
    """The rows of a chunk, as columns of equal length, and the rejects among its lines."""

    lines: int = 0
    title: list[str] = field(default_factory=list)
    content: list[str] = field(default_factory=list)
    uid: list[str | None] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
    offset: list[int] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


def parse_lines(data: bytes, settings: DataSettings, overlong: bool = False) -> Parsed:
    """Parses lines that each hold one JSON object, and passes over all fields but three.

    Args:
        data: lines that end with a newline; the last one need not.
        settings: the fields' names, and how long a line may be.
        overlong: the last line is not whole, for it is too long.
    """
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    parsed = Parsed(len(lines))
    decode = msgspec.json.Decoder(_line_type(settings)).decode
    max_line, all_ascii = settings.max_line_mb << 20, data.isascii()
    offset = 0
    for number, line in enumerate(lines):
        start, offset = offset, offset + len(line) + 1
        if len(line) > max_line or (overlong and offset > len(data)):
            text = line[:_OVERLONG_RAW].decode(errors="backslashreplace")
            parsed.rejects.append((number, start, "too_long", text, None, None))
            continue
        try:
            # The decoder checks the texts it hands out, not those it passes over.
            if not all_ascii and not line.isascii():
                line.decode()
            row = decode(line)
        except (UnicodeDecodeError, msgspec.DecodeError, RecursionError) as error:
            text = line.decode(errors="backslashreplace")
            parsed.rejects.append((number, start, _reason(error), text, None, None))
            continue
        parsed.title.append(row.title or "")
        parsed.content.append(row.content or "")
        parsed.uid.append(None if row.uid is None or row.uid == "" else str(row.uid))
        parsed.line.append(number)
        parsed.offset.append(start)
    return parsed


def _line_type(settings: DataSettings) -> type[msgspec.Struct]:
    fields = [("title", str | None, None), ("content", str | None, None), ("uid", str | int | None, None)]
    return msgspec.defstruct("Line", fields, rename=settings.fields.model_dump(), gc=False)


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "invalid_utf8"
    if isinstance(error, msgspec.ValidationError):
        return "not_text" if "$." in str(error) else "not_an_object"
    return "bad_json"
