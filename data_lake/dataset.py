"""The dataset's tables and records: clean row, reject, shard, delivery, manifest."""

import json
from pathlib import Path

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError

from data_lake.errors import LakeError
from data_lake.files import write_record
from data_lake.layout import Lake

SCHEMA_VERSION = 1
"""Raised whenever a manifest or a table changes in a way an older Roundhouse would misread."""

ROW_SCHEMA = pa.schema(
    [
        pa.field("uid", pa.string()),
        pa.field("title", pa.string(), nullable=False),
        pa.field("content", pa.string(), nullable=False),
        pa.field("fingerprint", pa.uint64(), nullable=False),
    ]
)
"""A clean row; `fingerprint` is the 64-bit XXH3 of the case-folded content, and the rows' order in a shard."""

REJECT_SCHEMA = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),
        pa.field("line", pa.uint64(), nullable=False),
        pa.field("offset", pa.uint64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("raw", pa.string()),
        pa.field("title", pa.string()),
        pa.field("content", pa.string()),
    ]
)
"""A line not kept: its number (from 1), its first byte in the unpacked file, why, and its text.

`raw` where it did not parse; `title` and `content` where it did: as they were read, or, for the last three
reasons, as they were compared.
"""

REASONS = {
    "invalid_utf8": "the line is not UTF-8",
    "bad_json": "the line is not JSON",
    "not_an_object": "the line is JSON, but not an object",
    "not_text": "a field holds a number, a list or an object where text belongs",
    "empty_title": "no title is left after cleaning",
    "empty_content": "no content is left after cleaning",
    "content_equals_title": "the content says only the title",
    "too_short": "the content has too few words",
    "too_long": "the line, the title or the content is too long",
    "duplicate": "another row has the same title and content",
    "repeated_content": "the same content already stands under many titles",
    "already_kept": "an earlier delivery holds the same title and content",
}
"""Every reason to reject a line, in the order in which they are tried."""

TRAIN, VALIDATION = "train", "validation"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ShardRecord(_Record):
    """One Parquet file of rows; `sha256` is its identity, `name` its position."""

    name: str
    split: str
    """`train` or `validation`."""
    rows: int
    bytes: int
    sha256: str
    delivery: int
    """The number of the delivery that made it."""


class InputRecord(_Record):
    """One file of a delivery, as it was found."""

    name: str
    """Its path below the folder that all files named together share."""
    bytes: int
    """Its size, packed as it was."""
    sha256: str
    lines: int
    truncated: bool = False
    """It was cut short, and taken as it was by the user's leave."""


class Lengths(_Record):
    """Texts by their length in characters: count `i` is of lengths in [`edges[i]`, `edges[i + 1]`)."""

    edges: list[int]
    title: list[int]
    content: list[int]


class CleaningFigures(_Record):
    """What cleaning met and did, in rows."""

    lengths_before: Lengths
    """All rows that parsed, their texts as read."""
    lengths_after: Lengths
    """The kept rows."""
    titles_with_entities: int
    contents_with_entities: int
    trailers_cut: int
    """Contents that lost at least one trailer."""
    distinct_contents: int
    """Different contents (fingerprints) among the kept rows."""


class DeliveryRecord(_Record):
    """One ingest that found new rows: what it read, how, and what became of every line."""

    number: int
    inputs: list[InputRecord]
    options: dict
    """The cleaning options: `DataSettings.cleaning_options()`."""
    lines: int
    kept: int
    rejected: dict[str, int]
    """Reason → lines; `lines == kept + sum(rejected.values())`."""
    train_rows: int
    validation_rows: int
    figures: CleaningFigures


class DatasetManifest(_Record):
    """What the dataset is. Written last: where it exists, the dataset is complete."""

    schema_version: int = SCHEMA_VERSION
    rows_per_shard: int
    """Rows of a shard of a later delivery: the mean of the first delivery's shards, rounded up."""
    deliveries: list[DeliveryRecord]
    shards: list[ShardRecord]
    """Training shards by number, then validation files by delivery."""

    def of_split(self, split: str) -> list[ShardRecord]:
        """The shards of `train` or `validation`, in order."""
        return [shard for shard in self.shards if shard.split == split]

    @property
    def train(self) -> list[ShardRecord]:
        return self.of_split(TRAIN)

    @property
    def validation(self) -> list[ShardRecord]:
        return self.of_split(VALIDATION)


def shard_path(lake: Lake, shard: ShardRecord) -> Path:
    """Where a shard's Parquet file lies."""
    return lake.data / f"{shard.name}.parquet"


def write_manifest(lake: Lake, manifest: DatasetManifest) -> None:
    write_record(lake.manifest, manifest)


def find_manifest(lake: Lake) -> DatasetManifest | None:
    """The manifest, or None where nothing was ingested yet.

    Raises:
        LakeError: it was made by a newer Roundhouse, or is damaged.
    """
    try:
        values = json.loads(lake.manifest.read_text(encoding="utf-8"))
        version = values["schema_version"]
        if version > SCHEMA_VERSION:
            raise LakeError(
                f"The dataset in {lake.root} has format {version}, this Roundhouse knows {SCHEMA_VERSION} only",
                left="The lake was not touched",
                mend="Update Roundhouse, or take another lake: roundhouse ingest FILE --lake NEW",
            )
        return DatasetManifest.model_validate(values)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise LakeError(
            f"The manifest {lake.manifest} is damaged ({type(error).__name__})",
            left="The lake was not touched",
            mend="Restore the file from a copy or from the Hub, or begin a new lake: roundhouse ingest FILE --lake NEW",
        ) from error


def read_manifest(lake: Lake) -> DatasetManifest:
    """The manifest of the lake's dataset.

    Raises:
        LakeError: there is none yet, or it cannot be read.
    """
    manifest = find_manifest(lake)
    if manifest is None:
        raise LakeError(
            f"There is no dataset in {lake.root}",
            left="The lake was not touched",
            mend="Run: roundhouse ingest FILE",
        )
    return manifest
