"""The map step of an ingest: one chunk of lines becomes one piece of clean rows, its rejects and its record."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
from pydantic import BaseModel
from xxhash import xxh3_128_hexdigest

from data_lake.data_settings import DataSettings
from tasks.chunks import Chunk
from tasks.clean import TrailerCutter, clean_texts
from tasks.parse import parse_lines
from tasks.rules import broken_rule, says_title
from tasks.split import FirstSplit, LaterSplit, fingerprints, fold
from tasks.work_files import read_work_record, work_file, write_work_record

PIECE_SCHEMA = pa.schema(
    {
        "uid": pa.string(),
        "title": pa.string(),
        "content": pa.string(),
        "fingerprint": pa.uint64(),
        "line": pa.uint64(),
        "offset": pa.uint64(),
    }
)
"""Clean rows of one bucket; `line` (from 0) and `offset` count from the chunk's beginning."""

PIECE_REJECTS = pa.schema(
    {
        "line": pa.uint64(),
        "offset": pa.uint64(),
        "reason": pa.string(),
        "raw": pa.string(),
        "title": pa.string(),
        "content": pa.string(),
    }
)
"""Rejects of a chunk in the order of its lines; `title` and `content` as they were read."""

_NO_ROWS = pa.record_batch([pa.nulls(0, kind) for kind in PIECE_SCHEMA.types], schema=PIECE_SCHEMA)


class PieceRecord(BaseModel):
    """What became of a chunk. Written last: where it exists, the piece is complete."""

    id: str
    """The hash of the chunk's bytes: the same lines are never cleaned twice, wherever they lie."""
    lines: int
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
    if done is None:
        with _no_collector():
            made = _make_piece(task, piece, data)
    if task.chunk.spooled:
        Path(task.chunk.path).unlink(missing_ok=True)
    return ChunkResult(task.chunk, done or made, reused=done is not None)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Without the cycle collector: a chunk makes millions of objects, none in a cycle, that it would walk through."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _make_piece(task: ChunkTask, piece: str, data: bytes) -> PieceRecord:
    parsed = parse_lines(data, task.settings, overlong=task.chunk.skipped > 0)
    read = parsed.rows
    title, titles_with_entities = clean_texts(read["title"])
    content, contents_with_entities = clean_texts(read["content"])
    content, trailers_cut = TrailerCutter(task.settings.trailers).cut_all(content)
    folded = fold(content)
    rows = read.with_columns(title, content, fingerprints(folded), says_title(title, folded))
    reason = broken_rule(rows, task.settings.rules)
    rejects = pl.concat([parsed.rejects, read.with_columns(reason).filter(reason.is_not_null())], how="diagonal")
    kept = rows.filter(reason.is_null())
    _write_buckets(piece_rows(task.pieces, piece), kept, task.split)
    _write_rejects(piece_rejects(task.pieces, piece), rejects.sort("line"))
    record = PieceRecord(
        id=piece,
        lines=parsed.lines,
        kept=len(kept),
        rejected=count_values(rejects["reason"]),
        title_lengths=count_values(read["title"].str.len_chars()),
        content_lengths=count_values(read["content"].str.len_chars()),
        titles_with_entities=titles_with_entities,
        contents_with_entities=contents_with_entities,
        trailers_cut=trailers_cut,
    )
    write_work_record(piece_record(task.pieces, piece), record)
    return record


def count_values(values: pl.Series) -> dict:
    """Value → how often it is there, in the order of the values."""
    return dict(sorted(values.value_counts().iter_rows()))


def _write_rejects(path: Path, rejects: pl.DataFrame) -> None:
    with work_file(path) as partial, pa.ipc.new_file(str(partial), PIECE_REJECTS) as writer:
        writer.write_table(to_table(rejects, PIECE_REJECTS))


def _write_buckets(path: Path, rows: pl.DataFrame, split: FirstSplit | LaterSplit) -> None:
    """Writes rows as one batch a bucket.

    Uncompressed: LZ4 took longer than the disk's cache takes the bytes, and they are gone before they reach the disk.
    """
    rows = rows.with_columns(bucket=split.bucket(pl.col("fingerprint"))).sort("bucket", maintain_order=True)
    counts = dict(rows["bucket"].value_counts().iter_rows())
    (batch,) = to_table(rows, PIECE_SCHEMA).combine_chunks().to_batches() or [_NO_ROWS]
    with work_file(path) as partial, pa.ipc.new_file(str(partial), PIECE_SCHEMA) as writer:
        start = 0
        for bucket in range(split.buckets):
            writer.write_batch(batch.slice(start, counts.get(bucket, 0)))
            start += counts.get(bucket, 0)


def to_table(frame: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    """A frame as an Arrow table with exactly the columns and types of `schema`."""
    return frame.select(schema.names).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema)
