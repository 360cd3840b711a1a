"""Slices and parts: a table cut into pieces holds what the whole holds, wherever it is cut."""

import csv
import gzip
import io
import random
import sqlite3

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golive.adapters.tables.csv import CsvTable
from golive.adapters.tables.csv_text import csv_bytes, csv_head
from golive.adapters.tables.cut import blocks, csv_ending, line_ending
from golive.adapters.tables.footer import read_footer
from golive.adapters.tables.jsonl import JsonlTable
from golive.adapters.tables.parquet import ParquetTable
from golive.adapters.tables.sql import SqlTable
from golive.errors import DataError, MissingExtraError

CELLS = st.text(st.sampled_from('ab"\n, \u00e9'), max_size=6)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS), max_size=20), size=st.integers(1, 60), end=st.sampled_from(["\n", "\r\n"])
)
def test_a_text_is_cut_after_rows_only(rows, size, end):
    sink = io.StringIO(newline="")
    csv.writer(sink, quoting=csv.QUOTE_MINIMAL, lineterminator=end).writerows(rows)
    text = sink.getvalue().encode()
    found = list(blocks(io.BytesIO(text), size, csv_ending(","), "t"))
    assert b"".join(found) == text
    read = [row for block in found for row in csv.reader(io.StringIO(block.decode(), newline=""))]
    assert read == [list(row) for row in rows]


def test_a_quotation_mark_inside_a_field_opens_nothing():
    text = b'5" pipe,1\n6" pipe,2\n"7\n8",3\n'
    found = list(blocks(io.BytesIO(text), 12, csv_ending(","), "t"))
    assert b"".join(found) == text
    assert [block.count(b"\n") for block in found] == [1, 1, 2]


def test_lines_are_cut_after_their_ends():
    assert list(blocks(io.BytesIO(b"a\nbb\nc"), 2, line_ending, "t")) == [b"a\n", b"bb\n", b"c"]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(CELLS, st.none() | st.floats(allow_nan=False), st.none() | st.integers(-9, 9)), max_size=9)
)
def test_written_text_reads_back_as_what_it_was(rows):
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    kinds = {"text": pa.string(), "real": pa.float64(), "whole": pa.int64()}
    batch = pa.record_batch(
        {name: pa.array(one, kind) for (name, kind), one in zip(kinds.items(), columns, strict=True)}
    )
    text = (csv_head(batch.schema.names) + csv_bytes(batch)).decode()
    first, *found = list(csv.reader(io.StringIO(text, newline="")))
    assert first == list(kinds)
    assert [row[0] for row in found] == [row[0] for row in rows]
    assert [float(row[1]) if row[1] else None for row in found] == [row[1] for row in rows]
    assert [int(row[2]) if row[2] else None for row in found] == [row[2] for row in rows]


@pytest.mark.parametrize(
    ("name", "encoding", "is_cut"),
    [("t.csv", "utf-8", True), ("t.csv", "latin-1", True), ("t.csv", "utf-16", False), ("t.csv.gz", "utf-8", False)],
)
def test_a_text_in_any_encoding_is_read_in_slices_that_hold_all_of_it(tmp_path, name, encoding, is_cut):
    rows = [(index, f'caf\u00e9 "{index}"\n') for index in range(9_000)]
    sink = io.StringIO(newline="")
    csv.writer(sink, lineterminator="\n").writerows([("id", "name"), *rows])
    content = sink.getvalue().encode(encoding)
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    table, place, options = CsvTable(), str(path), {"encoding": encoding}
    kept = table.schema(place, options, ("id", "name"))
    cut = list(table.slices(place, options, rows=3_000))
    read = [
        tuple(row.values())
        for part in cut
        for piece in table.read_slice(place, part, options, fields=(), kept=kept)
        for row in piece.kept.to_pylist()
    ]
    assert read == rows
    assert (len(cut) > 1) == is_cut


def test_row_groups_are_joined_as_they_are_and_keep_their_statistics(tmp_path):
    table = pa.table(
        {"id": range(300), "text": ["a", None, "b"] * 100, "date": pa.array(range(300), pa.date32())},
        metadata={"of": "the table"},
    )
    format_ = ParquetTable()
    content, notes = bytearray(format_.head(table.schema)), []
    for start in range(0, 300, 15):
        writer = format_.writer(tmp_path / "part", table.schema)
        for batch in table.slice(start, 15).to_batches():
            writer.write(batch)
        writer.close()
        body = format_.body(tmp_path / "part", len(content))
        content += (tmp_path / "part").read_bytes()[body.start : body.stop]
        notes.append(body.note)
    (tmp_path / "whole").write_bytes(bytes(content) + format_.tail(table.schema, notes))
    joined = pa.parquet.ParquetFile(tmp_path / "whole")
    assert joined.read().equals(table)
    assert joined.schema_arrow.metadata[b"of"] == b"the table"
    assert joined.metadata.num_row_groups == 20
    assert joined.metadata.row_group(19).column(0).statistics.min == 285
    assert pa.parquet.read_table(tmp_path / "whole", filters=[("id", ">=", 290)])["id"].to_pylist() == list(
        range(290, 300)
    )


