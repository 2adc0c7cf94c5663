"""The rejects of a delivery: one Parquet file of every line that was not kept, where it stood, and why."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from data_lake.dataset import REJECT_SCHEMA
from tasks.clean_chunk import piece_rejects, to_table
from tasks.parse import REJECT_TYPES
from tasks.shards import Plan, bucket_rejects

ROW_GROUP = 65_536
"""Rejects that are compressed together."""


def rejects_of_pieces(plan: Plan, pieces: Path) -> Iterator[pl.DataFrame]:
    """What cleaning rejected, in the order of the lines: `PIECE_REJECTS` and `part`, the piece's place in the plan."""
    for part, piece in enumerate(plan.pieces):
        yield _read(piece_rejects(str(pieces), piece.id)).with_columns(part=pl.lit(part, pl.UInt32))


def rejects_of_buckets(folder: Path, buckets: int) -> Iterator[pl.DataFrame]:
    """What was rejected where equal contents met, bucket by bucket."""
    for bucket in range(buckets):
        yield _read(bucket_rejects(str(folder), bucket)).with_columns(raw=pl.lit(None, pl.String))


class RejectsWriter:
    """Writes rejects to a Parquet file, in the order in which they are added."""

    def __init__(self, path: Path, plan: Plan) -> None:
        self._writer = pq.ParquetWriter(
            path, REJECT_SCHEMA, compression="zstd", write_page_index=True, store_schema=False
        )
        self._parts = pl.DataFrame([piece.model_dump() for piece in plan.pieces])
        self._held = pl.DataFrame(schema={"file": pl.String, **REJECT_TYPES})

    def add(self, rejects: Iterable[pl.DataFrame]) -> None:
        """Adds rejects of parts: `part`, `line` and `offset` within it, `reason, raw, title, content`."""
        for frame in rejects:
            self._held = pl.concat([self._held, self._placed(frame)], rechunk=False)
            # Groups of one size, whatever the sizes of the pieces: the file's bytes must not depend on them.
            while len(self._held) >= ROW_GROUP:
                self._write(self._held.head(ROW_GROUP))
                self._held = self._held.slice(ROW_GROUP)

    def close(self) -> None:
        """Writes what is left, and the file's end."""
        if len(self._held):
            self._write(self._held)
        self._writer.close()

    def _placed(self, rejects: pl.DataFrame) -> pl.DataFrame:
        piece = self._parts[rejects["part"]]
        return rejects.select(
            piece["source"].alias("file"),
            (pl.col("line") + piece["first_line"] + 1).cast(pl.UInt64),
            (pl.col("offset") + piece["offset"]).cast(pl.UInt64),
            "reason",
            "raw",
            "title",
            "content",
        )

    def _write(self, group: pl.DataFrame) -> None:
        self._writer.write_table(to_table(group, REJECT_SCHEMA).combine_chunks())


def _read(path: Path) -> pl.DataFrame:
    with pa.OSFile(str(path)) as file:
        return pl.DataFrame(pa.ipc.open_file(file).read_all())
