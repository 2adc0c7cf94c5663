"""The reduce steps of a later delivery: rows that are not there yet are found, then cut into new shards."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from data_lake.dataset import TRAIN, VALIDATION
from tasks.settle import settle
from tasks.shards import (
    BucketRecord,
    BucketTask,
    FileRecord,
    bucket_record,
    bucket_rows,
    describe,
    finish_bucket,
    write_rows,
)
from tasks.split import held_out
from tasks.work_files import read_work_record, work_file, write_work_record


@dataclass(frozen=True)
class PartTask:
    """A bucket of a later delivery, and what it is to be compared with."""

    source: BucketTask
    train: tuple[str, ...]
    """The Parquet files of all earlier training shards."""
    validation: tuple[str, ...]
    validation_percent: float
    bounds: tuple[int, int]
    """The bucket's smallest and largest fingerprint."""


@dataclass(frozen=True)
class Slice:
    """Rows [`start`, `stop`) of a part."""

    bucket: int
    start: int
    stop: int


@dataclass(frozen=True)
class CutTask:
    """A new shard: the slices it is made of and the file it is to become."""

    folder: str
    split: str
    slices: tuple[Slice, ...]
    path: str


def part_file(folder: str, split: str, bucket: int) -> Path:
    """An Arrow file of new clean rows in shard order."""
    return Path(folder, f"bucket-{bucket}.{split}.arrow")


def find_new_rows(task: PartTask) -> BucketRecord:
    """Finds a bucket's rows that no earlier delivery holds, unless that is done already.

    A content that was ever in one split stays in it, whatever share is held out now.
    """
    source = task.source
    if done := read_work_record(bucket_record(source.folder, source.bucket), BucketRecord):
        return done
    rows = bucket_rows(source)
    known = _known_rows(task)
    positions, rejects = settle(rows, known, source.rules)
    new = rows[positions].select("uid", "title", "content", "fingerprint")
    in_validation = _in_validation(new, known, task.validation_percent)
    for split, frame in ((VALIDATION, new.filter(in_validation)), (TRAIN, new.filter(~in_validation))):
        with work_file(part_file(source.folder, split, source.bucket)) as partial:
            frame.write_ipc(partial, compression="lz4")
    record = describe(rows, positions, rejects)
    validation_rows = int(in_validation.sum())
    counted = {"train_rows": len(new) - validation_rows, "validation_rows": validation_rows}
    return finish_bucket(source, rows, rejects, record.model_copy(update=counted))


def cut_shard(task: CutTask) -> FileRecord:
    """Writes one new shard from its slices, unless it is there already."""
    path = Path(task.path)
    record_path = Path(task.folder, f"{path.stem}.json")
    if done := read_work_record(record_path, FileRecord):
        return done
    rows = pl.concat(
        pl.read_ipc(part_file(task.folder, task.split, part.bucket)).slice(part.start, part.stop - part.start)
        for part in task.slices
    )
    record = write_rows(path, rows, pl.int_range(len(rows), dtype=pl.UInt32, eager=True))
    write_work_record(record_path, record)
    return record


def slices_of(counts: list[int], rows_per_shard: int) -> list[tuple[Slice, ...]]:
    """Cuts buckets of `counts` rows, laid end to end, into shards of `rows_per_shard`; the last takes what is left."""
    shards, shard, room = [], [], rows_per_shard
    for bucket, count in enumerate(counts):
        start = 0
        while start < count:
            stop = min(count, start + room)
            shard.append(Slice(bucket, start, stop))
            room -= stop - start
            start = stop
            if room == 0:
                shards.append(tuple(shard))
                shard, room = [], rows_per_shard
    return [*shards, tuple(shard)] if shard else shards


def _known_rows(task: PartTask) -> pl.DataFrame:
    low, high = (pl.lit(bound, pl.UInt64) for bound in task.bounds)
    columns = ("title", "content", "fingerprint")
    frames = [
        pl.scan_parquet(list(files))
        .filter(pl.col("fingerprint").is_between(low, high))
        .select(*columns, split=pl.lit(split))
        for split, files in ((TRAIN, task.train), (VALIDATION, task.validation))
        if files
    ]
    return pl.concat(frames).collect()


def _in_validation(new: pl.DataFrame, known: pl.DataFrame, validation_percent: float) -> pl.Series:
    splits = known.group_by("fingerprint").agg(pl.col("split").first())
    was_in = new.select("fingerprint").join(splits, on="fingerprint", how="left", maintain_order="left")["split"]
    drawn = new.select(held_out(pl.col("fingerprint"), validation_percent)).to_series()
    return (was_in == VALIDATION).fill_null(drawn)
