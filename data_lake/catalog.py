"""The lake as DuckDB views, to be asked in SQL and not to be changed."""

from pathlib import Path

import duckdb

from data_lake.dataset import REJECT_SCHEMA, ROW_SCHEMA, DatasetManifest, read_manifest, shard_path
from data_lake.errors import SettingsError
from data_lake.layout import Lake

_READING = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)


def connect(lake: Lake) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB with views over the lake.

    * `rows`: `uid, title, content, fingerprint, shard, split`
    * `rejects`: `delivery, file, line, offset, reason, raw, title, content`
    * `shards`: `name, split, rows, bytes, sha256, delivery`
    * `deliveries`: `number, lines, kept, rejected, train_rows, validation_rows, inputs`

    It reaches the dataset's and the rejects' folders and nothing else, loads no extension, and its settings are
    locked. What it is asked must be a query all the same (`query` sees to it): DuckDB would `COPY` over a shard.

    Raises:
        LakeError: there is no dataset yet.
    """
    manifest = read_manifest(lake)
    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    for name, query in _views(lake, manifest).items():
        connection.execute(f"CREATE VIEW {name} AS {query}")
    folders = ", ".join(_quoted(folder.absolute()) for folder in (lake.dataset, lake.rejects))
    connection.execute(f"SET allowed_directories = [{folders}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def query(lake: Lake, sql: str) -> duckdb.DuckDBPyConnection:
    """Runs one query over the lake's views and returns the connection, to fetch the rows from.

    Raises:
        LakeError: there is no dataset yet.
        SettingsError: it is not one query that reads, or DuckDB refuses it.
    """
    connection = connect(lake)
    try:
        statements = connection.extract_statements(sql)
        if len(statements) != 1 or statements[0].type not in _READING:
            raise _refused("It is not one query that only reads")
        return connection.execute(statements[0])
    except duckdb.Error as error:
        raise _refused(f"DuckDB refuses it: {error}") from error


def _refused(why: str) -> SettingsError:
    return SettingsError(
        why,
        left="The lake was not touched",
        mend='Ask of the views rows, rejects, shards, deliveries: roundhouse sql "FROM shards"',
    )


def _views(lake: Lake, manifest: DatasetManifest) -> dict[str, str]:
    shards = [shard_path(lake, shard) for shard in manifest.shards]
    rejects = [lake.delivery_rejects(delivery.number) for delivery in manifest.deliveries]
    read_manifest_file = f"read_json({_quoted(lake.manifest.absolute())}, maximum_object_size = 1073741824)"
    return {
        "shards": f"SELECT unnest(shards, recursive := true) FROM {read_manifest_file}",
        "deliveries": "SELECT given.number, given.lines, given.kept, given.rejected, given.train_rows, "
        f"given.validation_rows, given.inputs FROM (SELECT unnest(deliveries) AS given FROM {read_manifest_file})",
        "rows": f"SELECT {_columns(ROW_SCHEMA)}, parse_filename(filename, true) AS shard, "
        "CASE WHEN starts_with(shard, 'validation') THEN 'validation' ELSE 'train' END AS split "
        f"FROM {_read_parquet(shards)}",
        "rejects": "SELECT CAST(right(parse_filename(filename, true), 5) AS INTEGER) AS delivery, "
        f"{_columns(REJECT_SCHEMA)} FROM {_read_parquet(rejects)}",
    }


def _columns(schema) -> str:
    return ", ".join(f'"{name}"' for name in schema.names)


def _read_parquet(files: list[Path]) -> str:
    return f"read_parquet([{', '.join(_quoted(file.absolute()) for file in files)}], filename = true)"


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
