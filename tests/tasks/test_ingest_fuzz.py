"""Whatever the bytes are: no crash, and no lost line."""

import gzip
import random
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_lake.data_settings import DataSettings
from data_lake.dataset import read_manifest, shard_path
from data_lake.errors import InputError
from data_lake.layout import Lake
from tasks.ingest import ingest

ONE_SHARD = DataSettings(shards=1)
GOOD = b'{"title": "A lamp", "content": "It gives light."}\n'


def _account(path: Path, lake: Lake) -> int:
    """Ingests and finds every line among the rows and rejects; returns how many there are."""
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    report = ingest(lake, [str(path)], ONE_SHARD, run_map=map)
    rejects = pl.read_parquet(lake.delivery_rejects(0))
    rows = sum(pl.read_parquet(shard_path(lake, shard)).height for shard in read_manifest(lake).shards)
    assert report.lines == data.count(b"\n") + (not data.endswith(b"\n")) == rows + len(rejects)
    assert rejects["line"].n_unique() == len(rejects)
    return report.lines


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=40) | st.text(max_size=20).map(str.encode), max_size=8))
def test_any_bytes_after_a_good_line(lines):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "c.jsonl")
        path.write_bytes(GOOD + b"\n".join(lines))
        _account(path, Lake(Path(folder, "lake")))


@pytest.mark.parametrize("seed", range(12))
def test_flipped_bytes_of_real_rows(real_rows, seed, tmp_path):
    chance = random.Random(seed)
    data = bytearray(b"".join(path.read_bytes() for path in real_rows))
    for _ in range(2 ** chance.randint(0, 11)):
        data[chance.randrange(len(data))] = chance.choice((10, 0, 34, 92, 123, 125, 255, chance.randrange(256)))
    path = tmp_path / "flipped.jsonl"
    path.write_bytes(GOOD + data)
    assert _account(path, Lake(tmp_path / "lake")) >= 100


@pytest.mark.parametrize("seed", range(20))
def test_flipped_bytes_of_a_packed_file(catalogue, seed, tmp_path):
    """Damage is told, or is in what gzip does not look at; nothing half done is to be seen."""
    chance = random.Random(seed)
    lines = catalogue.read_bytes().splitlines(keepends=True)[:200]
    data = bytearray(gzip.compress(b"".join(lines)))
    for _ in range(chance.randint(1, 3)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path, lake = tmp_path / "flipped.json.gz", Lake(tmp_path / "lake")
    path.write_bytes(data)
    try:
        assert ingest(lake, [str(path)], ONE_SHARD).lines == 200
    except InputError as error:
        assert "\n" not in str(error)
        assert not lake.manifest.exists()
        assert not lake.data.exists()
