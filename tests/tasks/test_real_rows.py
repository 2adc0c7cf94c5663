"""Real rows of the real file: cleaned, published, and one round trained on them."""

import os
import re
import shutil
from pathlib import Path

import polars as pl
import pytest
from support import train_one

from data_lake.dataset import read_manifest, shard_path
from data_lake.layout import Lake
from data_lake.settings import Settings
from flows.session import Workplace, hub_of
from tasks.ingest import ingest
from tasks.ledger import read_ledger
from tasks.publish_dataset import publish_dataset

REAL_ROWS = Path(os.environ.get("ROUNDHOUSE_REAL_ROWS", Path(__file__).resolve().parents[2] / ".." / "shared" / "data"))
FILES = [REAL_ROWS / "trn_10_full.jsonl", REAL_ROWS / "trn_500_nonempty.jsonl"]

pytestmark = pytest.mark.skipif(
    not all(file.is_file() for file in FILES), reason=f"no real rows in {REAL_ROWS} (set ROUNDHOUSE_REAL_ROWS)"
)


def test_real_rows_from_file_to_round(tmp_path: Path, small_base: Path, small_settings: Settings) -> None:
    lake = Lake(tmp_path / "lake")
    lake.root.mkdir()
    report = ingest(lake, [str(file) for file in FILES], small_settings.data)
    assert report.lines == 510 == report.kept + sum(report.rejected.values())
    assert report.rejected["empty_content"] == 7 + 1, "seven without content, one with a trailer and nothing else"
    manifest = read_manifest(lake)
    rows = pl.concat([pl.read_parquet(shard_path(lake, shard)) for shard in manifest.shards])
    text = "\n".join(rows["title"].to_list() + rows["content"].to_list())
    assert re.findall(r"&(?:#\d+|#x[0-9a-fA-F]+|[A-Za-z]{2,});", text) == []
    assert "Kerr’s best–selling" in text
    shutil.copytree(small_base, lake.base)
    with hub_of(Workplace(lake, small_settings)) as hub:
        publish_dataset(lake, hub)
        published = train_one(lake, hub, small_settings)
        assert [entry.revision for entry in read_ledger(hub).rounds] == [published.revision]
    training = published.manifest.training
    assert training.rows + training.rows_left_out == manifest.train[0].rows
    assert training.losses[-1] < training.losses[0]
