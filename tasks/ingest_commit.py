"""Finishing an ingest: finished files move to their places, the manifest last."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_lake.dataset import REJECT_SCHEMA, DatasetManifest, write_manifest
from data_lake.layout import Lake
from tasks.clean_chunk import piece_rejects
from tasks.shards import Plan, bucket_rejects
from tasks.work_files import work_file

_REJECTS_GROUP = 65_536
"""Rejects that are compressed together."""


def write_rejects(path: Path, plan: Plan, pieces: str, folder: str, buckets: int) -> None:
    """Writes a delivery's rejects: those of cleaning in the order of the lines, then those of each bucket."""
    with work_file(path) as partial:
        with pq.ParquetWriter(partial, REJECT_SCHEMA, compression="zstd", write_page_index=True, store_schema=False) as writer:
            for group in _exact_groups(_all_rejects(plan, pieces, folder, buckets), _REJECTS_GROUP):
                writer.write_table(group)


def _all_rejects(plan: Plan, pieces: str, folder: str, buckets: int) -> Iterator[pa.Table]:
    for part, piece in enumerate(plan.pieces):
        rejects = _read(piece_rejects(pieces, piece.id))
        yield _placed(rejects.append_column("part", pa.array([part] * len(rejects), pa.uint32())), plan)
    for bucket in range(buckets):
        yield _placed(_read(bucket_rejects(folder, bucket)), plan)


def _read(path: Path) -> pa.Table:
    with pa.OSFile(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def _placed(rejects: pa.Table, plan: Plan) -> pa.Table:
    """Rejects of parts (`part`, and `line, offset` within it) as rejects of files."""
    lines = pa.array([piece.first_line + 1 for piece in plan.pieces], pa.uint64())
    offsets = pa.array([piece.offset for piece in plan.pieces], pa.uint64())
    sources = pa.array([piece.source for piece in plan.pieces], pa.string())
    part = rejects["part"]
    columns = {
        "file": sources.take(part),
        "line": pc.add(rejects["line"], lines.take(part)),
        "offset": pc.add(rejects["offset"], offsets.take(part)),
    }
    for name in ("reason", "raw", "title", "content"):
        held = name in rejects.column_names
        columns[name] = rejects[name].cast(pa.string()) if held else pa.nulls(len(rejects), pa.string())
    return pa.table(columns, schema=REJECT_SCHEMA)


def _exact_groups(tables: Iterator[pa.Table], rows: int) -> Iterator[pa.Table]:
    """Regroups tables into ones of exactly `rows` rows, the last of what is left: bytes must not depend on the pieces."""
    held = REJECT_SCHEMA.empty_table()
    for table in tables:
        held = pa.concat_tables([held, table])
        while len(held) >= rows:
            yield held.slice(0, rows).combine_chunks()
            held = held.slice(rows)
    if len(held):
        yield held.combine_chunks()


def commit(lake: Lake, staged: Lake, manifest: DatasetManifest) -> None:
    """Makes staged files the lake's. Once the staged manifest is written, `finish_commits` carries it through."""
    for path in _files(staged):
        _flush(path)
    write_manifest(staged, manifest)
    _carry_through(lake, staged)


def finish_commits(lake: Lake) -> None:
    """Carries through a commit that a killed run had begun."""
    for manifest in lake.work.glob("ingest-*/*/" + str(lake.manifest.relative_to(lake.root))):
        _carry_through(lake, Lake(manifest.parents[1]))


def _carry_through(lake: Lake, staged: Lake) -> None:
    files = [path for path in _files(staged) if path != staged.manifest]
    for path in files:
        place = lake.root / path.relative_to(staged.root)
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, place)
    for folder in (lake.data, lake.rejects, lake.dataset):
        if folder.exists():
            _flush(folder)
    os.replace(staged.manifest, lake.manifest)
    _flush(lake.dataset)
    clear_work(lake)


def clear_work(lake: Lake) -> None:
    """Removes all work in progress of ingests."""
    for folder in lake.work.glob("ingest-*"):
        shutil.rmtree(folder)


def _files(staged: Lake) -> list[Path]:
    return sorted(path for folder in (staged.dataset, staged.rejects) for path in folder.rglob("*") if path.is_file())


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
