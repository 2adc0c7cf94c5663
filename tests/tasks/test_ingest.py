"""An ingest as a whole: every line accounted for, every promise about the result kept."""

import gzip
import re

import polars as pl
import pyarrow.parquet as pq

from data_lake.data_settings import DataSettings, FieldNames, Rules
from data_lake.dataset import REJECT_SCHEMA, ROW_SCHEMA, read_manifest, shard_path
from data_lake.files import sha256_of
from data_lake.layout import Lake
from tasks.ingest import ingest

SETTINGS = DataSettings(shards=5, validation_percent=10)


def rows_of(lake: Lake, split: str | None = None) -> pl.DataFrame:
    shards = [shard for shard in read_manifest(lake).shards if split in (None, shard.split)]
    return pl.concat([pl.read_parquet(shard_path(lake, shard)) for shard in shards])


def test_report_manifest_and_files_agree(catalogue, lake):
    report = ingest(lake, [str(catalogue)], SETTINGS)
    manifest = read_manifest(lake)
    (delivery,) = manifest.deliveries
    assert report.lines == 4_000 == report.kept + sum(report.rejected.values())
    assert (report.delivery, report.unchanged, report.shards) == (0, False, 5)
    assert report.kept == sum(shard.rows for shard in manifest.shards) == len(rows_of(lake))
    assert report.validation_rows == len(rows_of(lake, "validation")) > 0
    assert [shard.name for shard in manifest.shards] == [*(f"shard-{n:05d}" for n in range(5)), "validation"]
    for shard in manifest.shards:
        path = shard_path(lake, shard)
        assert (shard.bytes, shard.sha256) == (path.stat().st_size, sha256_of(path))
    assert delivery.inputs[0].sha256 == sha256_of(catalogue)
    assert (delivery.inputs[0].name, delivery.inputs[0].lines) == ("trn.json", 4_000)
    rejects = pl.read_parquet(lake.delivery_rejects(0))
    assert dict(rejects["reason"].value_counts().iter_rows()) == report.rejected
    assert report.peak_rss_mb > 10
    assert list(lake.work.iterdir()) == []


def test_tables_have_their_schemas(catalogue, lake):
    ingest(lake, [str(catalogue)], SETTINGS)
    shard = pq.ParquetFile(lake.shard(0))
    assert shard.schema_arrow.equals(ROW_SCHEMA)
    assert pq.read_schema(lake.delivery_rejects(0)).equals(REJECT_SCHEMA)
    group = shard.metadata.row_group(0).column(3)
    assert group.compression == "ZSTD"
    assert group.has_offset_index
    assert group.has_column_index


def test_rows_are_in_order_and_splits_apart(catalogue, lake):
    ingest(lake, [str(catalogue)], SETTINGS)
    for shard in read_manifest(lake).shards:
        rows = pl.read_parquet(shard_path(lake, shard))
        assert rows.equals(rows.sort("fingerprint", "title", "uid", nulls_last=True))
    train, validation = rows_of(lake, "train"), rows_of(lake, "validation")
    assert not set(train["fingerprint"]) & set(validation["fingerprint"])
    assert not set(train["content"]) & set(validation["content"])
    assert rows_of(lake).select("title", "content").is_unique().all()
    assert rows_of(lake)["fingerprint"].value_counts()["count"].max() <= SETTINGS.rules.max_copies


def test_every_line_can_be_found_again(catalogue, lake):
    """Each reject points at the line that it is, and all other lines are the kept ones."""
    ingest(lake, [str(catalogue)], SETTINGS)
    data = catalogue.read_bytes()
    lines = data.splitlines()
    rejects = pl.read_parquet(lake.delivery_rejects(0))
    assert rejects["line"].is_unique().all()
    for line, offset in rejects.select("line", "offset").iter_rows():
        assert data[offset:].startswith(lines[line - 1])
    kept = set(range(1, 4_001)) - set(rejects["line"])
    uids = {re.search(rb'"uid": "(\d+)"', lines[at - 1])[1].decode() for at in kept}
    assert uids == set(rows_of(lake)["uid"])