@pytest.mark.parametrize("codec", ["none", "snappy", "zstd"])
def test_a_footer_is_written_as_it_was_read(tmp_path, codec):
    table = pa.table({f"column {index}": [index, None] for index in range(40)})
    pa.parquet.write_table(table, tmp_path / "t", compression=codec, write_page_index=True)
    data = (tmp_path / "t").read_bytes()
    footer = data[-8 - int.from_bytes(data[-8:-4], "little") : -8]
    from_scratch = read_footer(footer)
    assert from_scratch[3][1] == 2
    assert len(from_scratch[4][1][1]) == 1


def test_a_parquet_file_is_cut_between_row_groups(tmp_path):
    pa.parquet.write_table(pa.table({"n": range(100)}), tmp_path / "t.parquet", row_group_size=10)
    cut = [part.bounds for part in ParquetTable().slices(str(tmp_path / "t.parquet"), {}, rows=35)]
    assert cut == [(0, 3), (3, 6), (6, 9), (9, 10)]


def test_values_of_one_key_share_a_type(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1, "when": "2024-01-01"}\n{"a": 2.5, "b": true}\n{"b": null}\n')
    table = pa.Table.from_batches(JsonlTable().read(path, {}))
    assert {field.name: str(field.type) for field in table.schema} == {"a": "double", "when": "string", "b": "bool"}
    path.write_text('{"a": 1}\n{"a": "x"}\n')
    with pytest.raises(DataError, match="values of several kinds under one key"):
        list(JsonlTable().read(path, {}))
    path.write_text('{"a": 1}\n{"a": \n')
    with pytest.raises(DataError, match=r"t\.jsonl:2: the line is no JSON object"):
        list(JsonlTable().read(path, {}))


@pytest.fixture
def database(tmp_path):
    with sqlite3.connect(tmp_path / "t.db") as connection:
        connection.execute("CREATE TABLE keyed (code TEXT PRIMARY KEY, n REAL)")
        connection.execute("CREATE TABLE pair (a INTEGER, b INTEGER, PRIMARY KEY (a, b))")
        rows = [(f"k{index:03}", index / 2) for index in range(100)]
        random.Random(0).shuffle(rows)
        connection.executemany("INSERT INTO keyed VALUES (?, ?)", rows)
        connection.execute("INSERT INTO pair VALUES (2, 1), (1, 2)")
    connection.close()
    return f"sqlite:///{tmp_path / 't.db'}"


def test_a_table_is_read_in_the_order_of_its_key(database):
    table, place = SqlTable(), f"{database}?table=keyed"
    kept = table.schema(place, {}, ("code",))
    cut = list(table.slices(place, {}, rows=30))
    read = [
        code
        for part in cut
        for piece in table.read_slice(place, part, {}, fields=(), kept=kept)
        for code in piece.kept.column("code").to_pylist()
    ]
    assert read == [f"k{index:03}" for index in range(100)]
    assert [part.bounds for part in cut] == [(None, "k029"), ("k029", "k059"), ("k059", "k089"), ("k089", None)]


@pytest.mark.parametrize(
    ("place", "kind", "match"),
    [
        ("?table=absent", DataError, "has no table 'absent'; it has: keyed, pair"),
        ("", DataError, r"has several tables \(keyed, pair\); name one with table="),
        ("?table=pair", DataError, "no primary key of one column"),
        ("?table=keyed&order=nothing", DataError, "no column 'nothing' to order by"),
    ],
)
def test_what_cannot_be_read_from_a_database_is_said(database, place, kind, match):
    with pytest.raises(kind, match=match):
        list(SqlTable().slices(f"{database}{place}", {}, rows=10))


def test_a_table_with_a_wider_key_is_read_by_a_column_that_is_named(database):
    table, place = SqlTable(), f"{database}?table=pair&order=b"
    (part,) = table.slices(place, {}, rows=10)
    (piece,) = table.read_slice(place, part, {}, fields=(), kept=table.schema(place, {}, ("a",)))
    assert piece.kept.column("a").to_pylist() == [2, 1]


def test_a_driver_that_is_not_installed_is_named():
    with pytest.raises(MissingExtraError, match="pip install"):
        SqlTable().names("oracle+oracledb://host/db?table=t", {})


def test_a_password_is_not_repeated_in_an_error():
    with pytest.raises(Exception, match="no database that SQLAlchemy knows") as caught:
        SqlTable().names("nosuch://me:secret@host/db?table=t", {})
    assert "secret" not in str(caught.value)
