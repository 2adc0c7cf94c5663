"""The lake in SQL: four views to read, and nothing to change."""

import duckdb
import orjson
import pytest

from data_lake.catalog import connect, query
from data_lake.data_settings import DataSettings
from data_lake.errors import LakeError, SettingsError
from data_lake.layout import Lake
from tasks.ingest import ingest


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Lake:
    """Two deliveries, the second with a reject."""
    folder = tmp_path_factory.mktemp("it's a lake")
    lake = Lake(folder / "lake")
    for name, rows in (("a.jsonl", range(40)), ("b.jsonl", range(40, 50))):
        lines = [orjson.dumps({"uid": at, "title": f"t{at}", "content": f"content {at}"}) for at in rows]
        (folder / name).write_bytes(b"\n".join([*lines, b"no row"]))
        ingest(lake, [str(folder / name)], DataSettings(shards=3, validation_percent=20))
    return lake


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT count(*) FROM rows", [(50,)]),
        ("SELECT uid, title, content FROM rows WHERE uid = '7'", [("7", "t7", "content 7")]),
        ("SELECT delivery, file, line, reason, raw FROM rejects ORDER BY delivery",
         [(0, "a.jsonl", 41, "bad_json", "no row"), (1, "b.jsonl", 11, "bad_json", "no row")]),
        ("SELECT number, lines, kept, rejected['bad_json'] FROM deliveries", [(0, 41, 40, 1), (1, 11, 10, 1)]),
        ("SELECT sum(rows) FROM shards", [(50,)]),
        ("SELECT count(*) FROM (SELECT shard, split FROM rows GROUP BY ALL) r "
         "JOIN shards s ON r.shard = s.name AND r.split <> s.split", [(0,)]),
        ("SELECT count(DISTINCT split) FROM rows", [(2,)]),
    ],
)  # fmt: skip
def test_views(lake, sql, rows):
    assert query(lake, sql).fetchall() == rows


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{shard}'",
        "COPY (SELECT 1) TO '/tmp/elsewhere.csv'",
        "CREATE TABLE t AS SELECT 1",
        "DROP VIEW rows",
        "INSTALL httpfs",
        "ATTACH 'other.db'",
        "SET enable_external_access = true",
        "SELECT 1; SELECT 2",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_csv('https://example.org/x.csv')",
        "SELEC 1",
        "SELECT nothing FROM rows",
        "",
    ],
)
def test_what_does_more_than_read_the_lake_is_refused(lake, sql):
    before = lake.shard(0).read_bytes()
    with pytest.raises(SettingsError, match="roundhouse sql"):
        query(lake, sql.format(shard=lake.shard(0))).fetchall()
    assert lake.shard(0).read_bytes() == before


def test_the_connection_reaches_nothing_else(lake):
    connection = connect(lake)
    for sql in ("SELECT * FROM read_text('/etc/hostname')", "COPY (SELECT 1) TO '/tmp/x.csv'", "INSTALL httpfs"):
        with pytest.raises(duckdb.Error):
            connection.execute(sql)
    with pytest.raises(duckdb.Error, match="locked"):
        connection.execute("SET enable_external_access = true")


def test_no_dataset(tmp_path):
    with pytest.raises(LakeError, match="roundhouse ingest FILE"):
        connect(Lake(tmp_path))
