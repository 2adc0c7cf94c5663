"""The reduce step of an ingest: one bucket of all pieces becomes a shard."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel

from data_lake.data_settings import Rules
from data_lake.dataset import ROW_SCHEMA
from data_lake.files import sha256_of
from tasks.clean_chunk import count_values, piece_rows, to_table
from tasks.settle import settle
from tasks.work_files import read_work_record, work_file, write_work_record

ROW_GROUP = 8_192
"""Rows that are compressed together: about 5 MB of text, what a reader must unpack to see one row."""

_PARQUET = {
    "compression": "zstd",
    "use_dictionary": False,  # hardly a text comes twice
    "write_statistics": ["fingerprint"],
    "write_page_index": True,
    "store_schema": False,
}


class PieceRef(BaseModel):
    """A piece and where its lines stand."""

    id: str
    source: str
    """The source's name."""
    first_line: int
    """Lines of the source before it."""
    offset: int
    """Bytes of the unpacked source before it."""


class Plan(BaseModel):
    """All pieces of a delivery, in the order of their sources and lines."""

    pieces: list[PieceRef]


class FileRecord(BaseModel):
    """A finished Parquet file of rows."""

    rows: int
    bytes: int
    sha256: str


class BucketRecord(BaseModel):
    """What became of a bucket's rows. Written last: where it exists, the bucket's files are complete."""

    train_rows: int
    validation_rows: int
    rejected: dict[str, int]
    title_lengths: dict[int, int]
    """Characters → kept rows."""
    content_lengths: dict[int, int]
    distinct_contents: int
    file: FileRecord | None = None
    """The shard made of it."""


@dataclass(frozen=True)
class BucketTask:
    """A bucket, where its pieces are, and where the work on it goes."""

    bucket: int
    plan: str
    """The plan's file."""
    pieces: str
    """The folder of the pieces."""
    folder: str
    """The folder of the records and rejects of this delivery's buckets."""
    rules: Rules


@dataclass(frozen=True)
class ShardTask:
    """A bucket of the first delivery, and the file it is to become."""

    source: BucketTask
    path: str
    validation: bool


def bucket_record(folder: str, bucket: int) -> Path:
    """A `BucketRecord`."""
    return Path(folder, f"bucket-{bucket}.json")


def bucket_rejects(folder: str, bucket: int) -> Path:
    """An Arrow file of `title, content, part, line, offset, reason`, in the order of the lines."""
    return Path(folder, f"bucket-{bucket}.rejects.arrow")


def make_shard(task: ShardTask) -> BucketRecord:
    """Makes one shard of the first delivery from its bucket of every piece, unless it is there already."""
    source = task.source
    if done := read_work_record(bucket_record(source.folder, source.bucket), BucketRecord):
        return done
    rows = bucket_rows(source)
    positions, rejects = settle(rows, None, source.rules)
    file = write_rows(Path(task.path), rows, positions)
    record = describe(rows, positions, rejects)
    counted = {"validation_rows" if task.validation else "train_rows": len(positions), "file": file}
    return finish_bucket(source, rows, rejects, record.model_copy(update=counted))


def finish_bucket(task: BucketTask, rows: pl.DataFrame, rejects: pl.DataFrame, record: BucketRecord) -> BucketRecord:
    """Writes a bucket's rejects and, last, its record."""
    frame = rows[rejects["position"]].select("title", "content", "part", "line", "offset")
    with work_file(bucket_rejects(task.folder, task.bucket)) as partial:
        frame.with_columns(rejects["reason"]).sort("part", "line").write_ipc(partial, compression="lz4")
    write_work_record(bucket_record(task.folder, task.bucket), record)
    return record


def write_rows(path: Path, rows: pl.DataFrame, positions: pl.Series) -> FileRecord:
    """Writes the rows at `positions`, in that order, as Parquet: the same rows give the same bytes."""
    with work_file(path) as partial, pq.ParquetWriter(partial, ROW_SCHEMA, **_PARQUET) as writer:
        # Gathered one row group at a time: a sorted copy of the bucket would double the memory.
        for at in range(0, len(positions), ROW_GROUP):
            writer.write_table(to_table(rows[positions[at : at + ROW_GROUP]], ROW_SCHEMA))
    return FileRecord(rows=len(positions), bytes=path.stat().st_size, sha256=sha256_of(path))


def bucket_rows(task: BucketTask) -> pl.DataFrame:
    """All rows of a bucket: `uid, title, content, fingerprint, line, offset, part` (the piece's place in the plan)."""
    batches = list(_batches(task))
    parts = pl.DataFrame({"part": range(len(batches)), "rows": [batch.num_rows for batch in batches]})
    parts = parts.filter(pl.col("rows") > 0).select(pl.col("part").cast(pl.UInt32).repeat_by("rows").explode())
    return pl.DataFrame(pa.Table.from_batches(batches)).with_columns(parts["part"])


def _batches(task: BucketTask) -> Iterator[pa.RecordBatch]:
    for piece in Plan.model_validate_json(Path(task.plan).read_bytes()).pieces:
        with pa.OSFile(str(piece_rows(task.pieces, piece.id))) as file:
            yield pa.ipc.open_file(file).get_batch(task.bucket)


def describe(rows: pl.DataFrame, positions: pl.Series, rejects: pl.DataFrame) -> BucketRecord:
    """Counts what stays of a bucket and what does not."""
    kept = rows.select("fingerprint", title=pl.col("title").str.len_chars(), content=pl.col("content").str.len_chars())
    kept = kept[positions]
    return BucketRecord(
        train_rows=0,
        validation_rows=0,
        rejected=count_values(rejects["reason"]),
        title_lengths=count_values(kept["title"]),
        content_lengths=count_values(kept["content"]),
        distinct_contents=kept["fingerprint"].n_unique(),
    )
