"""A manifest is read, or refused in one line."""

import pytest

from data_lake.dataset import (
    CleaningFigures,
    DatasetManifest,
    DeliveryRecord,
    Lengths,
    ShardRecord,
    find_manifest,
    read_manifest,
    shard_path,
    write_manifest,
)
from data_lake.errors import LakeError
from data_lake.layout import Lake

_LENGTHS = Lengths(edges=[0], title=[1], content=[1])
_FIGURES = CleaningFigures(
    lengths_before=_LENGTHS,
    lengths_after=_LENGTHS,
    titles_with_entities=0,
    contents_with_entities=0,
    trailers_cut=0,
    distinct_contents=1,
)
_DELIVERY = DeliveryRecord(
    number=0, inputs=[], options={}, lines=1, kept=1, rejected={}, train_rows=1, validation_rows=0, figures=_FIGURES
)
SHARD = ShardRecord(name="shard-00000", split="train", rows=1, bytes=2, sha256="ab", delivery=0)
HELD_OUT = SHARD.model_copy(update={"name": "validation", "split": "validation"})
MANIFEST = DatasetManifest(rows_per_shard=1, deliveries=[_DELIVERY], shards=[SHARD, HELD_OUT])


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path)


def test_round_trip(lake):
    write_manifest(lake, MANIFEST)
    assert read_manifest(lake) == MANIFEST
    assert (MANIFEST.train, MANIFEST.validation) == ([SHARD], [HELD_OUT])
    assert shard_path(lake, SHARD) == lake.shard(0)
    assert shard_path(lake, HELD_OUT) == lake.validation(0)


def test_none_yet(lake):
    assert find_manifest(lake) is None
    with pytest.raises(LakeError, match="There is no dataset in .*roundhouse ingest FILE"):
        read_manifest(lake)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 1}', '{"schema_version": "x"}', "\xff"])
def test_damaged(lake, text):
    lake.dataset.mkdir()
    lake.manifest.write_text(text, encoding="latin-1")
    with pytest.raises(LakeError, match="is damaged"):
        read_manifest(lake)


def test_of_a_newer_version(lake):
    lake.dataset.mkdir()
    lake.manifest.write_text('{"schema_version": 99, "what": "unknown"}')
    with pytest.raises(LakeError, match="has format 99, this Roundhouse knows"):
        read_manifest(lake)
