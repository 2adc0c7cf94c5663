"""The map step of an ingest: one chunk of lines becomes one piece of clean rows, its rejects and its record."""

import gc
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pyarrow as pa
from pydantic import BaseModel
from xxhash import xxh3_128_hexdigest

from data_lake.data_settings import DataSettings
from tasks.chunks import Chunk
from tasks.clean import Cleaner, clean_text
from tasks.split import FirstSplit, LaterSplit, fingerprint, fold
from tasks.work_files import read_work_record, work_file, write_work_record

PIECE_SCHEMA = pa.schema(
    [
        pa.field("uid", pa.string()),
        pa.field("title", pa.string()),
        pa.field("content", pa.string()),
        pa.field("fingerprint", pa.uint64()),
        pa.field("line", pa.uint64()),
        pa.field("offset", pa.uint64()),
    ]
)
"""Clean rows of one bucket; `line` (from 0) and `offset` count from the chunk's beginning."""

PIECE_REJECTS = pa.schema(
    [
        pa.field("line", pa.uint64()),
        pa.field("offset", pa.uint64()),
        pa.field("reason", pa.string()),
        pa.field("raw", pa.string()),
        pa.field("title", pa.string()),
        pa.field("content", pa.string()),
    ]
)

_LZ4 = pa.ipc.IpcWriteOptions(compression="lz4")
_OVERLONG_RAW = 2_000
"""Characters that a reject keeps of a line too long to be parsed."""


class PieceRecord(BaseModel):
    """What became of a chunk. Written last: where it exists, the piece is complete."""

    id: str
    """The hash of the chunk's bytes: the same lines are never cleaned twice, wherever they lie."""
    lines: int
    bytes: int
    kept: int
    rejected: dict[str, int]
    title_lengths: dict[int, int]
    """Characters → rows, as read."""
    content_lengths: dict[int, int]
    titles_with_entities: int
    contents_with_entities: int
    trailers_cut: int


@dataclass(frozen=True)
class ChunkTask:
    """A chunk, and how and where to its piece."""

    chunk: Chunk
    settings: DataSettings
    split: FirstSplit | LaterSplit
    pieces: str
    """The folder of the pieces made with these options."""


@dataclass(frozen=True)
class ChunkResult:
    chunk: Chunk
    piece: PieceRecord
    reused: bool
    """It was cleaned by an earlier run."""


def piece_record(pieces: str, piece: str) -> Path:
    """A `PieceRecord`."""
    return Path(pieces, f"{piece}.json")


def piece_rows(pieces: str, piece: str) -> Path:
    """An Arrow file with one batch a bucket, `PIECE_SCHEMA`."""
    return Path(pieces, f"{piece}.rows.arrow")


def piece_rejects(pieces: str, piece: str) -> Path:
    """An Arrow file, `PIECE_REJECTS`."""
    return Path(pieces, f"{piece}.rejects.arrow")


def clean_chunk(task: ChunkTask) -> ChunkResult:
    """Cleans a chunk into its piece, unless that is there already."""
    data, skipped = task.chunk.data(), task.chunk.skipped
    piece = xxh3_128_hexdigest(data) + (f"-{skipped}" if skipped else "")
    done = read_work_record(piece_record(task.pieces, piece), PieceRecord)
    record = done or _Piece(task.settings, task.split).fill(data, skipped).write(task.pieces, piece)
    if task.chunk.spooled:
        Path(task.chunk.path).unlink(missing_ok=True)
    return ChunkResult(task.chunk, record, reused=done is not None)


