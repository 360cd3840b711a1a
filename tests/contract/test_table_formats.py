"""Every table format: pieces with one schema, and a clear sentence for a file that cannot be read."""

import sqlite3

import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from golive import plugins
from golive.errors import DataError

TABLE = pa.table({"area": [150, 90, None], "price": [1.5, None, 2.0], "city": ["Ames", None, "Boone"]})


def write_lines(table, path):
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in table.to_pylist()))


def write_database(table, path):
    kinds = {"int64": "INTEGER", "double": "REAL", "string": "TEXT"}
    columns = ", ".join(f"{field.name} {kinds[str(field.type)]}" for field in table.schema)
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE kept ({columns})")
        marks = ", ".join("?" * table.num_columns)
        connection.executemany(f"INSERT INTO kept VALUES ({marks})", zip(*table.to_pydict().values(), strict=True))
    connection.close()


WRITERS = {
    "csv": (".csv", pa.csv.write_csv),
    "jsonl": (".jsonl", write_lines),
    "parquet": (".parquet", pa.parquet.write_table),
    "sql": (".db", write_database),
}


@pytest.fixture(params=plugins.names("tables"))
def name(request):
    return request.param


def test_a_written_table_is_read_back_whole(name, tmp_path):
    suffix, write = WRITERS[name]
    path = tmp_path / f"table{suffix}"
    write(TABLE, path)
    batches = list(plugins.load("tables", name).read(path, {}))
    assert pa.Table.from_batches(batches).to_pydict() == TABLE.to_pydict()


def test_the_pieces_of_a_large_table_have_one_schema(name, tmp_path):
    suffix, write = WRITERS[name]
    path = tmp_path / f"table{suffix}"
    rows = 300_000
    write(pa.table({"n": list(range(rows)), "text": ["a fairly long text"] * (rows - 1) + ["x"]}), path)
    batches = list(plugins.load("tables", name).read(path, {}))
    assert len(batches) > 1
    assert len({batch.schema for batch in batches}) == 1
    assert sum(batch.num_rows for batch in batches) == rows


def test_a_missing_file_is_named(name, tmp_path):
    suffix, _ = WRITERS[name]
    with pytest.raises(DataError, match=r"there is no file .*absent"):
        list(plugins.load("tables", name).read(tmp_path / f"absent{suffix}", {}))


def test_a_table_without_rows_is_refused(name, tmp_path):
    suffix, write = WRITERS[name]
    path = tmp_path / f"table{suffix}"
    write(TABLE.slice(0, 0), path)
    with pytest.raises(DataError, match="no rows"):
        list(plugins.load("tables", name).read(path, {}))


def test_an_unknown_option_is_named(name, tmp_path):
    suffix, write = WRITERS[name]
    path = tmp_path / f"table{suffix}"
    write(TABLE, path)
    with pytest.raises(DataError, match="nonsense"):
        list(plugins.load("tables", name).read(path, {"nonsense": 1}))