def test_small_numbers_by_hand(write_rows, lake):
    path = write_rows(
        "c.jsonl",
        {"uid": "2", "title": "Red lamp", "content": "A lamp &amp; a shade.  It is red."},
        {"uid": "1", "title": "Red lamp", "content": "A lamp & a shade. It is red."},
        {"title": "Blue lamp", "content": "a LAMP & a shade. it is red."},
        {"title": "No content", "content": ""},
        {"title": "Only a trailer", "content": "--This text refers to theHardcoveredition."},
        b"not json",
        b"[]",
        b"\xff",
        {"title": 7, "content": "A number for a title."},
        {"title": "One word", "content": "TUtu"},
    )
    report = ingest(lake, [path], SETTINGS)
    assert report.rejected == {
        "invalid_utf8": 1,
        "bad_json": 1,
        "not_an_object": 1,
        "not_text": 1,
        "empty_content": 2,
        "too_short": 1,
        "duplicate": 1,
    }
    assert sorted(rows_of(lake).select("uid", "title", "content").rows(), key=str) == [
        ("1", "Red lamp", "A lamp & a shade. It is red."),
        (None, "Blue lamp", "a LAMP & a shade. it is red."),
    ]
    rejects = {row["reason"]: row for row in pl.read_parquet(lake.delivery_rejects(0)).to_dicts()}
    assert rejects["bad_json"] | {"offset": 0} == {
        "file": "c.jsonl",
        "line": 6,
        "offset": 0,
        "reason": "bad_json",
        "raw": "not json",
        "title": None,
        "content": None,
    }
    assert (rejects["too_short"]["title"], rejects["too_short"]["content"]) == ("One word", "TUtu")
    assert (rejects["duplicate"]["line"], rejects["duplicate"]["raw"]) == (1, None)


def test_shards_may_be_empty(write_rows, lake):
    ingest(lake, [write_rows("one.jsonl", {"title": "a", "content": "one two"})], DataSettings(validation_percent=0))
    assert [shard.rows for shard in read_manifest(lake).shards].count(0) == 70
    assert len(rows_of(lake)) == 1


def test_other_field_names(write_rows, lake):
    path = write_rows("c.jsonl", {"id": 9, "name": "Lamp", "about": "It gives light."})
    ingest(lake, [path], DataSettings(shards=1, fields=FieldNames(uid="id", title="name", content="about")))
    assert rows_of(lake).select("uid", "title", "content").rows() == [("9", "Lamp", "It gives light.")]


def test_rules_switched_off_keep_their_rows(write_rows, lake):
    rows = [{"title": "a", "content": "word"}] * 2 + [{"title": title, "content": "Two words"} for title in "abc"]
    settings = DataSettings(shards=1, rules=Rules(too_short=False, duplicate=False, repeated_content=False))
    assert ingest(lake, [write_rows("c.jsonl", *rows)], settings).kept == 5


def test_packed_and_plain_give_the_same_shards(catalogue, tmp_path, bytes_of, processes):
    packed = tmp_path / "trn.json.gz"
    packed.write_bytes(gzip.compress(catalogue.read_bytes()))
    settings = DataSettings(shards=5, chunk_mb=1)
    lakes = [Lake(tmp_path / name) for name in ("plain", "packed")]
    for lake, path in zip(lakes, (catalogue, packed), strict=True):
        ingest(lake, [str(path)], settings, run_map=processes)
    plain, unpacked = ({path: held for path, held in bytes_of(lake).items() if "/data/" in path} for lake in lakes)
    assert plain == unpacked
    assert len(plain) == 6


def test_real_rows(real_rows, lake):
    report = ingest(lake, [str(path) for path in real_rows], DataSettings())
    assert report.lines == 510 == report.kept + sum(report.rejected.values())
    assert report.rejected == {"empty_content": 8, "content_equals_title": 1, "duplicate": 4}
    rows = rows_of(lake)
    text = "\n".join([*rows["title"], *rows["content"]])
    assert re.findall(r"&#?\w+;", text) == []
    assert "Kerr’s best–selling" in text
    assert not re.search(r"This text refers to.{1,60}edition|Reed Business Information", text)
    # Of the same row with and without a uid the one with it stays.
    assert rows.filter(title="Mog's Kittens")["uid"].to_list() == ["0001360000"]
