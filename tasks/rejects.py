"""The rejects of a delivery: one Parquet file of every line that was not kept, where it stood, and why."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_lake.dataset import REJECT_SCHEMA
from tasks.clean_chunk import piece_rejects
from tasks.shards import Plan, bucket_rejects

ROW_GROUP = 65_536
"""Rejects that are compressed together."""


def rejects_of_pieces(plan: Plan, pieces: Path) -> Iterator[pa.Table]:
    """What cleaning rejected, in the order of the lines: `PIECE_REJECTS` and `part`, the piece's place in the plan."""
    for part, piece in enumerate(plan.pieces):
        rejects = _read(piece_rejects(str(pieces), piece.id))
        yield rejects.append_column("part", pa.array([part] * len(rejects), pa.uint32()))


def rejects_of_buckets(folder: Path, buckets: int) -> Iterator[pa.Table]:
    """What was rejected where equal contents met, bucket by bucket."""
    for bucket in range(buckets):
        yield _read(bucket_rejects(str(folder), bucket))


class RejectsWriter:
    """Writes rejects to a Parquet file, in the order in which they are added."""

    def __init__(self, path: Path, plan: Plan) -> None:
        self._writer = pq.ParquetWriter(
            path, REJECT_SCHEMA, compression="zstd", write_page_index=True, store_schema=False
        )
        self._lines = pa.array([piece.first_line + 1 for piece in plan.pieces], pa.uint64())
        self._offsets = pa.array([piece.offset for piece in plan.pieces], pa.uint64())
        self._sources = pa.array([piece.source for piece in plan.pieces], pa.string())
        self._held = REJECT_SCHEMA.empty_table()

    def add(self, rejects: Iterable[pa.Table]) -> None:
        """Adds rejects of parts: `part`, `line` and `offset` within it, `reason`, and their texts."""
        for table in rejects:
            self._held = pa.concat_tables([self._held, self._placed(table)])
            # Groups of one size, whatever the sizes of the pieces: the file's bytes must not depend on them.
            while len(self._held) >= ROW_GROUP:
                self._writer.write_table(self._held.slice(0, ROW_GROUP).combine_chunks())
                self._held = self._held.slice(ROW_GROUP)

    def close(self) -> None:
        """Writes what is left, and the file's end."""
        if len(self._held):
            self._writer.write_table(self._held.combine_chunks())
        self._writer.close()

    def _placed(self, rejects: pa.Table) -> pa.Table:
        part = rejects["part"]
        columns = {
            "file": self._sources.take(part),
            "line": pc.add(rejects["line"], self._lines.take(part)),
            "offset": pc.add(rejects["offset"], self._offsets.take(part)),
        }
        for name in ("reason", "raw", "title", "content"):
            held = name in rejects.column_names
            columns[name] = rejects[name].cast(pa.string()) if held else pa.nulls(len(rejects), pa.string())
        return pa.table(columns, schema=REJECT_SCHEMA)


def _read(path: Path) -> pa.Table:
    with pa.OSFile(str(path)) as file:
        return pa.ipc.open_file(file).read_all()