@dataclass
class _Piece:
    settings: DataSettings
    split: FirstSplit | LaterSplit
    rows: list[list[tuple]] = field(init=False)
    rejects: list[tuple] = field(default_factory=list)
    lines: int = 0
    bytes: int = 0
    titles_with_entities: int = 0
    contents_with_entities: int = 0
    trailers_cut: int = 0
    title_lengths: Counter = field(default_factory=Counter)
    content_lengths: Counter = field(default_factory=Counter)

    def fill(self, data: bytes, skipped: int) -> "_Piece":
        """Cleans every line. Lines end with a newline; the last one need not."""
        self.rows = [[] for _ in range(self.split.buckets)]
        self.bytes = len(data) + skipped
        lines = data.split(b"\n")
        if not lines[-1]:
            lines.pop()
        self.lines = len(lines)
        # Millions of short-lived dictionaries, none in a cycle: the collector would only walk through them.
        gc.disable()
        try:
            self._clean(lines, self.lines - 1 if skipped else -1)
        finally:
            gc.enable()
        return self

    def _clean(self, lines: list[bytes], overlong: int) -> None:
        fields, cleaner = self.settings.fields, Cleaner(self.settings)
        title_field, content_field, uid_field = fields.title, fields.content, fields.uid
        max_line, reject, bucket_of = self.settings.max_line_mb << 20, self.rejects.append, self.split.bucket
        title_lengths, content_lengths = [], []
        offset = 0
        for number, line in enumerate(lines):
            start, offset = offset, offset + len(line) + 1
            if len(line) > max_line or number == overlong:
                reject((number, start, "too_long", line[:_OVERLONG_RAW].decode(errors="backslashreplace"), None, None))
                continue
            try:
                row = orjson.loads(line)
                title, content, uid = row.get(title_field), row.get(content_field), row.get(uid_field)
            except (orjson.JSONDecodeError, AttributeError):
                reject((number, start, *_unparsed(line), None, None))
                continue
            title, content = "" if title is None else title, "" if content is None else content
            if type(title) is not str or type(content) is not str or not (uid is None or type(uid) in (str, int)):
                reject((number, start, "not_text", line.decode(), None, None))
                continue
            title_lengths.append(len(title))
            content_lengths.append(len(content))
            if not (title and content):
                reason = cleaner.reason_against_empty(title, content)
                if reason:
                    reject((number, start, reason, None, title, content))
                    continue
            clean_title, clean_content, folded, reason = self._row(cleaner, title, content)
            if reason:
                reject((number, start, reason, None, title, content))
                continue
            mark = fingerprint(folded)
            uid = None if uid is None or uid == "" else str(uid)
            self.rows[bucket_of(mark)].append((uid, clean_title, clean_content, mark, number, start))
        self.title_lengths, self.content_lengths = Counter(title_lengths), Counter(content_lengths)

    def _row(self, cleaner: Cleaner, title: str, content: str) -> tuple[str, str, str, str | None]:
        clean_title, clean_content = clean_text(title), clean_text(content)
        if "&" in title or "&" in content:
            self.titles_with_entities += clean_title.count("&") < title.count("&")
            self.contents_with_entities += clean_content.count("&") < content.count("&")
        body = cleaner.cut_trailers(clean_content)
        self.trailers_cut += len(body) < len(clean_content)
        folded = fold(body)
        return clean_title, body, folded, cleaner.reason_against(clean_title, body, folded)

    def write(self, folder: str, piece: str) -> PieceRecord:
        """Writes rows, rejects, and last the record."""
        record = PieceRecord(
            id=piece,
            lines=self.lines,
            bytes=self.bytes,
            kept=self.lines - len(self.rejects),
            rejected=Counter(reject[2] for reject in self.rejects),
            title_lengths=self.title_lengths,
            content_lengths=self.content_lengths,
            titles_with_entities=self.titles_with_entities,
            contents_with_entities=self.contents_with_entities,
            trailers_cut=self.trailers_cut,
        )
        _write_batches(piece_rows(folder, piece), PIECE_SCHEMA, self.rows)
        _write_batches(piece_rejects(folder, piece), PIECE_REJECTS, [self.rejects])
        write_work_record(piece_record(folder, piece), record)
        return record


def _unparsed(line: bytes) -> tuple[str, str]:
    """Why a line is no row, and its text."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return "invalid_utf8", line.decode(errors="backslashreplace")
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return "bad_json", text
    return "not_an_object", text


def _write_batches(path: Path, schema: pa.Schema, batches: list[list[tuple]]) -> None:
    with work_file(path) as partial, pa.ipc.new_file(str(partial), schema, options=_LZ4) as writer:
        for rows in batches:
            columns = zip(*rows, strict=True) if rows else [()] * len(schema)
            arrays = [pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            rows.clear()
