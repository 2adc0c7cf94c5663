"""SQL over the lake, with the answer as plain values."""

import json

import duckdb

from data_lake.catalog import connect
from data_lake.errors import InputError
from data_lake.layout import Lake


def run_query(lake: Lake, query: str) -> dict:
    """Runs one query over the lake's views.

    Returns:
        `columns`, names; `rows`, lists of JSON values, [rows][columns].

    Raises:
        InputError: DuckDB refuses the query.
        LakeError: there is no dataset in the lake.
    """
    with connect(lake) as connection:
        try:
            cursor = connection.execute(query)
            columns = [column[0] for column in cursor.description or []]
            rows = cursor.fetchall()
        except duckdb.Error as error:
            raise InputError(
                f"DuckDB refuses the query: {str(error).splitlines()[0]}",
                left="The lake was not touched",
                mend='See the views with roundhouse sql "DESCRIBE rows" (also rejects, shards, deliveries)',
            ) from error
    # Dates, decimals and the like as text.
    return {"columns": columns, "rows": json.loads(json.dumps(rows, default=str))}
