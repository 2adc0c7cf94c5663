"""Parsing: lines of bytes become columns of texts; what is no row becomes a reject."""

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import polars as pl

from data_lake.data_settings import DataSettings

REJECT_TYPES = {
    "line": pl.UInt64,
    "offset": pl.UInt64,
    "reason": pl.String,
    "raw": pl.String,
    "title": pl.String,
    "content": pl.String,
}
_OVERLONG_RAW = 2_000
"""Bytes that a reject keeps of a line too long to be parsed."""
_NEWLINE, _OPEN, _CLOSE = b"\n{}"


@dataclass
class Parsed:
    """What the lines of a chunk hold."""

    lines: int
    rows: pl.DataFrame
    """`uid, title, content` as they were read; `line` and `offset` from 0 in the chunk."""
    rejects: pl.DataFrame
    """The lines that hold no row, `REJECT_TYPES`; their title and content are null."""


def parse_lines(data: bytes, settings: DataSettings, overlong: bool = False) -> Parsed:
    """Parses lines that each hold one JSON object, and passes over all fields but three.

    Args:
        data: lines that end with a newline; the last one need not.
        settings: the fields' names, and how long a line may be.
        overlong: the last line is not whole, for it is too long.
    """
    parser = _Parser(data, settings, overlong)
    rows = parser.all_at_once()
    if rows is None:
        rows = parser.one_by_one()
    numbers = [number for number, row in enumerate(rows) if row is not None] if parser.rejects else range(len(rows))
    held = [row for row in rows if row is not None] if parser.rejects else rows
    frame = pl.DataFrame(
        {
            "uid": [None if row.uid is None or row.uid == "" else str(row.uid) for row in held],
            "title": [row.title or "" for row in held],
            "content": [row.content or "" for row in held],
            "line": np.array(numbers, np.uint64),
            "offset": parser.starts[numbers].astype(np.uint64),
        },
        schema_overrides={"uid": pl.String, "title": pl.String, "content": pl.String},
    )
    rejects = pl.DataFrame(parser.rejects, schema=REJECT_TYPES, orient="row")
    return Parsed(len(parser.starts), frame, rejects)


class _Parser:
    def __init__(self, data: bytes, settings: DataSettings, overlong: bool) -> None:
        self._data, self._overlong = data, overlong
        self._max_line = settings.max_line_mb << 20
        fields = [("title", str | None, None), ("content", str | None, None), ("uid", str | int | None, None)]
        line = msgspec.defstruct("Line", fields, rename=settings.fields.model_dump(), gc=False)
        self._decoder: Any = msgspec.json.Decoder(line)
        self._bytes = np.frombuffer(data, np.uint8)
        ends = np.flatnonzero(self._bytes == _NEWLINE)
        if len(data) and self._bytes[-1] != _NEWLINE:
            ends = np.append(ends, len(data))
        self.starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
        self._ends = ends
        self.rejects: list[tuple] = []

    def all_at_once(self) -> list | None:
        """One record a line; None where a line needs to be looked at by itself.

        Where every line begins with `{` and ends with `}`, what the decoder takes for a record cannot reach over a
        newline, for no JSON goes on with `}`, newline, `{`. As many records as lines then means one in each.
        """
        lengths = self._ends - self.starts
        if self._overlong or not len(lengths) or lengths.min() == 0 or lengths.max() > self._max_line:
            return None
        if (self._bytes[self.starts] != _OPEN).any() or (self._bytes[self._ends - 1] != _CLOSE).any():
            return None
        try:
            # The decoder checks the texts it hands out, not those it passes over.
            if not self._data.isascii():
                self._data.decode()
            rows = self._decoder.decode_lines(self._data)
        except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
            return None
        return rows if len(rows) == len(lengths) else None

    def one_by_one(self) -> list:
        """One record a line, or None, and its reject."""
        return [self._one(number) for number in range(len(self.starts))]

    def _one(self, number: int) -> Any:
        line = self._data[self.starts[number] : self._ends[number]]
        if len(line) > self._max_line or (self._overlong and number == len(self.starts) - 1):
            return self._reject(number, "too_long", line[:_OVERLONG_RAW])
        try:
            line.decode()
            return self._decoder.decode(line)
        except UnicodeDecodeError:
            return self._reject(number, "invalid_utf8", line)
        except msgspec.ValidationError as error:
            # The decoder stops at the first wrong type, before it knows whether the rest is JSON.
            wrong_type = "not_text" if "$." in str(error) else "not_an_object"
            return self._reject(number, wrong_type if _is_json(line) else "bad_json", line)
        except (msgspec.DecodeError, RecursionError):
            return self._reject(number, "bad_json", line)

    def _reject(self, number: int, reason: str, line: bytes) -> None:
        text = line.decode(errors="backslashreplace")
        self.rejects.append((number, int(self.starts[number]), reason, text, None, None))


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
